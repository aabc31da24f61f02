"""What is removed and what stays, with real files and a real database; and what is asked for after its video was removed."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from dbos import DBOS

from bot.app import build_storage
from bot.jobs.database import Database
from bot.jobs.model import Job, JobId, JobState, Request, Source, SourceKind
from bot.jobs.paths import JobPaths
from bot.jobs.retention import KEPT_BYTES, Retention
from bot.jobs.runtime import forget_workflows
from bot.jobs.store import Store
from bot.settings import Settings
from playground import Message
from tests.integration.bot_workspace import CLIP, Workspace, workspace

DAY_S = 86_400.0


async def forget_nothing(_: float) -> int:
    return 0


class Kept:
    """A data folder with a database, and a sweep of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = JobPaths(folder)
        self.store = Store(Database(f"sqlite:///{folder / 'tracklet.sqlite'}"))

    async def job(self, name: str, *, now: float) -> Job:
        request = Request(Source(SourceKind.LINK, f"https://example.org/{name}", name))
        return (await self.store.add_job(JobId(f"link:{name}:1"), request, now=now))[0]

    def put(self, path: Path, *, days_ago: float, size_bytes: int = 10) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size_bytes))
        for each in (path, path.parent):
            os.utime(each, (time.time() - days_ago * DAY_S,) * 2)
        return path

    async def sweep(self, *, kept_bytes: int = KEPT_BYTES, results_kept_s: float | None = None) -> None:
        await Retention(
            store=self.store,
            places=self.places,
            forget_workflows=forget_nothing,
            kept_bytes=kept_bytes,
            results_kept_s=results_kept_s,
            annotations_kept_s=results_kept_s,
        ).sweep()


@pytest_asyncio.fixture
async def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path)
    await made.store.create_tables()
    return made


async def test_videos_and_pictures_go_after_a_week_and_annotations_and_own_videos_stay(kept: Kept) -> None:
    job = await kept.job("clip.mp4", now=time.time())
    await kept.store.update(job.id, state=JobState.DONE)
    video = kept.places.video(job, job.request.source)[0]
    old = [kept.put(video, days_ago=8), kept.put(kept.places.pictures(job) / "clip.gif", days_ago=8)]
    old.append(kept.put(video.with_name(".clip.mp4.77-abc.part"), days_ago=8))
    young = kept.put(video.parent.with_name("other") / "clip.mp4", days_ago=6)
    annotations = kept.put(kept.folder / "annotations" / "videos" / "clip.mp4.json", days_ago=80)
    own = kept.put(kept.folder / "videos" / "holiday.mp4", days_ago=80)
    await kept.sweep()
    assert [path for path in old if path.exists()] == []
    assert not video.parent.exists()
    assert [path for path in (young, annotations, own) if not path.exists()] == []


async def test_nothing_goes_that_is_younger_than_the_oldest_job_at_work(kept: Kept) -> None:
    job = await kept.job("clip.mp4", now=time.time() - 20 * DAY_S)
    video = kept.put(kept.places.video(job, job.request.source)[0], days_ago=15)
    await kept.sweep(kept_bytes=1)
    assert video.exists()
    await kept.store.update(job.id, state=JobState.DONE)
    await kept.sweep()
    assert not video.exists()


async def test_the_oldest_go_sooner_where_there_is_too_much(kept: Kept) -> None:
    videos = kept.folder / "videos" / "buckets" / "bucket"
    paths = [kept.put(videos / f"{days}" / "clip.mp4", days_ago=days, size_bytes=100) for days in (1, 2, 3)]
    await kept.sweep(kept_bytes=250)
    assert [path.exists() for path in paths] == [True, True, False]


