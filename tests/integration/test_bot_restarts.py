"""`kill -9` at any moment and a restart: the job goes on, and its thread gets each message once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio

from bot.web.slack_requests import EVENTS_PATH
from playground import BOT_USER, Message, Playground, Timing
from tests.clips import crossing_scene, draw_clip
from tests.google.storage_server import StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer
from tests.integration.bot_workspace import CLIP, SECRET, eventually

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="forks processes and looks at them in /proc"),
]

WAIT_S = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def starter() -> AsyncIterator[asyncio.subprocess.Process]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TRACKLET_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.bot_process"),
        env=kept,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    await process.wait()


@dataclass
class BotProcess:
    """A bot that can be killed and started again on the same data."""

    slack: Playground
    folder: Path
    starter: asyncio.subprocess.Process
    real_work: bool
    environment: Mapping[str, str]
    pid: int = 0
    url: str = ""

    async def start(self) -> None:
        environment = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": SECRET,
            "TRACKLET_SLACK_API_URL": self.slack.api_url,
            "TRACKLET_DATA_DIR": str(self.folder),
            "TRACKLET_HTTP_PORT": "0",
            "TRACKLET_ENGINE": "motion",
            "REAL_WORK": "1" if self.real_work else "",
            **self.environment,
        }
        assert self.starter.stdin is not None
        self.starter.stdin.write(json.dumps(environment).encode() + b"\n")
        pid, self.url = (await self.line()).split()
        self.pid = int(pid)
        self.slack.bot_url = self.url + EVENTS_PATH

    async def line(self) -> str:
        """The next thing that the bot prints."""
        assert self.starter.stdout is not None
        async with asyncio.timeout(WAIT_S):
            return (await self.starter.stdout.readline()).decode().strip()

    async def end(self, number: signal.Signals) -> float:
        """Seconds until the process was gone."""
        begun = monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            while monotonic() - begun < WAIT_S:
                os.kill(self.pid, 0)
                await asyncio.sleep(0.01)
        return monotonic() - begun

    async def gone(self) -> None:
        """Wait until the process has ended by itself."""
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(self.pid, 0)
                await asyncio.sleep(0.01)

    def replies(self, message: Message) -> list[Message]:
        return [each for each in self.slack.thread(message.channel_id, message.ts)[1:] if each.user == BOT_USER]

    def is_answered(self, message: Message) -> bool:
        return any(each.text.startswith(("I found", "No object")) for each in self.replies(message))


@asynccontextmanager
async def started(
    starter: asyncio.subprocess.Process, folder: Path, *, real_work: bool = False, **environment: str
) -> AsyncIterator[BotProcess]:
    timing = Timing(retry_after_s=(0.0, 0.5, 0.5, 1.0, 1.0, 2.0))
    async with Playground(signing_secret=SECRET, timing=timing, limits=None) as slack:
        bot = BotProcess(slack, folder, starter, real_work, environment)
        await bot.start()
        try:
            yield bot
        finally:
            await bot.end(signal.SIGKILL)


MOMENTS = (
    ("download", 1),
    ("chat.postMessage", 1),
    ("upload", 1),
    ("files.completeUploadExternal", 1),
    ("chat.postMessage", 1),
    ("upload", 6),
    ("files.completeUploadExternal", 1),
    ("chat.update", 1),
)
"""A call, and at which of that start's calls of that kind the process dies; in the order of a job's life."""


def reached(bot: BotProcess, message: Message, method: str, wanted: int) -> bool:
    """So many calls were made, or there is nothing left to call for."""
    return len(bot.slack.calls_of(method)) >= wanted or bot.is_answered(message)


@pytest.mark.parametrize("unanswered", [False, True], ids=["answered", "unanswered"])
async def test_killed_at_every_kind_of_call_a_job_goes_on_and_says_everything_once(
    starter: asyncio.subprocess.Process, tmp_path: Path, unanswered: bool
) -> None:
    """When it is unanswered, Slack has done it, and the process that asked for it never knew."""
    async with started(starter, tmp_path) as bot:
        slack = bot.slack
        message: Message | None = None
        for method, nth in MOMENTS:
            wanted = len(slack.calls_of(method)) + nth
            if unanswered:
                slack.faults.delay(method, 1000.0, skip=nth - 1)
            message = message or await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
            await slack.until(partial(reached, bot, message, method, wanted), WAIT_S)
            await bot.end(signal.SIGKILL)
            slack.faults.clear()
            await bot.start()
        assert message is not None
        asked = message
        await slack.until(lambda: bot.is_answered(asked), WAIT_S)
        await slack.settled()
        found = bot.replies(message)
        assert [len(each.files) for each in found] == [0, 1, 0, 10]
        assert found[0].text.startswith("I found 12 objects")


async def test_an_event_that_came_just_before_the_kill_is_not_lost(starter: asyncio.subprocess.Process, tmp_path: Path) -> None:
    async with started(starter, tmp_path) as bot:
        message = await bot.slack.upload_file(CLIP, "wildlife", name="fox.mp4")
        await bot.slack.until(lambda: any(each.kind == "event" and each.ok for each in bot.slack.deliveries), WAIT_S)
        await bot.end(signal.SIGKILL)
        await bot.start()
        await bot.slack.until(lambda: bot.is_answered(message), WAIT_S)
        assert [len(each.files) for each in bot.replies(message)] == [0, 1, 0, 10]


async def test_a_click_for_more_that_was_cut_short_still_changes_the_list(
    starter: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    """Its work was asked for, and the process died before the list's button was taken away."""
    async with started(starter, tmp_path) as bot:
        slack = bot.slack
        message = await slack.upload_file(CLIP, "wildlife", name="fox.mp4")
        await slack.until(lambda: bot.is_answered(message), WAIT_S)
        await slack.settled()
        listed = bot.replies(message)[2]
        assert "tracklet_more" in str(listed.blocks)
        edits = len(slack.calls_of("chat.update"))
        slack.faults.delay("chat.update", 1000.0)
        await slack.click(listed, "tracklet_more")
        await slack.until(lambda: len(slack.calls_of("chat.update")) > edits, WAIT_S)
        await bot.end(signal.SIGKILL)
        slack.faults.clear()
        await bot.start()
        await slack.until(lambda: "tracklet_more" not in str(bot.replies(message)[2].blocks), WAIT_S)
        await slack.until(lambda: [len(each.files) for each in bot.replies(message)] == [0, 1, 0, 10, 2], WAIT_S)


