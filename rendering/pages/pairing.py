"""
Which objects of two engines are shown side by side, in which order, and at which moment.

Decided from times and boxes alone, as in `selection.py`; which track is which is `tracking.compare`'s. An object is shown when
one of the engines found it well enough; what the other one found there is told even where it is below the thresholds, since
"less sure" is something else than "not seen". Times are seconds from the first frame, boxes fractions of the upright picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rendering.selection import END_TOLERANCE_S, Moment, Selection, select, shown_objects, visible_part
from tracking.compare import STEP_S, compare
from tracking.model import Annotations, Segment, Track


class Finder(Enum):
    """Who found an object."""

    BOTH = "both"
    A = "a"
    B = "b"


@dataclass(frozen=True, slots=True)
class Pair:
    """
    One object and what each engine found of it; `a` or `b` is None where one found nothing, and `overlap` (0..1) then 0.

    `number` counts from 1 over all pairs. `moments` are where both are likely seen well, the best first; their boxes hold
    those of both.
    """

    number: int
    a: Track | None
    b: Track | None
    overlap: float
    moments: tuple[Moment, ...]

    @property
    def moment(self) -> Moment:
        """The moment at which it is likely seen best."""
        return self.moments[0]

    @property
    def finder(self) -> Finder:
        if self.a is None:
            return Finder.B
        return Finder.A if self.b is None else Finder.BOTH


def pair(a: Annotations, b: Annotations, selection: Selection, *, duration_s: float = 0.0) -> tuple[Pair, ...]:
    """
    Return what is shown of two engines' annotations of one video: first what both found, then what `a` alone, then what `b`
    alone.

    Within each they stand in the order of `select`. `selection` holds for either engine. What is seen only after the end of the
    video is left out where `duration_s` (0: unknown) gives it.
    """
    if duration_s > 0:
        shown_part = Segment(-math.inf, duration_s + END_TOLERANCE_S)
        a, b = a.within(shown_part), b.within(shown_part)
    passing_a = [shown.track for shown in select(a, selection).shown]
    passing_b = [shown.track for shown in select(b, selection).shown]
    # What passes is matched first, so that no weak duplicate takes the place of a sure track.
    sure = compare(passing_a, passing_b)
    with_weak_b = compare(sure.only_a, _others(b.tracks, passing_b))
    with_weak_a = compare(_others(a.tracks, passing_a), sure.only_b)
    place = {id(track): place for passing in (passing_a, passing_b) for place, track in enumerate(passing)}
    last = len(place)
    matches = sorted(
        (*sure.matches, *with_weak_b.matches, *with_weak_a.matches),
        key=lambda match: min(place.get(id(match.a), last), place.get(id(match.b), last)),
    )
    rows: list[tuple[Track | None, Track | None, float]] = [*matches]
    rows += [(track, None, 0.0) for track in with_weak_b.only_a]
    rows += [(None, track, 0.0) for track in with_weak_a.only_b]
    seen = [_seen(row[0], row[1]) for row in rows]
    shown = shown_objects(seen, seen)
    return tuple(Pair(one.number, *row, one.moments) for row, one in zip(rows, shown, strict=True))


def _others(tracks: Sequence[Track], chosen: Sequence[Track]) -> list[Track]:
    known = {id(track) for track in chosen}
    return [track for track in tracks if id(track) not in known]


def _seen(a: Track | None, b: Track | None) -> Track:
    """Where an object is while everyone who found it sees it: boxes that hold both of theirs, at the steps of `compare`."""
    if a is None or b is None:
        found = a or b
        assert found is not None
        return found
    first = max(round(track.segment.start_s / STEP_S) for track in (a, b))
    last = min(round(track.segment.end_s / STEP_S) for track in (a, b))
    times = np.arange(first, last + 1, dtype=np.float64) * STEP_S
    boxes_a, boxes_b = (visible_part(track.boxes_at(times)) for track in (a, b))
    boxes = np.concatenate([np.minimum(boxes_a[:, :2], boxes_b[:, :2]), np.maximum(boxes_a[:, 2:], boxes_b[:, 2:])], axis=1)
    return Track(a.track_id, a.label, a.confidence, times, boxes)
