"""
Association: deciding which box continues which track, within one shot.

Detections come in one look at a time; tracks come out when the shot is over, so a doubtful link waits until both of its sides
are known. While looking, only what is plain is linked: boxes that lie where the motion model expects them, with no rival.
Afterwards fragments are joined over their gaps (stitching.py), paths are smoothed and filled (smoothing.py), and each track's
class is voted. The class plays no part in linking, since a detector's opinion of it flickers. What detects, and where the cuts
are, is for others to know. Method, reasons for the constants, and scores: docs/association.md.

Times are seconds, at any spacing. Boxes come and go as fractions of the upright picture; inside they are centre x, centre y,
width, height in picture heights, so that lengths compare in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracking.local.detector import Detections
from tracking.local.motion_model import Motion
from tracking.local.observations import ObservationLog, Rows, bounds, has_evidence
from tracking.local.overlap import buffered_overlap
from tracking.local.smoothing import smoothed
from tracking.local.stitching import stitched

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

WEAKEST_SCORE = 0.1
"""Weaker boxes are not looked at."""

SURE_SCORE = 0.4
"""Boxes from here on choose first; the weaker ones may only continue what is left (ByteTrack, Zhang et al., ECCV 2022)."""

FIRST_SCORE = 0.25
"""A box from here on may begin a track, and a track whose best box reaches it is returned: near misses can be told."""

BUFFER = 0.3
"""Part of its sides that a box grows by before overlaps are measured (C-BIoU's first buffer; Yang et al., WACV 2023)."""

LEAST_OVERLAP = 0.2
"""Of grown boxes; less is no link (as in C-BIoU)."""

CLEAR_LEAD = 0.1
"""A link must overlap by this much more than its best rival on either side; else both sides wait for the end of the shot."""

COASTING_S = 0.5
"""How long a fragment may go unseen and still be continued at once; longer gaps are for stitching, which knows both sides."""

FEWEST_OBSERVATIONS = 3
"""Tracks with fewer are noise, unless the shot itself had no more looks."""

MOST_DETECTIONS = 200
"""Per look; the best ones. A crowd has a hundred, only noise has more, and the cost grows with the cube."""

SMALLEST_SIDE = 1e-3
"""In picture heights: about one pixel. Smaller boxes say nothing about motion."""

FARTHEST_EDGE = 3.0
"""In picture sides; a box that reaches farther out is an error."""


@dataclass(frozen=True, slots=True, eq=False)
class AssociatedTrack:
    """
    One object in one shot.

    `times` (N,) rise strictly; `boxes` (N, 4) are left, top, right, bottom as fractions of the picture, smoothed; `scores` (N,)
    are the detector's, 0 where a gap was filled. `class_index` is the class with most score; `confidence` the best score.
    """

    times: NDArray[np.float64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_index: int
    confidence: float


class Associator:
    """Links the detections of one shot; `aspect` is width / height of the upright picture."""

    def __init__(self, *, aspect: float) -> None:
        self._aspect = aspect
        self._times: list[float] = []
        self._log = ObservationLog()
        self._fragments = np.empty(0, np.int64)
        self._motion = Motion.first_seen(np.empty((0, 4)))
        self._seen_s = np.empty(0)
        self._next_fragment = 0

    def update(self, time_s: float, detections: Detections) -> None:
        """One look at the shot. Raises `ValueError` unless `time_s` is finite and later than the one before."""
        if not np.isfinite(time_s) or (self._times and time_s <= self._times[-1]):
            raise ValueError(f"times must be finite and rise strictly: {time_s} after {self._times[-1:]}")
        boxes, scores, classes = self._usable(detections)

        # Move every fragment to now; those unseen for too long are over.
        self._keep(time_s - self._seen_s <= COASTING_S)
        if self._times:
            self._motion = self._motion.after(time_s - self._times[-1])
        self._times.append(time_s)

        # Link what is plain, sure boxes first.
        overlap = buffered_overlap(self._motion.boxes, boxes, BUFFER)
        fragment, box, doubtful = _links(overlap, scores)
        plain = ~doubtful
        linked, taken = fragment[plain], box[plain]
        self._motion[linked] = self._motion[linked].seen_again(boxes[taken])
        self._seen_s[linked] = time_s
        self._remember(self._fragments[linked], taken, boxes, scores, classes)

        # A fragment in doubt ends here, and its box begins a new one, as does every box that continues nothing.
        self._keep(~np.isin(np.arange(len(self._fragments)), fragment[doubtful]))
        fresh = np.setdiff1d(np.flatnonzero(scores >= FIRST_SCORE), taken, assume_unique=True)
        numbers = np.arange(self._next_fragment, self._next_fragment + len(fresh))
        self._next_fragment += len(fresh)
        self._fragments = np.concatenate([self._fragments, numbers])
        self._motion = self._motion.joined(Motion.first_seen(boxes[fresh]))
        self._seen_s = np.concatenate([self._seen_s, np.full(len(fresh), time_s)])
        self._remember(numbers, fresh, boxes, scores, classes)

    def finish(self) -> list[AssociatedTrack]:
        """All tracks of the shot by the time of their beginning. No two of them share an observation."""
        times = np.array(self._times, np.float64)
        rows = self._log.rows
        fewest = min(FEWEST_OBSERVATIONS, len(times))
        if len(times) >= FEWEST_OBSERVATIONS:
            rows = rows[has_evidence(rows)]
        rows = stitched(rows, times)
        tracks = [
            self._track(rows[begin:end], times) for begin, end in zip(*bounds(rows), strict=True) if end - begin >= fewest
        ]
        return sorted(tracks, key=lambda track: float(track.times[0]))

    def _usable(self, detections: Detections) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Boxes in the inner form, scores and classes, of what can be an object; hostile numbers end here."""
        edges = detections.boxes.astype(np.float64)
        scores = detections.scores.astype(np.float64)
        with np.errstate(invalid="ignore"):
            boxes = np.concatenate([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], axis=1)
            boxes *= (self._aspect, 1.0, self._aspect, 1.0)
            good = (np.abs(edges) <= FARTHEST_EDGE).all(axis=1) & (boxes[:, 2:] >= SMALLEST_SIDE).all(axis=1)
            good &= scores >= WEAKEST_SCORE
        chosen = np.flatnonzero(good)
        if len(chosen) > MOST_DETECTIONS:
            chosen = chosen[np.argsort(-scores[chosen], kind="stable")[:MOST_DETECTIONS]]
        return boxes[chosen], np.minimum(scores[chosen], 1.0), detections.classes[chosen].astype(np.int64)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            self._fragments, self._motion, self._seen_s = self._fragments[kept], self._motion[kept], self._seen_s[kept]

    def _remember(
        self, fragments: NDArray[np.int64], chosen: Integers, boxes: Floats, scores: Floats, classes: NDArray[np.int64]
    ) -> None:
        self._log.add(
            len(self._times) - 1,
            fragments,
            boxes[chosen],
            scores[chosen],
            classes[chosen],
            open_fragments=self._fragments,
        )

    def _track(self, rows: Rows, times: Floats) -> AssociatedTrack:
        """The rows of one object, smoothed, with its gaps filled, and its class voted by score."""
        first, last = int(rows["frame"][0]), int(rows["frame"][-1])
        seen = (rows["frame"] - first).astype(np.intp)
        span = times[first : last + 1]
        boxes = smoothed(span, seen, rows["box"].astype(np.float64)) / (self._aspect, 1.0, self._aspect, 1.0)
        scores = np.zeros(len(span), np.float32)
        scores[seen] = rows["score"]
        classes, votes = np.unique(rows["class_index"], return_inverse=True)
        return AssociatedTrack(
            times=span,
            boxes=np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1).astype(np.float32),
            scores=scores,
            class_index=int(classes[np.bincount(votes, rows["score"]).argmax()]),
            confidence=float(rows["score"].max()),
        )


def _links(overlap: Floats, scores: Floats) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """
    Which fragment goes on in which box, and whether a rival makes that doubtful: three arrays (L,).

    `overlap` is (fragments, boxes). Sure boxes choose first, then the others among the fragments that are left.
    """
    free = np.arange(len(overlap))
    found: list[tuple[Integers, Integers, NDArray[np.bool_]]] = []
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
    (sure_row, sure_box, sure_doubt), (weak_row, weak_box, weak_doubt) = found
    return np.r_[sure_row, weak_row], np.r_[sure_box, weak_box], np.r_[sure_doubt, weak_doubt]
