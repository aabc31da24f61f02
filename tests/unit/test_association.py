"""
Association on small made scenes whose truth is known: how many tracks, and whether each is one object's.

A scene is a few objects with a path in time, seen with a little jitter. The numbers here are what people see as wrong
identities, so they are equalities. Scores on real sequences: bench/association.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tracking.local.association import AssociatedTrack, Associator
from tracking.local.detectors.base import Detections

ASPECT = 16 / 9
Floats = NDArray[np.float64]
Center = Callable[[float], tuple[float, float]]

TEN_HZ = np.arange(0, 60) / 10


@dataclass(frozen=True)
class Walker:
    """Somebody whose box has its centre at `center(time)`, as fractions, and who is not seen in the `hidden` segments."""

    center: Center
    hidden: Sequence[tuple[float, float]] = ()
    width: float = 0.06
    height: float = 0.3
    score: float = 0.8
    class_index: int = 0

    def is_seen(self, time_s: float) -> bool:
        return not any(begin <= time_s <= end for begin, end in self.hidden)

    def box(self, time_s: float) -> Floats:
        x, y = self.center(time_s)
        return np.array([x - self.width / 2, y - self.height / 2, x + self.width / 2, y + self.height / 2])


def walking(x: float, speed: float, *, y: float = 0.5) -> Center:
    """A path along the picture: `speed` in picture widths a second; a person of this size walks at about 0.1."""
    return lambda time_s: (x + speed * time_s, y)


def tracks_of(walkers: Sequence[Walker], times: Floats = TEN_HZ, *, seed: int = 7) -> list[AssociatedTrack]:
    rng = np.random.default_rng(seed)
    associator = Associator(aspect=ASPECT)
    for time_s in times.tolist():
        seen = [walker for walker in walkers if walker.is_seen(time_s)]
        rng.shuffle(seen)
        boxes = [walker.box(time_s) + rng.normal(0, 0.03, 4) * walker.width for walker in seen]
        associator.update(
            time_s,
            Detections(
                np.array(boxes, np.float32).reshape(-1, 4),
                np.array([walker.score for walker in seen], np.float32),
                np.array([walker.class_index for walker in seen], np.intp),
            ),
        )
    return associator.finish()


def overlap(a: Floats, b: Floats) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    return shared / (float(np.prod(a[2:] - a[:2])) + float(np.prod(b[2:] - b[:2])) - shared)


def identities(tracks: Sequence[AssociatedTrack], walkers: Sequence[Walker]) -> list[list[int]]:
    """For each track, the walkers whom it is on where it was really seen, in order of time without repetition."""
    result = []
    for track in tracks:
        followed: list[int] = []
        for time_s, box, score in zip(track.times.tolist(), track.boxes, track.scores.tolist(), strict=True):
            overlaps = [
                overlap(box.astype(np.float64), walker.box(time_s)) if walker.is_seen(time_s) else 0.0 for walker in walkers
            ]
            if score > 0 and followed[-1:] != [int(np.argmax(overlaps))]:
                followed.append(int(np.argmax(overlaps)))
        result.append(followed)
    return sorted(result)


SCENES = [
    pytest.param(
        [Walker(walking(0.2, 0.1)), Walker(walking(0.8, -0.1), hidden=[(2.8, 3.2)])],
        id="two people cross, the farther one hidden while they overlap",
    ),
    pytest.param(
        [Walker(walking(0.2, 0.1)), Walker(walking(0.8, -0.1, y=0.55))],
        id="two people cross and both stay visible",
    ),
    pytest.param(
        [Walker(walking(0.5, 0.0), width=0.12), Walker(walking(0.2, 0.1), hidden=[(2.5, 3.5)], width=0.05)],
        id="one is hidden for a second behind another who stands",
    ),
    pytest.param([Walker(walking(0.2, 0.1), hidden=[(2.0, 4.0)])], id="one is hidden for two seconds and walks on"),
    pytest.param([Walker(walking(0.3, 0.0), hidden=[(2.0, 4.5)])], id="one who stands is missed for two and a half seconds"),
    pytest.param([Walker(lambda t: (0.2 + 0.1 * min(t, 2.0) + 0.1 * max(t - 4.0, 0.0), 0.5))], id="one stops and goes on"),
    pytest.param([Walker(lambda t: (0.5 - 0.1 * abs(t - 3.0), 0.5))], id="one turns round"),
    pytest.param(
        [Walker(walking(0.2, 0.06)), Walker(walking(0.29, 0.06)), Walker(walking(0.38, 0.06))],
        id="three walk in a row, close together",
    ),
    pytest.param([Walker(walking(0.1, 0.12), score=0.3)], id="one is only ever seen weakly"),
    pytest.param([Walker(walking(0.0, 0.5), width=0.2, height=0.2)], id="a car drives through in two seconds"),
    pytest.param([Walker(lambda t: (0.5, 0.5), width=w, height=w) for w in (0.05, 0.3)], id="a small one before a large one"),
]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("walkers", SCENES)
def test_each_object_has_one_track_of_its_own(walkers: list[Walker], seed: int) -> None:
    tracks = tracks_of(walkers, seed=seed)

    assert identities(tracks, walkers) == [[walker] for walker in range(len(walkers))]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("walkers", SCENES)
def test_irregular_times_give_the_same_tracks(walkers: list[Walker], seed: int) -> None:
    steps = np.random.default_rng(seed).choice([1 / 60, 1 / 30, 0.1, 0.15, 0.2], 400)
    times = np.cumsum(steps)

    tracks = tracks_of(walkers, times[times < 6.0], seed=seed)

    assert identities(tracks, walkers) == [[walker] for walker in range(len(walkers))]


@pytest.mark.parametrize("rate_hz", [4, 10, 25, 60])
def test_the_rate_of_looks_does_not_change_who_is_who(rate_hz: int) -> None:
    walkers = [Walker(walking(0.2, 0.1)), Walker(walking(0.8, -0.1), hidden=[(2.6, 3.4)])]

    tracks = tracks_of(walkers, np.arange(0, 6 * rate_hz) / rate_hz)

    assert identities(tracks, walkers) == [[0], [1]]


def test_one_who_leaves_and_comes_back_after_long_is_a_new_track() -> None:
    tracks = tracks_of([Walker(walking(0.3, 0.0), hidden=[(2.0, 5.5)])], np.arange(0, 80) / 10)

    assert [(track.times[0], track.times[-1]) for track in tracks] == [(0.0, 1.9), (5.6, 7.9)]


def test_two_who_enter_where_another_left_are_new_tracks() -> None:
    walkers = [
        Walker(walking(0.7, 0.15), hidden=[(2.0, 9.0)]),
        Walker(lambda t: (1.0 - 0.15 * (t - 2.4), 0.45), hidden=[(0.0, 2.4)]),
        Walker(lambda t: (1.0 - 0.15 * (t - 3.0), 0.6), hidden=[(0.0, 3.0)]),
    ]

    assert identities(tracks_of(walkers), walkers) == [[0], [1], [2]]


def test_gaps_are_filled_where_the_object_must_have_been() -> None:
    walker = Walker(walking(0.2, 0.1), hidden=[(2.0, 3.0)])

    (track,) = tracks_of([walker])

    filled = track.scores == 0.0
    assert track.times[filled].tolist() == pytest.approx(np.arange(20, 31) / 10)
    assert min(overlap(box.astype(np.float64), walker.box(t)) for t, box in zip(track.times, track.boxes, strict=True)) > 0.8


def test_smoothing_brings_boxes_closer_to_the_truth_than_the_detector_saw_them() -> None:
    walker = Walker(walking(0.2, 0.1))
    rng = np.random.default_rng(1)
    associator = Associator(aspect=ASPECT)
    truth = np.array([walker.box(time_s) for time_s in TEN_HZ])
    seen = truth + rng.normal(0, 0.05, truth.shape) * (0.06, 0.3, 0.06, 0.3)
    for time_s, box in zip(TEN_HZ.tolist(), seen, strict=True):
        associator.update(time_s, Detections(box[None].astype(np.float32), np.ones(1, np.float32), np.zeros(1, np.intp)))

    (track,) = associator.finish()

    assert np.abs(track.boxes - truth).mean() < 0.7 * np.abs(seen - truth).mean()


def test_boxes_that_come_once_are_no_tracks() -> None:
    rng = np.random.default_rng(3)
    associator = Associator(aspect=ASPECT)
    for time_s in TEN_HZ.tolist():
        corner = rng.uniform(0, 0.9, (1, 2))
        boxes = np.concatenate([corner, corner + 0.08], axis=1).astype(np.float32)
        associator.update(time_s, Detections(boxes, np.full(1, 0.4, np.float32), np.zeros(1, np.intp)))

    assert associator.finish() == []


def test_a_flickering_class_is_voted_by_score() -> None:
    associator = Associator(aspect=ASPECT)
    for look, time_s in enumerate(TEN_HZ.tolist()):
        weak = look % 3 > 0
        associator.update(
            time_s,
            Detections(
                np.array([[0.4, 0.4, 0.5, 0.6]], np.float32),
                np.array([0.3 if weak else 0.9], np.float32),
                np.array([7 if weak else 2], np.intp),
            ),
        )

    (track,) = associator.finish()

    assert track.class_index == 2
    assert track.confidence == pytest.approx(0.9)


def test_weak_boxes_continue_a_track_but_begin_none() -> None:
    def fading(time_s: float) -> float:
        return 0.8 if time_s < 2.0 else 0.15

    associator = Associator(aspect=ASPECT)
    for time_s in TEN_HZ.tolist():
        boxes = np.array([[0.4, 0.4, 0.5, 0.6], [0.7, 0.4, 0.8, 0.6]], np.float32)
        associator.update(time_s, Detections(boxes, np.array([fading(time_s), 0.2], np.float32), np.zeros(2, np.intp)))

    (track,) = associator.finish()

    assert (track.times[0], track.times[-1]) == (0.0, TEN_HZ[-1])


@pytest.mark.parametrize("looks", [1, 2])
def test_a_shot_of_one_or_two_pictures_keeps_what_it_has(looks: int) -> None:
    tracks = tracks_of([Walker(walking(0.2, 0.1)), Walker(walking(0.7, 0.1))], TEN_HZ[:looks])

    assert [len(track.times) for track in tracks] == [looks, looks]


def test_a_shot_without_looks_or_objects_has_no_tracks() -> None:
    nothing = Associator(aspect=ASPECT)
    assert nothing.finish() == []
    nothing.update(0.0, Detections.none())
    nothing.update(0.1, Detections.none())
    assert nothing.finish() == []


@pytest.mark.parametrize("time_s", [1.0, 0.5, float("nan"), float("inf")])
def test_times_that_do_not_rise_are_refused(time_s: float) -> None:
    associator = Associator(aspect=ASPECT)
    associator.update(1.0, Detections.none())

    with pytest.raises(ValueError, match="rise"):
        associator.update(time_s, Detections.none())


hostile_numbers = st.one_of(st.floats(width=32), st.sampled_from([0.0, 0.5, -0.1, 1.0, 1e-30, 3e38]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(*[hostile_numbers] * 5, st.integers(0, 79)), max_size=6), min_size=1, max_size=8))
def test_hostile_numbers_give_only_sound_tracks(looks: list[list[tuple[float, float, float, float, float, int]]]) -> None:
    associator = Associator(aspect=ASPECT)
    for look, rows in enumerate(looks):
        numbers = np.array([row[:5] for row in rows], np.float32).reshape(-1, 5)
        classes = np.array([row[5] for row in rows], np.intp)
        associator.update(0.1 * look, Detections(numbers[:, :4], numbers[:, 4], classes))

    assert_sound(associator.finish())


def test_a_thousand_random_boxes_a_look_are_survived() -> None:
    rng = np.random.default_rng(5)
    associator = Associator(aspect=ASPECT)
    for look in range(30):
        boxes = rng.uniform(-0.5, 1.5, (1000, 4)).astype(np.float32)
        boxes[::17] = np.nan
        scores = rng.uniform(0, 1, 1000).astype(np.float32)
        scores[::19] = np.nan
        associator.update(0.1 * look, Detections(boxes, scores, rng.integers(0, 80, 1000)))

    assert_sound(associator.finish())


def test_a_crowd_of_doubles_shares_no_observation() -> None:
    walkers = [Walker(walking(0.5 + 0.01 * number, 0.02)) for number in range(6)]

    tracks = tracks_of(walkers, seed=2)

    assert_sound(tracks)
    for time_s in TEN_HZ:
        assert sum(int((track.scores[track.times == time_s] > 0).sum()) for track in tracks) <= len(walkers)


def assert_sound(tracks: Sequence[AssociatedTrack]) -> None:
    assert [track.times[0] for track in tracks] == sorted(track.times[0] for track in tracks)
    for track in tracks:
        assert track.times.dtype == np.float64
        assert track.boxes.dtype == np.float32
        assert track.boxes.shape == (len(track.times), 4)
        assert track.scores.shape == track.times.shape
        assert (np.diff(track.times) > 0).all()
        assert np.isfinite(track.boxes).all()
        assert (track.boxes[:, 2:] > track.boxes[:, :2]).all()
        assert 0.25 <= track.confidence <= 1.0


@pytest.mark.parametrize("step_s", [1.0, 10.0])
def test_what_stands_still_is_one_track_however_seldom_it_is_looked_at(step_s: float) -> None:
    (track,) = tracks_of([Walker(lambda _: (0.5, 0.5))], np.arange(20, dtype=np.float64) * step_s)
    assert len(track.times) == 20
