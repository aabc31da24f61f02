"""The canonical type: what it refuses, and what it answers."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.errors import MediaKind, NotAVideo, TrackletError, VideoTooLong
from tracking.model import Annotations, BoundingBox, Segment, Track


def track(times: list[float], boxes: list[list[float]] | None = None, *, confidence: float = 0.9) -> Track:
    whole = boxes or [[0.1, 0.2, 0.3, 0.4]] * len(times)
    return Track(0, "dog", confidence, np.array(times, np.float64), np.array(whole, np.float32))


@pytest.mark.parametrize(
    ("times", "boxes", "why"),
    [
        ([], [], "N >= 1"),
        ([0.0, 1.0], [[0, 0, 1, 1]], "(2, 4)"),
        ([0.0, 0.0], [[0, 0, 1, 1]] * 2, "rise"),
        ([1.0, 0.0], [[0, 0, 1, 1]] * 2, "rise"),
        ([0.0, np.nan, 1.0], [[0, 0, 1, 1]] * 3, "rise"),
        ([np.nan], [[0, 0, 1, 1]], "finite"),
        ([0.0], [[0, 0, np.inf, 1]], "finite"),
    ],
)
def test_a_track_of_wrong_numbers_is_refused_where_it_is_made(times: list[float], boxes: list[list[float]], why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(").replace(")", r"\)")):
        Track(0, "dog", 0.5, np.array(times, np.float64), np.array(boxes, np.float32).reshape(-1, 4))


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_outside_of_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        track([0.0], confidence=confidence)


def test_nobody_can_write_into_a_track_nor_into_what_it_was_made_from() -> None:
    times = np.array([0.0, 1.0])
    made = Track(0, "dog", 0.5, times, np.zeros((2, 4), np.float32))
    times[0] = -5.0
    assert made.times[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        made.times[0] = 1.0


def test_a_box_between_two_observations_lies_between_them() -> None:
    moving = track([1.0, 2.0], [[0.0, 0.0, 0.2, 0.2], [0.4, 0.0, 0.6, 0.2]])
    assert moving.box_at(1.25) == pytest.approx((0.1, 0.0, 0.3, 0.2))
    assert moving.box_at(0.0) == pytest.approx((0.0, 0.0, 0.2, 0.2))
    assert moving.box_at(9.0) == pytest.approx((0.4, 0.0, 0.6, 0.2))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30, unique=True), st.floats(-10, 110))
def test_an_interpolated_box_never_leaves_the_hull_of_the_observed_ones(times: list[float], at: float) -> None:
    rng = np.random.default_rng(len(times))
    some = track(sorted(times), rng.uniform(-0.5, 1.5, (len(times), 4)).tolist())
    box = np.array(some.box_at(at))
    assert (box >= some.boxes.min(axis=0) - 1e-6).all()
    assert (box <= some.boxes.max(axis=0) + 1e-6).all()


def test_observations_and_segment_are_the_arrays_in_words() -> None:
    two = track([0.5, 1.5])
    assert [observation.time_s for observation in two.observations] == [0.5, 1.5]
    assert all(tuple(observation.box) == pytest.approx((0.1, 0.2, 0.3, 0.4)) for observation in two.observations)
    assert two.segment == Segment(0.5, 1.5)
    assert len(two) == 2


def test_equal_tracks_are_equal_and_a_moved_box_is_not() -> None:
    assert track([0.0]) == track([0.0])
    assert track([0.0]) != track([0.0], [[0.1, 0.2, 0.3, 0.5]])
    assert track([0.0]) != "dog"


def test_within_a_segment_only_what_was_seen_there_remains() -> None:
    all_of_it = Annotations((track([0.0, 1.0, 2.0]), track([5.0])))
    cut = all_of_it.within(Segment(0.5, 2.0))
    assert [t.times.tolist() for t in cut.tracks] == [[1.0, 2.0]]
    assert cut.segment == Segment(0.5, 2.0)
    assert all_of_it.end_s == 5.0


def test_a_box_outside_of_the_picture_is_clipped_to_nothing() -> None:
    assert BoundingBox(-0.5, 0.2, -0.1, 0.8).clipped().area == 0
    assert BoundingBox(-0.5, 0.0, 0.5, 1.0).clipped() == (0.0, 0.0, 0.5, 1.0)
    assert BoundingBox(0.6, 0.6, 0.4, 0.8).area == 0


@pytest.mark.parametrize("error", [NotAVideo(name="a.mp4", media=MediaKind.AUDIO), VideoTooLong(duration_s=5.0, limit_s=1.0)])
def test_an_error_crosses_a_process_boundary_with_its_facts(error: TrackletError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)


def test_a_track_is_filled_where_little_time_lies_between_its_boxes() -> None:
    boxes = np.array([[place / 10, 0, (place + 2) / 10, 0.2] for place in (0, 2, 3, 4, 8)], np.float32)
    track = Track(0, "fox", 0.5, np.array([1.0, 1.5, 1.75, 2.0, 3.5]), boxes)
    lone = Track(1, "fox", 0.5, np.array([0.3]), boxes[:1])
    (filled, same) = Annotations((track, lone)).filled(np.arange(0, 4, 0.25) + 1e-4).tracks
    # 1.5 s are too long to be filled, and 1.0 s is a frame that has its box already.
    assert filled.times == pytest.approx([1.0, 1.2501, 1.5, 1.75, 2.0, 3.5])
    assert filled.boxes[1] == pytest.approx([0.1, 0, 0.3, 0.2], abs=1e-3)
    assert same == lone


@pytest.mark.parametrize("step_s", [1.0, 4.0])
def test_tracks_of_slow_videos_are_filled_by_their_own_steps(step_s: float) -> None:
    times = np.arange(5, dtype=np.float64) * step_s
    track = Track(0, "fox", 0.5, times, np.tile(np.array([0, 0, 1, 1], np.float32), (5, 1)))
    (filled,) = Annotations((track,)).filled(np.arange(0, 4 * step_s, step_s / 4)).tracks
    assert len(filled) == 17
