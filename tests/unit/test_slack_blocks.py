"""Messages stay within Slack's limits, whatever is in them, and nothing from outside formats itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs import error_codec as failures
from bot.jobs.facts import JobFacts, Probe, Summary
from bot.jobs.model import Job, JobId, JobState, Options, Request, Source, SourceKind
from bot.jobs.processes import ChildCrashed
from bot.slack import blocks, errors
from bot.slack import views as home
from bot.slack.blocks import Message
from bot.texts import slack as texts
from bot.texts.mrkdwn import escape
from playground.blocks import check_blocks, check_view
from tracking.errors import SourceRefusal, SourceRefused, TrackletError
from tracking.model import Segment

Json = dict[str, Any]

WORKSPACE = "https://acme.slack.com/"


def job(name: str = "clip.mp4", *, options: Options | None = None, thread_ts: str = "", facts: JobFacts | None = None) -> Job:
    source = Source(SourceKind.LINK, "https://example.org/clip.mp4?signature=secret", name)
    request = Request(source, "T1", "C1", "U1", thread_ts, options or Options())
    return Job(JobId("link:T1:C1:1.2:abc:1"), 7, request, JobState.TRACKING, 1, "1.2", facts or JobFacts(), None, "", 1.0, 2.0)


def summary(count: int, label: str = "person", *, near: int = 0, left_out: int = 0, entity_id: str = "/m/01g317") -> Summary:
    row = {"label": label, "confidence": 0.914, "start_s": 3.2, "end_s": 70.9, "frames": 12, "entity_id": entity_id}
    data = {
        "objects": [row | {"number": number + 1} for number in range(count)],
        "near_misses": [row | {"number": 0}] * min(near, 8),
        "near_miss_count": near,
        "pages": [],
        "left_out": left_out,
    }
    return Summary.from_json(data)


def checked(message: Message) -> str:
    """All of a message as text, once the playground's rules hold."""
    shown = json.loads(json.dumps(list(message.blocks)))
    assert check_blocks(shown, surface="message", picture_problem=lambda _: "") == []
    assert message.text
    return json.dumps(shown, ensure_ascii=False)


def test_what_a_failure_quotes_pings_nobody() -> None:
    refused = SourceRefused("http://10.0.0.7/<!channel>.mp4", SourceRefusal.ADDRESS)
    shown = checked(blocks.failed(job(), texts.sentence(refused, number=7), can_retry=True))
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt;.mp4" in shown


def test_a_long_label_is_not_cut_within_an_entity_and_two_hundred_fit() -> None:
    found = summary(200, "a" + "&" * 300, near=8)
    listed = blocks.object_list(job(), found, next_first=11, next_page=2)
    said = blocks.finished(job(), JobFacts(summary=found, probed=PROBED, earlier="", took_s=12), earlier_link="")
    for message in (listed, said):
        shown = checked(message)
        assert shown.count("&") == shown.count("&amp;")
        assert len(shown) < 13_200  # about where Slack answers msg_blocks_too_long


def test_objects_beyond_the_most_that_are_shown_are_told_below_the_list() -> None:
    shown = checked(blocks.object_list(job(), summary(30, left_out=59_000), next_first=11, next_page=2))
    assert "59,000 more objects pass" in shown


def test_labels_that_no_font_can_write_are_told_below_the_list() -> None:
    found = summary(2).model_copy(update={"unwritten": ("自転車", "<b> & co")})
    shown = checked(blocks.object_list(job(), found, next_first=3, next_page=2))
    assert "I have no font for all of 自転車 and &lt;b&gt; &amp; co; the pictures show … instead" in shown
    assert "no font" not in checked(blocks.object_list(job(), summary(2), next_first=3, next_page=2))


PROBED = Probe(width=64, height=48, duration_s=2.0, engine="yolox", why="model", model="yolox_tiny.onnx")


