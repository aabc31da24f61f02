"""When objects were there, and where they went: bars and paths at the places that the truth asks for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rendering.colours import MUTED
from rendering.kinds.base import RenderOptions
from rendering.naming import chart_name, is_chart
from rendering.pages.timeline import HEAD, LANE, LANE_AT, MARGIN, ROW, ROWS, THUMBNAIL, in_rows
from rendering.pages.trajectories import DIMMED, WASHED, colour_at
from rendering.render import Rendered, render
from rendering.selection import Selection
from tests.clips import GREEN, RED, Clip, Mover, Scene, draw_clip
from tracking.model import Annotations, Segment, Track

OPTIONS = RenderOptions(Selection(min_confidence=0.0, min_frames=1), camera_moves="no paths here")
WALK = Mover("walker", RED, (0.1, 0.2), ((0.0, 0.2, 0.3), (4.0, 0.8, 0.3)))
LATE = Mover("late", GREEN, (0.1, 0.2), ((0.0, 0.5, 0.8),), visible=Segment(2.0, 4.0))


def rendered(clip: Clip, out: Path, make: str, annotations: Annotations | None = None) -> Rendered:
    return render(clip.path, annotations or clip.annotations(), out, name="clip.mp4", options=OPTIONS, make=[make])


def pages(result: Rendered, make: str) -> list[NDArray[np.uint8]]:
    return [np.asarray(Image.open(picture.path).convert("RGB")) for picture in result.pictures[make]]


def bar_times(page: NDArray[np.uint8], row: int, colour: tuple[int, int, int], end_s: float) -> list[tuple[float, float]]:
    """The stretches that are covered by a bar, in seconds."""
    line = page[HEAD + row * ROW + ROW // 2 - 5, LANE_AT:]
    is_bar = np.concatenate([[False], (line == np.array(colour)).all(axis=1), [False]])
    edges = np.flatnonzero(np.diff(is_bar.astype(int)))
    return [(start / LANE * end_s, end / LANE * end_s) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def test_a_bar_is_there_when_its_object_is(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK, LATE)), duration_s=4.0)
    result = rendered(clip, tmp_path / "out", "timeline")
    (page,) = pages(result, "timeline")
    by_label = {shown.track.label: shown for shown in result.selected.shown}
    ((start_s, end_s),) = bar_times(page, 0, by_label["walker"].colour, 4.0)
    assert (start_s, end_s) == pytest.approx((0.0, 3.9), abs=0.03)
    ((start_s, end_s),) = bar_times(page, 1, by_label["late"].colour, 4.0)
    assert (start_s, end_s) == pytest.approx((2.0, 3.9), abs=0.03)


def test_where_an_object_was_away_its_bar_is_a_line(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), duration_s=4.0)
    whole = clip.track("walker")
    kept = (whole.times < 1.0) | (whole.times > 2.95)
    track = Track(0, "walker", 0.9, whole.times[kept], whole.boxes[kept])
    result = rendered(clip, tmp_path / "out", "timeline", Annotations((track,)))
    (page,) = pages(result, "timeline")
    found = bar_times(page, 0, result.selected.shown[0].colour, 4.0)
    assert np.array(found).ravel() == pytest.approx([0.0, 0.9, 3.0, 3.9], abs=0.04)


def test_shots_are_marked_and_many_objects_come_by_label_and_page(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,), cuts=(1.0,)), duration_s=4.0)
    track = clip.track("walker")
    many = tuple(Track(n, ["cat", "dog"][n % 2], 0.9, track.times[n % 7 :], track.boxes[n % 7 :]) for n in range(60))
    result = rendered(clip, tmp_path / "out", "timeline", Annotations(many, clip.annotations().shots))
    found = pages(result, "timeline")
    assert [picture.path.name for picture in result.pictures["timeline"]] == [
        "clip.mp4.timeline.png",
        "clip.mp4.timeline_p2.png",
    ]
    assert len(found) == 60 / ROWS
    assert (found[0][-3, LANE_AT + LANE // 4] == MUTED).all()
    assert all(is_chart(picture.path.name.removeprefix("clip.mp4."), "timeline") for picture in result.pictures["timeline"])


def test_a_path_lies_where_the_object_went_and_tells_when(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), duration_s=4.0, size=(320, 240))
    (page,) = pages(rendered(clip, tmp_path / "out", "trajectories"), "trajectories")
    for time_s in (1.0, 2.0, 3.0):
        x, y = round((0.2 + 0.6 * time_s / 4) * 320), round(0.3 * 240)
        near = page[y - 1 : y + 2, x].astype(int)
        assert np.abs(near - np.array(colour_at(time_s / 4))).max(axis=1).min() < 40
        beside = page[y + 20, x].astype(int)
        assert np.abs(beside - (clip.scene.draw(5.0, (320, 240))[y + 20, x] * DIMMED + WASHED)).max() < 30


def test_there_is_nobody_in_the_background(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), duration_s=4.0, size=(320, 240))
    (page,) = pages(rendered(clip, tmp_path / "out", "trajectories"), "trajectories")
    empty = Scene().draw(0.0, (320, 240))
    rows = slice(round(0.36 * 240), round(0.40 * 240))  # the lower part of the walker, below the path
    columns = slice(120, 220)
    wanted = empty[rows, columns] * DIMMED + WASHED
    assert np.abs(page[rows, columns] - wanted).mean() < 4


def test_each_shot_has_its_own_picture(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK, LATE), cuts=(2.0,)), duration_s=4.0)
    result = rendered(clip, tmp_path / "out", "trajectories")
    assert [picture.path.name for picture in result.pictures["trajectories"]] == [
        "clip.mp4.trajectories.png",
        "clip.mp4.trajectories_p2.png",
    ]


def test_where_the_camera_moves_there_are_no_paths_and_it_says_so(tmp_path: Path) -> None:
    class Pan(Scene):
        def draw(self, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
            wide = super().draw(0.0, (size[0] * 2, size[1]))
            left = round(time_s * 40)
            return np.ascontiguousarray(wide[:, left : left + size[0]])

    clip = draw_clip(tmp_path / "clip.mp4", Pan((WALK,)), duration_s=4.0, size=(320, 240))
    (page,) = pages(rendered(clip, tmp_path / "out", "trajectories"), "trajectories")
    strip, picture = page[240:], page[:240].astype(int)
    bar = np.array([colour_at(share) for share in np.linspace(0, 1, 50)])
    assert not (strip[strip.shape[0] // 2][:, None] == bar[None]).all(axis=2).any()
    assert np.abs(picture.mean(axis=(0, 1)) - picture.mean()).max() < 20  # grey as the background: no path is drawn
    assert (strip == 255).all(axis=2).any()  # the words


def test_the_number_of_a_path_hides_nothing_but_its_own_place(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), duration_s=4.0, size=(320, 240))
    result = rendered(clip, tmp_path / "out", "trajectories")
    (page,) = pages(result, "trajectories")
    is_patch = (page[:240] == np.array(result.selected.shown[0].colour)).all(axis=2)
    rows, columns = (np.flatnonzero(is_patch.sum(axis=axis) > 3) for axis in (1, 0))
    assert is_patch[np.ix_(rows[[0, -1]], columns[[0, -1]])].all()


def test_a_number_that_lies_off_its_path_is_joined_to_it(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), duration_s=4.0, size=(320, 240))
    walk = clip.track("walker")
    crowd = tuple(Track(n, "walker", 0.9, walk.times, walk.boxes) for n in range(20))
    result = rendered(clip, tmp_path / "out", "trajectories", Annotations(crowd))
    (page,) = pages(result, "trajectories")
    picture = page[:240].astype(int)
    is_number = np.abs(picture - np.array(result.selected.shown[0].colour)).max(axis=2) < 90
    is_drawn = is_number | (picture.max(axis=2) < 50)  # dark are digits and casings
    *_, areas, _ = cv2.connectedComponentsWithStats(is_drawn.astype(np.uint8))
    assert (areas[1:, cv2.CC_STAT_AREA] > 100).sum() == 1


def test_a_bar_ends_as_it_begins(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), duration_s=4.0)
    result = rendered(clip, tmp_path / "out", "timeline")
    (page,) = pages(result, "timeline")
    is_bar = (page[HEAD : HEAD + ROW, LANE_AT:] == np.array(result.selected.shown[0].colour)).all(axis=2)
    heights = is_bar.sum(axis=0)
    assert set(heights[heights > 0].tolist()) == {int(heights.max())}


def test_the_small_picture_of_an_object_shows_it_alone(tmp_path: Path) -> None:
    neighbour = Mover("neighbour", GREEN, (0.1, 0.8), ((0.0, 0.62, 0.5),))
    tall = Mover("tall", RED, (0.1, 0.8), ((0.0, 0.4, 0.5),))
    clip = draw_clip(tmp_path / "clip.mp4", Scene((tall, neighbour)), duration_s=2.0, size=(320, 240))
    result = rendered(clip, tmp_path / "out", "timeline")
    (page,) = pages(result, "timeline")
    row = [shown.track.label for shown in in_rows(result.selected.shown)[0]].index("tall")
    small = page[HEAD + row * ROW : HEAD + (row + 1) * ROW - 1, MARGIN : MARGIN + THUMBNAIL[0]].astype(int)
    assert (np.abs(small - np.array(RED)).max(axis=2) < 60).sum() > 150
    assert not (np.abs(small - np.array(GREEN)).max(axis=2) < 60).any()


def test_without_objects_there_is_no_chart(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    for make in ("timeline", "trajectories"):
        assert rendered(clip, tmp_path / "out", make, Annotations(())).pictures[make] == ()


def test_names_of_charts() -> None:
    assert chart_name("a/b.mp4", "timeline", page=3) == "b.mp4.timeline_p3.png"
    assert not is_chart("timeline_px.png", "timeline")
    assert not is_chart("timeline_p2.jpeg", "timeline")
    assert not is_chart("trajectories.png", "timeline")
