"""What people type, and what is understood of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.model import Options, Request, Source, SourceKind
from bot.requests.errors import CommandError, ParseErrorKind
from bot.requests.grammar import (
    TO_THE_END_S,
    Auto,
    Cancel,
    Help,
    Status,
    Tone,
    Track,
    Unwatch,
    WatchBucket,
    Watches,
    hear,
    parse_command,
    parse_options,
    take_name,
)
from bot.requests.links import looks_like_video, message_of, source_of, split_links
from bot.slack.messages import is_video_file, kept_message, message_key, read_message
from bot.slack.views import read_modal
from bot.texts.slack import misunderstood, options_in_words
from tracking.engines.base import EngineName
from tracking.model import Segment

LINK = "https://example.org/a/clip.mp4"
BOT = "U0BOT"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", Options()),
        ("from 0:10 to 0:30", Options(segment=Segment(10, 30))),
        ("0:10-0:30", Options(segment=Segment(10, 30))),
        ("0:10 – 1:02:03", Options(segment=Segment(10, 3723))),
        ("between 5s and 8s", Options(segment=Segment(5, 8))),
        ("from 1 min to 2 min", Options(segment=Segment(60, 120))),
        ("from 0:10", Options(segment=Segment(10, TO_THE_END_S))),
        ("until 1:00", Options(segment=Segment(0, 60))),
        ("only person, car", Options(labels=("person", "car"))),
        ("only people and cars", Options(labels=("person", "car"))),
        ("just traffic lights", Options(labels=("traffic light",))),
        ("only Person; above 60%", Options(labels=("person",), min_confidence=0.6)),
        ("only bus with motion", Options(labels=("bus",), engine=EngineName.MOTION)),
        ("only glasses", Options(labels=("glasses",))),
        ("above 60%", Options(min_confidence=0.6)),
        ("over 60 percent", Options(min_confidence=0.6)),
        ("at least 60%, at least 5 frames", Options(min_confidence=0.6, min_frames=5)),
        ("confidence 0.55", Options(min_confidence=0.55)),
        (">= 50%", Options(min_confidence=0.5)),
        ("min 3 frames", Options(min_frames=3)),
        ("with yolox", Options(engine=EngineName.YOLOX)),
        ("only person please", Options(labels=("person",))),
        ("only the cars in this video, thanks!", Options(labels=("car",))),
        ("just people :pray: 🙏🏽 <@U123|kim>", Options(labels=("person",))),
        ("only moving objects?", Options(labels=("moving object",))),
        ("only persons > 55%", Options(labels=("person",), min_confidence=0.55)),
        ("please track it – only cars (above 60%)!", Options(labels=("car",), min_confidence=0.6)),
        ("just have a look at this one", Options()),
        ("using the google engine", Options(engine=EngineName.GOOGLE)),
        (
            "from 0:10 to 0:30, only person and dog, above 60%, at least 5 frames, with motion, please",
            Options(EngineName.MOTION, Segment(10, 30), 0.6, 5, ("person", "dog")),
        ),
    ],
)
def test_options_are_understood_in_words(text: str, options: Options) -> None:
    assert parse_options(text) == options


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", None),
        ("sideways", ParseErrorKind.UNKNOWN),
        ("above 60% above 70%", ParseErrorKind.TWICE),
        ("from 0:30 to 0:10", ParseErrorKind.TIME_ORDER),
        ("above 160%", ParseErrorKind.PERCENT),
        ("at least 0 frames", ParseErrorKind.FRAMES),
        ("with magic", ParseErrorKind.ENGINE),
        ("only <script>", ParseErrorKind.LABELS),
        ("only " + ", ".join(f"thing{n}" for n in range(30)), ParseErrorKind.LABELS),
        ("only person " * 60, ParseErrorKind.TOO_LONG),
    ],
)
def test_what_is_not_understood_is_named(text: str, what: ParseErrorKind | None) -> None:
    if what is None:
        assert parse_options(text) == Options()
        return
    with pytest.raises(CommandError) as caught:
        parse_options(text)
    assert caught.value.what is what
    assert misunderstood(caught.value).endswith(".")


NAMES = st.text(st.sampled_from("fox über.MOV 12:00 only (1)-_é"), min_size=1, max_size=20).map(lambda stem: f"{stem}.mp4")


@given(
    name=NAMES,
    before=st.sampled_from(["", "track ", "“", "only cars, "]),
    after=st.sampled_from(["", "” above 60%", ", please"]),
)
def test_a_name_is_taken_out_of_what_stands_around_it(name: str, before: str, after: str) -> None:
    taken = take_name(before + name.upper() + after, [name])
    assert taken is not None
    assert (taken[0], "".join(taken[1].split())) == (name, "".join(f"{before},{after}".split()))


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("my fox.mp4 only cars", ("fox.mp4", "my  ,  only cars")),
        ("FOX.mp4 and night fox.mp4", ("night fox.mp4", "FOX.mp4 and  , ")),
        ("cafe\u0301.mp4", ("café.mp4", " , ")),
        ("Tom & Jerry.mp4", ("Tom &amp; Jerry.mp4", " , ")),
        ("firefox.mp4", None),
        ("fox.mp42", None),
        ("", None),
    ],
)
def test_the_longest_name_counts_and_a_part_of_a_word_is_none(said: str, taken: tuple[str, str] | None) -> None:
    assert take_name(said, ["fox.mp4", "night fox.mp4", "café.mp4", "Tom &amp; Jerry.mp4", ""]) == taken


@pytest.mark.parametrize(
    ("text", "links", "rest"),
    [
        ("<http://fox.mov|fox.mov> only cars", [], "fox.mov only cars"),
        ("<http://night.fox.mov/|night.fox.mov>", [], "night.fox.mov"),
        ("<http://fox.mov/clips/1|fox.mov/clips/1>", ["http://fox.mov/clips/1"], ""),
        ("<https://fox.example|fox.example>", ["https://fox.example"], ""),
    ],
)
def test_a_name_of_which_slack_made_a_link_stays_a_name(text: str, links: list[str], rest: str) -> None:
    assert split_links(text) == (links, rest)


@given(st.text(max_size=400))
def test_any_text_is_understood_or_named(text: str) -> None:
    try:
        parse_command(text)
    except CommandError as caught:
        said = misunderstood(caught)
    else:
        said = "understood"
    assert said


times = st.integers(0, 5999)


@given(
    segment=st.none() | st.tuples(times, times).filter(lambda pair: pair[0] < pair[1]),
    labels=st.lists(st.sampled_from(["person", "car", "traffic light", "dog"]), unique=True, max_size=3),
    share=st.integers(1, 100),
    frames=st.integers(1, 500),
    engine=st.none() | st.sampled_from(list(EngineName)),
)
def test_options_said_in_words_are_understood_as_they_were(
    segment: tuple[int, int] | None, labels: list[str], share: int, frames: int, engine: EngineName | None
) -> None:
    options = Options(
        engine=engine,
        segment=Segment(*map(float, segment)) if segment else None,
        min_confidence=share / 100,
        min_frames=frames,
        labels=tuple(labels),
    )
    assert parse_options(options_in_words(options)) == options


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("from 0:10", "from 0:10"),
        ("until 0:30.5", "from 0:00 to 0:30.5"),
        ("between 4 and 6 seconds", "from 0:04 to 0:06"),
    ],
)
def test_a_part_of_a_video_is_told_as_it_was_asked_for(asked: str, said: str) -> None:
    options = parse_options(asked)
    assert options_in_words(options) == said
    assert parse_options(said) == options


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("help", Help()),
        ("?", Help()),
        ("status", Status()),
        ("What’s the status?", Status()),
        ("hey, are you done yet?", Status()),
        ("/track status", Status()),
        ("cancel", Cancel(None)),
        ("cancel all", Cancel(None, every=True)),
        ("Stop ALL", Cancel(None, every=True)),
        ("cancel #12", Cancel(12)),
        ("stop 12", Cancel(12)),
        ("please cancel job 12!", Cancel(12)),
        ("stop everything please", Cancel(None, every=True)),
        ("Hello!", Help()),
        ("how does this work?", Help()),
        ("clip.mp4 only dogs", Track(None, Options(labels=("dog",)), "clip.mp4", "clip.mp4 only dogs")),
        ("“My-Clip.MOV”", Track(None, Options(), "My-Clip.MOV", "“My-Clip.MOV”")),
        ("owl 1.mp4", Track(None, Options(), "owl 1.mp4", "owl 1.mp4")),
        ("big one.mp4", Track(None, Options(), "big one.mp4", "big one.mp4")),
        ("fox above 600% at night.mp4", Track(None, Options(), "night.mp4", "fox above 600% at night.mp4")),
        ("auto on", Auto(True)),
        ("AUTO OFF", Auto(False)),
        ("", Track(None, Options())),
        (f"<{LINK}|clip> only dog", Track(Source(SourceKind.LINK, LINK, "clip.mp4"), Options(labels=("dog",)))),
        (f"only dog {LINK}", Track(Source(SourceKind.LINK, LINK, "clip.mp4"), Options(labels=("dog",)))),
        (f"{LINK} {LINK}", Track(Source(SourceKind.LINK, LINK, "clip.mp4"), Options())),
    ],
)
def test_commands(text: str, command: object) -> None:
    assert parse_command(text) == command


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("cancel tomorrow", ParseErrorKind.CANCEL),
        ("stop sign", ParseErrorKind.CANCEL),
        ("auto maybe", ParseErrorKind.AUTO),
        ("helpme", ParseErrorKind.UNKNOWN),
        ("thanks a lot", ParseErrorKind.NO_LINK),
        ("something else entirely", ParseErrorKind.NO_LINK),
        (f"{LINK} https://example.org/b.mp4", ParseErrorKind.TWO_LINKS),
        (f"{LINK} and fox.mp4", ParseErrorKind.TWO_LINKS),
        ("<mailto:me@example.org|me>", ParseErrorKind.BAD_LINK),
        ("file:///etc/passwd", ParseErrorKind.NO_LINK),
        ("<ftp://example.org/a.mp4>", ParseErrorKind.BAD_LINK),
        ("gs://bucket/*.mp4", ParseErrorKind.WILDCARD),
        ("x" * 5000, ParseErrorKind.TOO_LONG),
    ],
)
def test_commands_that_are_none(text: str, what: ParseErrorKind) -> None:
    with pytest.raises(CommandError) as caught:
        parse_command(text)
    assert caught.value.what is what


@pytest.mark.parametrize(
    ("link", "kind", "ref"),
    [
        ("https://example.org/x.mp4?sig=1&b=2", SourceKind.LINK, "https://example.org/x.mp4?sig=1&b=2"),
        ("gs://videos/a/clip.mp4", SourceKind.OBJECT, "gs://videos/a/clip.mp4"),
        ("https://storage.googleapis.com/videos/a/clip.mp4", SourceKind.OBJECT, "gs://videos/a/clip.mp4"),
        ("https://storage.cloud.google.com/videos/a/clip.mp4", SourceKind.OBJECT, "gs://videos/a/clip.mp4"),
        ("https://videos.storage.googleapis.com/a/clip.mp4", SourceKind.OBJECT, "gs://videos/a/clip.mp4"),
        (
            "https://storage.googleapis.com/videos/a.mp4?X-Goog-Signature=1",
            SourceKind.LINK,
            "https://storage.googleapis.com/videos/a.mp4?X-Goog-Signature=1",
        ),
        ("https://team.slack.com/files/U12345/F0ABCDEF/clip.mp4", SourceKind.SLACK_FILE, "F0ABCDEF"),
        ("https://files.slack.com/files-pri/T012-F0ABCDEF/clip.mp4", SourceKind.SLACK_FILE, "F0ABCDEF"),
        ("https://slack.com.evil.org/files/U12345/F0ABCDEF/clip.mp4", SourceKind.LINK, None),
        ("https://evilslack.com/files/U12345/F0ABCDEF/clip.mp4", SourceKind.LINK, None),
    ],
)
def test_where_links_lead(link: str, kind: SourceKind, ref: str | None) -> None:
    source = source_of(link)
    assert (source.kind, source.ref) == (kind, ref or link)


def test_links_are_unescaped_and_counted_once() -> None:
    text = "see <https://e.org/a.mp4?x=1&amp;y=2|a> and https://e.org/b.mp4, &lt;not&gt; <https://e.org/a.mp4?x=1&amp;y=2>"
    links, rest = split_links(text)
    assert links[0] == "https://e.org/a.mp4?x=1&y=2"
    assert len(links) == 2
    assert "<not>" in rest


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("form", ["{}", "<{}>", "<{}|clip>"])
def test_a_query_is_kept_whoever_escaped_it(form: str, escaped: bool) -> None:
    link = "https://e.org/a.mp4?sig=1&region=us&copy=2&times=3&para=4&lt"
    assert split_links(form.format(link.replace("&", "&amp;") if escaped else link)) == ([link], "")


@pytest.mark.parametrize(
    ("link", "answer"),
    [
        ("https://e.org/a.mp4", True),
        ("https://e.org/a.MOV?x=1", True),
        ("gs://b/a.webm", True),
        ("gs://b/a.txt", False),
        ("https://e.org/a.html", False),
        ("https://www.youtube.com/watch?v=1", False),
        ("https://e.org/", False),
        ("https://e.org/stream", None),
        ("mailto:a@b.c", False),
    ],
)
def test_whether_a_link_looks_like_a_video(link: str, answer: bool | None) -> None:
    assert looks_like_video(link) is answer


@pytest.mark.parametrize(
    ("typed", "link", "rest"),
    [
        ("{}, only person", LINK, ", only person"),
        ("{}.", LINK, "."),
        ("({})", LINK, "( )"),
        ("({}).", LINK, "( )."),
        ("“{}”", LINK, "“ ”"),
        ("`{}`", LINK, "` `"),
        ("_{}_", LINK, "_ _"),
        ("*_{}_* now", LINK, "*_ _* now"),
        ("&lt;{}&gt; only car", LINK, "< > only car"),
        ("\u2060{}\u200b above 60%", LINK, "above 60%"),
        ("{}\ufeff", LINK, ""),
        ("动画：{}。", LINK, "动画： 。"),
        ("<{}|a, clip.>", LINK, ""),
        ("<{}”>", LINK, "”"),
        ("{}?a=(b)", f"{LINK}?a=(b)", ""),
        ("{}?v=1&amp;region=us&amp;copy=2!", f"{LINK}?v=1&region=us&copy=2", "!"),
        ("{}_", f"{LINK}_", ""),
        ("{}/", f"{LINK}/", ""),
        ("{}?region=us&copy=1", f"{LINK}?region=us&copy=1", ""),
        ("https://...", "https://...", ""),
        ("gs://bucket/*", "gs://bucket/*", ""),
    ],
)
def test_a_link_ends_where_its_writer_ends_it(typed: str, link: str, rest: str) -> None:
    assert split_links(typed.format(LINK) if "{" in typed else typed) == ([link], rest)


@given(st.text("ab(){}[]<>&;.,!?'\"“”`…_* |\u200b:/", max_size=60))
def test_whatever_stands_around_a_link_it_is_found(around: str) -> None:
    """Only what is neither a letter nor a mark of our own is put around it, so the link is as it was typed."""
    before = around.replace("<", " ").replace("|", " ")
    assert LINK in split_links(f"{before} {LINK} {around}")[0]


def test_what_is_typed_into_a_form_is_taken_as_it_was_typed() -> None:
    link = "https://e.org/a.mp4?sig=1&region=us&copy=2&amp;x=&times=3"
    values = {"link": {"link": {"value": f" {link}. "}}, "words": {"words": {"value": None}}}
    view = {"state": {"values": values | {"channel": {"channel": {"selected_conversation": "C1"}}}}}
    assert read_modal(view, slack_host="slack.com")[0].ref == link


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("https://acme.slack.com/archives/C0VIDEOS01/p1700000000000100", ("C0VIDEOS01", "1700000000.000100", "")),
        (
            "https://acme.slack.com/archives/C0VIDEOS01/p1700000000000100?thread_ts=1700000000.000001&cid=C0VIDEOS01",
            ("C0VIDEOS01", "1700000000.000100", "1700000000.000001"),
        ),
        ("https://acme.slack.com/archives/C0VIDEOS01", None),
        ("https://acme.slack.com/archives/C0VIDEOS01/p17", None),
        ("https://evilslack.com/archives/C0VIDEOS01/p1700000000000100", None),
        ("http://[", None),
    ],
)
def test_a_message_s_permalink_names_it(link: str, message: tuple[str, str, str] | None) -> None:
    assert message_of(link) == message


@pytest.mark.parametrize(
    ("text", "tone", "is_asking"),
    [
        ("", Tone.REQUEST, False),
        ("please track this", Tone.REQUEST, True),
        ("again", Tone.REQUEST, True),
        ("watch this clip", Tone.REQUEST, True),
        ("only person", Tone.REQUEST, True),
        ("hi there!", Tone.GREETING, False),
        ("thanks!", Tone.TALK, False),
        ("wow, nice", Tone.TALK, False),
        (":tada:", Tone.TALK, False),
        ("🎉🎉", Tone.TALK, False),
        ("good find!", Tone.TALK, False),
        ("you rock, +1", Tone.TALK, False),
        ("that is so cool, thank you all", Tone.TALK, False),
        ("the dog ran off", Tone.TALK, False),
        ("the dog was running beside a car", Tone.TALK, False),
        ("from yesterday", Tone.TALK, False),
        ("with friends", Tone.TALK, False),
        ("give me a csv", Tone.TALK, True),
        ("statsu", Tone.TALK, True),
    ],
)
def test_a_text_that_gives_no_order_asks_greets_or_talks(text: str, tone: Tone, is_asking: bool) -> None:
    heard = hear(text)
    assert (heard.order, heard.tone, heard.is_asking) == (None, tone, is_asking)


@pytest.mark.parametrize(
    ("text", "options", "problems"),
    [
        ("look only person from 0:00 to 0:01", Options(labels=("person",), segment=Segment(0, 1)), []),
        ("sideways, only person", Options(labels=("person",)), [("sideways", "")]),
        ("send me the third one", Options(), [("send me the third", "")]),
        ("above 60% abvoe", Options(min_confidence=0.6), [("abvoe", "above 60%")]),
        ("find the cars", Options(), [("cars", "only car")]),
        ("again with 50%, only dogs", Options(min_confidence=0.5, labels=("dog",)), []),
        ("abort", Options(), [("abort", "stop")]),
        ("nevermind", Options(), [("nevermind", "stop")]),
        ("turn auto off", Options(), [("turn auto", "auto off")]),
        ("use yolox", Options(), [("use yolox", "with yolox")]),
        ("only dogs with moton", Options(labels=("dog",)), [("moton", "with motion")]),
        ("only <script>", Options(), [("<script>", "")]),
    ],
)
def test_what_is_unknown_is_kept_beside_what_is_not(text: str, options: Options, problems: list[tuple[str, str]]) -> None:
    heard = hear(text)
    assert heard.options == options
    assert [(problem.words, problem.nearest) for problem in heard.problems] == problems


@given(st.text(max_size=300))
def test_a_mention_of_any_text_is_read(text: str) -> None:
    event = {"type": "message", "user": "U1", "channel": "C1", "ts": "1.2", "text": f"<@{BOT}> {text}"}
    read = read_message({"team_id": "T1", "event": event}, bot_user=BOT)
    assert read is not None
    assert read.is_mention


@pytest.mark.parametrize(
    ("text", "is_addressed"),
    [
        (f"<@{BOT}> sideways", True),
        (f"<@{BOT}|tracklet> sideways", True),
        (f"hey <@{BOT}> sideways", True),
        (f"please, <@U777>, <@{BOT}> sideways", True),
        (f"give us a csv <@{BOT}>", True),
        (f"stop <@{BOT}>!", True),
        (f"<@{BOT}> did you see the cars", True),
        (f"<@{BOT}> is great at finding cars", False),
        (f"<@{BOT}>'s boxes are off", False),
        (f"<@{BOT}>’s boxes are off", False),
        (f"<@{BOT}> did well on the cars", False),
        (f"I think <@{BOT}> did well on the cars, no?", False),
        (f"we should ask <@{BOT}>", False),
    ],
)
def test_a_text_may_speak_to_the_bot_or_of_it(text: str, is_addressed: bool) -> None:
    read = read_message(
        {"team_id": "T1", "event": {"type": "message", "user": "U1", "channel": "C1", "ts": "1.2", "text": text}}, bot_user=BOT
    )
    assert read is not None
    assert read.speech is not None
    assert read.speech.is_addressed is is_addressed


VIDEO = {"id": "F0CLIP", "name": "clip.mp4", "mimetype": "video/mp4"}
SHARE = {"type": "message", "subtype": "file_share", "user": "U1", "channel": "C1", "ts": "1.2", "files": [VIDEO]}
CHANGE = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1.4"}


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("an upload", SHARE),
        ("an upload in a thread", SHARE | {"thread_ts": "1.1"}),
        ("a stub", SHARE | {"files": [{"id": "F0STUB", "file_access": "check_file_info"}]}),
        ("a link", {"type": "message", "user": "U1", "channel": "C1", "ts": "1.2", "text": f"<{LINK}>"}),
        ("a mention", {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.2", "text": f"<@{BOT}>"}),
        (
            "a direct message",
            {"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "1.2", "text": "hi"},
        ),
        ("a broadcast reply", SHARE | {"subtype": "thread_broadcast"}),
        ("a forwarded video", SHARE | {"subtype": None, "files": None, "attachments": [{"is_share": True, "files": [VIDEO]}]}),
        (
            "a link in rich text alone",
            {"type": "message", "user": "U1", "channel": "C1", "ts": "1.2", "text": ""}
            | {"blocks": [{"type": "rich_text", "elements": [{"elements": [{"type": "link", "url": LINK}]}]}]},
        ),
        (
            "an edit that adds a link",
            CHANGE | {"message": SHARE | {"text": f"<{LINK}>", "edited": {"ts": "1.3"}}, "previous_message": SHARE},
        ),
        (
            "an edit that adds a mention",
            CHANGE | {"message": SHARE | {"text": f"<@{BOT}>", "edited": {"ts": "1.3"}}, "previous_message": SHARE},
        ),
    ],
)
def test_messages_that_concern_us(name: str, event: dict[str, Any]) -> None:
    read = read_message({"team_id": "T1", "event": event}, bot_user=BOT)
    assert read is not None, name
    assert read_message({"team_id": "T1", "event": kept_message(event)}, bot_user=BOT) == read, name


@pytest.mark.parametrize("event", [SHARE, {"type": "message", "text": 7, "files": {}, "blocks": 3, "attachments": [1, {}]}])
def test_what_is_kept_of_a_message_is_kept_the_second_time(event: dict[str, Any]) -> None:
    assert kept_message(kept_message(event)) == kept_message(event)


def test_the_events_of_one_message_have_one_key_and_each_edit_its_own() -> None:
    mention: dict[str, Any] = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.2", "text": f"<@{BOT}>"}
    edit: dict[str, Any] = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1.9"}
    edited = {"edited": {"user": "U1", "ts": "1.8"}}
    edit |= {"message": mention | edited | {"type": "message"}, "previous_message": mention | {"type": "message", "text": ""}}
    events = [mention, mention | {"type": "message"}, mention | edited, edit]
    read = [read_message({"team_id": "T1", "event": event}, bot_user=BOT) for event in events]
    assert [message_key(each) for each in read if each] == ["T1:C1:1.2", "T1:C1:1.2", "T1:C1:1.2:1.8", "T1:C1:1.2:1.8"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("nothing", {}),
        ("plain words", {"type": "message", "user": "U1", "channel": "C1", "ts": "1.2", "text": "hi"}),
        ("a change that nobody made", CHANGE | {"message": SHARE}),
        (
            "an edit of other words",
            CHANGE | {"message": SHARE | {"text": "a", "edited": {"ts": "1.3"}}, "previous_message": SHARE | {"text": "b"}},
        ),
        ("a program's edit", CHANGE | {"message": SHARE | {"bot_id": "B1", "text": f"<{LINK}>", "edited": {"ts": "1.3"}}}),
        ("an edit of nothing", CHANGE),
        ("a subtype of tomorrow", SHARE | {"subtype": "x"}),
        ("a deletion", {"type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "1.2"}),
        ("an edited message", SHARE | {"edited": {"user": "U1", "ts": "1.3"}}),
        ("another program", SHARE | {"bot_id": "B1"}),
        ("a program of the old kind", {**SHARE, "subtype": "bot_message"}),
        ("our own", SHARE | {"user": BOT}),
        ("Slackbot", SHARE | {"user": "USLACKBOT"}),
        ("a picture", SHARE | {"files": [{"id": "F0PIC", "name": "a.png", "mimetype": "image/png"}]}),
        ("a file with a strange id", SHARE | {"files": [VIDEO | {"id": "../etc"}]}),
        ("somebody joined", {"type": "message", "subtype": "channel_join", "user": "U1", "channel": "C1", "ts": "1.2"}),
        ("another event", {"type": "reaction_added", "user": "U1"}),
    ],
)
def test_messages_that_do_not_concern_us(name: str, event: dict[str, Any]) -> None:
    assert read_message({"team_id": "T1", "event": event}, bot_user=BOT) is None, name


@pytest.mark.parametrize(
    ("file", "is_video"),
    [
        ({"mimetype": "video/quicktime", "name": "a"}, True),
        ({"mimetype": "image/gif", "name": "a.mp4"}, False),
        ({"mimetype": "", "name": "a.MKV"}, True),
        ({"mimetype": "application/octet-stream", "name": "a.mov"}, True),
        ({"mimetype": "application/octet-stream", "name": "a.exe"}, False),
        ({}, False),
    ],
)
def test_which_files_are_videos(file: dict[str, Any], is_video: bool) -> None:
    assert is_video_file(file) is is_video


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("watch gs://bucket/park/", WatchBucket("gs://bucket/park/")),
        ("Watch gs://bucket", WatchBucket("gs://bucket")),
        ("watch <gs://bucket/park/a&amp;b|gs://bucket/park>", WatchBucket("gs://bucket/park/a&b")),
        ("unwatch gs://bucket/park/", Unwatch("gs://bucket/park/")),
        ("unwatch", Unwatch("")),
        ("watches", Watches()),
        ("watch", None),
        ("watch bucket", None),
        ("watch https://example.org/", None),
        ("watch gs://bucket gs://other", None),
        ("watch gs://bucket every day", None),
        ("unwatch everything", None),
    ],
)
def test_watches_are_understood_or_asked_for_again(text: str, command: WatchBucket | Unwatch | Watches | None) -> None:
    if command is not None:
        assert parse_command(text) == command
        return
    with pytest.raises(CommandError) as caught:
        parse_command(text)
    assert caught.value.what is ParseErrorKind.WATCH
    assert misunderstood(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("make crops", ("crops",)),
        ("Make: Crops, please", ("crops",)),
        ("only person, make crops and summary", ("crops",)),  # the summary always comes
        ("make crops above 50%", ("crops",)),
        ("make the paths and a video", ("trajectories", "video")),
        ("make a video", ("video",)),
        ("make cut-outs, Timelines and trajectory", ("crops", "timeline", "trajectories")),
        ("only person", ()),
    ],
)
def test_further_kinds_of_pictures_are_asked_for_by_their_keys_and_titles(text: str, make: tuple[str, ...]) -> None:
    command = parse_command(f"https://e.org/a.mp4 {text}")
    assert isinstance(command, Track)
    assert command.options.make == make
    request = Request(Source(SourceKind.LINK, "l"), options=command.options)
    assert Request.from_json(request.to_json()) == request


def test_what_is_no_kind_of_picture_is_not_made() -> None:
    with pytest.raises(CommandError) as caught:
        parse_command("https://e.org/a.mp4 make it quick")
    assert "make it quick" in caught.value.words
