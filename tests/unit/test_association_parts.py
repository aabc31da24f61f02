"""The laws that the parts of association keep: overlap, motion, linking, smoothing, stitching."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracking.local.linking import NO_FRAGMENT, Linker
from tracking.local.motion_model import Motion
from tracking.local.observations import ROW, ObservationLog, Rows, bounds, grouped
from tracking.local.overlap import buffered_overlap
from tracking.local.smoothing import smoothed
from tracking.local.stitching import stitched

Floats = NDArray[np.float64]

places = st.floats(0.0, 2.0)
sides = st.floats(0.01, 1.0)
boxes_of = st.lists(st.tuples(places, places, sides, sides), max_size=5).map(lambda rows: np.array(rows).reshape(-1, 4))
steps_s = st.floats(0.001, 3.0)

PERSON = np.array([[0.5, 0.5, 0.1, 0.3]])


@pytest.mark.parametrize(
    ("other", "buffer", "expected"),
    [
        pytest.param((0.5, 0.5, 0.2, 0.2), 0.0, 1.0, id="the same box"),
        pytest.param((0.6, 0.5, 0.2, 0.2), 0.0, 1 / 3, id="half shared"),
        pytest.param((0.7, 0.5, 0.2, 0.2), 0.0, 0.0, id="side by side"),
        pytest.param((0.7, 0.5, 0.2, 0.2), 0.5, 1 / 3, id="side by side, grown by half of a side each"),
        pytest.param((0.5, 0.5, 0.0, 0.0), 0.0, 0.0, id="an empty box"),
    ],
)
def test_overlap_is_what_two_boxes_share_of_both(other: tuple[float, ...], buffer: float, expected: float) -> None:
    shared = buffered_overlap(np.array([[0.5, 0.5, 0.2, 0.2]]), np.array([other]), buffer)

    assert shared[0, 0] == pytest.approx(expected)


@given(boxes_of, boxes_of, st.floats(0.0, 1.0))
def test_overlap_is_symmetric_and_between_nothing_and_all(a: Floats, b: Floats, buffer: float) -> None:
    shared = buffered_overlap(a, b, buffer)

    assert shared.shape == (len(a), len(b))
    assert shared == pytest.approx(buffered_overlap(b, a, buffer).T)
    assert ((shared >= 0) & (shared <= 1 + 1e-12)).all()


@given(boxes_of, steps_s, steps_s)
def test_two_steps_of_time_are_one_long_step(boxes: Floats, first_s: float, second_s: float) -> None:
    motion = Motion.first_seen(boxes)
    motion.velocity[:] = (0.1, -0.2)

    at_once, in_two = motion.after(first_s + second_s), motion.after(first_s).after(second_s)

    assert in_two.boxes == pytest.approx(at_once.boxes)
    assert in_two.covariance == pytest.approx(at_once.covariance)
    assert in_two.extent_variance == pytest.approx(at_once.extent_variance)


@given(st.lists(steps_s, min_size=1, max_size=10))
def test_another_look_never_leaves_more_doubt(steps: list[float]) -> None:
    motion = Motion.first_seen(PERSON)
    for step_s in steps:
        expected = motion.after(step_s)
        motion = expected.seen_again(PERSON)
        place, mixed, speed = np.moveaxis(motion.covariance, 2, 0)
        assert (motion.covariance[:, :, [0, 2]] <= expected.covariance[:, :, [0, 2]]).all()
        assert (place * speed - mixed**2 > 0).all()


def test_a_steady_walk_is_learnt_whatever_the_spacing_of_looks() -> None:
    motion = Motion.first_seen(PERSON)
    for step_s in (0.02, 0.3, 0.1, 0.05, 0.2, 0.1, 0.1, 0.15, 0.2, 0.1):
        expected = motion.after(step_s)
        motion = expected.seen_again(motion.boxes + np.array([0.2 * step_s, 0, 0, 0]))

    assert motion.velocity[0] == pytest.approx((0.2, 0.0), abs=0.05)


def test_a_box_between_two_fragments_ends_both_instead_of_guessing() -> None:
    linker = Linker(first_score=0.25)
    both = np.array([[0.45, 0.5, 0.1, 0.3], [0.57, 0.5, 0.1, 0.3]])
    first = linker.look(0.0, both, np.ones(2))
    assert linker.look(0.1, both, np.ones(2)).tolist() == first.tolist()

    between = linker.look(0.2, np.array([[0.51, 0.5, 0.1, 0.3]]), np.ones(1))

    assert between[0] not in first


def test_weak_boxes_continue_fragments_but_begin_none() -> None:
    linker = Linker(first_score=0.25)
    (number,) = linker.look(0.0, PERSON, np.array([0.9]))

    assert linker.look(0.1, PERSON, np.array([0.15])).tolist() == [number]
    assert linker.look(0.2, PERSON + np.array([1, 0, 0, 0]), np.array([0.15])).tolist() == [NO_FRAGMENT]


def test_a_steady_path_is_smoothed_into_itself_and_through_its_gaps() -> None:
    times = np.cumsum([0.0, 0.1, 0.02, 0.3, 0.1, 0.5, 0.1, 0.1])
    path = np.column_stack([0.2 + 0.1 * times, 0.5 - 0.05 * times, np.full(8, 0.1), np.full(8, 0.3)])
    seen = np.array([0, 1, 2, 4, 7])

    assert smoothed(times, seen, path[seen]) == pytest.approx(path, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-9, 5.0), places, places, sides, sides), min_size=1, max_size=20))
def test_smoothing_gives_finite_boxes_whatever_it_is_given(rows: list[tuple[float, float, float, float, float]]) -> None:
    numbers = np.array(rows)
    times = np.cumsum(numbers[:, 0])
    keep = np.concatenate([[True], np.diff(times) > 0])
    times, boxes = times[keep], numbers[keep, 1:]

    path = smoothed(times, np.arange(len(times)), boxes)

    assert path.shape == boxes.shape
    assert np.isfinite(path).all()
    assert (path[:, 2:] > 0).all()


def rows_of(*fragments: tuple[int, Floats]) -> Rows:
    """Rows of fragments that are seen in every frame from `first` on, at the given boxes."""
    parts = []
    for number, (first, boxes) in enumerate(fragments):
        part = np.zeros(len(boxes), ROW)
        part["frame"], part["fragment"], part["box"], part["score"] = first + np.arange(len(boxes)), number, boxes, 0.9
        parts.append(part)
    return np.concatenate(parts)


def walk(first_x: float, speed: float, *, looks: int = 10) -> Floats:
    """A walk with a look each tenth of a second."""
    x = first_x + speed * np.arange(looks) / 10
    return np.column_stack([x, np.full(looks, 0.5), np.full(looks, 0.1), np.full(looks, 0.3)])


TIMES = np.arange(100) / 10


def joined(*fragments: tuple[int, Floats]) -> list[int]:
    """The number of looks of each fragment after stitching."""
    begins, ends = bounds(stitched(rows_of(*fragments), TIMES, aspect=1.5))
    return sorted((ends - begins).tolist())


def test_fragments_of_one_walk_are_joined() -> None:
    assert joined((0, walk(0.2, 0.2)), (20, walk(0.6, 0.2))) == [20]


def test_fragments_that_overlap_in_time_stay_apart() -> None:
    assert joined((0, walk(0.2, 0.2)), (9, walk(0.38, 0.2))) == [10, 10]


def test_fragments_too_far_apart_in_time_stay_apart() -> None:
    assert joined((0, walk(0.5, 0.0)), (41, walk(0.5, 0.0))) == [10, 10]


def test_a_child_does_not_continue_an_adult() -> None:
    assert joined((0, walk(0.2, 0.2)), (20, walk(0.6, 0.2) * (1, 1, 0.4, 0.4))) == [10, 10]


def test_of_two_who_cross_unseen_each_goes_on_in_its_direction() -> None:
    rows = rows_of((0, walk(0.3, 0.2)), (0, walk(0.9, -0.2)), (20, walk(0.7, 0.2)), (20, walk(0.5, -0.2)))

    numbers = stitched(rows, TIMES, aspect=1.5)

    for number in np.unique(numbers["fragment"]):
        x = numbers["box"][numbers["fragment"] == number][:, 0]
        assert len(x) == 20
        assert (np.diff(x) > 0).all() or (np.diff(x) < 0).all()


def test_noise_makes_room_in_the_log_and_tracks_stay() -> None:
    log = ObservationLog()
    for look in range(20_000):
        rows = np.zeros(2, ROW)
        rows["frame"], rows["score"], rows["fragment"] = look, 0.4, (0, look + 1)
        log.add(rows, open_fragments=np.array([0, look + 1]))

    assert (log.rows["fragment"] == 0).sum() == 20_000
    assert len(log.rows) < 36_000


def test_grouping_keeps_every_row_and_orders_time() -> None:
    rows = rows_of((5, walk(0.2, 0.2)), (0, walk(0.6, 0.2)))[::-1]

    ordered = grouped(rows)

    assert sorted(map(str, ordered)) == sorted(map(str, rows))
    assert [ordered["frame"][begin:end].tolist() for begin, end in zip(*bounds(ordered), strict=True)] == [
        list(range(5, 15)),
        list(range(10)),
    ]
