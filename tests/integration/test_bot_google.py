"""Jobs whose tracking happens elsewhere, asked for in Slack: real clients, servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.clips import crossing_scene, draw_clip
from tests.google.storage_server import StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer
from tests.integration.bot_workspace import Workspace, eventually, workspace

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
async def there(service: VideoIntelligenceServer, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Workspace]:
    settings = {"engine": "auto", "video_intelligence_endpoint": service.endpoint, **BUCKETS}
    async with workspace(tmp_path, settings=settings, real_work=bool(getattr(request, "param", False))) as started:
        started.children.engine = "google"
        yield started


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


FAILED_RUN = b'{"annotation_results": [{"input_uri": "/b/c.mp4", "error": {"code": 13, "message": "Calculator failure"}}]}'


@pytest.mark.parametrize("there", [True], indirect=True, ids=["real-work"])
@pytest.mark.parametrize(
    "script", [Script(at_once=True, hangs=True), Script(polls=1)], ids=["its file first", "its answer first"]
)
async def test_a_run_with_nothing_but_an_error_is_told_as_failed_and_never_as_an_empty_video(
    there: Workspace, service: VideoIntelligenceServer, script: Script, tmp_path: Path
) -> None:
    service.script = replace(script, content=FAILED_RUN)
    clip = draw_clip(tmp_path / "scene.mp4", crossing_scene(1.0)).path.read_bytes()
    message = await there.slack.upload_file(clip, "wildlife", name="scene.mp4")
    progress = await there.progress(message, holds="Calculator failure.")
    assert "failed" in progress.text


@pytest.mark.parametrize("there", [True], indirect=True, ids=["real-work"])
@pytest.mark.parametrize(
    "script",
    [Script(at_once=True, hangs=True), Script(polls=1), Script(polls=1, writes=False)],
    ids=["its file first", "its answer first", "its answer alone"],
)
async def test_one_failed_result_of_several_is_told_beside_what_was_found(
    there: Workspace, service: VideoIntelligenceServer, script: Script, tmp_path: Path
) -> None:
    service.script = replace(script, problem={"code": 13, "message": "Calculator failure"})
    clip = draw_clip(tmp_path / "scene.mp4", crossing_scene(1.2)).path.read_bytes()
    message = await there.slack.upload_file(clip, "wildlife", name="scene.mp4")
    progress = await there.progress(message, starts="I found 1 cat")
    assert "A part of the video could not be tracked. The engine said: Calculator failure." in str(progress.blocks)
