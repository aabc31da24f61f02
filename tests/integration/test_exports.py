"""Exports: what the tables say is what the annotations say, and frames are those of the video."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import Clip, draw_clip
from tests.integration.command import Run, files
from tracking.formats import boxes_csv, objects_csv, video_intelligence
from tracking.formats.base import Exported, Footage
from tracking.formats.tables import csv_bytes
from tracking.model import Annotations, Track
from tracking.video.file import Video


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def exported(clip: Clip, annotations: Annotations) -> Exported:
    with Video(clip.path) as video:
        return Exported(annotations, Footage(clip.path.name, video.info, video.frame_times()))


UNEVEN_S = [round(float(time), 3) for time in (*np.arange(0, 1, 0.04), *np.arange(1, 2, 0.1), *np.arange(2, 2.5, 0.04))]


@pytest.mark.parametrize(("name", "times_s"), [("clip.mp4", None), ("clip.mkv", UNEVEN_S)])
def test_every_box_has_the_number_of_the_frame_that_it_lies_on(name: str, times_s: list[float] | None, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / name, fps=12, times_s=times_s)
    track = clip.track(clip.scene.movers[0].name)
    found = rows(boxes_csv.write(exported(clip, Annotations((track,)))))
    assert len(found) == len(track)
    for row in found:
        assert abs(clip.times_s[int(row["frame"])] - float(row["seconds"])) < 0.002


def test_pixels_are_those_of_the_upright_picture(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", size=(320, 180), rotation=90)
    track = Track(0, "thing", 0.5, np.array([0.0]), np.array([[0.25, 0.5, 0.75, 1.0]], np.float32))
    (row,) = rows(boxes_csv.write(exported(clip, Annotations((track,)))))
    assert [float(row[name]) for name in ("x", "y", "width", "height")] == [80, 90, 160, 90]


def test_objects_have_their_first_and_last_second(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    found = rows(objects_csv.write(exported(clip, clip.annotations())))
    for row, track in zip(found, clip.annotations().tracks, strict=True):
        assert row["label"] == track.label
        assert (float(row["first_s"]), float(row["last_s"])) == pytest.approx(tuple(track.segment), abs=0.001)
        assert int(row["boxes"]) == len(track)


@given(st.text(max_size=30))
def test_no_label_becomes_a_formula_or_another_row(label: str) -> None:
    (row,) = rows(csv_bytes(["label"], [[label]])) or [{"label": ""}]
    assert not row["label"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert list(row) == ["label"]


def test_the_command_writes_every_format_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    path = tmp_path / "annotations.json"
    path.write_bytes(video_intelligence.write(clip.annotations()))
    status, out, err = run("export", clip.path, path, "--format", "CSV, objects-csv", "--out", tmp_path / "out")
    assert (status, out) == (0, "")
    assert files(tmp_path / "out") == ["clip.mp4.csv", "clip.mp4.objects.csv"]
    assert "clip.mp4.objects.csv" in err


@pytest.mark.parametrize("content", [b"{}", b"no JSON"])
def test_annotations_that_are_none_are_refused_and_nothing_is_written(run: Run, content: bytes, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    (tmp_path / "annotations.json").write_bytes(content)
    status, _, err = run("export", clip.path, tmp_path / "annotations.json", "--format", "csv", "--out", tmp_path / "out")
    assert status == 2
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_every_frame_has_a_box_where_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", fps=30)
    whole = clip.track("red")
    tenth = Track(0, "red", 0.9, whole.times[::3], whole.boxes[::3])
    (tmp_path / "a.json").write_bytes(video_intelligence.write(Annotations((tenth,))))
    command = ("export", clip.path, tmp_path / "a.json", "--format", "csv", "--out", tmp_path)
    assert run(*command)[0] == 0
    assert len(rows((tmp_path / "clip.mp4.csv").read_bytes())) == len(tenth)
    assert run(*command, "--every-frame")[0] == 0
    found = rows((tmp_path / "clip.mp4.csv").read_bytes())
    assert [int(row["frame"]) for row in found] == list(range(58))  # the last of the tenths is the end
    for row, box in zip(found, whole.boxes.tolist(), strict=False):
        assert [float(row[edge]) for edge in ("left", "top", "right", "bottom")] == pytest.approx(box, abs=1e-4)


def test_labels_of_an_earlier_export_go_and_what_others_put_beside_them_stays(run: Run, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    path = tmp_path / "a.json"
    path.write_bytes(video_intelligence.write(clip.annotations()))
    command = ("export", clip.path, path, "--format", "yolo", "--out", tmp_path / "out")
    assert run(*command, "--images")[0] == 0
    labels, images = (tmp_path / "out" / "clip.mp4.yolo" / name for name in ("labels", "images"))
    assert len(files(labels)) == len(files(images)) == len(clip.times_s)
    (labels / "notes.txt").write_text("mine")
    path.write_bytes(video_intelligence.write(Annotations((Track(0, "fox", 0.5, np.array([0.3]), np.full((1, 4), 0.5)),))))
    (status, _, err) = run(*command)
    assert (status, files(labels)) == (0, ["notes.txt"]), err  # a box without an area is none
    assert len(files(images)) == len(clip.times_s)


@pytest.fixture(name="annotated")
def annotated_clip(tmp_path: Path) -> tuple[Path, Path]:
    clip = draw_clip(tmp_path / "clip.mp4")
    (tmp_path / "annotations.json").write_bytes(video_intelligence.write(clip.annotations()))
    return clip.path, tmp_path / "annotations.json"


@pytest.mark.parametrize("folder", ["taken", "taken/out"])
def test_a_folder_that_cannot_be_made_is_an_option_at_fault(
    run: Run, annotated: tuple[Path, Path], folder: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    status, _, err = run("export", *annotated, "--format", "csv", "--out", tmp_path / folder)
    assert status == 2
    assert err.startswith("--out")


def test_what_was_tracked_of_a_video_beyond_the_limit_can_be_exported(
    run: Run, annotated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKLET_MAX_VIDEO_SECONDS", "1")
    status, _, _ = run("export", *annotated, "--format", "csv", "--out", tmp_path / "out")
    assert status == 0
    assert files(tmp_path / "out") == ["clip.mp4.csv"]


def test_a_stop_while_a_file_is_written_leaves_none_that_is_half_written(annotated: tuple[Path, Path], tmp_path: Path) -> None:
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "write = Path.write_bytes\n"
        "def stopped(path, data):\n"
        "    write(path, data[:10])\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return write(path, data)\n"
        "Path.write_bytes = stopped\n"
        "from bot.cli import main\n"
        "main()\n"
    )
    arguments = ["export", *map(str, annotated), "--format", "csv,objects-csv", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-c", script, *arguments]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 130
    assert files(tmp_path / "out") == ["clip.mp4.csv"]
