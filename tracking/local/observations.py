"""
What has been seen in a shot so far, kept small: one row of 40 bytes per box.

Boxes are centre x, centre y, width, height in picture heights. `frame` counts the looks at the shot. A fragment is the rows of
one `fragment` number: a piece of a track, at most one row a frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]

ROW = np.dtype(
    [("frame", np.int32), ("score", np.float32), ("box", np.float32, (4,)), ("fragment", np.int64), ("class_index", np.int64)]
)

LEAST_EVIDENCE = 1.0
"""A fragment with scores that add up to less is noise: two sure sightings, or four of which each may be a mistake."""


class ObservationLog:
    """Rows in the order they were seen; of what is over, only what is more than noise stays when room is needed."""

    def __init__(self) -> None:
        self._rows = np.empty(1024, ROW)
        self._used = 0

    @property
    def rows(self) -> Rows:
        """All rows so far; a view, to be read before the next `add`."""
        return self._rows[: self._used]

    def add(self, rows: Rows, *, open_fragments: NDArray[np.int64]) -> None:
        """The rows of one look; `open_fragments` are those that may still grow."""
        if self._used + len(rows) > len(self._rows):
            kept = self.rows[has_evidence(self.rows) | np.isin(self.rows["fragment"], open_fragments)]
            # At most half full afterwards, so that the next time is far away.
            self._rows = np.empty(max(len(self._rows), 2 * (len(kept) + len(rows))), ROW)
            self._rows[: len(kept)] = kept
            self._used = len(kept)
        self._rows[self._used : self._used + len(rows)] = rows
        self._used += len(rows)


def has_evidence(rows: Rows) -> NDArray[np.bool_]:
    """Return which rows (N,) belong to a fragment that is more than noise."""
    _, inverse = np.unique(rows["fragment"], return_inverse=True)
    evidence: NDArray[np.bool_] = np.bincount(inverse, rows["score"])[inverse] >= LEAST_EVIDENCE
    return evidence


def grouped(rows: Rows) -> Rows:
    """Return a copy of the rows by fragment, each in order of time; fragments in the order of their numbers."""
    return rows[np.lexsort((rows["frame"], rows["fragment"]))]


def bounds(rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each fragment of grouped rows begins and ends: two arrays (F,), for `rows[begin:end]`."""
    changes = np.flatnonzero(np.diff(rows["fragment"])) + 1
    if not len(rows):
        return changes, changes
    return np.r_[0, changes], np.r_[changes, len(rows)]
