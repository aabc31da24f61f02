"""Two engines on one video: which tracks are one object."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_data
from tracking.compare import compare, volume_overlap
from tracking.formats import video_intelligence
from tracking.model import Track

LEFT, RIGHT = (0.1, 0.1, 0.3, 0.3), (0.6, 0.6, 0.9, 0.9)


def track(
    number: int, box: tuple[float, float, float, float], *, start_s: float = 0.0, end_s: float = 2.0, rate_hz: float = 10.0
) -> Track:
    times = np.arange(start_s, end_s + 1e-9, 1 / rate_hz)
    return Track(number, "thing", 0.9, times, np.tile(np.array(box, np.float32), (times.size, 1)))


def test_an_object_that_both_found_is_a_match_and_others_stay_alone() -> None:
    a = [track(0, LEFT), track(1, (0.4, 0.0, 0.5, 0.1))]
    b = [track(0, RIGHT), track(1, LEFT)]
    found = compare(a, b)
    assert [(match.a.track_id, match.b.track_id) for match in found.matches] == [(0, 1)]
    assert found.matches[0].overlap == pytest.approx(1.0)
    assert ([only.track_id for only in found.only_a], [only.track_id for only in found.only_b]) == ([1], [0])


def test_engines_may_look_at_different_moments() -> None:
    (match,) = compare([track(0, LEFT, rate_hz=8.0)], [track(0, LEFT, rate_hz=29.97)]).matches
    assert match.overlap > 0.9


def test_the_same_place_at_another_time_is_another_object() -> None:
    found = compare([track(0, LEFT, end_s=1.0)], [track(0, LEFT, start_s=1.5, end_s=3.0)])
    assert found.matches == ()


def test_half_of_the_time_is_half_of_the_overlap() -> None:
    overlap = volume_overlap([track(0, LEFT, end_s=0.9)], [track(0, LEFT, end_s=1.9)])
    assert overlap == pytest.approx(np.array([[0.5]]))


def test_the_best_pairs_are_found_together() -> None:
    """The middle one's best partner is not the one that serves all best."""
    a = [track(0, (0.0, 0.0, 0.4, 0.2)), track(1, (0.1, 0.0, 0.5, 0.2))]
    b = [track(0, (0.06, 0.0, 0.46, 0.2)), track(1, (0.2, 0.0, 0.6, 0.2))]
    found = compare(a, b, min_overlap=0.2)
    assert {(match.a.track_id, match.b.track_id) for match in found.matches} == {(0, 0), (1, 1)}


def test_a_single_sighting_can_be_matched() -> None:
    single = Track(0, "thing", 0.9, np.array([0.5]), np.array([LEFT], np.float32))
    assert len(compare([single], [single]).matches) == 1


def test_what_is_outside_of_the_picture_matches_nothing() -> None:
    outside = track(0, (1.1, 0.0, 1.4, 0.5))
    assert compare([outside], [outside]).matches == ()


def test_nothing_matches_nothing() -> None:
    found = compare([], [track(0, LEFT)])
    assert (found.matches, found.only_a, len(found.only_b)) == ((), (), 1)
    assert compare([], []).matches == ()


boxes = st.tuples(*[st.floats(-0.2, 0.8), st.floats(-0.2, 0.8), st.floats(0.05, 0.5), st.floats(0.05, 0.5)]).map(
    lambda edges: (edges[0], edges[1], edges[0] + edges[2], edges[1] + edges[3])
)
tracks = st.lists(st.tuples(boxes, st.floats(0, 2), st.floats(0, 2)), max_size=5).map(
    lambda rows: [track(number, box, start_s=start, end_s=start + length) for number, (box, start, length) in enumerate(rows)]
)


@given(tracks, tracks)
def test_each_track_is_told_once_and_the_order_of_the_engines_plays_no_part(a: list[Track], b: list[Track]) -> None:
    found, mirrored = compare(a, b), compare(b, a)
    assert sorted([match.a.track_id for match in found.matches] + [only.track_id for only in found.only_a]) == [
        one.track_id for one in a
    ]
    assert sorted([match.b.track_id for match in found.matches] + [only.track_id for only in found.only_b]) == [
        one.track_id for one in b
    ]
    assert sum(match.overlap for match in found.matches) == pytest.approx(sum(match.overlap for match in mirrored.matches))
    assert volume_overlap(a, b) == pytest.approx(volume_overlap(b, a).T)


def test_real_annotations_match_themselves_whole() -> None:
    found = video_intelligence.read(shared_data("annotations/output-uri-775-objects.json").read_bytes()).tracks
    result = compare(found, found)
    assert len(result.matches) == len(found) == 775
    assert all(match.a is match.b for match in result.matches)
