"""A full disk and a locked database under a running bot: every job has an end, and cancel works."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.jobs.database import Database
from bot.jobs.model import Job, JobId, JobState, Request, Source, SourceKind
from bot.jobs.store import Store
from playground import KIM
from tests.chaos.disk import SmallDisk
from tests.chaos.disk import small_disk as mounted
from tests.integration.bot_workspace import Workspace, eventually, workspace


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """A file system of its own that can be filled."""
    with mounted(folder / "disk", megabytes=megabytes) as disk:
        if disk is None:
            pytest.skip("a file system of its own takes the right to mount one")
        yield disk


async def jobs(folder: Path) -> list[Job]:
    """All that is known of the jobs, read beside the bot."""
    store = Store(Database(f"sqlite:///{folder / 'tracklet.sqlite'}"))
    try:
        return await store.latest(team=_team(folder), limit=100)
    finally:
        store.close()


def _team(folder: Path) -> str:
    with sqlite3.connect(folder / "tracklet.sqlite") as connection:
        found = connection.execute("SELECT team FROM jobs LIMIT 1").fetchone()
    connection.close()
    return str(found[0]) if found else ""


async def readiness(there: Workspace) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{there.bot.url}/readyz") as answer:
        return await answer.text()


@pytest.mark.parametrize("task", ["track", "summary", "animations"])
async def test_a_disk_that_fills_up_ends_a_job_with_a_sentence_once_that_can_be_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, task: str
) -> None:
    with small_disk(tmp_path, megabytes=32) as disk:  # too small for room to be held back
        async with workspace(disk.folder / "data") as there:
            go_on = there.children.hold(task)
            message = await there.clip()
            await eventually(lambda: there.children.running)
            disk.fill()
            assert "not ready: disk" in await readiness(there)
            go_on.set()
            await eventually(lambda: not there.children.running)
            disk.empty()
            failure = await there.progress(message, starts="The disk is full")
            assert "Try again" in str(failure.blocks)
            (told,) = (
                each.getMessage() for each in caplog.records if each.name == "bot.jobs.workflow" and each.levelname == "ERROR"
            )
            assert told.startswith(f"job 1: {task}")
            assert str(disk.folder / "data") in told
            await there.job_over()
            assert [job.state for job in await jobs(disk.folder / "data")] == [JobState.FAILED]
            there.children.held.clear()
            await there.slack.click(failure, "tracklet_retry")
            await there.slack.until(lambda: [each for each in there.replies(message) if each.text.startswith("I found 3")])
        leftovers = [
            path for path in (disk.folder / "data").rglob(".*") if path.suffix == ".part" or path.name.startswith(".tracklet-")
        ]
        assert leftovers == []


async def test_pictures_that_would_not_fit_are_not_begun_and_the_next_job_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=32) as disk:
        async with workspace(disk.folder / "data") as there:
            go_on = there.children.hold("track")
            message = await there.clip()
            await eventually(lambda: there.children.running)
            disk.fill(but=2_000_000)
            go_on.set()
            await there.progress(message, starts="The disk is full")
            assert "summary" not in [task for task, _ in there.children.asked]
            disk.empty()
            await there.progress(await there.clip(), starts="I found 3 objects")


async def test_the_end_of_a_job_is_recorded_while_the_disk_is_full(tmp_path: Path) -> None:
    """Whether the room that was held back goes to the database or to the job's own files first is chance."""
    with small_disk(tmp_path, megabytes=128) as disk:
        async with workspace(disk.folder / "data") as there:
            go_on = there.children.hold("track")
            await there.clip()
            await eventually(lambda: there.children.running)
            disk.fill()
            go_on.set()
            await there.job_over()
            (job,) = await jobs(disk.folder / "data")
            assert job.state in {JobState.FAILED, JobState.DONE}


async def test_a_job_is_stopped_while_nothing_can_be_written_at_all(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=32) as disk:  # too small for room to be held back
        async with workspace(disk.folder / "data") as there:
            there.children.hold("track")
            message = await there.clip()
            await eventually(lambda: "track" in [asked for asked, _ in there.children.asked])
            disk.fill()
            progress = there.replies(message)[0]
            await there.slack.click(progress, "tracklet_cancel")
            await eventually(lambda: not there.children.running)
            disk.empty()
            await there.progress(message, starts="Stopped")
            await there.job_over()
        assert [job.state for job in await jobs(disk.folder / "data")] == [JobState.CANCELLED]


