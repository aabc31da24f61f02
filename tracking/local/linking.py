"""
Linking what is plain: boxes that lie where the motion model expects them, with no rival.

One look at a time, in either direction of time. The result is fragments: pieces of tracks, short but pure, which end where a
link would be a guess. Joining them is for stitching.py. Boxes: centre x, centre y, width, height, in picture heights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracking.local.motion_model import Motion
from tracking.local.overlap import buffered_overlap

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SURE_SCORE = 0.4
"""Boxes from here on choose first; the weaker ones may only continue what is left (ByteTrack, Zhang et al., ECCV 2022)."""

FIRST_SCORE = 0.25
"""A box from here on may begin a fragment: a track whose best box reaches it is worth telling, be it as a near miss."""

BUFFER = 0.3
"""Part of its sides that a box grows by before overlaps are measured (C-BIoU's first buffer; Yang et al., WACV 2023)."""

LEAST_OVERLAP = 0.2
"""Of grown boxes; less is no link (as in C-BIoU)."""

CLEAR_LEAD = 0.1
"""A link must overlap by this much more than its best rival on either side; else the fragment ends here."""

COASTING_S = 0.5
"""How long a fragment may go unseen and still be continued at once; longer gaps are for stitching, which knows both sides."""

NO_FRAGMENT = -1


class Linker:
    """
    Gives each box the number of the fragment that it belongs to; numbers are never used twice.

    Boxes with less than `first_score` begin nothing.
    """

    def __init__(self, *, first_score: float) -> None:
        self._first_score = first_score
        self._numbers = np.empty(0, np.int64)
        self._motion = Motion.first_seen(np.empty((0, 4)))
        self._seen_s = np.empty(0)
        self._now_s = 0.0
        self._next_number = 0

    @property
    def open_fragments(self) -> Integers:
        """The fragments that may still grow."""
        return self._numbers

    def look(self, time_s: float, boxes: Floats, scores: Floats) -> Integers:
        """
        Return the fragment of each of `boxes` (N, 4), at `time_s`, or `NO_FRAGMENT` for a weak box that continues nothing:
        (N,).

        Times go on strictly; for a run backwards they are counted from the end.
        """
        # Move every fragment to now; those unseen for too long are over, but not those of the last look, be it long ago.
        self._keep(self._seen_s >= min(time_s - COASTING_S, self._now_s))
        self._motion = self._motion.after(time_s - self._now_s)
        self._now_s = time_s

        # Continue what can be continued without doubt.
        result = np.full(len(boxes), NO_FRAGMENT, np.int64)
        fragment, box, doubtful = _links(buffered_overlap(self._motion.boxes, boxes, BUFFER), scores)
        plain, chosen = fragment[~doubtful], box[~doubtful]
        self._motion[plain] = self._motion[plain].seen_again(boxes[chosen])
        self._seen_s[plain] = time_s
        result[chosen] = self._numbers[plain]

        # A fragment in doubt ends here; its box begins a new one, as does every other that continues nothing.
        self._keep(~np.isin(np.arange(len(self._numbers)), fragment[doubtful]))
        fresh = np.flatnonzero((result == NO_FRAGMENT) & (scores >= self._first_score))
        result[fresh] = np.arange(self._next_number, self._next_number + len(fresh))
        self._next_number += len(fresh)
        if len(fresh):
            self._numbers = np.concatenate([self._numbers, result[fresh]])
            self._motion = self._motion.joined(Motion.first_seen(boxes[fresh]))
            self._seen_s = np.concatenate([self._seen_s, np.full(len(fresh), time_s)])
        return result

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            self._numbers, self._motion, self._seen_s = self._numbers[kept], self._motion[kept], self._seen_s[kept]


def _links(overlap: Floats, scores: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """
    Return which fragment goes on in which box, and whether a rival makes that doubtful: three arrays (L,).

    `overlap` is (fragments, boxes). Sure boxes choose first, then the others among the fragments that are left.
    """
    free = np.arange(len(overlap))
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]] = []
    for boxes in (np.flatnonzero(scores >= SURE_SCORE), np.flatnonzero(scores < SURE_SCORE)):
        part = overlap[np.ix_(free, boxes)]
        # What is too little counts alike, so that a hopeless pair never decides about a good one.
        row, column = linear_sum_assignment(np.maximum(part, LEAST_OVERLAP), maximize=True)
        good = part[row, column] > LEAST_OVERLAP
        row, column = row[good], column[good]
        chosen = part[row, column]
        part[row, column] = 0.0
        rival = np.maximum(part[row].max(axis=1, initial=0.0), part[:, column].max(axis=0, initial=0.0))
        found.append((free[row], boxes[column], rival > chosen - CLEAR_LEAD))
        free = np.delete(free, row)
    (sure, sure_box, sure_doubt), (other, other_box, other_doubt) = found
    return np.r_[sure, other], np.r_[sure_box, other_box], np.r_[sure_doubt, other_doubt]