@given(name=st.text(max_size=300), label=st.text(min_size=1, max_size=300), count=st.integers(0, 60), near=st.integers(0, 12))
def test_every_message_keeps_to_slacks_limits(name: str, label: str, count: int, near: int) -> None:
    options = Options(segment=Segment(1, 2), labels=(label[:40],) * 20)
    found = summary(count, label, near=near)
    facts = JobFacts(summary=found, probed=PROBED, earlier="")
    for thread_ts in ("", "1.1"):
        one = job(name, options=options, thread_ts=thread_ts)
        checked(blocks.progress(one, JobState.TRACKING, fraction=0.4, left_s=75))
        checked(blocks.finished(one, facts, earlier_link=""))
        checked(blocks.failed(one, "It failed.", can_retry=True))
        checked(blocks.stopped(one))
        if count:
            checked(blocks.object_list(one, found, next_first=11, next_page=2))


def test_a_name_from_outside_is_neither_mention_nor_link_nor_formatting() -> None:
    shown = checked(
        blocks.progress(job("<!channel> *x* <https://evil.org|click>.mp4"), JobState.FETCHING, fraction=0, left_s=None)
    )
    assert "<!channel>" not in shown
    assert "<https" not in shown


def test_a_signed_link_is_never_shown() -> None:
    for message in (
        blocks.progress(job(), JobState.FETCHING, fraction=0.1, left_s=None),
        blocks.failed(job(), "It failed.", can_retry=True),
        blocks.status([job()], now=2.0, workspace_url=WORKSPACE),
    ):
        assert "signature" not in checked(message)


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (Source(SourceKind.LINK, "https://www.youtube.com/watch?v=secret", "watch"), "watch (youtube.com)"),
        (Source(SourceKind.LINK, "https://example.org/a.mp4?signature=secret", "a.mp4"), "a.mp4"),
        (Source(SourceKind.LINK, "https://user:pass@[::1]:80/download", "download"), "download (::1)"),
        (Source(SourceKind.OBJECT, "gs://bucket/clip", "clip"), "clip"),
        (Source(SourceKind.SLACK_FILE, "F1", "holiday"), "holiday"),
    ],
)
def test_a_link_that_names_no_file_is_called_by_its_host_too(source: Source, title: str) -> None:
    assert blocks.title_of(source) == title


def finished(found: Summary, *, options: Options | None = None, probed: Probe | None = None, earlier: str = "") -> Message:
    facts = JobFacts(summary=found, probed=probed or PROBED, earlier=earlier, took_s=26)
    return blocks.finished(job(options=options, thread_ts="1.1"), facts, earlier_link="")


def of_labels(*labels: str, **more: Any) -> Summary:
    row = {"confidence": 0.9, "start_s": 0.0, "end_s": 2.5, "frames": 25}
    objects = [row | {"number": number, "label": label} for number, label in enumerate(labels, start=1)]
    return Summary.from_json({"objects": objects, "labels": sorted(set(labels)), "step_s": 0.1} | more)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["bicycle", "bicycle", "person", "person"], "I found 4 objects in *clip.mp4*: 2 bicycles, 2 people."),
        (["moving object"] * 12, "I found 12 moving objects in *clip.mp4*."),
        (["refrigerator"], "I found 1 refrigerator in *clip.mp4*."),
    ],
)
def test_what_was_found_is_counted_as_people_count(labels: list[str], said: str) -> None:
    assert finished(of_labels(*labels)).text == said


def test_an_empty_clip_is_told_in_one_line() -> None:
    told = finished(of_labels())
    assert told.text == "No objects found in *clip.mp4*."
    assert len(told.blocks) == 1
    assert finished(of_labels(), options=Options(segment=Segment(10, 30))).text == (
        "No objects found in *clip.mp4* (from 0:10 to 0:30)."
    )


def test_an_empty_clip_without_a_detector_says_so() -> None:
    shown = checked(finished(of_labels(), probed=PROBED.model_copy(update={"engine": "motion", "why": "no-model"})))
    assert "26 s · No detector installed, so I followed anything that moved; I can't name it." in shown


def test_the_same_video_without_objects_speaks_of_no_pictures() -> None:
    assert "Same video, same settings as before." in checked(finished(of_labels(), earlier="x"))
    assert "as before, so these are the same pictures." in checked(finished(of_labels("car"), earlier="x"))


def test_the_last_sentence_keeps_the_words_of_the_request() -> None:
    options = Options(min_confidence=0.3, labels=("car",))
    assert finished(of_labels("car"), options=options).text == "I found 1 car in *clip.mp4* (only car, above 30%)."


