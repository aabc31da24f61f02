"""Which objects are shown, in which order, and when: from boxes alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.selection import (
    MAX_CLIP_S,
    MAX_SHOWN,
    PAGE_OBJECTS,
    Group,
    Numbering,
    Selection,
    renumbered,
    select,
)
from tracking.model import Annotations, Segment, Track

BOX = (0.4, 0.4, 0.6, 0.6)


def a_track(
    number: int = 0,
    *,
    label: str = "person",
    confidence: float = 0.9,
    start_s: float = 0.0,
    count: int = 20,
    box: tuple[float, float, float, float] = BOX,
    boxes: list[tuple[float, float, float, float]] | None = None,
) -> Track:
    boxes = boxes or [box] * count
    times = start_s + np.arange(len(boxes)) / 10
    return Track(number, label, confidence, times, np.array(boxes, np.float32))


def shown_ids(*tracks: Track, selection: Selection = Selection(), duration_s: float = 0.0) -> list[int]:  # noqa: B008
    return [one.track.track_id for one in select(Annotations(tracks), selection, duration_s=duration_s).shown]


@pytest.mark.parametrize(
    ("reason", "track", "is_shown"),
    [
        ("sure and long enough", a_track(), True),
        ("exactly at both thresholds", a_track(confidence=0.7, count=10), True),
        ("0.7 as a file's 32-bit number", a_track(confidence=float(np.float32(0.7))), True),
        ("not sure enough", a_track(confidence=0.69), False),
        ("too few boxes", a_track(count=9), False),
    ],
)
def test_thresholds_decide_what_is_shown(reason: str, track: Track, is_shown: bool) -> None:
    found = select(Annotations((track,)), Selection())
    assert bool(found.shown) is is_shown, reason
    assert bool(found.near_misses) is not is_shown, reason


def test_labels_are_compared_without_case_and_exclude_near_misses_too() -> None:
    person, car = a_track(0, label="Person", confidence=0.5), a_track(1, label="car", confidence=0.5)
    found = select(Annotations((person, car)), Selection(labels=("PERSON ",)))
    assert [track.track_id for track in found.near_misses] == [0]


def test_what_is_never_in_the_picture_is_neither_shown_nor_a_near_miss() -> None:
    outside = a_track(box=(1.2, 0.2, 1.4, 0.4))
    inside_out = a_track(box=(0.6, 0.6, 0.4, 0.4))
    assert select(Annotations((outside, inside_out)), Selection()) == select(Annotations(), Selection())


def test_what_starts_after_the_end_of_the_video_is_not_shown() -> None:
    late = a_track(1, start_s=12.0)
    assert shown_ids(a_track(0), late, duration_s=10.0) == [0]
    assert len(shown_ids(a_track(0), late)) == 2, "an unknown duration excludes nothing"


@pytest.mark.parametrize(
    ("reason", "better", "worse"),
    [
        ("longer", a_track(0, count=60), a_track(1, count=12)),
        ("larger", a_track(0, box=(0.2, 0.2, 0.7, 0.7)), a_track(1, box=(0.4, 0.4, 0.45, 0.45))),
        ("surer", a_track(0, confidence=0.95), a_track(1, confidence=0.75)),
    ],
)
def test_the_more_telling_objects_are_on_the_first_page(reason: str, better: Track, worse: Track) -> None:
    """Where a page is full, what tells less is on the next."""
    worse = replace(worse, times=worse.times - 0.001)  # earlier, so that time alone would put it first
    full = [replace(better, track_id=number) for number in range(PAGE_OBJECTS)]
    shown = shown_ids(replace(worse, track_id=99), *full)
    assert shown == [*range(PAGE_OBJECTS), 99], reason


def test_within_a_page_objects_are_in_order_of_time() -> None:
    tracks = [a_track(0, start_s=4.0, confidence=0.95), a_track(1, start_s=0.5), a_track(2, start_s=2.2, confidence=0.71)]
    assert shown_ids(*tracks) == [1, 2, 0]
    assert shown_ids(*reversed(tracks)) == [1, 2, 0]
    assert shown_ids(a_track(0, count=30), a_track(1, count=20)) == [1, 0], "of two that come together, who leaves first"


def moving(number: int, label: str, start_s: float) -> Track:
    boxes = [(0.1 + 0.02 * step, 0.4, 0.2 + 0.02 * step, 0.6) for step in range(20)]
    return a_track(number, label=label, start_s=start_s, boxes=boxes)


def test_several_labels_with_several_objects_each_are_groups_and_what_stands_still_comes_last() -> None:
    labels = ["car", "person", "car", "dog", "person", "car", "bus"]
    tracks = [moving(number, label, number / 10) for number, label in enumerate(labels)]
    tracks.append(a_track(7, label="person", count=26))
    found = select(Annotations(tuple(tracks)), Selection(), duration_s=2.6).shown
    assert [(one.track.track_id, one.group) for one in found] == [
        *((number, Group(("car",))) for number in (0, 2, 5)),
        *((number, Group(("person",))) for number in (1, 4)),
        *((number, Group(("dog", "bus"))) for number in (3, 6)),
        (7, Group()),
    ]
    assert [one.number for one in found] == list(range(1, 9))


@pytest.mark.parametrize(
    ("reason", "labels"),
    [
        ("one label", ["car"] * 9),
        ("one object of each", [f"thing {number}" for number in range(9)]),
        ("few objects", ["car", "person"] * 2),
    ],
)
def test_there_are_no_groups_where_they_would_say_nothing(reason: str, labels: list[str]) -> None:
    tracks = tuple(moving(number, label, number / 10) for number, label in enumerate(labels))
    found = select(Annotations(tracks), Selection(), duration_s=2.9).shown
    assert {one.group for one in found} == {None}, reason
    assert [one.track.track_id for one in found] == list(range(len(labels)))


def test_what_is_there_only_for_a_part_of_its_shot_does_not_count_as_standing_still() -> None:
    tracks = [moving(number, "car", number / 10) for number in range(8)]
    short, whole = a_track(8, count=12), a_track(9, count=30, start_s=3.0)
    shots = (Segment(0.0, 2.9), Segment(3.0, 6.0))
    found = select(Annotations((*tracks, short, whole), shots), Selection(), duration_s=6.0).shown
    assert [one.track.track_id for one in found if one.group == Group()] == [9]


def test_spellings_of_one_label_are_one_label() -> None:
    for first, second in (("caf\u00e9", "cafe\u0301"), ("A", "a"), ("dog ", "dog")):
        tracks = (a_track(0, label=first), a_track(1, label=second, start_s=1.0))
        found = select(Annotations(tracks), Selection(labels=(second.upper(),))).shown
        assert len(found) == 2, first
        assert found[0].colour == found[1].colour


def test_not_all_objects_of_a_page_are_shown_at_one_moment_where_others_are_as_good() -> None:
    tracks = [a_track(number, box=(0.1 * number, 0.4, 0.1 * number + 0.08, 0.6)) for number in range(8)]
    found = select(Annotations(tuple(tracks)), Selection()).shown
    assert len({round(one.moments[0].time_s, 1) for one in found}) >= 3


def test_an_object_keeps_the_number_that_it_has() -> None:
    tracks = (a_track(0, start_s=3.0), a_track(1, start_s=2.0, label="car"), a_track(2, confidence=0.5))
    before = select(Annotations(tracks), Selection()).shown
    assert [(one.track.track_id, one.number) for one in before] == [(1, 1), (0, 2)]
    known = {one.track.track_id: one.number for one in before}
    only = renumbered(select(Annotations(tracks), Selection(labels=("person",))), Numbering(known)).shown
    assert [(one.track.track_id, one.number) for one in only] == [(0, 2)]
    more = renumbered(select(Annotations(tracks), Selection(min_confidence=0.4)), Numbering(known)).shown
    assert [(one.track.track_id, one.number) for one in more] == [(2, 3), (1, 1), (0, 2)]


@given(
    st.lists(st.integers(0, 50), unique=True),
    st.dictionaries(st.integers(0, 50), st.integers(1, 50)),
    st.integers(0, 60),
)
def test_no_number_means_two_objects(track_ids: list[int], known: dict[int, int], highest: int) -> None:
    known = {track: number for number, track in {number: track for track, number in known.items()}.items()}
    numbers = Numbering(known, highest).numbers_of(track_ids)
    assert len(set(numbers)) == len(track_ids)
    assert all(known.get(track, number) == number for track, number in zip(track_ids, numbers, strict=True))
    new = [number for track, number in zip(track_ids, numbers, strict=True) if track not in known]
    start = max((highest, *known.values())) + 1
    assert new == list(range(start, start + len(new)))


def test_numbers_count_from_one_in_the_order_shown_and_labels_share_a_colour() -> None:
    tracks = [a_track(0, label="person"), a_track(1, label="car", start_s=1.0), a_track(2, label="person", start_s=2.0)]
    found = select(Annotations(tuple(tracks)), Selection()).shown
    assert [one.number for one in found] == [1, 2, 3]
    assert found[0].colour == found[2].colour != found[1].colour


def test_a_long_track_is_clipped_to_its_largest_six_seconds() -> None:
    small, large = (0.45, 0.45, 0.5, 0.5), (0.2, 0.2, 0.8, 0.8)
    track = a_track(boxes=[small] * 100 + [large] * 60 + [small] * 100)
    (found,) = select(Annotations((track,)), Selection()).shown
    assert found.clip.duration_s == pytest.approx(MAX_CLIP_S)
    assert found.clip.start_s == pytest.approx(10.0, abs=0.3)


def test_moments_avoid_the_edge_the_small_and_the_hidden() -> None:
    at_edge, small, good = (-0.1, 0.3, 0.1, 0.7), (0.3, 0.4, 0.35, 0.5), (0.5, 0.3, 0.7, 0.7)
    track = a_track(boxes=[at_edge] * 10 + [small] * 10 + [good] * 20)
    hiding = a_track(1, start_s=2.0, boxes=[(0.5, 0.3, 0.72, 0.9)] * 10, confidence=0.3)
    (found,) = select(Annotations((track, hiding)), Selection()).shown
    assert 1 <= len(found.moments) <= 3
    best = found.moments[0]
    assert best.box == pytest.approx(good, abs=1e-6)
    assert best.time_s > 2.95, "before that somebody stands in front"


def test_of_five_thousand_objects_all_that_are_shown_get_their_moments() -> None:
    tracks = tuple(a_track(number, start_s=number * 0.01, count=10) for number in range(5000))
    found = select(Annotations(tracks), Selection())
    assert len(found.shown) == MAX_SHOWN
    assert all(one.moments for one in found.shown)


def test_of_more_than_anybody_looks_through_the_most_telling_are_shown_and_the_rest_is_counted() -> None:
    tracks = tuple(a_track(n, confidence=0.7 + 0.3 * n / (MAX_SHOWN + 50)) for n in range(MAX_SHOWN + 50))
    found = select(Annotations(tracks), Selection())
    assert {shown.track.track_id for shown in found.shown} == set(range(50, MAX_SHOWN + 50))
    first_page = {shown.track.track_id for shown in found.shown[:PAGE_OBJECTS]}
    assert first_page == set(range(MAX_SHOWN + 50 - PAGE_OBJECTS, MAX_SHOWN + 50))
    assert found.left_out == 50


@pytest.mark.parametrize(
    ("length_s", "rate_hz", "least"),
    [
        (60.0, 10.0, 10),  # ten boxes are a second
        (2.0, 10.0, 10),
        (1.0, 10.0, 5),  # half of the clip
        (0.4, 10.0, 3),  # never fewer
        (60.0, 8.0, 10),
        (60.0, 2.0, 4),  # two seconds' worth
        (20.0, 1.0, 3),
        (60.0, 25.0, 10),
    ],
)
def test_the_least_number_of_boxes_follows_the_clip(length_s: float, rate_hz: float, least: int) -> None:
    boxes = np.tile(np.array([[0.4, 0.4, 0.6, 0.6]], np.float32), (least, 1))
    enough = Track(0, "horse", 0.9, np.arange(least) / rate_hz, boxes)
    too_few = Track(1, "horse", 0.9, np.arange(least - 1) / rate_hz, boxes[:-1])
    found = select(Annotations((enough, too_few)), Selection(), duration_s=length_s)
    assert [shown.track.track_id for shown in found.shown] == [0]
    assert [track.track_id for track in found.near_misses] == [1]
    assert found.selection.min_frames == least


def test_a_stretch_counts_as_the_clip_and_a_number_that_was_asked_for_holds() -> None:
    boxes = np.tile(np.array([[0.4, 0.4, 0.6, 0.6]], np.float32), (6, 1))
    annotations = Annotations((Track(0, "horse", 0.9, 10 + np.arange(6) / 10, boxes),), segment=Segment(10.0, 11.0))
    assert select(annotations, Selection(), duration_s=60.0).shown
    assert not select(annotations, Selection(min_frames=7), duration_s=60.0).shown
    assert not select(annotations, Selection(min_frames=20), duration_s=60.0).shown
