"""What this machine has of a job's files: named below the data folder, told by their bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.database import Database
from bot.jobs.facts import VideoFile
from bot.jobs.local_files import LocalFiles, arriving
from bot.jobs.paths import JobPaths
from bot.jobs.store import Store
from tracking.sources.download import Fetched
from tracking.storage.base import Storage
from tracking.storage.folder import Folder


@given(st.lists(st.text("abc.-_ é", min_size=1).filter(lambda part: part.strip(".") != ""), min_size=1, max_size=4))
def test_what_is_recorded_of_a_file_leads_to_it_on_a_machine_with_another_data_folder(parts: list[str]) -> None:
    here, there = JobPaths(Path("/srv/one")), JobPaths(Path("/home/two/data"))
    path = here.data.joinpath(*parts)
    assert here.here(here.name(path)) == path
    assert there.here(here.name(path)) == there.data.joinpath(*parts)


def test_a_whole_path_as_version_0_1_recorded_it_stays_what_it_is() -> None:
    paths = JobPaths(Path("/srv/one"))
    assert paths.here("/srv/one/work/a.gif") == Path("/srv/one/work/a.gif")
    assert paths.name("/srv/one/work/a.gif") == "work/a.gif"
    assert paths.here(paths.name("/elsewhere/a.gif")) == Path("/elsewhere/a.gif")


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    root = Folder(tmp_path / "root")
    return LocalFiles(paths=JobPaths(tmp_path), storage=Storage(root, root, root), store=store)


async def fetched(files: LocalFiles, content: bytes) -> VideoFile:
    """What a fetch of one link gives, whatever it gave before."""
    path = files.paths.data / "videos" / "tracklet" / "links" / "one" / "clip.mp4"
    async with arriving(path) as arrived:
        arrived.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        settled = await files.settle(Fetched(arrived, "clip.mp4", len(content), sha256), path)
    name = files.paths.name(settled.path)
    return VideoFile(path=name, root="videos", video_name="one", name="clip.mp4", size_bytes=len(content), sha256=sha256)


async def test_other_bytes_of_the_same_link_do_not_take_the_place_of_those_that_a_job_draws_from(files: LocalFiles) -> None:
    first, second, again = await fetched(files, b"one"), await fetched(files, b"two"), await fetched(files, b"one")
    assert first.path == again.path != second.path
    for video, content in ((first, b"one"), (second, b"two")):
        path = await files.has(video)
        assert path is not None
        assert path.read_bytes() == content
    assert [path.name for path in (files.paths.data / "videos" / "tracklet" / "links" / "one").iterdir() if path.is_dir()] == []


async def test_a_file_that_was_changed_since_is_not_the_video(files: LocalFiles) -> None:
    video = await fetched(files, b"one")
    assert await files.has(video) is not None
    files.paths.here(video.path).write_bytes(b"two")
    assert await files.has(video) is None
    files.paths.here(video.path).unlink()
    assert await files.has(video) is None
