"""
What has been seen in a shot so far, kept small: one row of 40 bytes per box, in the order it came.

Boxes are centre x, centre y, width, height in picture heights. `frame` counts the calls of the association, so that rows can
be compared with the times of all of them. A fragment is the rows of one `fragment` number: an unbroken piece of a track.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.void]

ROW = np.dtype(
    [("frame", np.int32), ("fragment", np.int64), ("box", np.float32, (4,)), ("score", np.float32), ("class_index", np.int64)]
)

LEAST_EVIDENCE = 1.0
"""A fragment with scores that add up to less is noise: two sure sightings, or four of which each may be a mistake."""


class ObservationLog:
    """Rows in the order they were seen; what is noise and over makes room for what comes."""

    def __init__(self) -> None:
        self._rows = np.empty(1024, ROW)
        self._used = 0

    @property
    def rows(self) -> Rows:
        """All rows so far; a view, to be read before the next `add`."""
        return self._rows[: self._used]

    def add(
        self,
        frame: int,
        fragments: NDArray[np.int64],
        boxes: Floats,
        scores: Floats,
        classes: NDArray[np.int64],
        *,
        open_fragments: NDArray[np.int64],
    ) -> None:
        """One look: K fragments with their boxes (K, 4). `open_fragments` are those that may still grow."""
        if self._used + len(fragments) > len(self._rows):
            self._make_room(len(fragments), open_fragments)
        new = self._rows[self._used : self._used + len(fragments)]
        new["frame"] = frame
        new["fragment"] = fragments
        new["box"] = boxes
        new["score"] = scores
        new["class_index"] = classes
        self._used += len(fragments)

    def _make_room(self, wanted: int, open_fragments: NDArray[np.int64]) -> None:
        rows = self.rows
        kept = rows[has_evidence(rows) | np.isin(rows["fragment"], open_fragments)]
        # At most half full afterwards, so that the next time is far away.
        grown = np.empty(max(len(self._rows), 2 * (len(kept) + wanted)), ROW)
        grown[: len(kept)] = kept
        self._rows, self._used = grown, len(kept)


def has_evidence(rows: Rows) -> NDArray[np.bool_]:
    """Which rows (N,) belong to a fragment that is more than noise."""
    _, inverse = np.unique(rows["fragment"], return_inverse=True)
    evidence: NDArray[np.bool_] = np.bincount(inverse, rows["score"])[inverse] >= LEAST_EVIDENCE
    return evidence


def grouped(rows: Rows) -> Rows:
    """The rows by fragment, each in order of time; fragments in the order of their numbers."""
    return rows[np.lexsort((rows["frame"], rows["fragment"]))]


def bounds(rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each fragment of grouped rows begins and ends: two arrays (F,), for `rows[begin:end]`."""
    changes = np.flatnonzero(np.diff(rows["fragment"])) + 1
    if not len(rows):
        return changes, changes
    return np.r_[0, changes], np.r_[changes, len(rows)]