def test_a_class_that_is_not_there_is_told_with_those_that_are() -> None:
    there = {"labels": ["bicycle", "person", "car"]}
    none = finished(of_labels(**there), options=Options(labels=("vehicles",)))
    assert none.text == "There is no “vehicles” in *clip.mp4*. There are: bicycle, person, car."
    both = finished(of_labels("car", **there), options=Options(labels=("car", "<!channel>")))
    assert both.text.endswith("There is no “&lt;!channel&gt;” here.")


NEAR = {"label": "horse", "count": 3, "brief": 3, "unsure": 0, "confidence": 0.76, "frames": 9}


def test_what_nearly_passed_is_told_with_the_limits_and_can_be_shown() -> None:
    told = finished(of_labels(near_miss_count=3, near_kinds=[NEAR], labels=["horse"]))
    assert told.text == "No object in *clip.mp4* passed the limits (70%, 1 s). Close: 3 horses (up to 76%, 0.9 s)."
    assert "Show these too" in checked(told)


def test_what_of_the_video_could_not_be_used_is_said_in_slack_too() -> None:
    reported = [{"code": 15, "message": "decoded 2.9 s of 5.0 s", "fault": "CUT_SHORT", "start_s": 2.9, "end_s": 5.0}]
    for found in (of_labels(reported=reported), of_labels("car", reported=reported)):
        assert "The file is damaged: it ends at 0:02, and should go on to 0:05. What is there was used." in checked(
            finished(found)
        )


def test_the_engine_is_told_as_people_call_it() -> None:
    assert "26 s · YOLOX tiny, on our server" in checked(finished(of_labels("car")))


def listed(found: Summary, *, options: Options | None = None) -> str:
    return checked(blocks.object_list(job(options=options), found, next_first=0, next_page=0))


def test_a_list_names_its_video_and_keeps_its_thresholds() -> None:
    shown = listed(of_labels("car", near_miss_count=3, near_kinds=[NEAR]), options=Options(min_confidence=0.3))
    assert "*clip.mp4* (above 30%)\\n`1` *car* 90% · 0:00.0–0:02.5" in shown
    assert "Limits: 30%, 1 s. Not shown: 3 horses seen for less than a second." in shown


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([("car", 0, 2), ("car", 2, 4), ("car", 3, 5), ("horse", 0, 9)], "Most at once: 2 cars."),
        ([("car", 0, 2), ("car", 1, 4)], ""),
        ([("car", 1, 1), ("car", 1, 1)], ""),
        ([("car", 1, 1), ("car", 2, 2)], "Most at once: 1 car."),
        (
            [("person", 0, 3), ("person", 1, 4), ("person", 5, 6), ("dog", 0, 1), ("dog", 2, 3)],
            "Most at once: 2 people and 1 dog.",
        ),
        ([("moving object", 0, 2), ("moving object", 4, 6)], "Most at once: 1 moving object."),
    ],
)
def test_a_list_says_how_many_are_seen_at_once_where_that_are_fewer(spans: list[tuple[str, float, float]], said: str) -> None:
    rows = [
        {"number": place + 1, "label": label, "confidence": 0.9, "start_s": start, "end_s": end, "frames": 10}
        for place, (label, start, end) in enumerate(spans)
    ]
    shown = listed(Summary.from_json({"objects": rows, "pages": []}))
    assert ("Most at once" in shown) is bool(said)
    assert f"*clip.mp4*\\n{said}" in shown


def test_the_list_of_a_further_page_keeps_to_slacks_limit() -> None:
    rows = summary(24, "a" + "&" * 300).objects
    said = blocks.page_list(job("&" * 300), rows)
    assert len(said) <= blocks.TEXT_LETTERS
    assert said.count("&") == said.count("&amp;")
    assert blocks.page_list(job(), []) == ""


def test_what_was_followed_by_its_motion_has_no_percentage() -> None:
    shown = listed(of_labels("moving object"))
    assert "`1` *moving object* · 0:00.0–0:02.5" in shown
    assert "Limits: 1 s." in shown
    assert "%" not in shown
    row = of_labels("moving object").objects[0]
    assert texts.animation_title(row) == "1 moving object · 0:00–0:02"
    assert "%" not in texts.summary_alt("clip.mp4", [row])


