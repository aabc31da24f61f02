"""The Video Intelligence engine with Google's own client against a gRPC server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.rpc import code_pb2

from tests.google.video_intelligence_server import Script, VideoIntelligenceServer, annotation_file
from tracking.engines.base import Handle, RemoteState
from tracking.engines.video_intelligence import (
    INLINE_LIMIT_BYTES,
    LOCATIONS,
    VideoIntelligenceEngine,
    VideoIntelligenceOptions,
)
from tracking.errors import (
    Cancelled,
    EngineRefused,
    EngineUnavailable,
    OptionError,
    SourceNotFound,
    SourceRefused,
    TrackletError,
    VideoTooLarge,
)
from tracking.model import EngineWarning, Segment

VIDEO = "gs://videos/path/clip.mp4"
OUTPUT = "gs://annotations/videos/path/clip.mp4.json"


class Written(dict[str, bytes]):
    """What the service wrote, by URI."""

    async def put(self, uri: str, content: bytes) -> None:
        self[uri] = content


@asynccontextmanager
async def service(
    script: Script | None = None, **options: str
) -> AsyncIterator[tuple[VideoIntelligenceEngine, VideoIntelligenceServer, Written]]:
    written = Written()
    async with VideoIntelligenceServer(written.put, script=script) as server:
        engine = await VideoIntelligenceEngine.open(VideoIntelligenceOptions(endpoint=server.endpoint, **options))
        try:
            yield engine, server, written
        finally:
            await engine.close()


async def finished(engine: VideoIntelligenceEngine, handle: Handle) -> RemoteState:
    for _ in range(20):
        state = await engine.poll(handle)
        if state.done:
            return state
    raise AssertionError("the run hangs")


async def test_a_run_reports_its_progress_and_writes_its_annotations() -> None:
    async with service(Script(polls=3)) as (engine, server, written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        states = [await engine.poll(handle) for _ in range(3)]
    assert [state.done for state in states] == [False, False, True]
    assert [state.percent for state in states] == [25, 50, 100]
    assert written == {OUTPUT: annotation_file(VIDEO)}
    assert server.start_calls == 1


async def test_the_request_asks_for_object_tracking_alone_and_carries_every_option() -> None:
    async with service(location="europe-west1", model="builtin/latest") as (engine, server, _):
        await engine.start(VIDEO, annotations_uri=OUTPUT, segment=Segment(1.5, 2.25))
        assert engine.run_key == "google-latest"
    request = server.only_run.request
    assert (request.input_uri, request.output_uri, request.location_id) == (VIDEO, OUTPUT, "europe-west1")
    assert [feature.name for feature in request.features] == ["OBJECT_TRACKING"]
    assert request.video_context.object_tracking_config.model == "builtin/latest"
    (segment,) = request.video_context.segments
    assert (segment.start_time_offset.total_seconds(), segment.end_time_offset.total_seconds()) == (1.5, 2.25)


async def test_another_engine_goes_on_with_a_run_by_its_name() -> None:
    async with service() as (first, server, _):
        handle = await first.start(VIDEO, annotations_uri=OUTPUT)
        second = await VideoIntelligenceEngine.open(VideoIntelligenceOptions(endpoint=server.endpoint))
        assert (await finished(second, Handle(str(handle)))).done
        await second.close()


async def test_a_small_file_needs_no_bucket(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"\x00" * INLINE_LIMIT_BYTES)
    async with service() as (engine, server, written):
        handle = await engine.start(video)
        await finished(engine, handle)
        annotations = await engine.annotations(handle)
    assert [track.label for track in annotations.tracks] == ["cat"]
    assert len(server.only_run.request.input_content) == INLINE_LIMIT_BYTES
    assert not written


async def test_a_larger_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"\x00" * (INLINE_LIMIT_BYTES + 1))
    async with service() as (engine, server, _):
        with pytest.raises(VideoTooLarge):
            await engine.start(video)
    assert server.start_calls == 0


async def test_a_lost_answer_is_not_sent_again_and_says_that_the_run_may_be_there() -> None:
    async with service(Script(loses_answer=True)) as (engine, server, _):
        with pytest.raises(EngineUnavailable) as raised:
            await engine.start(VIDEO, annotations_uri=OUTPUT)
    assert raised.value.reason == "unanswered"
    assert (server.start_calls, len(server.runs)) == (1, 1)


async def test_a_poll_without_an_answer_can_be_asked_again() -> None:
    async with service(Script(unavailable_polls=1)) as (engine, server, _):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        with pytest.raises(EngineUnavailable) as raised:
            await engine.poll(handle)
        assert raised.value.reason == "offline"
        assert server.only_run.polls == 1
        assert (await finished(engine, handle)).done


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    async with VideoIntelligenceServer() as server:
        endpoint = server.endpoint
    engine = await VideoIntelligenceEngine.open(VideoIntelligenceOptions(endpoint=endpoint))
    with pytest.raises(EngineUnavailable):
        await engine.poll(Handle("projects/1/locations/us-east1/operations/1"))
    await engine.close()


async def test_a_cancelled_run_says_so_and_an_unknown_one_is_no_error() -> None:
    async with service(Script(hangs=True)) as (engine, server, _):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        await engine.cancel(handle)
        assert server.only_run.is_cancelled
        with pytest.raises(Cancelled):
            await engine.poll(handle)
        await engine.cancel(Handle("projects/1/locations/us-east1/operations/77"))


async def test_a_run_that_hangs_stays_undone() -> None:
    async with service(Script(hangs=True)) as (engine, _, written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        assert not any([(await engine.poll(handle)).done for _ in range(5)])
    assert not written


async def test_the_output_may_come_without_the_run_ever_being_done() -> None:
    async with service(Script(finishes=False)) as (engine, _, written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        assert not any([(await engine.poll(handle)).done for _ in range(4)])
    assert OUTPUT in written


async def test_a_run_may_be_done_without_its_output() -> None:
    async with service(Script(writes=False)) as (engine, _, written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        await finished(engine, handle)
        assert (await engine.annotations(handle)).tracks
    assert not written


async def test_a_part_that_failed_is_a_problem_of_a_run_that_is_done() -> None:
    script = Script(problem={"code": code_pb2.INTERNAL, "message": "segment 2"})
    async with service(script) as (engine, _, _written):
        state = await finished(engine, await engine.start(VIDEO, annotations_uri=OUTPUT))
    assert state.problems == (EngineWarning(code_pb2.INTERNAL, "segment 2"),)


async def test_a_run_in_which_every_part_failed_has_failed() -> None:
    content = b'{"annotation_results": [{"input_uri": "/videos/clip.mp4", "error": {"code": 5, "message": "gone"}}]}'
    async with service(Script(content=content)) as (engine, _, _written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        with pytest.raises(SourceNotFound) as raised:
            await finished(engine, handle)
    assert raised.value.source == "gs://videos/clip.mp4"


async def test_an_answer_of_more_than_four_megabytes_arrives() -> None:
    content = annotation_file(VIDEO, labels=["x" * 5_000_000])
    async with service(Script(content=content, polls=1)) as (engine, _, _written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        assert (await engine.poll(handle)).done


START_ERRORS = {
    "a bucket that cannot be read": (
        code_pb2.PERMISSION_DENIED,
        "The caller does not have permission",
        "",
        EngineRefused,
        "permission",
    ),
    "an API that is switched off": (
        code_pb2.PERMISSION_DENIED,
        "not enabled",
        "SERVICE_DISABLED",
        EngineUnavailable,
        "api-disabled",
    ),
    "no credentials": (code_pb2.UNAUTHENTICATED, "no token", "", EngineUnavailable, "credentials"),
    "a file that it cannot use": (code_pb2.INVALID_ARGUMENT, "Unsupported file.", "", EngineRefused, "unsupported"),
    "a region that it is not in": (code_pb2.INVALID_ARGUMENT, "Unsupported location_id: x", "", EngineRefused, "region"),
    "too many requests": (code_pb2.RESOURCE_EXHAUSTED, "Quota exceeded", "", EngineUnavailable, "quota"),
    "a failure of its own": (code_pb2.INTERNAL, "oops", "", EngineUnavailable, "unanswered"),
}


@pytest.mark.parametrize(("code", "message", "service_reason", "kind", "reason"), START_ERRORS.values(), ids=START_ERRORS)
async def test_a_start_that_is_refused_becomes_an_error_of_ours(
    code: int, message: str, service_reason: str, kind: type[TrackletError], reason: str
) -> None:
    script = Script(start_code=code, message=message, reason=service_reason)
    async with service(script) as (engine, server, _):
        with pytest.raises(kind) as raised:
            await engine.start(VIDEO, annotations_uri=OUTPUT)
    assert (raised.value.__dict__["reason"], raised.value.__dict__["detail"]) == (reason, message)
    assert server.start_calls == 1


RUN_ERRORS = {
    "no right to read": (code_pb2.PERMISSION_DENIED, EngineRefused, "permission"),
    "a video that it cannot use": (code_pb2.INVALID_ARGUMENT, EngineRefused, "unsupported"),
    "a failure of its own": (code_pb2.INTERNAL, EngineRefused, "internal"),
    "too slow": (code_pb2.DEADLINE_EXCEEDED, EngineRefused, "slow"),
}


@pytest.mark.parametrize(("code", "kind", "reason"), RUN_ERRORS.values(), ids=RUN_ERRORS)
async def test_a_run_that_fails_is_final(code: int, kind: type[TrackletError], reason: str) -> None:
    async with service(Script(run_code=code, polls=1)) as (engine, _, written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        with pytest.raises(kind) as raised:
            await engine.poll(handle)
    assert raised.value.__dict__["reason"] == reason
    assert not written


async def test_a_missing_permission_names_the_place_and_the_role() -> None:
    async with service(Script(start_code=code_pb2.PERMISSION_DENIED, message="No access.")) as (engine, _, _written):
        with pytest.raises(EngineRefused) as reading:
            await engine.start(VIDEO, annotations_uri=OUTPUT)
    assert (reading.value.place, reading.value.role) == (VIDEO, "roles/storage.objectViewer")
    message = f"No permission to write {OUTPUT}."
    async with service(Script(run_code=code_pb2.PERMISSION_DENIED, message=message, polls=1)) as (engine, _, _written):
        handle = await engine.start(VIDEO, annotations_uri=OUTPUT)
        with pytest.raises(EngineRefused) as writing:
            await engine.poll(handle)
    assert (writing.value.place, writing.value.role) == (OUTPUT, "roles/storage.objectUser")


async def test_a_run_that_the_service_forgot_is_lost() -> None:
    async with service() as (engine, _, _written):
        with pytest.raises(EngineRefused) as raised:
            await engine.poll(Handle("projects/1/locations/us-east1/operations/9"))
    assert raised.value.reason == "lost"


@pytest.mark.parametrize(
    "uri", ["gs://videos/*.mp4", "gs://videos/clip?.mp4", "s3://videos/clip.mp4", "gs://videos", "gs://V/c.mp4"]
)
async def test_an_address_that_is_not_one_object_is_refused_before_anything_is_sent(uri: str) -> None:
    async with service() as (engine, server, _):
        with pytest.raises(SourceRefused):
            await engine.start(uri, annotations_uri=OUTPUT)
        with pytest.raises(SourceRefused):
            await engine.start(VIDEO, annotations_uri=uri)
    assert server.start_calls == 0


@pytest.mark.parametrize("location", LOCATIONS)
def test_each_location_of_the_service_is_an_option(location: str) -> None:
    assert VideoIntelligenceOptions(location=location).location == location


@pytest.mark.parametrize(
    "wrong", [{"location": "mars"}, {"model": "newest"}, {"endpoint": "host:1"}, {"endpoint": "http://h/p"}]
)
def test_an_option_that_the_service_does_not_have_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        VideoIntelligenceOptions(**wrong)


async def test_without_credentials_the_engine_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(EngineUnavailable) as raised:
        await VideoIntelligenceEngine.open()
    assert (raised.value.reason, raised.value.subject) == ("key-file-missing", "none.json")
