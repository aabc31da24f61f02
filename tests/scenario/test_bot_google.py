"""Jobs whose tracking happens elsewhere, and jobs that no one asked for in Slack: real clients, servers on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.google.storage_server import StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer
from tests.scenario.bot_workspace import CLIP, Workspace, eventually, workspace

BUCKETS = {"video_bucket": "videos-bucket", "annotation_bucket": "annotations-bucket", "object_bucket": "objects-bucket"}


@pytest_asyncio.fixture
async def buckets(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StorageServer]:
    async with StorageServer(*BUCKETS.values()) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        yield server


@pytest_asyncio.fixture
async def service(buckets: StorageServer) -> AsyncIterator[VideoIntelligenceServer]:
    async def put(uri: str, content: bytes) -> None:
        await buckets.put(uri, content)

    async with VideoIntelligenceServer(put, script=Script(polls=1)) as server:
        yield server


@pytest_asyncio.fixture
async def there(service: VideoIntelligenceServer, tmp_path: Path) -> AsyncIterator[Workspace]:
    settings = {"engine": "auto", "video_intelligence_endpoint": service.endpoint, **BUCKETS}
    async with workspace(tmp_path, settings=settings) as started:
        started.children.engine = "google"
        yield started


async def test_a_stored_video_is_tracked_by_google_and_ends_in_the_thread(
    there: Workspace, buckets: StorageServer, service: VideoIntelligenceServer
) -> None:
    await buckets.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await there.slack.slash_command("wildlife", "/track", "gs://videos-bucket/park/fox.mp4 with google")
    await there.slack.until(lambda: [each for each in there.slack.messages("wildlife") if "I found" in each.text], 30)
    assert service.start_calls == 1
    assert service.only_run.request.input_uri == "gs://videos-bucket/park/fox.mp4"
    assert [task for task, _ in there.children.asked] == ["probe", "summary", "animations"]


async def test_a_shared_video_goes_to_the_video_bucket_first_and_cancel_reaches_the_run(
    there: Workspace, service: VideoIntelligenceServer
) -> None:
    service.script = Script(hangs=True)
    message = await there.clip(name="fox.mp4")
    progress = await there.progress(message, holds="Following")
    await eventually(lambda: service.runs)
    await there.slack.click(progress, "tracklet_cancel")
    await there.progress(message, starts="Stopped by")
    assert service.only_run.is_cancelled
    assert service.only_run.request.input_uri.startswith("gs://videos-bucket/tracklet/slack/")


async def test_a_video_dropped_into_its_bucket_is_tracked_without_slack(there: Workspace, buckets: StorageServer) -> None:
    stored = await buckets.put("gs://videos-bucket/park/fox.mp4", CLIP)
    event = {
        "specversion": "1.0",
        "type": "google.cloud.storage.object.v1.finalized",
        "source": "//storage.googleapis.com/projects/_/buckets/videos-bucket",
        "id": "1",
        "data": {"bucket": "videos-bucket", "name": "park/fox.mp4", "generation": str(stored["generation"])},
    }
    headers = {"Content-Type": "application/cloudevents+json"}
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(f"{there.bot.url}/events/storage", data=json.dumps(event), headers=headers) as answer:
                assert answer.status == 204
        async with session.get(f"{there.bot.url}/track") as answer:
            assert answer.status == 400
    await there.job_over()
    assert await buckets.get("gs://objects-bucket/videos-bucket/park/fox.mp4.summary_p1.jpeg")
    assert await buckets.get("gs://objects-bucket/videos-bucket/park/fox.mp4.000.gif")
    assert await buckets.get("gs://annotations-bucket/videos-bucket/park/fox.mp4.json")
    assert [task for task, _ in there.children.asked].count("summary") == 1
