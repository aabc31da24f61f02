"""
`tracklet compare`, and `tracklet track` with Google's engine: real files in, real files out, Google's clients over loopback.

With Google the command is a process of its own, since its client and the server want an event loop each.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.rpc import code_pb2
from PIL import Image

from bot.cli.engine_run import run_remote
from bot.texts import errors
from tests.clips import BLUE, RED, Clip, Mover, Scene, draw_clip
from tests.google.storage_server import Resource, StorageServer
from tests.google.video_intelligence_server import Script, VideoIntelligenceServer
from tests.integration.bot_workspace import eventually
from tests.integration.command import Run, files
from tests.tiny_yolox import tiny_yolox
from tracking.engines.remote import Patience
from tracking.engines.video_intelligence import INLINE_LIMIT_BYTES, VideoIntelligenceEngine, VideoIntelligenceOptions
from tracking.errors import EngineError
from tracking.formats import video_intelligence
from tracking.model import Annotations
from tracking.storage.bucket import GoogleStorage
from tracking.storage.passing import PASSING, remove_forgotten

# The model sees red alone, in boxes of one size.
SCENE = Scene(
    (
        Mover("red", RED, (0.14, 0.19), ((0.0, 0.25, 0.35), (1.5, 0.7, 0.35))),
        Mover("blue", BLUE, (0.2, 0.25), ((0.0, 0.7, 0.75), (1.5, 0.3, 0.75))),
    )
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_yolox(tmp_path_factory.mktemp("m") / "tiny.onnx", side=160, box=(26, 26), names="['red', 'green']")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return draw_clip(tmp_path_factory.mktemp("c") / "clip.mp4", SCENE, fps=15, duration_s=1.5)


@pytest.fixture
def given(clip: Clip, tmp_path: Path) -> Path:
    """An annotation file of an old bucket, which holds the truth."""
    path = tmp_path / "old.json"
    path.write_bytes(video_intelligence.write(clip.annotations()))
    return path


def test_without_google_the_two_local_engines_are_compared(run: Run, clip: Clip, model: Path, tmp_path: Path) -> None:
    status, out, err = run("compare", clip.path, "--out", "out", "--model", model)
    assert status == 0
    assert files(tmp_path / "out") == ["clip.mp4.compare.jpeg", "clip.mp4.motion.json", "clip.mp4.yolox.json"]
    assert "found by both" in out
    assert "Tracking with YOLOX (tiny.onnx), for the comparison." in err


def test_a_file_takes_the_place_of_the_first_engine(run: Run, clip: Clip, given: Path, model: Path, tmp_path: Path) -> None:
    status, out, _ = run("compare", clip.path, "--out", "out", "--with", given, "--model", model, "--json")
    assert status == 0
    result = json.loads(out)
    assert (result["a"]["engine"], result["a"]["title"]) == (None, "old.json")
    assert result["b"]["engine"] == "yolox"
    assert [(one["found_by"], one["a"]["label"]) for one in result["objects"]] == [("both", "red"), ("a", "blue")]
    assert result["objects"][0]["overlap"] > 0.4
    assert result["objects"][1]["b"] is None
    assert files(tmp_path / "out") == ["clip.mp4.compare.jpeg", "clip.mp4.yolox.json"]
    with Image.open(result["pictures"][0]) as image:
        assert image.width <= 1920


def test_two_files_are_compared_without_any_engine(run: Run, clip: Clip, given: Path, tmp_path: Path) -> None:
    other = tmp_path / "new.json"
    other.write_bytes(video_intelligence.write(Annotations((clip.track("blue"),))))
    status, out, err = run("compare", clip.path, "--out", "out", "--with", given, "--with", other)
    assert status == 0
    assert "1 object found by both, 1 only by old.json, 0 only by new.json." in out
    assert "Tracking" not in err
    assert files(tmp_path / "out") == ["clip.mp4.compare.jpeg"]


def test_nothing_found_by_either_is_an_answer(run: Run, clip: Clip, given: Path, tmp_path: Path) -> None:
    status, out, _ = run("compare", clip.path, "--out", "out", "--with", given, "--with", given, "--min-confidence", "95%")
    assert status == 0
    assert out.startswith("Neither ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--engines", "yolox"),
        ("--engines", "motion,motion"),
        ("--engines", "magic,motion"),
        ("--engines", "auto,motion"),
        ("--engines", "yolox,motion", "--with", "old.json"),
        ("--with", "old.json", "--with", "old.json", "--with", "old.json"),
        ("--with", "nowhere.json"),
        ("--with", "empty.json"),
        ("--segment", "1:00-1:10", "--with", "old.json", "--engines", "motion"),
    ],
)
def test_what_can_t_be_compared_gets_one_sentence_and_status_2(
    run: Run, clip: Clip, given: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "empty.json").write_text("{}")
    status, out, err = run("compare", clip.path, "--out", "out", *options)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    assert len([line for line in err.splitlines() if not line.startswith(("Tracking ", "tracking: "))]) == 1
    assert not (tmp_path / "out").exists()


NO_SETTINGS: Mapping[str, str] = {}
BUCKETS = {"TRACKLET_VIDEO_BUCKET": "videos", "TRACKLET_ANNOTATION_BUCKET": "gs://annotations"}


@dataclass
class Google:
    """Google on loopback, as the command's environment names it."""

    service: VideoIntelligenceServer
    storage: StorageServer
    uploaded: list[str]
    environment: dict[str, str]

    async def start(self, *words: object) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *map(str, words),
            env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(self, *words: object) -> tuple[int | None, str, str]:
        process = await self.start(*words)
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def google(script: Script | None = None, settings: Mapping[str, str] = NO_SETTINGS) -> AsyncIterator[Google]:
    uploaded: list[str] = []

    async def finalized(resource: Resource) -> None:
        uploaded.append(f"gs://{resource['bucket']}/{resource['name']}")

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKLET_", "SLACK_", "GOOGLE_"))}
    async with (
        StorageServer("videos", "annotations", on_finalized=finalized) as storage,
        VideoIntelligenceServer(script=script or Script(polls=1)) as service,
    ):
        addresses = {"STORAGE_EMULATOR_HOST": storage.address, "TRACKLET_VIDEO_INTELLIGENCE_ENDPOINT": service.endpoint}
        yield Google(service, storage, uploaded, kept | addresses | dict(settings))