async def test_results_go_after_the_days_that_the_operator_chose_and_nobody_elses_files_do(kept: Kept) -> None:
    job = await kept.job("clip.mp4", now=time.time() - 20 * DAY_S)
    await kept.store.update(job.id, state=JobState.DONE)
    annotations, objects = kept.places.results
    ours = [kept.put(root / "videos" / "clip.mp4" / "ours", days_ago=31) for root in (annotations, objects)]
    young = kept.put(objects / "videos" / "clip.mp4" / "young", days_ago=29)
    await kept.store.own(job.id, [path.as_uri() for path in (*ours, young)])
    theirs = kept.put(annotations / "videos" / "theirs.json", days_ago=400)
    await kept.sweep()
    assert [path.exists() for path in ours] == [True, True]
    await kept.sweep(results_kept_s=30 * DAY_S)
    assert [path.exists() for path in (*ours, young, theirs)] == [False, False, True, True]


async def test_the_pictures_of_a_job_take_their_place_on_the_disk_once(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        await there.progress(await there.clip(), starts="I found")
        await there.job_over()
    stored = {path.name: path.stat() for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    drawn = {path.name: path.stat() for path in (tmp_path / "work").rglob("*") if path.is_file()}
    assert len(stored) == 4
    assert {name: each.st_ino for name, each in stored.items()} == {name: each.st_ino for name, each in drawn.items()}
    assert {each.st_nlink for each in stored.values()} == {2}


async def test_what_is_asked_for_after_the_results_were_removed_gets_a_sentence(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        there.children.objects = 12
        message = await there.clip(name="fox.mp4")
        await there.progress(message, starts="I found 12 objects")
        await there.job_over()
        shutil.rmtree(tmp_path / "annotations")
        await there.slack.click(list_of(there, message), "tracklet_more")
        await there.slack.until(lambda: "fox.mp4 is not kept any more" in there.replies(message)[-1].text)
        again = await there.slack.upload_file(CLIP + (1).to_bytes(4, "big"), "wildlife", name="fox.mp4")
        await there.progress(again, starts="I found 12 objects")


@pytest.mark.parametrize("bucket", ["", "annotations-bucket"])
async def test_annotation_files_that_a_bucket_keeps_go_with_the_videos(kept: Kept, tmp_path: Path, bucket: str) -> None:
    path = kept.put(kept.places.annotations("videos", "clip.mp4", run_key=""), days_ago=9)
    await kept.store.own("job", [path.as_uri()])
    settings = Settings(data_dir=kept.folder, annotation_bucket=bucket, cache_kept_days=8)
    async with AsyncExitStack() as ending:
        storage = await build_storage(settings, ending)
        await storage.retention(settings).sweep_files()
    assert path.exists() is not bool(bucket)


async def test_what_was_handled_long_ago_is_forgotten(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("old", "waiting"):
        await kept.store.receive(key, {})
    await kept.store.handled("old")
    monkeypatch.setattr("bot.jobs.store.INBOX_KEPT_S", -1.0)
    await kept.sweep()
    assert await kept.store.receive("old", {})
    assert not await kept.store.receive("waiting", {})


async def test_further_gifs_of_a_video_that_was_removed_fetch_it_again(tmp_path: Path) -> None:
    async with workspace(tmp_path) as there:
        there.children.objects = 12
        message = await there.clip()
        await there.progress(message, starts="I found 12 objects")
        shutil.rmtree(tmp_path / "videos")
        await there.slack.click(list_of(there, message), "tracklet_more")
        await there.slack.until(lambda: gif_count(there, message) == 12)
        assert any(path.name.endswith(".mp4") for path in (tmp_path / "videos").rglob("*"))
        await there.job_over()
        assert await DBOS.list_workflows_async() != []
        retention = Retention(
            store=Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}")),
            places=JobPaths(tmp_path),
            forget_workflows=forget_workflows,
            clock=lambda: time.time() + 40 * DAY_S,
        )
        await retention.sweep()
        assert await DBOS.list_workflows_async() == []
        assert not any((tmp_path / "work").iterdir())


def list_of(there: Workspace, message: Message) -> Message:
    return next(each for each in there.replies(message) if "tracklet_more" in str(each.blocks))


def gif_count(there: Workspace, message: Message) -> int:
    return sum(file["mimetype"] == "image/gif" for each in there.replies(message) for file in each.files)