async def test_real_work_dies_with_its_parent_and_is_done_again(starter: asyncio.subprocess.Process, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "scene.mp4", crossing_scene(2.0))
    async with started(starter, tmp_path / "data", real_work=True) as bot:
        message = await bot.slack.upload_file(clip.path, "wildlife", name="scene.mp4")
        children = await eventually(lambda: children_of(bot.pid))
        await bot.end(signal.SIGKILL)
        await eventually(lambda: not any(is_alive(child) for child in children))
        await bot.start()
        await bot.slack.until(lambda: bot.is_answered(message), 2 * WAIT_S)
        assert len([each for each in bot.replies(message) if each.text.startswith("I ")]) == 1


async def test_sigterm_ends_within_ten_seconds_and_hands_over(starter: asyncio.subprocess.Process, tmp_path: Path) -> None:
    async with started(starter, tmp_path) as bot:
        bot.slack.faults.delay("download", 1000.0)
        message = await bot.slack.upload_file(CLIP, "wildlife", name="fox.mp4")
        await bot.slack.until(lambda: bot.slack.calls_of("download") or bot.replies(message), WAIT_S)
        assert await bot.end(signal.SIGTERM) < 10
        assert await bot.line() == "ended"
        bot.slack.faults.clear()
        await bot.start()
        await bot.slack.until(lambda: bot.is_answered(message), WAIT_S)
        assert [len(each.files) for each in bot.replies(message)] == [0, 1, 0, 10]


