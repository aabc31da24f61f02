"""Quotas, lost answers and refusals of Google while a job waits for it: real clients, servers on loopback, Slack's thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.rpc import code_pb2

from playground import Message
from tests.google.storage_server import StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer, annotation_file
from tests.integration.bot_workspace import CLIP, Workspace, eventually, workspace
from tracking.engines.remote import Patience
from tracking.formats import video_intelligence

VIDEOS, ANNOTATIONS = {"video_bucket": "videos-bucket"}, {"annotation_bucket": "annotations-bucket"}
BUCKETS = VIDEOS | ANNOTATIONS | {"object_bucket": "objects-bucket"}
QUICK = Patience(first_poll_s=0.05, again_s=0.2)
MINUTE = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service 'videointelligence'."


@pytest_asyncio.fixture
async def buckets(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StorageServer]:
    async with StorageServer(*BUCKETS.values()) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "1")
        yield server


@pytest_asyncio.fixture
async def service(buckets: StorageServer) -> AsyncIterator[VideoIntelligenceServer]:
    async def put(uri: str, content: bytes) -> None:
        await buckets.put(uri, content)

    async with VideoIntelligenceServer(put, script=Script(polls=1)) as server:
        yield server


@asynccontextmanager
async def bot(
    folder: Path, service: VideoIntelligenceServer, *, remote: Patience = QUICK, places: dict[str, Any] = BUCKETS
) -> AsyncIterator[Workspace]:
    settings = {"engine": "google", "video_intelligence_endpoint": service.endpoint, **places}
    async with workspace(folder, settings=settings, remote=remote) as started:
        started.children.engine = "google"
        yield started


async def told(there: Workspace, message: Message, holds: str) -> Message:
    """The progress message, once it says so; meanwhile it does not say that objects are followed."""
    progress = await there.progress(message, holds=holds)
    assert "Following" not in str(progress.blocks)
    return progress


@pytest.mark.parametrize(
    "script",
    [
        Script(start_code=code_pb2.RESOURCE_EXHAUSTED, message=MINUTE),
        Script(run_code=code_pb2.RESOURCE_EXHAUSTED, message=MINUTE, polls=1),
        Script(at_once=True, hangs=True, content=b'{"annotation_results": [{"error": {"code": 8, "message": "busy"}}]}'),
    ],
    ids=["at the start", "as the result of the run", "in the annotation file"],
)
async def test_a_quota_by_the_minute_is_waited_for_and_told(
    tmp_path: Path, service: VideoIntelligenceServer, script: Script
) -> None:
    service.script = script
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        await told(there, message, "Google's quota is used up for now: trying again every minute")
        service.script = Script(polls=1)
        await there.progress(message, starts="I found")
        assert service.start_calls > 1
        assert [run.script is script for run in service.runs.values()].count(False) == 1


async def test_a_quota_of_questions_is_waited_for_while_the_run_goes_on(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(
        polls=1, unavailable_polls=1000, poll_code=code_pb2.RESOURCE_EXHAUSTED, message=MINUTE, writes=False
    )
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        await told(there, message, "Google's quota is used up for now")
        service.only_run.script.unavailable_polls = 0
        await there.progress(message, starts="I found")
    assert service.start_calls == 1


async def test_a_quota_that_does_not_fill_again_is_told_after_a_while(tmp_path: Path, service: VideoIntelligenceServer) -> None:
    for script in (
        Script(start_code=code_pb2.RESOURCE_EXHAUSTED, message=MINUTE),
        Script(run_code=code_pb2.RESOURCE_EXHAUSTED, message=MINUTE, polls=1),
    ):
        service.script, service.start_calls = script, 0
        async with bot(tmp_path, service, remote=Patience(first_poll_s=0.02, again_s=0.02, again_limit_s=0.05)) as there:
            await there.progress(await there.clip(), holds="its quota is used up for now")
        assert service.start_calls == 4


@pytest.mark.parametrize(
    ("message", "metadata"),
    [("Quota exceeded for 'Requests per day'.", {}), ("Quota exceeded.", {"quota_limit_value": "0"})],
    ids=["by the day", "of nothing"],
)
async def test_a_quota_that_does_not_fill_again_soon_is_told_at_once(
    tmp_path: Path, service: VideoIntelligenceServer, message: str, metadata: dict[str, str]
) -> None:
    service.script = Script(
        start_code=code_pb2.RESOURCE_EXHAUSTED, message=message, reason="RATE_LIMIT_EXCEEDED", metadata=metadata
    )
    async with bot(tmp_path, service) as there:
        await there.progress(await there.clip(), holds="is used up for long")
    assert service.start_calls == 1


@pytest.mark.parametrize("places", [BUCKETS, VIDEOS], ids=["with an annotation bucket", "without"])
async def test_the_run_of_a_start_without_an_answer_is_found_among_the_operations(
    tmp_path: Path, service: VideoIntelligenceServer, places: dict[str, str]
) -> None:
    service.script = Script(loses_answer=True, polls=1000, lists=False)
    async with bot(tmp_path, service, places=places | {"location": "us-east1"}) as there:
        service.script.lists = bool(not places.get("annotation_bucket"))
        message = await there.clip()
        if places is BUCKETS:
            await told(there, message, "Google has not said whether it took the video")
            service.script.lists = True
        await there.progress(message, holds="Following")
        await eventually(lambda: service.runs)
        service.only_run.script.polls = 1
        await there.progress(message, starts="I found")
    assert service.start_calls == 1


async def test_the_run_of_a_start_without_an_answer_is_found_by_its_file(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(loses_answer=True, hangs=True)
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        await told(there, message, "Google has not said whether it took the video")
        await service.write_output(service.only_run)
        await there.progress(message, starts="I found")
    assert service.start_calls == 1


async def test_a_lost_start_that_outlives_the_wait_is_told_and_its_result_is_taken_when_somebody_asks_again(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(loses_answer=True, hangs=True)
    async with bot(tmp_path, service, remote=Patience(first_poll_s=0.05, unanswered_s=0.1)) as there:
        message = await there.clip()
        failed = await there.progress(message, holds="I look for its result before I start it again")
        assert service.start_calls == 1
        await service.write_output(service.only_run)
        await there.slack.click(failed, "tracklet_retry")
        await there.slack.until(lambda: any(each.text.startswith("I found") for each in there.replies(message)))
    assert service.start_calls == 1


async def test_a_lost_start_that_cannot_be_seen_is_told_at_once_and_started_again_only_by_a_person(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(loses_answer=True)
    async with bot(tmp_path, service, places={}) as there:
        message = await there.clip()
        failed = await there.progress(message, holds="trying again may cost the same once more")
        assert service.start_calls == 1
        service.script = Script(polls=1)
        await there.slack.click(failed, "tracklet_retry")
        await there.slack.until(lambda: any(each.text.startswith("I found") for each in there.replies(message)))
    assert service.start_calls == 2


async def test_a_stop_reaches_a_run_whose_start_was_not_answered(tmp_path: Path, service: VideoIntelligenceServer) -> None:
    service.script = Script(loses_answer=True, hangs=True)
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        progress = await told(there, message, "Google has not said whether it took the video")
        service.script.lists = True
        await there.slack.click(progress, "tracklet_cancel")
        await there.progress(message, starts="Stopped by")
        await eventually(lambda: service.only_run.is_cancelled)


async def test_a_refusal_to_say_how_far_a_run_is_is_told_soon_and_the_run_goes_on_when_that_is_mended(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(polls=1, unavailable_polls=1000, poll_code=code_pb2.UNAUTHENTICATED, message="Token expired.")
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        failed = await there.progress(message, holds="does not accept my credentials")
        assert service.only_run.polls == 3
        service.only_run.script.unavailable_polls = 0
        assert not service.only_run.is_cancelled
        await there.slack.click(failed, "tracklet_retry")
        await there.slack.until(lambda: any(each.text.startswith("I found") for each in there.replies(message)))
    assert service.start_calls == 1


async def test_a_service_that_does_not_answer_for_long_is_told_and_the_run_goes_on(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(polls=1, unavailable_polls=1000, writes=False)
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        await told(there, message, "Google does not answer: trying again")
        service.only_run.script.unavailable_polls = 0
        await there.progress(message, starts="I found")
    assert service.start_calls == 1


async def test_a_run_that_ended_for_want_of_billing_is_told_at_once(tmp_path: Path, service: VideoIntelligenceServer) -> None:
    service.script = Script(
        polls=1, run_code=code_pb2.FAILED_PRECONDITION, message="Billing is disabled.", reason="BILLING_DISABLED"
    )
    async with bot(tmp_path, service) as there:
        await there.progress(await there.clip(), holds="Billing is disabled")
    assert service.only_run.polls == 1


async def test_a_run_that_somebody_stopped_at_google_is_not_told_as_stopped_here(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(hangs=True)
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        await eventually(lambda: service.runs)
        service.only_run.is_cancelled = True
        await there.progress(message, holds="Somebody stopped this run at Google Video Intelligence, not here")


async def test_what_the_operator_can_mend_is_a_line_in_the_thread_and_a_link_in_the_log(
    tmp_path: Path, service: VideoIntelligenceServer, caplog: pytest.LogCaptureFixture
) -> None:
    link = "https://console.developers.google.com/apis/api/videointelligence.googleapis.com/overview?project=123456789"
    words = f"Cloud Video Intelligence API has not been used in project 123456789 before or it is disabled. Visit {link}."
    service.script = Script(start_code=code_pb2.PERMISSION_DENIED, message=words, reason="SERVICE_DISABLED")
    async with bot(tmp_path, service) as there:
        told = await there.progress(await there.clip(), holds="is switched off in the Google project 123456789")
    assert told.text.endswith("tell them that it was job 1.")
    assert link not in str(told.blocks)
    assert link in caplog.text
    assert service.start_calls == 1


async def test_an_older_annotation_file_is_not_taken_for_that_of_a_run_that_wrote_none(
    tmp_path: Path, service: VideoIntelligenceServer, buckets: StorageServer
) -> None:
    service.script = Script(polls=1, writes=False)
    await buckets.put("gs://videos-bucket/park/fox.mp4", CLIP)
    await buckets.put("gs://annotations-bucket/videos-bucket/park/fox.mp4.json", annotation_file(labels=["older"]))
    async with bot(tmp_path, service) as there:
        await there.slack.slash_command("wildlife", "/track", "gs://videos-bucket/park/fox.mp4")
        await there.slack.until(lambda: [each for each in there.slack.messages("wildlife") if each.text.startswith("I found")])
    (found,) = (tmp_path / "annotations").rglob("*.json")
    assert [track.label for track in video_intelligence.read(found).tracks] == ["cat"]


async def test_who_starts_again_what_was_stopped_gets_a_run_of_their_own(
    tmp_path: Path, service: VideoIntelligenceServer
) -> None:
    service.script = Script(hangs=True, stops=False)
    async with bot(tmp_path, service) as there:
        message = await there.clip()
        await eventually(lambda: service.runs)
        await there.slack.click(await there.progress(message, holds="Following"), "tracklet_cancel")
        stopped = await there.progress(message, starts="Stopped by")
        service.script = Script(polls=1)
        await there.slack.click(stopped, "tracklet_retry")
        await there.slack.until(lambda: any(each.text.startswith("I found") for each in there.replies(message)))
    assert service.start_calls == 2
