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

RUNS_COMPARED = 4


class NumberedList(Fact):
    """A list of objects that a thread has, and the annotation file that they are from."""

    annotations: str
    objects: tuple[ToldObject, ...]

    @classmethod
    def of(cls, annotations: str, summary: Summary) -> NumberedList:
        """Return what a summary listed."""
        return cls(annotations=annotations, objects=summary.objects)

    def of_annotations(self, path: str) -> NumberedList:
        """Return the list with another path of its annotation file."""
        return self.model_copy(update={"annotations": path})

    @classmethod
    def merged(cls, lists: Iterable[NumberedList]) -> list[NumberedList]:
        """Return one list for each annotation file, with each object once, in the order in which they were first listed."""
        objects: dict[str, dict[int, ToldObject]] = {}
        for each in lists:
            known = objects.setdefault(each.annotations, {})
            for told in each.objects:
                known.setdefault(told.number, told)
        return [cls(annotations=annotations, objects=tuple(known.values())) for annotations, known in objects.items()]


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

    `read` reads the annotation file of another run; one that can't be read counts as having no objects in common, and so does
    one before the latest `RUNS_COMPARED`.
    """
    merged = NumberedList.merged(lists)
    highest = max((told.number for each in merged for told in each.objects), default=0)
    same_file = [each for each in merged if each.annotations == own]
    others = [each for each in merged if each.annotations != own][-RUNS_COMPARED:]
    known: dict[int, int] = {}
    taken: set[int] = set()

    def keep(pairs: Iterable[tuple[int, Track]]) -> None:
        for number, track in pairs:
            if number not in taken and track.track_id not in known:
                known[track.track_id] = number
                taken.add(number)

    # The same file first: there is no doubt about it.
    for each in same_file:
        keep(_tracks_of(each, annotations.tracks))
    for each in others:
        free = [track for track in shown if track.track_id not in known]
        keep(_same_elsewhere(each, annotations, free, read))
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
