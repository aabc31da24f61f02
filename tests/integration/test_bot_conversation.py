"""
What people say to the bot, and how Slack tells of it: one grammar everywhere, and one intent for each message.

The cases come from public reports about Slack apps; each test is one kind of them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from playground import BOT_USER, KIM, YOU, Message
from tests.integration.bot_workspace import CLIP, Workspace, eventually, workspace
from tracking.model import Segment

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOT = f"<@{BOT_USER}>"
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workspace]:
    async with workspace(Path(tmp_path_factory.mktemp("bot"))) as started:
        yield started


@pytest.fixture
def there(running: Workspace) -> Workspace:
    """The bot as it is when nothing special is asked of it."""
    for held in running.children.held.values():
        held.set()
    running.children.held.clear()
    running.children.errors.clear()
    running.slack.faults.clear()
    return running


def work_of(there: Workspace, since: int) -> list[str]:
    """What children were asked to do since then."""
    return [task for task, _ in there.children.asked[since:]]


def ephemerals(there: Workspace, since: int = 0) -> list[str]:
    """What was told to one person alone, as that person reads it."""
    return [each.text + json.dumps(each.blocks, ensure_ascii=False) for each in there.slack.ephemerals[since:]]


def found(there: Workspace, message: Message) -> list[Message]:
    """The answers with a result below a message."""
    return [each for each in there.replies(message) if each.text.startswith("I found")]


def labels_of(there: Workspace) -> tuple[str, ...]:
    """The classes that the last job was asked for."""
    asked = [arguments for task, arguments in there.children.asked if task == "summary"]
    return tuple(asked[-1]["selection"]["labels"])


def event_of(there: Workspace, message: Message, **changes: Any) -> Json:
    """The event by which Slack tells of a message."""
    shown = there.slack.workspace.message_json(message)
    return shown | {"channel": message.channel_id, "channel_type": "channel", "event_ts": message.ts} | changes


def mention_of(message: Message, **changes: Any) -> Json:
    """The app_mention beside it, which knows of no file."""
    event: Json = {"type": "app_mention", "user": message.user, "text": message.text, "ts": message.ts}
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return event | thread | {"channel": message.channel_id, "event_ts": message.ts} | changes


def file_event_of(message: Message) -> Json:
    file_id = message.files[0]["id"]
    event: Json = {"type": "file_shared", "file_id": file_id, "user_id": message.user, "channel_id": message.channel_id}
    return event | {"file": {"id": file_id}, "event_ts": message.ts}


async def quiet(there: Workspace) -> None:
    """Wait until all that was said has been worked on: a later message is answered, and no job runs."""
    await there.slack.settled()
    witness = await there.clip()
    await there.progress(witness, starts="I found")
    await there.job_over()


# ---- spoken to, it listens --------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def thread(running: Workspace) -> Message:
    """A video that was tracked."""
    message = await running.clip()
    await running.progress(message, starts="I found")
    return message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{BOT} help", "What I can do"),
        (f"{BOT} Help!", "What I can do"),
        (f"hey {BOT}, what can you do?", "What I can do"),
        (f"{BOT} ?", "What I can do"),
        (f"{BOT} status", "not asked me for anything yet"),
        (f"{BOT} status please", "not asked me for anything yet"),
        (f"{BOT} stop", "Nothing is running in this thread"),
        (f"{BOT} please stop tracking this", "Nothing is running in this thread"),
        (f"cancel {BOT}", "Nothing is running in this thread"),
        (f"{BOT} cancel 99999", "no job 99999"),
        (f"{BOT} cancel tomorrow", "I don't know job “tomorrow”"),
        (f"{BOT} auto maybe", "auto on"),
        (f"{BOT} watches", "watches nothing"),
        (f"{BOT} send me the third one only", "third one only"),
        (f"{BOT} give me a csv please", "csv"),
        (f"could you give us a table {BOT}", "table"),
        (f"{BOT} statsu", "Did you mean “status”?"),
        (f"{BOT} cancle", "Did you mean “cancel”?"),
        (f"{BOT} with moton", "Did you mean “with motion”?"),
        (f"{BOT} find the cars", "Did you mean “only car”?"),
        (f"{BOT} abvoe 60%", "abvoe"),
        (f"{BOT} above 600%", "above 600%"),
        (f"{BOT} from 0:30 to 0:10", "ends before it begins"),
        (f"{BOT} please track this", "Same video, same settings: <"),
        (f"{BOT}", "Same video, same settings: <"),
        (f"<@{BOT_USER}|tracklet> again!", "Same video, same settings: <"),
    ],
)
async def test_a_mention_in_a_thread_is_answered_to_its_writer_alone(
    there: Workspace, thread: Message, text: str, told: str
) -> None:
    before, jobs, replies = len(there.slack.ephemerals), await there.job_count(), len(there.replies(thread))
    there.slack.post_message("wildlife", text, thread_ts=thread.ts, user=KIM)
    await there.slack.until(lambda: ephemerals(there, before))
    answer = there.slack.ephemerals[before]
    assert told in ephemerals(there, before)[0]
    assert (answer.user, answer.thread_ts) == (KIM, thread.ts)
    await there.slack.settled()
    assert (await there.job_count(), len(there.replies(thread))) == (jobs, replies)


async def test_small_talk_and_talk_about_the_bot_get_nothing(there: Workspace, thread: Message) -> None:
    before, jobs, replies = len(there.slack.ephemerals), await there.job_count(), len(there.replies(thread))
    for text in (
        f"thanks {BOT}!",
        f"{BOT} thank you so much :pray:",
        f"{BOT} wow, nice",
        f"{BOT} good bot :tada:",
        f"great find {BOT}",
        f"{BOT} 👏👏",
        f"I think {BOT} did well on the cars, no?",
        f"{BOT} is great at finding cars",
        f"{BOT}'s boxes are off by a mile",
        f"we could stop {BOT} some day",
        f"has anybody asked {BOT} about the deer from yesterday",
        f"{BOT} hello",
    ):
        there.slack.post_message("wildlife", text, thread_ts=thread.ts, user=KIM)
    await there.slack.settled()
    there.slack.post_message("wildlife", f"{BOT} help", thread_ts=thread.ts, user=KIM)
    await there.slack.until(lambda: ephemerals(there, before))
    await there.slack.settled()
    assert ["What I can do" in each for each in ephemerals(there, before)] == [True]
    assert (await there.job_count(), len(there.replies(thread))) == (jobs, replies)


async def test_other_options_in_a_thread_make_another_job_there(there: Workspace, thread: Message) -> None:
    there.slack.post_message("wildlife", f"{BOT} only cars please, above 55%", thread_ts=thread.ts)
    await there.slack.until(lambda: len(found(there, thread)) == 2)
    assert labels_of(there) == ("car",)


@pytest.mark.parametrize("text", [f"{BOT} stop", f"{BOT} please cancel this!", f"stop it {BOT}"])
async def test_stop_in_a_thread_stops_its_job_and_starts_none(there: Workspace, text: str) -> None:
    there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    jobs = await there.job_count()
    there.slack.post_message("wildlife", text, thread_ts=message.ts, user=KIM)
    stopped = await there.progress(message, starts="Stopped by")
    assert KIM in stopped.text
    await there.slack.until(lambda: any("Stopping job" in each for each in ephemerals(there)))
    assert await there.job_count() == jobs
    assert len(there.replies(message)) == 1


async def test_a_request_while_its_job_runs_points_to_it(there: Workspace) -> None:
    held = there.children.hold("track")
    message = await there.clip()
    await there.progress(message, holds="Following")
    before, jobs = len(there.slack.ephemerals), await there.job_count()
    there.slack.post_message("wildlife", f"{BOT} track this", thread_ts=message.ts)
    await there.slack.until(lambda: ephemerals(there, before))
    assert "Same video, same settings" in ephemerals(there, before)[0]
    assert await there.job_count() == jobs
    held.set()
    await there.progress(message, starts="I found")


async def test_what_failed_or_was_stopped_may_be_asked_for_again(there: Workspace) -> None:
    there.children.hold("track")
    message = await there.clip()
    progress = await there.progress(message, holds="Following")
    await there.slack.click(progress, "tracklet_cancel")
    await there.progress(message, starts="Stopped by")
    there.children.held.clear()
    there.slack.post_message("wildlife", f"{BOT} again", thread_ts=message.ts)
    await there.slack.until(lambda: found(there, message))


async def test_the_thread_of_a_command_is_about_its_video(there: Workspace) -> None:
    before = len(there.slack.messages("wildlife"))
    await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/lynx.mp4")
    await there.slack.until(lambda: there.slack.messages("wildlife")[before:])
    root = there.slack.messages("wildlife")[before]
    await there.slack.until(lambda: len(there.replies(root)) >= 3)
    there.slack.post_message("wildlife", f"{BOT} only dogs", thread_ts=root.ts)
    await there.slack.until(lambda: found(there, root))
    assert labels_of(there) == ("dog",)


async def test_replies_in_a_direct_message_start_nothing_unless_they_ask(there: Workspace) -> None:
    message = await there.clip(channel="dm")
    await there.progress(message, starts="I found")
    before, jobs, replies = len(there.slack.ephemerals), await there.job_count(), len(there.replies(message))
    for text in ("wow, nice", "thanks!", "the dog ran off in the second half", "ok", "lol", "Kim was there too"):
        there.slack.post_message("dm", text, thread_ts=message.ts)
    there.slack.post_message("dm", "status", thread_ts=message.ts)
    await there.slack.until(lambda: ephemerals(there, before))
    await there.slack.settled()
    assert ["Your jobs" in each for each in ephemerals(there, before)] == [True]
    there.slack.post_message("dm", "can you send me a csv", thread_ts=message.ts)
    await there.slack.until(lambda: any("csv" in each for each in ephemerals(there, before)))
    there.slack.post_message("dm", "again", thread_ts=message.ts)
    await there.slack.until(lambda: any("Same video" in each for each in ephemerals(there, before)))
    assert (await there.job_count(), len(there.replies(message))) == (jobs, replies)
    there.slack.post_message("dm", "only person", thread_ts=message.ts)
    await there.slack.until(lambda: len(found(there, message)) == 2)


async def test_orders_outside_of_threads_are_those_of_the_command(there: Workspace) -> None:
    await there.job_over()
    held = there.children.hold("track")
    clips = [await there.clip(user=KIM), await there.clip(user=KIM)]
    for each in clips:
        await there.progress(each, holds="Following")
    before = len(there.slack.ephemerals)

    async def told(text: str, *, channel: str = "wildlife") -> str:
        count = len(there.slack.ephemerals)
        there.slack.post_message(channel, text, user=KIM)
        await there.slack.until(lambda: there.slack.ephemerals[count:])
        assert there.slack.ephemerals[count].user == KIM
        return ephemerals(there, count)[0]

    assert "fox.mp4" in await told(f"{BOT} status")
    assert "You have 2 jobs running" in await told(f"{BOT} cancel")
    assert "no job 99999" in await told(f"{BOT} cancel 99999")
    assert "wait for a click" in await told(f"{BOT} auto off")
    assert "as soon as they are shared" in await told(f"{BOT} auto on")
    assert "I see no video in that message" in await told(f"{BOT} only person")
    assert "Stopping 2 jobs" in await told(f"{BOT} cancel all")
    for each in clips:
        await there.progress(each, starts="Stopped by")
    held.set()
    assert len(there.slack.ephemerals) == before + 7


async def test_direct_messages_know_the_same_words(there: Workspace) -> None:
    before = len(there.slack.ephemerals)
    said = {"help": "What I can do", "cancel": "Nothing of yours", "track it": "no video", "statsu": "status"}
    for text, answer in said.items():
        count = len(there.slack.ephemerals)
        there.slack.post_message("dm", text)
        await there.slack.until(lambda count=count: there.slack.ephemerals[count:])  # type: ignore[misc]
        assert answer in ephemerals(there, count)[0]
    there.slack.post_message("dm", "thanks a lot, great work!")
    await quiet(there)
    assert len(there.slack.ephemerals) == before + 4


async def test_a_video_by_its_name_is_the_one_of_this_channel(there: Workspace) -> None:
    clip = await there.clip(name="People-Crowd.mp4")
    await there.progress(clip, starts="I found")
    before = len(there.slack.messages("wildlife"))
    delivery = await there.slack.slash_command("wildlife", "/track", "people-crowd.mp4 only person")
    assert delivery is not None
    assert not delivery.answer
    await there.slack.until(lambda: there.slack.messages("wildlife")[before:])
    root = there.slack.messages("wildlife")[before]
    await there.slack.until(lambda: "I found" in there.slack.thread(root.channel_id, root.ts)[0].text)
    assert labels_of(there) == ("person",)
    told = len(there.slack.ephemerals)
    await there.slack.slash_command("wildlife", "/track", "nobody-knows.mp4")
    await there.slack.until(lambda: there.slack.ephemerals[told:])
    assert "I know no video called nobody-knows.mp4" in there.slack.ephemerals[told].text


async def test_further_pictures_are_made_of_what_is_there_and_nothing_is_posted_twice(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    await there.job_over()
    posted, asked = len(there.replies(message)), len(there.children.asked)
    there.slack.post_message("wildlife", f"{BOT} make crops please", thread_ts=message.ts)
    made = await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("Made of")])
    assert made[0].text == "Made of *fox.mp4*: cut-outs."
    assert [[file["title"] for file in each.files] for each in there.replies(message)[posted:]] == [[], ["Cut-outs of fox.mp4"]]
    assert work_of(there, asked) == ["pictures"]
    told = len(there.slack.ephemerals)
    there.slack.post_message("wildlife", f"{BOT} make crops", thread_ts=message.ts)
    await there.slack.until(lambda: there.slack.ephemerals[told:])
    assert "see above" in ephemerals(there, told)[0]
    assert made[0].ts.replace(".", "") in ephemerals(there, told)[0]


async def test_further_pictures_wait_for_the_job_that_they_are_of(there: Workspace) -> None:
    held = there.children.hold("track")
    asked = len(there.children.asked)
    message = await there.clip()
    await there.progress(message, holds="Following")
    there.slack.post_message("wildlife", f"{BOT} make crops", thread_ts=message.ts)
    await there.slack.until(lambda: len(there.replies(message)) == 2)
    held.set()
    await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("Made of")])
    assert sorted(work_of(there, asked)) == ["animations", "choose", "pictures", "probe", "summary", "track"]


async def asked_by_name(there: Workspace, text: str, number: int = 1) -> list[Message]:
    """The threads that a command opens, once each has its result."""
    before = len(there.slack.messages("wildlife"))
    delivery = await there.slack.slash_command("wildlife", "/track", text)
    assert delivery is not None
    assert not delivery.answer
    await there.slack.until(
        lambda: sum("I found" in each.text for each in there.slack.messages("wildlife")[before:]) == number, timeout_s=20
    )
    return there.slack.messages("wildlife")[before:]


async def test_a_file_that_was_shared_and_never_tracked_is_found_by_its_name(there: Workspace) -> None:
    await there.slack.slash_command("wildlife", "/track", "auto off")
    try:
        for name in ("Night Fox 2 at 10.00.15.mov", "fox only at night.mp4", "fox.mp4"):
            clip = await there.clip(name=name)
            await there.slack.until(lambda clip=clip: there.replies(clip))  # type: ignore[misc]
    finally:
        await there.slack.slash_command("wildlife", "/track", "auto on")
    (root,) = await asked_by_name(there, "night fox 2 at 10.00.15.mov only person above 60%")
    assert "asked me to track" in str(root.blocks)
    assert "Night Fox 2 at 10.00.15.mov" in root.text
    assert labels_of(there) == ("person",)
    (root,) = await asked_by_name(there, "“fox only at night.mp4”, only cars")
    assert "fox only at night.mp4" in root.text
    assert labels_of(there) == ("car",)
    # Slack makes links of names that could be hosts.
    await asked_by_name(there, "night fox 2 at <http://10.00.15.mov|10.00.15.mov> from 0:01")
    roots = await asked_by_name(there, "Fox.mp4 and fox only at night.mp4", 2)
    assert {"fox.mp4" in root.text for root in roots} == {True, False}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/track beavers at night.mp4 only person", "I know no video called beavers at night.mp4 in this channel"),
        ("/track heron.mp4 and beaver.mp4", "I know no video called beaver.mp4 in this channel"),
        ("/track heron.mp4 sideways", "I do not understand “sideways”"),
        ("/track heron.mp4 onyl cars", "Did you mean “only car”"),
        (f"{BOT} track beaver.mp4", "I know no video called beaver.mp4 in this channel"),
        (f"{BOT} track heron.mp4 and beaver.mp4", "I know no video called beaver.mp4 in this channel"),
        (f"{BOT} track heron.mp4 sideways, only cars", "I do not understand “sideways”"),
    ],
)
async def test_nothing_of_what_is_said_with_a_name_is_dropped_silently(there: Workspace, text: str, answer: str) -> None:
    await there.progress(await there.clip(name="heron.mp4"), starts="I found")
    told, jobs = len(there.slack.ephemerals), await there.job_count()
    if text.startswith("/track "):
        await there.slack.slash_command("wildlife", "/track", text.removeprefix("/track "))
    else:
        there.slack.post_message("wildlife", text)
    await there.slack.until(lambda: there.slack.ephemerals[told:])
    assert answer in ephemerals(there, told)[0]
    started = await there.job_count() - jobs
    assert started == (1 if BOT in text and "heron" in text else 0)


async def test_a_name_in_a_mention_is_that_video_alone_in_a_thread_of_several_and_in_the_channel(there: Workspace) -> None:
    clips = [(f"owl {number}.mp4", CLIP + f"owl {number}".encode()) for number in (1, 2, 3)]
    message = await there.slack.upload_files(clips, "wildlife")
    await there.slack.until(lambda: len(found(there, message)) == 3)
    there.slack.post_message("wildlife", f"{BOT} OWL 2.mp4 only person, please", thread_ts=message.ts)
    await there.slack.until(lambda: len(found(there, message)) == 4)
    assert "owl 2.mp4" in found(there, message)[-1].text
    assert labels_of(there) == ("person",)
    elsewhere = there.slack.post_message("wildlife", f"could you track owl 3.mp4 only dogs, {BOT}?")
    await there.slack.until(lambda: found(there, elsewhere))
    assert "owl 3.mp4" in found(there, elsewhere)[0].text
    assert labels_of(there) == ("dog",)
    jobs = await there.job_count()
    there.slack.post_message("wildlife", f"{BOT} thanks, owl 1.mp4 is great!")
    await quiet(there)
    assert await there.job_count() == jobs + 1  # the witness


async def test_a_picture_is_told_to_be_no_video_where_it_was_asked_for(there: Workspace) -> None:
    before = len(there.slack.ephemerals)
    picture = b"\x89PNG\r\n\x1a\n" + bytes(100)
    await there.slack.upload_file(picture, "wildlife", name="fox.png", text=f"{BOT} track this")
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    assert "not a video" in there.slack.ephemerals[before].text


# ---- links that somebody asks for -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("download", "I found"),
        ("presigned", "I found"),
        ("watch", "I found"),
        ("page", "web page"),
        ("gone", "nothing at"),
        ("index.html", "nothing at"),
        ("wall.mp4", "asks for a login"),
    ],
)
async def test_a_link_that_is_asked_for_is_tracked_or_told(there: Workspace, name: str, said: str) -> None:
    for channel, text in (("wildlife", f"{BOT} <{there.web_url}/{name}>"), ("dm", f"{there.web_url}/{name}")):
        message = there.slack.post_message(channel, text)
        await there.progress(message, holds=said)


async def test_the_link_of_a_message_leads_to_its_video(there: Workspace) -> None:
    clip = await there.clip()
    await there.progress(clip, starts="I found")
    link = there.slack.workspace.permalink(clip.channel_id, clip.ts)
    asked = there.slack.post_message("wildlife", f"{BOT} <{link}> only person")
    await there.progress(asked, starts="I found")
    assert labels_of(there) == ("person",)
    before = len(there.slack.messages("wildlife"))
    await there.slack.slash_command("wildlife", "/track", link)
    await there.slack.until(lambda: there.slack.messages("wildlife")[before:])
    plain = there.slack.post_message("wildlife", "only words")
    elsewhere = await there.clip(channel="dm")
    for message, said in ((elsewhere, "not in this channel"), (plain, "no video in that message")):
        link = there.slack.workspace.permalink(message.channel_id, message.ts)
        there.slack.post_message("wildlife", f"{BOT} <{link}>")
        await there.slack.until(lambda said=said: said in "".join(ephemerals(there)[-1:]))  # type: ignore[misc]
        told = len(there.slack.ephemerals)
        await there.slack.slash_command("wildlife", "/track", link)
        await there.slack.until(lambda told=told: there.slack.ephemerals[told:])  # type: ignore[misc]
        assert said in there.slack.ephemerals[told].text


async def test_a_file_of_another_channel_is_refused_in_words(there: Workspace) -> None:
    elsewhere = await there.clip(channel="dm")
    await there.progress(elsewhere, starts="I found")
    before, jobs = len(there.slack.ephemerals), await there.job_count()
    there.slack.post_message("wildlife", f"{BOT} <{elsewhere.files[0]['permalink']}>")
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    assert "not shared in this channel" in there.slack.ephemerals[before].text
    assert await there.job_count() == jobs


@pytest.mark.parametrize(
    "text",
    [
        "{link}, only person",
        "{link}.",
        "{link}\u200b above 60%",
        "\u2060{link}",
        "\ufeff{link}\u200d",
        "“{link}”",
        '"{link}"',
        "‘{link}’",
        "`{link}`",
        "({link})",
        "[{link}]",
        "_{link}_",
        "*{link}*, above 55%",
        "{link}! only person",
        "look: {link}…",
        "{link} only person :pray:",
        "{link} only person 🙏🏽",
        "{link} only person?",
        "{link} above 60% !",
        "{link} — only person, please.",
        "{link}\u00a0only\u00a0person",
        "{link}) only person",
    ],
)
async def test_a_link_is_read_as_people_type_it(there: Workspace, text: str) -> None:
    before = len(there.slack.messages("wildlife"))
    delivery = await there.slack.slash_command("wildlife", "/track", text.replace("{link}", f"{there.web_url}/typed.mp4"))
    assert delivery is not None
    assert not delivery.answer
    await there.slack.until(lambda: there.slack.messages("wildlife")[before:])
    root = there.slack.messages("wildlife")[before]
    await there.slack.until(lambda: "I found" in there.slack.thread(root.channel_id, root.ts)[0].text)


# ---- one message, several events --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(("message", "mention", "file"))), ids="-".join)
async def test_the_events_of_one_message_are_one_job_in_whatever_order(there: Workspace, order: tuple[str, ...]) -> None:
    with there.unheard("wildlife"):
        message = await there.clip(text=f"{BOT} only person above 50%")
    jobs = await there.job_count()
    events = {"message": event_of(there, message), "mention": mention_of(message), "file": file_event_of(message)}
    for name in order:
        assert await there.deliver(events[name]) == 200
    await there.progress(message, starts="I found")
    await quiet(there)
    assert await there.job_count() == jobs + 2
    assert labels_of_message(there, message) == ("person",)
    assert len(there.replies(message)) == 4


def labels_of_message(there: Workspace, message: Message) -> tuple[str, ...]:
    """The classes that the jobs of a message were asked for, by the names of their files."""
    name = message.files[0]["name"]
    asked = [a["selection"]["labels"] for task, a in there.children.asked if task == "summary" and a["name"] == name]
    return tuple(asked[-2] if name == "fox.mp4" else asked[-1])


@pytest.mark.parametrize("only", ["mention", "file"])
async def test_one_event_alone_is_enough_for_all_that_its_message_says(there: Workspace, only: str) -> None:
    with there.unheard("wildlife"):
        message = await there.clip(text=f"{BOT} only dogs")
    await there.deliver(mention_of(message) if only == "mention" else file_event_of(message))
    await there.progress(message, starts="I found")
    assert labels_of(there) == ("dog",)
    jobs = await there.job_count()
    # What comes late finds it settled.
    await there.deliver(event_of(there, message))
    await quiet(there)
    assert await there.job_count() == jobs + 1


async def test_a_mention_whose_message_slack_does_not_show_is_taken_as_it_is(there: Workspace) -> None:
    there.slack.faults.refuse("conversations.history", "missing_scope")
    with there.unheard("wildlife"):
        message = there.slack.post_message("wildlife", f"{BOT} {there.web_url}/alone.mp4 only cars")
    await there.deliver(mention_of(message))
    await there.progress(message, starts="I found")
    assert labels_of(there) == ("car",)


async def test_a_message_that_was_answered_settles_its_file(there: Workspace) -> None:
    before, jobs = len(there.slack.ephemerals), await there.job_count()
    message = await there.clip(text=f"{BOT} above 600%")
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    assert "600%" in there.slack.ephemerals[before].text
    await quiet(there)
    assert there.replies(message) == []
    assert await there.job_count() == jobs + 1


@pytest.mark.parametrize(
    ("text", "labels", "told"),
    [
        (f"{BOT} look only person from 0:00 to 0:01", ("person",), ""),
        (f"{BOT} sideways only person", ("person",), "“sideways”"),
        (f"{BOT} abvoe 60%, only person", ("person",), "“abvoe"),
        (f"hi all, {BOT} please have a look at this one, only dogs, thanks :pray:", ("dog",), ""),
        (f"<@{BOT_USER}|tracklet> just people", ("person",), ""),
        ("what is in here?", (), ""),
    ],
)
async def test_what_was_understood_is_kept_and_the_rest_is_told(
    there: Workspace, text: str, labels: tuple[str, ...], told: str
) -> None:
    before = len(there.slack.ephemerals)
    message = await there.clip(text=text)
    await there.progress(message, starts="I found")
    assert labels_of(there) == labels
    await quiet(there)
    assert len(there.slack.ephemerals) == before + bool(told)
    assert told in "".join(ephemerals(there, before))


async def test_all_videos_of_a_message_have_its_options(there: Workspace) -> None:
    files = [{"id": f"F0MANY{n}", "name": f"many{n}.mp4", "mimetype": "video/mp4"} for n in range(7)]
    there.slack.faults.clear()
    with there.unheard("wildlife"):
        clips = [await there.clip(name=f"many{n}.mp4") for n in range(7)]
        message = there.slack.post_message("wildlife", f"{BOT} only person")
    files = [clip.files[0] for clip in clips]
    await there.deliver(event_of(there, message, files=files, subtype="file_share"))
    await there.slack.until(lambda: len(found(there, message)) == 7)
    asked = [a["selection"]["labels"] for task, a in there.children.asked if task == "summary" and a["name"].startswith("many")]
    assert asked == [("person",)] * 7


async def test_more_videos_than_are_taken_are_counted_to_the_writer(there: Workspace) -> None:
    before = len(there.slack.ephemerals)
    links = " ".join(f"{there.web_url}/of-many-{n}.mp4" for n in range(12))
    message = there.slack.post_message("wildlife", f"{BOT} {links} only dogs")
    await there.slack.until(lambda: len(found(there, message)) == 10)
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    assert "12 videos" in there.slack.ephemerals[before].text
    asked = [a["selection"]["labels"] for task, a in there.children.asked if task == "summary" and "of-many" in a["name"]]
    assert asked == [("dog",)] * 10


async def test_an_edit_that_adds_a_mention_or_a_link_asks_once(there: Workspace) -> None:
    linked = there.slack.post_message("wildlife", "see here")
    there.slack.edit_message(linked, f"see here {there.web_url}/edited.mp4")
    there.slack.edit_message(linked, f"see, here {there.web_url}/edited.mp4")
    await there.progress(linked, starts="I found")
    shared = await there.clip(text="our fox")
    await there.progress(shared, starts="I found")
    jobs = await there.job_count()
    there.slack.edit_message(shared, f"our fox {BOT} only person")
    await there.slack.until(lambda: len(found(there, shared)) == 2)
    assert labels_of(there) == ("person",)
    there.slack.edit_message(shared, f"our fox, {BOT} only person")
    await quiet(there)
    assert await there.job_count() == jobs + 2
    assert len(found(there, shared)) == 2
    assert len(found(there, linked)) == 1


async def test_an_edit_told_by_its_mention_alone_counts_too(there: Workspace) -> None:
    with there.unheard("wildlife"):
        message = await there.clip(text=f"{BOT} only cars")
    edited = {"user": YOU, "ts": f"{float(message.ts) + 1:.6f}"}
    await there.deliver(mention_of(message, edited=edited))
    await there.progress(message, starts="I found")
    assert labels_of(there) == ("car",)


async def test_previews_and_counted_replies_are_no_edits(there: Workspace) -> None:
    message = there.slack.post_message("wildlife", f"{there.web_url}/preview.mp4")
    await there.progress(message, starts="I found")
    jobs = await there.job_count()
    shown = event_of(there, message)
    preview = shown | {"attachments": [{"from_url": f"{there.web_url}/other.mp4", "title_link": f"{there.web_url}/third.mp4"}]}
    change = {"type": "message", "subtype": "message_changed", "channel": message.channel_id, "ts": "1900000000.000100"}
    await there.deliver(change | {"message": preview, "previous_message": shown})
    await quiet(there)
    assert await there.job_count() == jobs + 1


def forwarded(clip: Message, **more: Any) -> list[Json]:
    """What Slack adds to a message by which another is forwarded."""
    share: Json = {"is_share": True, "is_msg_unfurl": True, "channel_id": clip.channel_id, "ts": clip.ts, "files": clip.files}
    return [share | more]


@pytest.mark.parametrize("text", [f"{BOT} look", f"{BOT} only person", ""])
async def test_a_forwarded_video_is_seen(there: Workspace, text: str) -> None:
    clip = await there.clip()
    await there.progress(clip, starts="I found")
    with there.unheard("wildlife"):
        message = there.slack.post_message("wildlife", text)
    await there.deliver(event_of(there, message, attachments=forwarded(clip)))
    await there.progress(message, starts="I found")


async def test_a_forwarded_video_of_elsewhere_is_told_where_it_was_asked_for(there: Workspace) -> None:
    clip = await there.clip(channel="dm")
    await there.progress(clip, starts="I found")
    before, jobs = len(there.slack.ephemerals), await there.job_count()
    with there.unheard("wildlife"):
        silent, asked = there.slack.post_message("wildlife", ""), there.slack.post_message("wildlife", f"{BOT} track it")
    await there.deliver(event_of(there, silent, attachments=forwarded(clip)))
    await there.deliver(event_of(there, asked, attachments=forwarded(clip)))
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    await there.slack.settled()
    assert ["not shared in this channel" in each for each in ephemerals(there, before)] == [True]
    assert await there.job_count() == jobs


def rich_text(*elements: Json) -> list[Json]:
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}]


async def test_words_and_links_in_blocks_alone_are_read(there: Workspace) -> None:
    with there.unheard("wildlife"):
        message = there.slack.post_message("wildlife", "")
    words = rich_text(
        {"type": "user", "user_id": BOT_USER},
        {"type": "text", "text": " "},
        {"type": "link", "url": f"{there.web_url}/rich.mp4?a=1&b=2"},
        {"type": "text", "text": " only people > 55% "},
        {"type": "emoji", "name": "pray"},
    )
    await there.deliver(event_of(there, message, text="", blocks=words))
    await there.progress(message, starts="I found")
    assert labels_of(there) == ("person",)


SHORTCUTS: dict[str, Json] = {
    "rich text": {"blocks": rich_text({"type": "link", "url": "{link}"})},
    "a section": {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "new: <{link}|the clip>"}}]},
    "a button": {"blocks": [{"type": "actions", "elements": [{"type": "button", "url": "{link}"}]}]},
    "an attachment": {"attachments": [{"title": "clip", "title_link": "{link}"}]},
    "an attachment's text": {"attachments": [{"text": "see <{link}>", "fallback": "see"}]},
}


@pytest.mark.parametrize("where", SHORTCUTS)
async def test_the_shortcut_sees_what_is_in_blocks_and_attachments(there: Workspace, where: str) -> None:
    with there.unheard("wildlife"):
        message = there.slack.post_message("wildlife", "")
        link = f"{there.web_url}/shortcut-{where.replace(' ', '-')[:8]}.mp4"
        for name, value in json.loads(json.dumps(SHORTCUTS[where]).replace("{link}", link)).items():
            setattr(message, name, value)
    await there.slack.open_shortcut("track_message", message)
    await there.progress(message, starts="I found")


async def test_the_shortcut_sees_a_forwarded_video(there: Workspace) -> None:
    clip = await there.clip()
    await there.progress(clip, starts="I found")
    with there.unheard("wildlife"):
        message = there.slack.post_message("wildlife", "")
        message.attachments = forwarded(clip)
    await there.slack.open_shortcut("track_message", message)
    await there.progress(message, starts="I found")


async def test_the_shortcut_on_what_was_tracked_points_to_it(there: Workspace) -> None:
    message = await there.clip()
    await there.progress(message, starts="I found")
    before, jobs = len(there.slack.ephemerals), await there.job_count()
    await there.slack.open_shortcut("track_message", message)
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    assert "Same video, same settings" in there.slack.ephemerals[before].text
    assert await there.job_count() == jobs


async def test_a_reply_that_is_sent_to_the_channel_too_is_read_once(there: Workspace) -> None:
    root = there.slack.post_message("wildlife", "clips of today")
    with there.unheard("wildlife"):
        reply = await there.clip(thread_ts=root.ts, text=f"{BOT} only dogs")
    await there.deliver(event_of(there, reply, subtype="thread_broadcast"))
    await there.deliver(mention_of(reply))
    await there.slack.until(lambda: found(there, root))
    await quiet(there)
    assert len(found(there, root)) == 1
    assert labels_of_message(there, reply) == ("dog",)


async def test_a_file_that_is_shared_again_is_asked_for_again(there: Workspace) -> None:
    first = await there.clip()
    await there.progress(first, starts="I found")
    with there.unheard("wildlife"):
        plain = there.slack.post_message("wildlife", "")
        asked = there.slack.post_message("wildlife", f"{BOT} from 0:00 to 0:01")
    for message in (plain, asked):
        await there.deliver(event_of(there, message, subtype="file_share", files=first.files))
        await there.progress(message, starts="I found")
    assert "before" in json.dumps(there.replies(plain)[0].blocks)
    tracked = [arguments for task, arguments in there.children.asked if task == "track"]
    assert tracked[-1]["segment"] == Segment(0.0, 1.0)


async def test_a_link_in_the_form_is_taken_as_it_was_typed(there: Workspace) -> None:
    await there.slack.slash_command("wildlife", "/track", "")
    view = (await there.slack.until(lambda: there.slack.views))[-1]
    before = len(there.slack.messages("wildlife"))
    link = f"{there.web_url}/form.mp4?sig=1&region=us&copy=2&amp;x=&lt"
    fields = {"link": f" {link}, ", "words": "only person :pray:", "channel": there.slack.channel_id("wildlife")}
    assert not (await there.slack.submit_view(view, fields)).get("errors")
    await there.slack.until(lambda: there.slack.messages("wildlife")[before:])
    await eventually(lambda: there.web_requests[-1].endswith("/form.mp4?sig=1&region=us&copy=2&amp;x=&lt"))


async def test_a_clip_with_the_same_bytes_is_not_called_the_same_request(there: Workspace) -> None:
    one = await there.slack.upload_file(CLIP + b"twin", "wildlife", name="one.mp4")
    two = await there.slack.upload_file(CLIP + b"twin", "wildlife", name="two.mp4", thread_ts=one.ts)
    await there.slack.until(lambda: len(found(there, one)) == 2)
    assert two.thread_ts == one.ts


async def test_a_file_that_is_shared_twice_in_a_thread_is_tracked_once(there: Workspace) -> None:
    first = await there.clip()
    await there.progress(first, starts="I found")
    with there.unheard("wildlife"):
        again = there.slack.post_message("wildlife", "here once more", thread_ts=first.ts)
    before, jobs = len(there.slack.ephemerals), await there.job_count()
    await there.deliver(event_of(there, again, subtype="file_share", files=first.files))
    await there.slack.until(lambda: there.slack.ephemerals[before:])
    assert "Same video, same settings: <" in there.slack.ephemerals[before].text
    assert await there.job_count() == jobs


async def test_a_mention_is_not_kept_waiting_by_a_history_that_gives_no_answer(
    there: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.shares.LOOKED_UP_S", 0.1)
    there.slack.faults.lose_response("conversations.history", times=5)
    with there.unheard("wildlife"):
        message = there.slack.post_message("wildlife", f"{BOT} {there.web_url}/waiting.mp4 only dogs")
    await there.deliver(mention_of(message))
    await there.progress(message, starts="I found")
    assert labels_of(there) == ("dog",)
