"""An object keeps its number in a thread, whatever is asked for later."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bot.jobs.facts import Summary, ToldObject
from bot.jobs.numbering import NumberedList, numbering_of
from rendering.selection import Numbering
from tracking.errors import AnnotationError
from tracking.model import Annotations, Segment, Track

OWN, OTHER = "/data/clip.mp4.json", "/data/clip.mp4.abc.json"


def a_track(track_id: int, *, left: float = 0.1, start_s: float = 0.0, count: int = 20, label: str = "person") -> Track:
    times = start_s + np.arange(count) / 10
    return Track(track_id, label, 0.9, times, np.tile(np.array([left, 0.2, left + 0.1, 0.6], np.float32), (count, 1)))


def told(track: Track, number: int, *, track_id: int | None = None) -> ToldObject:
    return ToldObject(
        number=number,
        label=track.label,
        confidence=track.confidence,
        start_s=track.segment.start_s,
        end_s=track.segment.end_s,
        frames=len(track),
        track_id=track.track_id if track_id is None else track_id,
    )


def a_list(annotations: str, *objects: ToldObject) -> NumberedList:
    return NumberedList.of(annotations, Summary(objects=objects))


def never_read(path: Path) -> Annotations:
    raise AssertionError(f"{path} is the file at hand")


def test_of_the_same_file_each_object_keeps_its_number() -> None:
    tracks = (a_track(0), a_track(1, left=0.4), a_track(2, left=0.7))
    lists = [a_list(OWN, told(tracks[0], 1), told(tracks[2], 2))]
    found = numbering_of(OWN, Annotations(tracks), tracks, lists, read=never_read)
    assert found == Numbering({0: 1, 2: 2}, highest=2)
    assert found.numbers_of([1, 0, 2]) == [3, 1, 2]


def test_a_list_from_before_tracks_were_noted_is_understood_by_its_facts() -> None:
    tracks = (a_track(0), a_track(1, start_s=1.0), a_track(2, start_s=2.0))
    lists = [a_list(OWN, told(tracks[1], 1, track_id=-1), told(tracks[2], 2, track_id=-1))]
    assert numbering_of(OWN, Annotations(tracks), tracks, lists, read=never_read).known == {1: 1, 2: 2}


def test_a_track_that_is_no_longer_what_was_listed_gets_a_number_of_its_own() -> None:
    """The file was written again, by a run that came out differently."""
    tracks = (a_track(0, label="car"),)
    lists = [a_list(OWN, told(a_track(0), 1))]
    assert numbering_of(OWN, Annotations(tracks), tracks, lists, read=never_read).numbers_of([0]) == [2]


def test_an_object_that_another_engine_found_as_well_keeps_its_number() -> None:
    before = (a_track(0, left=0.1), a_track(1, left=0.4), a_track(2, left=0.7))
    lists = [a_list(OTHER, *(told(track, number) for number, track in enumerate(before, start=1)))]
    tracks = (a_track(0, left=0.71, label="dog"), a_track(1, left=0.1, start_s=9.0))
    found = numbering_of(OWN, Annotations(tracks), tracks, lists, read=lambda path: Annotations(before))
    assert found.numbers_of([0, 1]) == [3, 4]


def test_of_a_part_of_the_video_only_that_part_is_compared() -> None:
    before = (a_track(0, count=300), a_track(1, left=0.6, count=300))
    lists = [a_list(OTHER, told(before[0], 1), told(before[1], 2))]
    part = Annotations((a_track(0, left=0.6, start_s=10.0),), segment=Segment(10.0, 12.0))
    assert numbering_of(OWN, part, part.tracks, lists, read=lambda path: Annotations(before)).known == {0: 2}


def test_a_file_that_is_gone_has_no_objects_in_common_but_its_numbers_stay_taken() -> None:
    def gone(path: Path) -> Annotations:
        raise AnnotationError(path.name, "no file")

    tracks = (a_track(0),)
    lists = [a_list(OTHER, told(a_track(0), 4))]
    assert numbering_of(OWN, Annotations(tracks), tracks, lists, read=gone).numbers_of([0]) == [5]


def test_a_file_that_was_listed_often_is_read_once() -> None:
    before = (a_track(0), a_track(1, left=0.6))
    lists = [a_list(OTHER, told(before[0], 1)), a_list(OTHER, told(before[0], 1), told(before[1], 2))]
    reads: list[Path] = []

    def read(path: Path) -> Annotations:
        reads.append(path)
        return Annotations(before)

    assert numbering_of(OWN, Annotations(before), before, lists, read=read).known == {0: 1, 1: 2}
    assert reads == [Path(OTHER)]


def test_where_two_runs_disagree_no_number_means_two_objects() -> None:
    tracks = (a_track(0), a_track(1, left=0.12))
    lists = [a_list(OTHER, told(a_track(7, left=0.12), 1)), a_list(OWN, told(tracks[0], 1))]
    found = numbering_of(OWN, Annotations(tracks), tracks, lists, read=lambda path: Annotations((a_track(7, left=0.12),)))
    assert found.numbers_of([0, 1]) == [1, 2]
