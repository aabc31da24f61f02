"""What part of the picture is shown: never a jump, never outside, never more than three times as large."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rendering.gif.viewport import MAX_ENLARGEMENT, MAX_SIDE_PX, Viewport, view_of

PICTURE = (1920, 1080)
TIMES = np.arange(60) / 10


def shown(boxes: NDArray[np.float64], picture: tuple[int, int] = PICTURE, times: NDArray[np.float64] = TIMES) -> Viewport:
    return view_of(boxes, times, picture, max_height=422, whole_height=440)


def moving(start: tuple[float, float], end: tuple[float, float], size: tuple[float, float]) -> NDArray[np.float64]:
    centres = np.linspace(start, end, TIMES.size)
    return np.concatenate([centres - np.array(size) / 2, centres + np.array(size) / 2], axis=1)


def test_a_large_object_is_shown_with_the_whole_picture() -> None:
    view = shown(moving((800, 500), (1100, 520), (900, 800)))
    assert view.is_whole
    assert view.size == (480, 270)


def test_a_small_object_that_stays_gets_a_window_that_stands_still() -> None:
    view = shown(moving((900, 500), (960, 520), (100, 160)))
    assert not view.is_whole
    assert not view.glides
    left, top, right, bottom = view.windows[0]
    assert left <= 850
    assert right >= 1010
    assert bottom - top < 540


def test_a_small_object_that_crosses_the_picture_is_followed_without_a_jump() -> None:
    boxes = moving((80, 500), (1840, 520), (100, 160))
    view = shown(boxes)
    assert view.glides
    steps = np.abs(np.diff(view.windows[:, 0]))
    side = view.windows[0, 2] - view.windows[0, 0]
    assert steps.max() < 0.25 * side
    assert np.abs(np.diff(steps)).max() < 0.12 * side, "its speed changes gently"
    assert (view.windows[:, 0] <= boxes[:, 0] + 1).all()
    assert (view.windows[:, 2] >= boxes[:, 2] - 1).all()


def test_a_window_keeps_its_size() -> None:
    view = shown(moving((80, 100), (1840, 900), (60, 60)))
    sides = view.windows[:, 2:] - view.windows[:, :2]
    assert np.ptp(sides, axis=0).max() < 1e-6


coordinate = st.floats(-500, 2500, allow_nan=False)


@settings(max_examples=60)
@given(
    points=st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=12),
    size=st.tuples(st.floats(0, 4000), st.floats(0, 4000)),
    picture=st.tuples(st.integers(1, 8000), st.integers(1, 8000)),
)
def test_every_window_lies_in_the_picture_and_is_enlarged_three_times_at_most(
    points: list[tuple[float, float]], size: tuple[float, float], picture: tuple[int, int]
) -> None:
    centres = np.array(points)
    view = shown(np.concatenate([centres - size, centres + size], axis=1), picture, np.arange(len(points)) / 10)
    assert view.windows.shape == (len(points), 4)
    assert (view.windows[:, :2] >= -1e-6).all()
    assert (view.windows[:, 2:] <= np.array(picture) + 1e-6).all()
    sides = view.windows[:, 2:] - view.windows[:, :2]
    assert (sides >= 1).all()
    assert max(view.size) <= MAX_SIDE_PX
    assert min(view.size) >= 1
    enlargement = np.array(view.size) / sides
    assert (enlargement <= MAX_ENLARGEMENT * 1.05 + 1 / sides).all()
