"""Many videos at once: the first answer comes when one is done, who waits is told, and each answer stands together."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.database import Database
from bot.jobs.facts import JobFacts, Summary
from bot.jobs.model import Job, JobId, Request, Source, SourceKind
from bot.jobs.processes import STAGES, Fraction, Json, ProcessPool
from bot.jobs.slots import Turn
from bot.jobs.store import Store
from bot.jobs.testing import FakeTaskRunner
from bot.jobs.threads import Threads
from playground import KIM, TEAM_ID, YOU, Message
from tests.integration.bot_workspace import CLIP, Workspace, workspace
from tracking.errors import VideoDamaged

CHANNEL = "wildlife"
PARTS = ["progress", "summary", "list", "gifs"]


class PretendingPool(ProcessPool):
    """A process pool whose processes only pretend; the work on a video whose name is `held` lasts until it is let go."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.fake = FakeTaskRunner()
        self.begun: list[tuple[str, str]] = []
        self.held: dict[str, asyncio.Event] = {}

    async def _run(self, task: str, arguments: Json, fraction: Fraction) -> Any:
        name = str(arguments.get("name") or Path(str(arguments.get("video") or "")).name)
        self.begun.append((task, name))
        if name in self.held:
            await self.held[name].wait()
        await asyncio.sleep(0)
        return getattr(self.fake, f"_{task}")(arguments)


async def share(there: Workspace, names: list[str]) -> Message:
    """Share several videos in one message, as Slack sends them."""
    clips = [(name, CLIP + number.to_bytes(4, "big")) for number, name in enumerate(names)]
    return await there.slack.upload_files(clips, CHANNEL)


def part_of(message: Message) -> str:
    if message.files:
        return "gifs" if message.files[0]["mimetype"] == "image/gif" else "summary"
    assert message.metadata is not None
    return str(message.metadata["event_payload"]["part"])


def video_of(message: Message) -> str:
    """The one video that a message names."""
    (name,) = set(re.findall(r"clip-\d\d\.mp4", message.text + str(message.blocks)))
    return str(name)


def is_done(there: Workspace, message: Message, number: int) -> bool:
    return sum(reply.text.startswith("I found") for reply in there.replies(message)) == number


@pytest.mark.parametrize("slots", [1, 2])
async def test_of_ten_videos_the_first_is_answered_before_the_last_is_begun_and_each_stands_together(
    tmp_path: Path, slots: int
) -> None:
    names = [f"clip-{number:02}.mp4" for number in range(10)]
    pool = PretendingPool(slots)
    async with workspace(tmp_path, children=pool) as there:
        message = await share(there, names)
        await there.slack.until(lambda: is_done(there, message, 10))
        replies = [(video_of(reply), part_of(reply)) for reply in there.replies(message)]
    results = [each for each in replies if each[1] != "progress"]
    assert sorted(replies) == sorted((name, part) for name in names for part in PARTS)
    for place in range(0, len(results), 3):
        assert [part for _, part in results[place : place + 3]] == ["summary", "list", "gifs"]
        assert len({video for video, _ in results[place : place + 3]}) == 1
    begun, drawn = set(), 0
    for task, name in pool.begun:
        if task == "animations":
            drawn += 1
        elif task == "track":
            begun.add(name)
            assert len(begun) - drawn <= slots
    assert {task for task, _ in pool.begun} == set(STAGES)


async def test_the_answers_to_one_message_stand_as_its_files_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.openings.ORDER_S", 1000.0)  # however busy the machine is
    names = [f"clip-{number:02}.mp4" for number in range(10)]
    async with workspace(tmp_path) as there:
        there.slack.faults.delay("chat.postMessage", 1.0)
        there.slack.faults.delay("chat.postMessage", 0.5, skip=2)
        message = await share(there, names)
        await there.slack.until(lambda: is_done(there, message, 10))
        assert [video_of(reply) for reply in there.replies(message) if part_of(reply) == "progress"] == names


async def test_an_answer_that_does_not_open_holds_up_the_next_one_only_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.jobs.openings.ORDER_S", 0.2)
    async with workspace(tmp_path) as there:
        there.slack.faults.delay("chat.postMessage", 1000.0)
        message = await share(there, ["clip-00.mp4", "clip-01.mp4"])
        await there.slack.until(lambda: is_done(there, message, 1))
        assert [part_of(reply) for reply in there.replies(message)].count("progress") == 1


async def test_who_waits_is_told_so_with_how_many_come_first(tmp_path: Path) -> None:
    pool = PretendingPool(1)
    pool.held["clip-00.mp4"] = asyncio.Event()
    async with workspace(tmp_path, children=pool) as there:
        first = await there.clip(CHANNEL, name="clip-00.mp4")
        await there.slack.until(lambda: pool.begun)
        later = []
        for before in (1, 2, 3):
            later.append(message := await there.clip(CHANNEL, name=f"clip-0{before}.mp4"))
            waiting = await there.progress(message, holds=f"Waiting: {before} video{'s' if before > 1 else ''} first")
            assert "Following" not in str(waiting.blocks)
            assert "left" not in str(waiting.blocks)
        pool.held["clip-00.mp4"].set()
        for message in (first, *later):
            await there.progress(message, starts="I found")


