"""
Which number an object has in a thread: the one that it was given where it was listed there first.

A number names an object in pictures, lists and talk, so what is asked for later in the same thread must not use it for another
one. Of the same annotation file an object is the same track; of another run of the same video it is the track that sweeps
through the same part of picture and time (`tracking/compare.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bot.jobs.facts import Fact, Summary, ToldObject
from rendering.selection import Numbering
from tracking.compare import compare
from tracking.errors import AnnotationError
from tracking.model import Annotations, Track


class NumberedList(Fact):
    """A list of objects that a thread has, and the annotation file that they are from."""

    annotations: str
    objects: tuple[ToldObject, ...]

    @classmethod
    def of(cls, annotations: str, summary: Summary) -> NumberedList:
        """Return what a summary listed."""
        return cls(annotations=annotations, objects=summary.objects)


def numbering_of(
    own: str,
    annotations: Annotations,
    shown: Sequence[Track],
    lists: Iterable[NumberedList],
    *,
    read: Callable[[Path], Annotations],
) -> Numbering:
    """
    Return the numbers that the tracks `shown` of the annotation file `own` have in the thread that holds `lists`.

    `read` reads the annotation file of another run; one that can't be read counts as having no objects in common.
    """
    lists = list(lists)
    highest = max((told.number for each in lists for told in each.objects), default=0)
    known: dict[int, int] = {}
    # The same file first: there is no doubt about it.
    for each in sorted(lists, key=lambda each: each.annotations != own):
        if each.annotations == own:
            pairs = _tracks_of(each, annotations.tracks)
        else:
            free = [track for track in shown if track.track_id not in known]
            pairs = _same_elsewhere(each, annotations, free, read)
        for number, track in pairs:
            if number not in known.values():
                known.setdefault(track.track_id, number)
    return Numbering(known, highest)


def _same_elsewhere(
    told: NumberedList, annotations: Annotations, free: Sequence[Track], read: Callable[[Path], Annotations]
) -> list[tuple[int, Track]]:
    """Return the number of each track that another run's list has as well."""
    try:
        other = read(Path(told.annotations))
    except AnnotationError:
        return []
    numbers = {track.track_id: number for number, track in _tracks_of(told, other.tracks)}
    if annotations.segment is not None:
        other = other.within(annotations.segment)
    listed = [track for track in other.tracks if track.track_id in numbers]
    return [(numbers[match.a.track_id], match.b) for match in compare(listed, free).matches]


def _tracks_of(told: NumberedList, tracks: Sequence[Track]) -> list[tuple[int, Track]]:
    """Return the number and the track of each object of a list; rows from before tracks were noted are found by their facts."""
    by_id = {track.track_id: track for track in tracks}
    by_facts = {_facts(track): track for track in tracks}
    found = []
    for each in told.objects:
        facts = each.label, each.start_s, each.end_s, each.frames
        track = by_id.get(each.track_id)
        if track is None or _facts(track) != facts:
            track = by_facts.get(facts)
        if track is not None:
            found.append((each.number, track))
    return found


def _facts(track: Track) -> tuple[str, float, float, int]:
    return track.label, track.segment.start_s, track.segment.end_s, len(track)