async def test_a_video_that_takes_the_process_down_is_told_as_failed_after_its_third_death(
    starter: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    async with started(starter, tmp_path, DIES_AT="track") as bot:
        message = await bot.slack.upload_file(CLIP, "wildlife", name="deadly.mp4")
        for _ in range(3):
            await bot.gone()
            await bot.start()
        failure = await bot.slack.until(lambda: [each for each in bot.replies(message) if "several times" in each.text], WAIT_S)
        assert "tracklet_retry" not in str(failure[0].blocks)
        await bot.end(signal.SIGKILL)
        await bot.start()
        other = await bot.slack.upload_file(CLIP + b"other", "wildlife", name="fox.mp4")
        await bot.slack.until(lambda: bot.is_answered(other), WAIT_S)
        assert len(bot.replies(message)) == 1


async def test_a_message_that_takes_the_process_down_is_given_up_after_its_third_death(
    starter: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    async with started(starter, tmp_path) as bot:
        await bot.end(signal.SIGTERM)
        assert await bot.line() == "ended"
        with sqlite3.connect(tmp_path / "tracklet.sqlite") as connection:
            told = json.dumps({"kind": "click", "payload": {"not": "a click", "response_url": f"{bot.slack.url}/commands/1/x"}})
            connection.execute("INSERT INTO inbox VALUES ('click:poison', ?, 0, NULL)", (told,))
            connection.execute("INSERT INTO attempts VALUES ('click:poison', 'handle', 3)")
            connection.commit()
        connection.close()
        await bot.start()
        await bot.slack.until(lambda: bot.slack.calls_of("response_url"), WAIT_S)
        await bot.end(signal.SIGTERM)
        assert await bot.line() == "ended"
    with sqlite3.connect(tmp_path / "tracklet.sqlite") as connection:
        found = connection.execute("SELECT payload FROM inbox WHERE key = 'click:poison' AND handled_at IS NOT NULL").fetchall()
    connection.close()
    assert found == [("{}",)]


@asynccontextmanager
async def with_google(
    starter: asyncio.subprocess.Process, folder: Path, script: Script, *, command: str = "gs://videos-bucket/park/fox.mp4"
) -> AsyncIterator[tuple[BotProcess, VideoIntelligenceServer, StorageServer]]:
    """A bot that was asked for a stored video, which Google has begun to follow; with no `command` nothing was asked."""
    async with StorageServer("videos-bucket", "annotations-bucket", "objects-bucket") as storage:

        async def put(uri: str, content: bytes) -> None:
            await storage.put(uri, content)

        await storage.put("gs://videos-bucket/park/fox.mp4", CLIP)
        async with (
            VideoIntelligenceServer(put, script=script) as service,
            started(
                starter,
                folder,
                STORAGE_EMULATOR_HOST=storage.address,
                TRACKLET_ENGINE="google",
                TRACKLET_VIDEO_INTELLIGENCE_ENDPOINT=service.endpoint,
                TRACKLET_VIDEO_BUCKET="videos-bucket",
                TRACKLET_ANNOTATION_BUCKET="annotations-bucket",
                TRACKLET_OBJECT_BUCKET="objects-bucket",
            ) as bot,
        ):
            if command:
                await bot.slack.slash_command("wildlife", "/track", command)
                await eventually(lambda: service.runs)
            yield bot, service, storage


async def answered_once(bot: BotProcess) -> None:
    """The thread of the stored video is whole, and there is one."""
    slack = bot.slack

    def found() -> list[Message]:
        return [each for each in slack.messages("wildlife") if each.user == BOT_USER and each.text.startswith("I found")]

    (root,) = await slack.until(found, WAIT_S)
    assert [len(each.files) for each in slack.thread(root.channel_id, root.ts)] == [0, 1, 0, 10]


async def test_killed_while_google_works_a_job_goes_on_by_the_name_of_its_operation(
    starter: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    async with with_google(starter, tmp_path, Script(hangs=True)) as (bot, service, _):
        run = service.only_run
        for _ in range(2):
            seen = run.polls
            await eventually(lambda: run.polls > seen)  # noqa: B023  # used within the round
            await bot.end(signal.SIGKILL)
            await bot.start()
        await bot.end(signal.SIGKILL)
        await service.write_output(run)
        await bot.start()
        await answered_once(bot)
        assert service.start_calls == 1


async def test_killed_between_the_start_and_its_note_a_job_does_not_start_twice(
    starter: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    async with with_google(starter, tmp_path, Script(stalls_answer=True, hangs=True)) as (bot, service, _):
        for _ in range(2):
            await bot.end(signal.SIGKILL)
            await bot.start()

        def said() -> bool:
            return any("Google has not said whether" in each.text for each in bot.slack.messages("wildlife"))

        await bot.slack.until(said, WAIT_S)
        await service.write_output(service.only_run)
        await answered_once(bot)
        assert service.start_calls == 1


async def test_killed_during_a_large_upload_a_job_leaves_nothing_unfinished_in_the_bucket(
    starter: asyncio.subprocess.Process, tmp_path: Path
) -> None:
    async with with_google(starter, tmp_path, Script(hangs=True), command="") as (bot, service, storage):
        storage.stalls_uploads = True
        message = await bot.slack.upload_file(CLIP + bytes(20 << 20), "wildlife", name="large.mp4")
        for _ in range(2):
            await storage.stalled.wait()
            storage.stalled.clear()
            await bot.end(signal.SIGKILL)
            assert await storage.names("videos-bucket") == ["park/fox.mp4"]
            await bot.start()
        storage.stalls_uploads = False
        storage.ends.set()
        await bot.end(signal.SIGKILL)  # whatever it had sent by now
        await bot.start()
        await eventually(lambda: service.runs)
        await service.write_output(service.only_run)

        def is_found() -> bool:
            return any(each.text.startswith("I found") for each in bot.slack.thread(message.channel_id, message.ts))

        await bot.slack.until(is_found, WAIT_S)
        uploaded = [name for name in await storage.names("videos-bucket") if name != "park/fox.mp4"]
        assert [f"gs://videos-bucket/{name}" for name in uploaded] == [service.only_run.request.input_uri]


def is_alive(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def children_of(pid: int) -> list[str]:
    """The numbers of a process's children."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return listing.read_text().split() if listing.exists() else []