async def test_the_answer_to_a_command_says_at_once_how_many_come_first(tmp_path: Path) -> None:
    pool = PretendingPool(1)
    async with workspace(tmp_path, children=pool) as there:
        link = f"{there.web_url}/fox.mp4"
        # Nobody is before this one, so its answer is the work itself.
        await there.slack.slash_command(CHANNEL, "/track", link)
        await there.slack.until(lambda: any("I found" in each.text for each in there.slack.messages(CHANNEL)))
        await there.job_over()
        assert there.slack.ephemerals == []
        pool.held["clip-00.mp4"] = asyncio.Event()
        await there.clip(CHANNEL, name="clip-00.mp4")
        await there.slack.until(lambda: any(name == "clip-00.mp4" for _, name in pool.begun))
        for number in range(1, 8):
            await there.clip(CHANNEL, name=f"clip-0{number}.mp4")
        while await there.job_count() < 9:  # noqa: ASYNC110  # the bot takes them in
            await asyncio.sleep(0.01)
        store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
        (done,) = [each for each in await store.latest(team=TEAM_ID, limit=20) if each.is_over]
        await store.update(done.id, facts=JobFacts(took_s=60.0))
        store.close()
        for user, told in ((YOU, "8 videos are before yours, about 8 min."), (KIM, "1 video is before yours, about 1 min.")):
            await there.slack.slash_command(CHANNEL, "/track", f"{there.web_url}/{user}.mp4", user=user)
            assert there.slack.ephemerals[-1].text == told
            assert there.slack.ephemerals[-1].user == user
        pool.held["clip-00.mp4"].set()
        await there.job_over()


async def test_who_is_behind_all_of_ones_places_is_told_too_and_can_be_stopped_at_once(
    tmp_path: Path,
) -> None:
    pool = PretendingPool(2)
    names = [f"clip-0{number}.mp4" for number in range(5)]
    pool.held = {name: asyncio.Event() for name in names[:2]}
    async with workspace(tmp_path, children=pool, settings={"jobs_at_once_per_person": 2}) as there:
        messages = []
        for name in names:
            messages.append(message := await there.clip(CHANNEL, name=name))
            await there.progress(message, holds="Following" if len(messages) <= 2 else "Waiting")
        for before, message in enumerate(messages[2:], 2):
            await there.progress(message, holds=f"Waiting: {before} videos first")
        await there.slack.click(await there.progress(messages[3]), "tracklet_cancel")
        await there.progress(messages[3], starts="Stopped")
        await there.progress(messages[4], holds="Waiting: 3 videos first")
        for event in pool.held.values():
            event.set()
        for message in (messages[0], messages[1], messages[2], messages[4]):
            await there.progress(message, starts="I found")
        await there.job_over()
        for message in messages:
            progress = [reply for reply in there.replies(message) if part_of(reply) == "progress"]
            assert len(progress) == 1
        assert len(there.replies(messages[3])) == 1


@pytest.mark.parametrize("setting", ["jobs_per_person", "jobs_per_workspace"])
async def test_one_video_more_than_may_wait_is_told_so_and_can_be_asked_for_later(tmp_path: Path, setting: str) -> None:
    pool = PretendingPool(2)
    pool.held["clip-00.mp4"] = asyncio.Event()
    async with workspace(tmp_path, children=pool, settings={setting: 1}) as there:
        first = await there.clip(CHANNEL, name="clip-00.mp4")
        await there.progress(first, holds="Following")
        second = await there.clip(CHANNEL, name="clip-01.mp4")
        refused = await there.progress(second, holds="I take 1 video of")
        pool.held["clip-00.mp4"].set()
        await there.progress(first, starts="I found")
        await there.job_over()
        await there.slack.click(refused, "tracklet_retry")
        await there.slack.until(lambda: is_done(there, second, 1))


async def test_each_finished_job_is_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bot.jobs.workflow")
    async with workspace(tmp_path) as there:
        await there.progress(await there.clip(CHANNEL, name="clip-01.mp4"), starts="I found")
        there.children.errors["track"] = VideoDamaged("clip-02.mp4")
        await there.progress(await there.clip(CHANNEL, name="clip-02.mp4"))
        await there.job_over()
        there.children.hold("probe")
        message = await there.clip(CHANNEL, name="clip-03.mp4")
        await there.slack.click(await there.progress(message, holds="Following"), "tracklet_cancel")
        await there.progress(message, starts="Stopped")
        await there.job_over()
    channel = message.channel_id
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.jobs.workflow"]
    expected = [
        rf"job 1 done in \d+\.\d s( \(.*\))?: motion, 3 objects, {channel}",
        rf"job 2 failed in \d+\.\d s( \(.*\))?: VideoDamaged at track, {channel}",
        rf"job 3 cancelled in \d+\.\d s( \(.*\))?: {channel}",
    ]
    assert len(lines) == len(expected)
    for line, expression in zip(sorted(lines), expected, strict=True):
        assert re.fullmatch(expression, line), line


async def test_a_thread_is_one_videos_until_its_end_also_after_a_restart(tmp_path: Path) -> None:
    store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    await store.create_tables()

    async def job(number: int) -> Job:
        source = Source(SourceKind.SLACK_FILE, f"F{number}", f"clip-0{number}.mp4")
        request = Request(source, team="T1", channel="C1", user="U1", thread_ts="1.1")
        return (await store.add_job(JobId(f"upload:{number}:1"), request))[0]

    for number in (1, 2):
        await job(number)
    # The second had begun to post when the process ended.
    await store.update(JobId("upload:2:1"), facts=JobFacts(summary=Summary()))
    first, second = await store.unfinished()
    store.close()
    threads = Threads()
    await threads.take_again([first, second])
    waiting = asyncio.create_task(threads.take(first, Turn("U1", first.number)))
    await threads.take(second, Turn("U1", second.number))
    assert not waiting.done()
    threads.give_back(second.id)
    await waiting
    threads.give_back(first.id)
    assert threads.open == 0
