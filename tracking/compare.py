"""
Which object of one engine is which of another's, by where they are and when.

Two tracks are the same object when the volumes that their boxes sweep through picture and time overlap; labels play no part,
since engines name things differently. Times are seconds; boxes are clipped to the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracking.model import Track

STEP_S = 0.1
"""How finely time is cut: engines look at 8 to 10 pictures a second."""

MIN_OVERLAP = 0.25
"""Half of a detector's usual 0.5 for one picture, since engines also differ in when an object begins and ends."""

Floats = NDArray[np.float64]


class Match(NamedTuple):
    """One object that both engines found; `overlap` is 0..1."""

    a: Track
    b: Track
    overlap: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two engines said of one video, object by object, each in its engine's order."""

    matches: tuple[Match, ...]
    only_a: tuple[Track, ...]
    only_b: tuple[Track, ...]


def compare(a: Sequence[Track], b: Sequence[Track], *, min_overlap: float = MIN_OVERLAP) -> Comparison:
    """Pair the tracks so that their overlaps sum up to the most; those that overlap by less than `min_overlap` stay alone."""
    overlaps = volume_overlap(a, b)
    overlaps[overlaps < min_overlap] = 0.0
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    matches = tuple(
        Match(a[row], b[column], float(overlaps[row, column]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if overlaps[row, column] > 0.0
    )
    matched_a = {id(match.a) for match in matches}
    matched_b = {id(match.b) for match in matches}
    return Comparison(
        matches,
        only_a=tuple(track for track in a if id(track) not in matched_a),
        only_b=tuple(track for track in b if id(track) not in matched_b),
    )


def volume_overlap(a: Sequence[Track], b: Sequence[Track]) -> Floats:
    """
    Intersection over union of the volumes of every track in `a` (N) with every one in `b` (K): (N, K) in [0, 1].

    A volume is a box's area summed over steps of `STEP_S` from the first to the last observation, both included, so that a
    single sighting counts as one step. 0 where both are outside of the picture. The measure: Weinzaepfel et al., Learning to
    Track for Spatio-Temporal Action Localization, ICCV 2015 (there as the product of overlaps in time and in space).
    """
    shared = np.zeros((len(a), len(b)))
    swept_a, swept_b = _Swept(a), _Swept(b)
    for tick in np.intersect1d(swept_a.ticks, swept_b.ticks).tolist():
        here_a, here_b = swept_a.at(tick), swept_b.at(tick)
        boxes_a, boxes_b = swept_a.boxes[here_a][:, None], swept_b.boxes[here_b][None]
        sides = np.minimum(boxes_a[..., 2:], boxes_b[..., 2:]) - np.maximum(boxes_a[..., :2], boxes_b[..., :2])
        shared[np.ix_(swept_a.owners[here_a], swept_b.owners[here_b])] += np.prod(np.maximum(sides, 0.0), axis=-1)
    union = swept_a.volumes[:, None] + swept_b.volumes[None] - shared
    overlaps: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 1e-12)
    return np.minimum(overlaps, 1.0)


class _Swept:
    """Every box of every track at every step: `ticks` (M,) rise, `owners` (M,) are positions of tracks, `boxes` is (M, 4)."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        ticks = [np.arange(round(track.segment.start_s / STEP_S), round(track.segment.end_s / STEP_S) + 1) for track in tracks]
        boxes = [track.boxes_at(own * STEP_S) for track, own in zip(tracks, ticks, strict=True)]
        owners = np.repeat(np.arange(len(tracks)), [own.size for own in ticks])
        all_ticks = np.concatenate(ticks) if ticks else np.empty(0, np.intp)
        order = np.argsort(all_ticks, kind="stable")
        self.ticks: NDArray[np.intp] = all_ticks[order]
        self.owners: NDArray[np.intp] = owners[order]
        self.boxes: Floats = (np.concatenate(boxes) if boxes else np.empty((0, 4)))[order].astype(np.float64).clip(0.0, 1.0)
        sides = np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 0.0)
        self.volumes: Floats = np.zeros(len(tracks))
        np.add.at(self.volumes, self.owners, np.prod(sides, axis=1))

    def at(self, tick: int) -> slice:
        """Return the rows of one step."""
        return slice(*np.searchsorted(self.ticks, (tick, tick + 1)).tolist())