def test_of_many_jobs_those_that_run_come_first_with_time_and_thread() -> None:
    over = replace(job(thread_ts="1.5"), state=JobState.DONE, number=9)
    message = blocks.status([over, *[job()] * 40], now=601.0, workspace_url=WORKSPACE)
    shown = checked(message)
    assert shown.index("tracking") < len(shown) // 2
    assert "`7` *clip.mp4* · tracking · 10 min ago · <#C1> · <https://acme.slack.com/archives/C1/p12|thread>" in shown
    assert "… and 11 earlier" in shown


def test_a_list_of_jobs_says_what_was_asked_of_each() -> None:
    asked = [Options(make=("video",)), Options(labels=("<!here>", "heron" * 40))]
    shown = checked(blocks.status([job(options=each) for each in asked], now=601.0, workspace_url=WORKSPACE))
    assert "`7` *clip.mp4* (make video) · tracking" in shown
    assert "&lt;!here&gt;" in shown
    assert "heron" * 40 not in shown


def test_each_object_has_its_number_label_confidence_and_time_and_leads_nowhere() -> None:
    shown = checked(blocks.object_list(job(), summary(1), next_first=0, next_page=0))
    assert "`1` *person* 91% · 0:03–1:10" in shown
    assert "http" not in shown


def test_what_is_known_of_an_entity_stands_behind_its_label_and_formats_nothing() -> None:
    known = {"/m/01g317": "<!channel> *Human*"}
    shown = checked(blocks.object_list(job(), summary(1), next_first=0, next_page=0, descriptions=known))
    assert "0:03–1:10 · <https://www.google.com/search?kgmid=%2Fm%2F01g317|&lt;!channel&gt;" in shown
    assert "<!channel>" not in shown


@pytest.mark.parametrize("entity_id", ["", "javascript:alert(1)", "/m/0|x>"])
def test_a_description_without_an_entity_has_no_link(entity_id: str) -> None:
    found, known = summary(1, entity_id=entity_id), {entity_id: "Human"}
    shown = checked(blocks.object_list(job(), found, next_first=0, next_page=0, descriptions=known))
    assert '`1` *person* 91% · 0:03–1:10 · Human"' in shown


def test_the_progress_message_says_stage_percent_and_time_left() -> None:
    shown = checked(blocks.progress(job(), JobState.TRACKING, fraction=0.456, left_s=95))
    assert "<@U1> asked me to track *clip.mp4*" in shown
    assert "Following every object · 46%" in shown
    assert "about 1 min 35 s left" in shown
    assert "tracklet_cancel" in shown


@pytest.mark.parametrize(("fraction", "cells"), [(0, 0), (0.5, 8), (1, 16), (7, 16)])
def test_the_bar_is_as_full_as_the_work(fraction: float, cells: int) -> None:
    assert blocks.bar(fraction).count("▰") == cells


@given(st.text(max_size=200))
def test_escaped_text_holds_no_markup(text: str) -> None:
    shown = escape(text)
    assert "<" not in shown
    assert ">" not in shown


def test_home_and_form_are_what_slack_accepts() -> None:
    done = job(facts=JobFacts(summary=summary(3)))
    homes = [home.home(jobs, now=2.0, workspace_url=WORKSPACE) for jobs in ([job(), done], [], [job("x" * 300)] * 100)]
    for view in (*homes, home.modal(), home.modal(channel="C0WILDLIFE1")):
        assert check_view(json.loads(json.dumps(view)), picture_problem=lambda _: "") == []


def all_errors(kind: type[TrackletError]) -> list[type[TrackletError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in all_errors(child))]


@pytest.mark.parametrize("kind", [each for each in all_errors(TrackletError) if each.__module__.startswith("bot.")])
def test_each_error_of_the_bot_has_a_sentence_without_its_class_name(kind: type[TrackletError]) -> None:
    error = failures.from_json({"kind": kind.__name__, "facts": dict.fromkeys(getattr(kind, "__annotations__", {}), "x")})
    said = texts.sentence(error, number=7)
    assert said.endswith(".")
    assert kind.__name__ not in said


FILE_REASONS = ("gone", "elsewhere", "external", "hidden", "not-a-video")
PASSING_FILE_REASONS = ("missing", "unready", "sign-in", "cut-short", "unreachable")


