"""The two lower floors in a notebook: what the page shows is run, and arrays of others become annotations and back."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
import supervision
from hypothesis import given
from hypothesis import strategies as st

import rendering
import tracking
from tests.clips import crossing_scene, draw_clip
from tracking.model import Annotations, Track

ROOT = Path(__file__).resolve().parents[2]
SIZE = (320, 240)


def test_the_page_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_clip(tmp_path / "clip.mp4", crossing_scene(4.0), size=SIZE, duration_s=4.0)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "library.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    example = doctest.DocTestParser().get_doctest("".join(blocks), {}, "library.md", None, 0)
    assert len(example.examples) > 10
    told: list[str] = []
    assert doctest.DocTestRunner().run(example, out=told.append).failed == 0, "".join(told)


def test_from_a_video_to_pictures_is_as_short_as_promised() -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    tracks, pictures, *_ = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"^(>>>|\.\.\.)", tracks, flags=re.MULTILINE)) <= 5
    assert len(re.findall(r"^(>>>|\.\.\.)", pictures, flags=re.MULTILINE)) <= 3


@pytest.mark.parametrize("module", [tracking, rendering])
def test_every_name_that_is_offered_is_there(module: object) -> None:
    for name in module.__all__:  # type: ignore[attr-defined]  # both have it
        assert getattr(module, name).__doc__
    with pytest.raises(AttributeError, match="nothing"):
        module.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_packages_loads_no_video_library_and_nothing_of_others() -> None:
    for script, libraries in (
        ("import tracking, rendering", {"av", "cv2", "pandas", "supervision"}),
        ("import tracking; tracking.track, tracking.columns, tracking.detections", {"pandas", "supervision"}),
    ):
        command = [sys.executable, "-c", f"{script}\nimport sys\nprint(set(sys.modules) & {libraries})"]
        loaded = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT).stdout
        assert loaded == "set()\n"


@st.composite
def some_annotations(draw: st.DrawFn) -> Annotations:
    tracks = []
    for number in range(draw(st.integers(0, 4))):
        times = sorted(draw(st.sets(st.integers(0, 100), min_size=1, max_size=6)))
        corners = st.tuples(st.floats(-0.2, 0.5), st.floats(-0.2, 0.5), st.floats(0.5, 1.2), st.floats(0.5, 1.2))
        boxes = np.array([draw(corners) for _ in times], np.float32)
        label = draw(st.sampled_from(["fox", "собака", ""]))
        tracks.append(
            Track(number, label, draw(st.floats(0, 1)), np.array(times) / 8, boxes, draw(st.sampled_from(["", "/m/1"])))
        )
    return Annotations(tuple(tracks))


@given(some_annotations())
def test_a_data_frame_holds_all_of_the_tracks(given_annotations: Annotations) -> None:
    frame = pandas.DataFrame(tracking.columns(given_annotations))
    assert len(frame) == sum(len(track) for track in given_annotations.tracks)
    assert tracking.from_columns(frame) == given_annotations
    shuffled = frame.sample(frac=1.0, random_state=1)
    assert tracking.from_columns(shuffled) == given_annotations
    assert tracking.from_columns(tracking.columns(given_annotations)) == given_annotations


@given(some_annotations())
def test_detections_at_the_times_of_the_boxes_hold_all_of_the_tracks(given_annotations: Annotations) -> None:
    times = sorted({time for track in given_annotations.tracks for time in track.times.tolist()})
    moments = [
        (time_s, supervision.Detections(**tracking.detections(given_annotations, time_s=time_s, size=SIZE))) for time_s in times
    ]
    found = tracking.from_detections(moments, size=SIZE)
    assert len(found.tracks) == len(given_annotations.tracks)
    for track, again in zip(given_annotations.tracks, found.tracks, strict=True):
        assert (again.track_id, again.label) == (track.track_id, track.label)
        assert again.confidence == pytest.approx(track.confidence, abs=1e-6)
        for time_s, box in zip(track.times.tolist(), track.boxes, strict=True):
            assert again.boxes_at(time_s)[0] == pytest.approx(box, abs=1e-5)


def test_detections_are_interpolated_between_boxes_and_end_with_the_track() -> None:
    boxes = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)
    annotations = Annotations((Track(4, "fox", 0.5, np.array([1.0, 2.0]), boxes),))
    there = supervision.Detections(**tracking.detections(annotations, time_s=1.5, size=(100, 200)))
    assert there.xyxy.tolist() == [[25.0, 50.0, 75.0, 150.0]]
    assert list(there.data["class_name"]) == ["fox"]
    for time_s in (0.9, 2.1):
        assert len(supervision.Detections(**tracking.detections(annotations, time_s=time_s, size=(100, 200)))) == 0


def test_detections_that_nobody_followed_are_refused() -> None:
    loose = supervision.Detections(xyxy=np.array([[0.0, 0, 1, 1]]))
    with pytest.raises(ValueError, match="tracker_id"):
        tracking.from_detections([(0.0, loose)], size=SIZE)
    bare = supervision.Detections(xyxy=np.array([[0.0, 0, 32, 24]]), tracker_id=np.array([7]))
    (track,) = tracking.from_detections([(0.0, supervision.Detections.empty()), (0.5, bare)], size=SIZE).tracks
    assert (track.track_id, track.label, track.confidence) == (7, "0", 1.0)


def test_columns_of_different_lengths_are_refused_and_missing_ones_named() -> None:
    table = {name: np.zeros(2) for name in ("track", "seconds", "left", "top", "right", "bottom")}
    with pytest.raises(ValueError, match="one length"):
        tracking.from_columns({**table, "track": np.zeros(3)})
    del table["seconds"]
    with pytest.raises(KeyError, match="seconds"):
        tracking.from_columns(table)
