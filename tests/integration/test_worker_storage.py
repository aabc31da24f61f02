"""Workers that share the database and three buckets, and no disk: what one had begun, another goes on with."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp import web

from playground import BOT_USER, Message
from tests.google.storage_server import StorageServer
from tests.integration.bot_workspace import CLIP, eventually
from tests.integration.test_workers import Cluster, cluster, pytestmark, starter

__all__ = ["cluster", "pytestmark", "starter"]


@dataclass
class Fleet:
    """A front, and workers that each have a data folder of their own."""

    cluster: Cluster
    storage: StorageServer
    link: str
    """A link that works once."""
    count: int = 0

    async def start(self, role: str, **environment: str) -> int:
        """Start a process in a folder of its own; its place among the cluster's processes."""
        self.count += 1
        folder = self.cluster.folder.with_name(f"{role}-{self.count}")
        await self.cluster.start(
            role,
            TRACKLET_DATA_DIR=str(folder),
            TRACKLET_ALLOWED_HOSTS="127.0.0.1",
            STORAGE_EMULATOR_HOST=self.storage.address,
            TRACKLET_VIDEO_BUCKET="videos-bucket",
            TRACKLET_ANNOTATION_BUCKET="annotations-bucket",
            TRACKLET_OBJECT_BUCKET="objects-bucket",
            **environment,
        )
        return len(self.cluster.processes) - 1

    async def kill(self, place: int) -> None:
        await self.cluster.processes[place].end(signal.SIGKILL)

    async def ask(self, source: str) -> Message:
        """Ask for a clip that is shared, linked to, or stored."""
        slack = self.cluster.slack
        if source == "upload":
            return await self.cluster.clip(1)
        if source == "object":
            await self.storage.put("gs://videos-bucket/zoo/clip.mp4", CLIP)
            return slack.post_message("wildlife", f"<@{BOT_USER}> gs://videos-bucket/zoo/clip.mp4")
        return slack.post_message("wildlife", self.link)


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(cluster: Cluster) -> AsyncIterator[Fleet]:
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    given = []

    async def serve(_: web.Request) -> web.Response:
        """Give a clip to the first who asks, and to nobody after that."""
        given.append(True)
        if len(given) > 1:
            raise web.HTTPNotFound
        return web.Response(body=CLIP, content_type="video/mp4")

    app.router.add_get("/clip.mp4", serve)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with StorageServer("videos-bucket", "annotations-bucket", "objects-bucket") as storage:
            yield Fleet(cluster, storage, f"http://127.0.0.1:{runner.addresses[0][1]}/clip.mp4")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("stage", "source"),
    [("choose", "link"), ("track", "upload"), ("summary", "object"), ("animations", "link"), ("animations", "upload")],
)
async def test_a_worker_killed_at_work_is_followed_by_one_that_has_none_of_its_files(
    fleet: Fleet, stage: str, source: str
) -> None:
    await fleet.start("front")
    stuck = await fleet.start("worker", WAITS_AT=stage)
    message = await fleet.ask(source)
    await eventually((fleet.cluster.folder.with_name(f"worker-{fleet.count}") / "waits").exists)
    await fleet.kill(stuck)
    await fleet.start("worker")
    await fleet.cluster.answered(message)


POSTING = (
    ("files.completeUploadExternal", 1),
    ("chat.postMessage", 2),
    ("upload", 4),
    ("files.completeUploadExternal", 1),
)
"""A call of a job's posting, and at which of them a worker dies; in the order of its life, no step more than twice."""


async def test_workers_killed_one_after_the_other_while_they_post_say_everything_once(fleet: Fleet) -> None:
    slack = fleet.cluster.slack
    front = fleet.cluster.processes[await fleet.start("front")]
    message: Message | None = None
    for method, nth in POSTING:
        wanted = len(slack.calls_of(method)) + (nth if message is None or method == "upload" else 1)
        slack.faults.delay(method, 1000.0, skip=wanted - 1 - len(slack.calls_of(method)))
        working = await fleet.start("worker")
        message = message or await fleet.ask("link")
        asked = message
        await slack.until(lambda: len(slack.calls_of(method)) >= wanted or front.is_answered(asked), 60.0)  # noqa: B023
        await fleet.kill(working)
        slack.faults.clear()
    await fleet.start("worker")
    assert message is not None
    await fleet.cluster.answered(message)


async def test_buttons_are_served_by_a_worker_that_has_none_of_the_files(fleet: Fleet) -> None:
    slack = fleet.cluster.slack
    front = fleet.cluster.processes[await fleet.start("front")]
    first = await fleet.start("worker")
    message = await fleet.ask("link")
    await fleet.cluster.answered(message)
    await fleet.kill(first)
    await fleet.start("worker")
    listed = next(each for each in front.replies(message) if "tracklet_more" in str(each.blocks))
    await slack.click(listed, "tracklet_more")
    gifs = await eventually(lambda: [file["name"] for each in front.replies(message) for file in each.files][11:])
    assert len(gifs) == 2


async def test_what_one_worker_found_another_shows_again_without_tracking(fleet: Fleet) -> None:
    await fleet.start("front")
    first = await fleet.start("worker")
    await fleet.cluster.answered(await fleet.cluster.clip(1))
    await eventually(lambda: fleet.cluster.states() == ["done"])
    await fleet.kill(first)
    await fleet.start("worker", WAITS_AT="track")
    await fleet.cluster.answered(await fleet.cluster.clip(1))