async def test_google_is_compared_with_the_local_engine_and_has_a_large_video_in_its_bucket_only_for_the_run(
    clip: Clip, model: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large clip.mp4"
    large.write_bytes(clip.path.read_bytes() + _free_box(INLINE_LIMIT_BYTES))
    content = video_intelligence.write(Annotations((clip.track("red"),)))
    async with google(Script(polls=1, content=content), BUCKETS | {"TRACKLET_MODEL": str(model)}) as there:
        status, out, err = await there.run("compare", large, "--out", tmp_path / "out", "--json")
        assert status == 0, err
        (uri,) = there.uploaded
        assert uri.startswith("gs://videos/tracklet/")
        assert there.service.only_run.request.input_uri == uri
        assert await there.storage.get(uri) is None
    result = json.loads(out)
    assert [result[side]["engine"] for side in ("a", "b")] == ["google", "yolox"]
    (found,) = result["objects"]
    assert (found["found_by"], found["a"]["label"], found["b"]["label"]) == ("both", "red", "red")
    assert "Google shuts the Video Intelligence API down on 2027-09-14" in err
    assert files(tmp_path / "out") == [f"large clip.mp4.{what}" for what in ("compare.jpeg", "google.json", "yolox.json")]


def test_a_larger_video_without_a_bucket_is_told_what_is_missing(
    run: Run, clip: Clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(clip.path.read_bytes() + _free_box(INLINE_LIMIT_BYTES))
    monkeypatch.setenv("TRACKLET_VIDEO_INTELLIGENCE_ENDPOINT", "http://127.0.0.1:9")
    status, out, err = run("track", large, "--out", "out", "--engine", "google")
    assert (status, out) == (1, "")
    assert "TRACKLET_VIDEO_BUCKET" in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


async def test_track_takes_google_by_itself_where_it_is_configured_and_sends_a_small_video_inline(
    clip: Clip, tmp_path: Path
) -> None:
    async with google(settings=BUCKETS) as there:
        status, out, err = await there.run("track", clip.path, "--out", tmp_path / "out", "--segment", "0:00-0:01")
        request = there.service.only_run.request
        assert there.uploaded == []
    assert status == 0, err
    assert request.input_content == clip.path.read_bytes()
    assert not request.output_uri
    assert request.video_context.segments[0].end_time_offset.total_seconds() == 1.0
    assert "Tracking with Google Video Intelligence, since both buckets are configured." in err
    assert "1 object found: 1 cat." in out
    found = video_intelligence.read(tmp_path / "out" / "clip.mp4.json")
    assert [track.label for track in found.tracks] == ["cat"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (Script(start_code=code_pb2.INVALID_ARGUMENT, message="Bad codec."), "can't take this video. It said: Bad codec."),
        (Script(start_code=code_pb2.RESOURCE_EXHAUSTED, message="Quota per day."), "is used up for long"),
        (Script(loses_answer=True), "gave no answer, so it may be running"),
        (Script(polls=1, run_code=code_pb2.INTERNAL, message="Broken."), "failed. It said: Broken."),
    ],
    ids=["refused", "quota", "unanswered", "failed"],
)
async def test_what_google_refuses_is_told_and_never_sent_twice(clip: Clip, script: Script, said: str) -> None:
    async with VideoIntelligenceServer(script=script) as service:
        engine = await VideoIntelligenceEngine.open(VideoIntelligenceOptions(endpoint=service.endpoint))
        with pytest.raises(EngineError) as raised:
            await run_remote(engine, clip.path, segment=None, show=lambda share: None)
        await engine.close()
        assert service.start_calls == 1
    assert said in errors.sentence(raised.value)


@pytest.mark.parametrize(
    "script",
    [
        Script(start_code=code_pb2.RESOURCE_EXHAUSTED, message="Quota per minute."),
        Script(polls=1, run_code=code_pb2.RESOURCE_EXHAUSTED, message="Quota per minute."),
    ],
    ids=["at the start", "as the result of the run"],
)
async def test_a_quota_by_the_minute_is_waited_for_and_told_up_to_a_bound(clip: Clip, script: Script) -> None:
    waited: list[int] = []
    async with VideoIntelligenceServer(script=script) as service:

        def waits() -> None:
            waited.append(service.start_calls)
            if len(waited) == 2:
                service.script = Script(polls=1)

        engine = await VideoIntelligenceEngine.open(VideoIntelligenceOptions(endpoint=service.endpoint))
        quick = Patience(again_s=0.01, again_limit_s=10.0)
        run = partial(run_remote, engine, clip.path, segment=None, show=lambda share: None)
        found = await run(waits=waits, patience=quick)
        assert [track.label for track in found.tracks] == ["cat"]
        assert waited == [1, 2]
        assert service.start_calls == 3
        service.script = script
        with pytest.raises(EngineError) as raised:
            await run(waits=lambda: None, patience=Patience(again_s=0.01, again_limit_s=0.01))
        await engine.close()
        assert service.start_calls == 5
    assert "quota is used up for now" in errors.sentence(raised.value)


async def test_a_stop_cancels_the_run_and_takes_the_video_out_of_the_bucket(clip: Clip, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(clip.path.read_bytes() + _free_box(INLINE_LIMIT_BYTES))
    async with google(Script(hangs=True), BUCKETS) as there:
        process = await there.start("track", large, "--out", tmp_path / "out", "--engine", "google")
        assert process.stderr
        said = ""
        while line := (await process.stderr.readline()).decode():
            said += line
            if line.startswith("tracking: "):  # told by a poll, so the run has begun
                process.send_signal(signal.SIGINT)
                break
        said += (await process.stderr.read()).decode()
        assert await process.wait() == 130, said
        assert there.service.only_run.is_cancelled
        assert await there.storage.get(there.uploaded[0]) is None
    assert "Cancelled." in said
    assert not (tmp_path / "out").exists()


async def test_what_a_killed_process_left_in_the_bucket_is_removed_by_a_later_one(clip: Clip, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(clip.path.read_bytes() + _free_box(20 << 20))
    async with google(Script(hangs=True), BUCKETS) as there:
        there.storage.stalls_uploads = True
        killed = await there.start("track", large, "--out", tmp_path / "out", "--engine", "google")
        await there.storage.stalled.wait()
        killed.kill()
        await killed.communicate()
        assert await there.storage.names("videos") == []  # a piece of a file is no object
        there.storage.stalls_uploads = False
        there.storage.ends.set()
        killed = await there.start("track", large, "--out", tmp_path / "out", "--engine", "google")
        await eventually(lambda: there.service.runs)
        killed.kill()
        await killed.communicate()
        (left,) = await there.storage.names("videos")
        await there.storage.put(f"gs://videos/{PASSING}of-somebody-else/clip.mp4", b"x")
        google_storage = GoogleStorage(AnonymousCredentials())  # type: ignore[no-untyped-call]  # untyped library
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STORAGE_EMULATOR_HOST", there.storage.address)
            bucket = google_storage.bucket("videos")
            now = datetime.now(UTC)
            assert await remove_forgotten(bucket, now=now + timedelta(hours=23)) == 0
            assert left in await there.storage.names("videos")
            assert await remove_forgotten(bucket, now=now + timedelta(hours=25)) == 1
        await google_storage.close()
        assert await there.storage.names("videos") == [f"{PASSING}of-somebody-else/clip.mp4"]


def _free_box(size_bytes: int) -> bytes:
    """An MP4 box that players skip."""
    return size_bytes.to_bytes(4, "big") + b"free" + bytes(size_bytes - 8)


def test_a_folder_or_a_font_that_cannot_be_used_is_noticed_before_any_engine_runs(
    run: Run, clip: Clip, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file")
    status, _, err = run("compare", clip.path, "--out", "taken/out", "--model", model)
    assert status == 2
    assert err.startswith("--out")
    assert "Tracking" not in err
    monkeypatch.setenv("TRACKLET_FONT", str(model))
    status, _, err = run("compare", clip.path, "--out", "out", "--model", model)
    assert status == 2
    assert "Tracking" not in err
    assert not (tmp_path / "out").exists()
