"""Many videos in one go: each once, a bad one stops nobody, and a run goes on where it was."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.many import videos_among
from bot.cli.many_result import INDEX, NOTES, TABLE, VideoResult, index_page, results_table
from rendering.presence import most_at_once, seconds_seen
from tests.clips import crossing_scene, draw_clip
from tests.integration.command import Run
from tests.tiny_yolox import tiny_yolox
from tracking.local import network
from tracking.local.detectors.base import Detector
from tracking.model import Track


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with videos of one name in two places, a broken one, a text, and what an earlier run may have left."""
    root = tmp_path / "in"
    (root / "east").mkdir(parents=True)
    clip = draw_clip(root / "a & b.mp4", crossing_scene(3.0), duration_s=3.0)
    for name in ("east/a & b.mp4", "a & b.mp4.annotated.mp4"):
        (root / name).write_bytes(clip.path.read_bytes())
    (root / "east" / "late.MOV").write_bytes(draw_clip(tmp_path / "x.mov", crossing_scene(2.0)).path.read_bytes())
    (root / "bad.mp4").write_bytes(b"no video")
    (root / "notes.txt").write_text("no video")
    return root


def rows(out: Path) -> list[dict[str, str]]:
    with (out / TABLE).open(newline="") as file:
        return list(csv.DictReader(file))


class Links(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [unquote(value or "") for name, value in attrs if name in {"src", "href"}]


def test_each_video_is_done_into_its_place_and_a_bad_one_is_a_line(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, told, err = run("track", folder, "--out", out, "--engine", "motion", "--min-frames", "3")
    assert status == 1
    assert "3 videos tracked, 1 could not be." in told
    assert "4 of 4: late.MOV: 2 moving objects" in err
    assert "bad.mp4 is not a video" in err
    assert (out / "a & b.mp4.json").is_file()
    assert (out / "east" / "a & b.mp4.json").is_file()
    found = rows(out)
    assert [Path(row["video"]).name for row in found] == ["a & b.mp4", "bad.mp4", "a & b.mp4", "late.MOV"]
    assert [(row["objects"], row["most_at_once"]) for row in found] == [("2", "2"), ("0", "0"), ("2", "2"), ("2", "2")]
    assert "is not a video" in found[1]["note"]
    links = Links((out / INDEX).read_text()).found
    assert len(links) == 6  # a summary and a viewer of each
    assert all((out / link).is_file() for link in links)


def test_what_is_done_is_not_done_again_unless_asked_or_changed(run: Run, folder: Path, tmp_path: Path) -> None:
    out, words = tmp_path / "out", ("--engine", "motion", "--min-frames", "3")
    run("track", folder, "--out", out, *words)
    before = rows(out)
    (out / INDEX).unlink()
    with (out / NOTES).open("ab") as notes:
        notes.write(b'{"key": "cut o')  # killed while it wrote
    _, told, err = run("track", folder, "--out", out, *words)
    assert "0 videos tracked, 3 done before (--again does them anew), 1 could not be." in told
    assert "late.MOV" not in err
    assert rows(out) == before
    assert (out / INDEX).is_file()
    (out / "east" / "late.MOV.viewer.html").unlink()
    assert "1 video tracked, 2 done before" in run("track", folder, "--out", out, *words)[1]
    clip = folder / "a & b.mp4"
    clip.write_bytes(draw_clip(tmp_path / "other.mp4", crossing_scene(4.0), duration_s=4.0).path.read_bytes())
    assert "1 video tracked, 2 done before" in run("track", folder, "--out", out, *words)[1]
    assert "3 videos tracked, 1 could" in run("track", folder, "--out", out, *words, "--again")[1]
    assert "3 videos tracked, 1 could" in run("track", folder, "--out", out, *words[:2], "--min-frames", "4")[1]


def test_the_model_is_loaded_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []

    def open_detector(path: Path) -> Detector:
        loaded.append(path)
        return network.open_detector(path)

    monkeypatch.setattr("tracking.engines.local.open_detector", open_detector)
    model = tiny_yolox(tmp_path / "model.onnx")
    clips = [draw_clip(tmp_path / f"{name}.mp4", size=(64, 64)).path for name in "abc"]
    status, told, _ = run("track", *clips, "--out", tmp_path / "out", "--model", model, "--json")
    assert status == 0
    assert [Path(each["video"]).name for each in json.loads(told)] == ["a.mp4", "b.mp4", "c.mp4"]
    assert len(loaded) == 1


def test_files_of_one_name_do_not_meet_and_each_is_there_once(tmp_path: Path) -> None:
    for name in ("x/clip.mp4", "y/clip.mp4", "z/x/clip.mp4", "out/clip.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    given_files = [tmp_path / "x/clip.mp4", tmp_path / "y/clip.mp4", tmp_path / "z/x/clip.mp4", tmp_path / "x/clip.mp4"]
    found = videos_among([*given_files, tmp_path / "x", tmp_path / "out"], tmp_path / "out")
    assert len(found) == 3
    assert len({each.folder for each in found}) == 3
    assert found[0].folder == Path()


def test_a_folder_without_videos_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, _, err = run("track", tmp_path / "empty", "--out", tmp_path / "out")
    assert status == 2
    assert "No video in" in err
    assert not (tmp_path / "out").exists()


def test_names_in_table_and_page_are_text() -> None:
    bad = VideoResult.failed(Path("=1+1 <script>.mp4"), "<b>")
    assert b"'=1+1" in results_table([bad])
    assert b"<script>" not in index_page([bad])
    assert b"<b>" not in index_page([bad])


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=12)


@given(spans)
def test_most_at_once_and_seconds_seen_are_those_of_a_count_over_time(found: list[tuple[int, int]]) -> None:
    def track(start: int, length: int) -> Track:
        times = np.arange(start, start + length + 1) / 2
        return Track(0, "x", 0.9, times, np.tile(np.array([[0.1, 0.1, 0.2, 0.2]], np.float32), (times.size, 1)))

    tracks: list[Any] = [track(*each) for each in found]
    ticks = [sum(start <= tick / 2 <= start + length for start, length in found) for tick in range(130)]
    assert most_at_once(tracks) == max(ticks)
    steps = [any(start <= step and step + 1 <= start + length for start, length in found) for step in range(65)]
    assert seconds_seen(tracks) == pytest.approx(sum(steps) / 2)
