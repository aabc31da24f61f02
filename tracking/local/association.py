"""
Association: deciding which box continues which track, within one shot.

Detections come in one look at a time; tracks come out when the shot is over, so a doubtful link waits until both of its sides
are known. What is plain is linked while looking, and kept if the same boxes seen backwards in time link alike (linking.py). The
fragments are joined over their gaps (stitching.py), paths are smoothed and filled (smoothing.py), and each track's class is
voted. The class plays no part in linking: a detector's opinion of it flickers. What detects, and where the cuts are, is for
others to know. The method, the reasons for the constants, and scores: docs/association.md.

Times are seconds, at any spacing. Boxes come and go as fractions of the upright picture; inside they are centre x, centre y,
width, height in picture heights, so that lengths compare in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.local.detectors.base import Detections
from tracking.local.linking import FIRST_SCORE, NO_FRAGMENT, Linker
from tracking.local.observations import ROW, ObservationLog, Rows, bounds, has_evidence
from tracking.local.smoothing import smoothed
from tracking.local.stitching import stitched

Floats = NDArray[np.float64]

WEAKEST_SCORE = 0.1
"""Weaker boxes are not looked at."""

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
        self._scale = np.array([aspect, 1.0, aspect, 1.0])
        self._times: list[float] = []
        self._linker = Linker(first_score=FIRST_SCORE)
        self._log = ObservationLog()

    def update(self, time_s: float, detections: Detections) -> None:
        """One look at the shot. Raises `ValueError` unless `time_s` is finite and later than the one before."""
        if not np.isfinite(time_s) or (self._times and time_s <= self._times[-1]):
            raise ValueError(f"times must be finite and rise strictly, not {time_s} after {self._times[-1:]}")
        self._times.append(time_s)
        boxes, chosen = self._usable(detections)
        scores = np.minimum(detections.scores[chosen], 1.0)
        rows = np.empty(len(chosen), ROW)
        rows["frame"] = len(self._times) - 1
        rows["fragment"] = self._linker.look(time_s, boxes, scores)
        rows["box"] = boxes
        rows["score"] = scores
        rows["class_index"] = detections.classes[chosen]
        self._log.add(rows[rows["fragment"] != NO_FRAGMENT], open_fragments=self._linker.open_fragments)

    def finish(self) -> list[AssociatedTrack]:
        """Return all tracks of the shot by the time of their beginning. No two of them share an observation."""
        times = np.array(self._times, np.float64)
        rows = self._log.rows
        if len(times) >= FEWEST_OBSERVATIONS:
            rows = rows[has_evidence(rows)]
            rows = _agreed_both_ways(rows, times)
            rows = rows[has_evidence(rows)]
        rows = stitched(rows, times, aspect=float(self._scale[0]))
        fewest = min(FEWEST_OBSERVATIONS, len(times))
        spans = [span for span in zip(*bounds(rows), strict=True) if span[1] - span[0] >= fewest]
        tracks = [self._track(rows[begin:end], times) for begin, end in spans]
        return sorted(tracks, key=lambda track: float(track.times[0]))

    def _usable(self, detections: Detections) -> tuple[Floats, NDArray[np.intp]]:
        """Boxes (K, 4) in the inner form, and which (K,) they were, of what can be an object; hostile numbers end here."""
        edges = detections.boxes.astype(np.float64)
        with np.errstate(invalid="ignore"):
            boxes = np.concatenate([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], axis=1) * self._scale
            good = (np.abs(edges) <= FARTHEST_EDGE).all(axis=1) & (boxes[:, 2:] >= SMALLEST_SIDE).all(axis=1)
            good &= detections.scores >= WEAKEST_SCORE
        chosen = np.flatnonzero(good)
        if len(chosen) > MOST_DETECTIONS:
            chosen = chosen[np.argsort(-detections.scores[chosen], kind="stable")[:MOST_DETECTIONS]]
        return boxes[chosen], chosen

    def _track(self, rows: Rows, times: Floats) -> AssociatedTrack:
        """Return the rows of one object, smoothed, with its gaps filled, and its class voted by score."""
        first, last = int(rows["frame"][0]), int(rows["frame"][-1])
        span, seen = times[first : last + 1], (rows["frame"] - first).astype(np.intp)
        boxes = smoothed(span, seen, rows["box"].astype(np.float64)) / self._scale
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


def _agreed_both_ways(rows: Rows, times: Floats) -> Rows:
    """Return the rows, grouped into the fragments that remain when only links hold that are also made backwards in time."""
    rows = rows[np.argsort(rows["frame"], kind="stable")]
    backwards = np.empty(len(rows), np.int64)
    ends = np.searchsorted(rows["frame"], np.arange(len(times)), side="right")
    linker = Linker(first_score=0.0)
    end = len(rows)
    for frame in range(len(times) - 1, -1, -1):
        begin = int(ends[frame - 1]) if frame else 0
        look = rows[begin:end]
        backwards[begin:end] = linker.look(times[-1] - times[frame], look["box"].astype(np.float64), look["score"])
        end = begin
    # Weak boxes that continue nothing backwards belong to nothing.
    alone = backwards == NO_FRAGMENT
    backwards[alone] = NO_FRAGMENT - np.arange(np.count_nonzero(alone))
    # Neighbours in both orders are neighbours; anything else begins anew.
    order = np.lexsort((rows["frame"], rows["fragment"]))
    previous = np.full(len(rows), -1)
    behind = np.lexsort((rows["frame"], backwards))
    linked = np.diff(backwards[behind]) == 0
    previous[behind[1:][linked]] = behind[:-1][linked]
    broken = (np.diff(rows["fragment"][order]) != 0) | (previous[order[1:]] != order[:-1])
    agreed = rows[order]
    agreed["fragment"] = np.concatenate([[0], np.cumsum(broken)])[: len(rows)]
    return agreed
