"""Video bucket to annotation bucket: the service, the storage and both clients together, with the failures between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.web.storage_events import ObjectFinalized, parse
from tests.google.storage_server import Resource, StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer
from tests.shared_data import shared_data
from tracking.engines.remote import has_arrived
from tracking.engines.video_intelligence import VideoIntelligenceEngine, VideoIntelligenceOptions
from tracking.errors import EngineUnavailable
from tracking.formats import video_intelligence
from tracking.storage.bucket import Bucket, GoogleStorage
from tracking.storage.names import annotation_name

VIDEO = "path/clip.mp4"
ANNOTATIONS = annotation_name("videos", VIDEO)


@dataclass
class Cloud:
    """Google as the bot sees it, and its events as they come."""

    service: VideoIntelligenceServer
    engine: VideoIntelligenceEngine
    videos: Bucket
    annotations: Bucket
    events: asyncio.Queue[ObjectFinalized]


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    events: asyncio.Queue[ObjectFinalized] = asyncio.Queue()

    async def finalized(resource: Resource) -> None:
        headers = {
            "ce-id": "1",
            "ce-source": "//storage.googleapis.com",
            "ce-specversion": "1.0",
            "ce-type": "google.cloud.storage.object.v1.finalized",
        }
        event = parse(headers, json.dumps(resource).encode())
        assert event is not None
        events.put_nowait(event)

    async with StorageServer("videos", "annotations", on_finalized=finalized) as storage:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.address)

        async def put(uri: str, content: bytes) -> None:
            await storage.put(uri, content)

        async with VideoIntelligenceServer(put) as service:
            google = GoogleStorage()
            engine = await VideoIntelligenceEngine.open(VideoIntelligenceOptions(endpoint=service.endpoint))
            yield Cloud(service, engine, google.bucket("videos"), google.bucket("annotations"), events)
            await engine.close()
            await google.close()


async def test_a_video_in_its_bucket_leads_to_annotations_at_the_seeds_name(cloud: Cloud) -> None:
    stored = await cloud.videos.write(VIDEO, b"\x00" * 1000)
    event = await cloud.events.get()
    assert (event.bucket, event.name, event.generation) == ("videos", VIDEO, stored.generation)
    handle = await cloud.engine.start(cloud.videos.uri(VIDEO), annotations_uri=cloud.annotations.uri(ANNOTATIONS))
    while not (await cloud.engine.poll(handle)).done:
        pass
    event = await cloud.events.get()
    assert (event.bucket, event.name) == ("annotations", "videos/path/clip.mp4.json")
    annotations = video_intelligence.read(await cloud.annotations.read(event.name))
    assert [track.label for track in annotations.tracks] == ["cat"]
    assert annotations == await cloud.engine.annotations(handle)


async def test_a_start_without_an_answer_is_found_by_its_file_and_not_sent_twice(cloud: Cloud) -> None:
    cloud.service.script = Script(loses_answer=True)
    await cloud.annotations.write(ANNOTATIONS, b"of an earlier video")
    since = await cloud.annotations.generation(ANNOTATIONS)
    with pytest.raises(EngineUnavailable) as raised:
        await cloud.engine.start(cloud.videos.uri(VIDEO), annotations_uri=cloud.annotations.uri(ANNOTATIONS))
    assert raised.value.reason == "unanswered"
    assert not await has_arrived(cloud.annotations, ANNOTATIONS, since=since)
    await cloud.service.write_output(cloud.service.only_run)
    assert await has_arrived(cloud.annotations, ANNOTATIONS, since=since)
    assert cloud.service.start_calls == 1


async def test_the_file_is_enough_where_the_run_is_never_done(cloud: Cloud) -> None:
    cloud.service.script = Script(finishes=False, polls=1)
    handle = await cloud.engine.start(cloud.videos.uri(VIDEO), annotations_uri=cloud.annotations.uri(ANNOTATIONS))
    assert not (await cloud.engine.poll(handle)).done
    assert await has_arrived(cloud.annotations, ANNOTATIONS, since=0)
    assert cloud.events.get_nowait().name == ANNOTATIONS


async def test_a_run_that_wrote_nothing_still_gives_its_annotations(cloud: Cloud) -> None:
    cloud.service.script = Script(writes=False, polls=1)
    handle = await cloud.engine.start(cloud.videos.uri(VIDEO), annotations_uri=cloud.annotations.uri(ANNOTATIONS))
    assert (await cloud.engine.poll(handle)).done
    assert not await has_arrived(cloud.annotations, ANNOTATIONS, since=0)
    found = await cloud.engine.annotations(handle)
    await cloud.annotations.write(ANNOTATIONS, video_intelligence.write(found), if_generation=0)
    assert video_intelligence.read(await cloud.annotations.read(ANNOTATIONS)).tracks == found.tracks


async def test_a_real_annotation_file_comes_through_whole(cloud: Cloud) -> None:
    content = shared_data("annotations/output-uri-775-objects.json").read_bytes()
    cloud.service.script = Script(content=content, polls=1)
    handle = await cloud.engine.start(cloud.videos.uri(VIDEO), annotations_uri=cloud.annotations.uri(ANNOTATIONS))
    assert (await cloud.engine.poll(handle)).done
    assert await cloud.annotations.read(ANNOTATIONS) == content
    assert len((await cloud.engine.annotations(handle)).tracks) == 775