async def test_a_command_is_answered_in_time_while_the_database_is_locked_and_done_afterwards(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        other = sqlite3.connect(tmp_path / "tracklet.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        delivery = await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/fox.mp4")
        assert delivery is not None
        assert delivery.ok
        assert "slow to answer" in str(there.slack.ephemerals[-1])
        other.execute("ROLLBACK")
        other.close()
        await there.slack.until(
            lambda: [each for each in there.slack.messages("wildlife") if each.text.startswith("I found 3 objects")]
        )
        await there.job_over()
        assert [job.state for job in await jobs(tmp_path)] == [JobState.DONE]


async def test_what_waits_for_the_database_itself_is_answered_when_it_answers(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        other = sqlite3.connect(tmp_path / "tracklet.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        delivery = await there.slack.slash_command("wildlife", "/track", "auto off")
        assert delivery is not None
        assert delivery.ok
        other.execute("ROLLBACK")
        other.close()
        await there.slack.until(lambda: "I wait until" in str(there.slack.ephemerals[-1]) or len(there.slack.ephemerals) > 1)
        assert not await _auto(tmp_path)


async def _auto(folder: Path) -> bool:
    with sqlite3.connect(folder / "tracklet.sqlite") as connection:
        (found,) = connection.execute("SELECT auto FROM channels").fetchone()
    connection.close()
    return bool(found)


def workflow_states(folder: Path) -> list[str]:
    """What DBOS says of each workflow."""
    with sqlite3.connect(folder / "tracklet.sqlite") as connection:
        found = connection.execute("SELECT status FROM workflow_status").fetchall()
    connection.close()
    return [str(row[0]) for row in found]


async def test_a_job_whose_workflow_ended_without_it_is_told_as_failed(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        message = await there.clip()
        await there.progress(message, starts="I found 3 objects")
        await eventually(lambda: workflow_states(tmp_path) == ["SUCCESS"])
    with sqlite3.connect(tmp_path / "tracklet.sqlite") as connection:
        connection.execute("UPDATE jobs SET state = 'tracking'")
        connection.commit()
    connection.close()
    async with workspace(tmp_path) as there:
        await there.job_over()
    assert [job.state for job in await jobs(tmp_path)] == [JobState.FAILED]


async def test_a_job_that_never_got_a_workflow_gets_one_at_the_next_start(tmp_path: Path) -> None:
    store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    await store.create_tables()
    async with workspace(tmp_path) as there:
        link = f"{there.web_url}/fox.mp4"
        await store.add_job(JobId("link:T:C:1:1"), Request(Source(SourceKind.LINK, link, "fox.mp4")))
        store.close()
    async with workspace(tmp_path) as there:
        await there.job_over()


def is_private(folder: Path) -> bool:
    return folder.stat().st_mode & 0o077 == 0


async def test_what_a_killed_process_left_unfinished_goes_at_the_next_start(tmp_path: Path) -> None:
    left = [
        tmp_path / "work" / "abc" / ".tracklet-x1y2" / "page.jpeg",
        tmp_path / "videos" / "tracklet" / "links" / "1" / ".clip.mp4.77-abc.part",
        tmp_path / "annotations" / "videos" / ".clip.mp4.json.part",
        tmp_path / ".tracklet-0a1b",
    ]
    kept = [tmp_path / "work" / "abc" / "page.jpeg", tmp_path / "videos" / ".holiday.part"]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    async with workspace(tmp_path):
        assert [path for path in left if path.exists()] == []
        assert [path for path in kept if not path.exists()] == []
    assert is_private(tmp_path)


async def test_links_that_drip_hold_up_nobody_but_who_named_them(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        for number in range(20):
            await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/drip{number}.mp4")
        other = await there.slack.slash_command("wildlife", "/track", f"{there.web_url}/fox.mp4", user=KIM)
        assert other is not None
        assert other.ok
        await there.slack.until(
            lambda: [each for each in there.slack.messages("wildlife") if each.text.startswith("I found 3 objects")]
        )
        at_once = there.bot.settings.jobs_at_once_per_person
        fetching = 0
        async with asyncio.timeout(60):
            while fetching < at_once:  # they open their answers one after the other
                dripping = [job for job in await jobs(tmp_path) if not job.is_over]
                fetching = [job.state for job in dripping].count(JobState.FETCHING)
                await asyncio.sleep(0.05)
        assert fetching == at_once
        for job in dripping:
            await there.slack.slash_command("wildlife", "/track", f"cancel {job.number}")
        await there.job_over()