def test_each_reason_why_a_file_cannot_be_used_has_its_own_sentence() -> None:
    reasons = (*FILE_REASONS, *PASSING_FILE_REASONS)
    said = [texts.file_not_shared(errors.FileNotShared("F1", each)) for each in reasons]
    assert len(set(said)) == len(reasons)
    assert all(each.endswith(".") for each in said)
    assert [each for each in reasons if errors.FileNotShared("F1", each).may_pass] == list(PASSING_FILE_REASONS)


@pytest.mark.parametrize(
    "reason",
    [*texts.REFUSALS, *texts.FILE_REFUSALS, *sorted(texts.TOKEN_REFUSED), "missing_scope", "a_new_reason", "<!channel>"],
)
def test_each_refusal_of_slacks_is_told_in_words(reason: str) -> None:
    said = texts.refused(errors.SlackRefused("chat.postMessage", reason), channel="C1")
    assert said.endswith(".")
    assert "<!channel>" not in said
    known = reason in {*texts.REFUSALS, *texts.FILE_REFUSALS, *texts.TOKEN_REFUSED}
    assert (reason not in said) if known else said


def test_errors_come_back_from_the_database_with_their_facts() -> None:
    error = failures.from_json(failures.to_json(errors.FileNotShared("F1", "gone")))
    assert isinstance(error, errors.FileNotShared)
    assert (error.file_id, error.reason) == ("F1", "gone")
    assert isinstance(failures.from_json({"kind": "os.system", "facts": {}}), failures.Unforeseen)
    assert failures.to_json(RuntimeError("a secret")) == failures.UNFORESEEN


def test_a_crash_names_the_job_and_nothing_else() -> None:
    said = texts.sentence(ChildCrashed("track", -9), number=7)
    assert "job 7" in said
    assert "-9" not in said


@pytest.mark.parametrize(
    ("make", "posted", "said"),
    [
        (("crops",), ["crops"], "Made of *clip.mp4*: cut-outs."),
        (("crops",), [], "There is nothing in *clip.mp4* to make cut-outs of."),
        (
            ("crops", "<!channel>"),
            ["crops"],
            "Made of *clip.mp4*: cut-outs. I can't make &lt;!channel&gt; any more, so that is left out.",
        ),
        (("hologram",), [], "I can't make hologram any more, so that is left out."),
    ],
)
def test_the_last_word_of_further_pictures_says_which_there_are(make: tuple[str, ...], posted: list[str], said: str) -> None:
    message = blocks.made(job(options=Options(make=make)), posted)
    checked(message)
    assert message.text == said


@pytest.mark.parametrize("objects", [0, 3])
def test_damage_and_what_was_left_out_is_said_where_the_job_ends(objects: int) -> None:
    troubles = [
        {"code": 15, "message": "", "fault": "CUT_SHORT", "start_s": 12.4, "end_s": 60.0},
        {"code": 15, "message": "", "fault": "PICTURES_LOST", "start_s": 2.0, "end_s": 3.0, "pictures": 25},
        {"code": 15, "message": "", "fault": "REST_UNREAD", "start_s": 61.0, "end_s": 61.0},
        {"code": 9, "message": "", "fault": "CAMERA_MOVES", "start_s": 3.0, "end_s": 5.0},
        {"code": 9, "message": "", "fault": "CAMERA_MOVES", "start_s": 7.0, "end_s": 9.0},
        {"fault": "REPORTED", "code": 13, "message": "<!channel> broke."},
        {"code": 2, "message": "", "fault": "UNHEARD_OF"},
    ]
    found = Summary.from_json(summary(objects).to_json() | {"problems": len(troubles), "reported": troubles})
    message = blocks.finished(job(), JobFacts(summary=found, probed=PROBED, earlier=""), earlier_link="")
    shown = checked(message)
    for said in (
        "it ends at 0:12, and should go on to 1:00",
        "25 pictures between 0:02 and 0:03 could not be read and were left out",
        "only the first can be read, up to 1:01",
        "The camera moves at 0:03–0:05 and 0:07–0:09; these were left out",
        "&lt;!channel&gt; broke.",
    ):
        assert shown.count(said) == 1
        assert message.text.count(said) == 1  # for notifications, and for those who listen
    assert "broke.." not in shown
