"""Two engines side by side: which objects, in which order, at which moment, where on the page, and in which words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.compare import checked_engines, default_engines
from bot.settings import Settings
from bot.texts import comparison, engine
from rendering.naming import comparison_name
from rendering.pages.pairing import Finder, pair
from rendering.selection import Selection
from tests.shared_data import shared_data
from tracking.engines.base import EngineName
from tracking.errors import OptionError
from tracking.formats import video_intelligence
from tracking.model import Annotations, Track

Box = tuple[float, float, float, float]
LEFT, RIGHT, ABOVE = (0.1, 0.4, 0.3, 0.7), (0.6, 0.4, 0.9, 0.8), (0.4, 0.05, 0.6, 0.2)
SELECTION = Selection(min_confidence=0.7, min_frames=5)


def track(
    number: int, box: Box, *, label: str = "thing", confidence: float = 0.9, start_s: float = 0.0, end_s: float = 2.0
) -> Track:
    times = np.arange(start_s, end_s + 1e-9, 0.1)
    return Track(number, label, confidence, times, np.tile(np.array(box, np.float32), (times.size, 1)))


def said(*tracks: Track) -> Annotations:
    return Annotations(tracks)


def test_what_both_found_comes_first_then_what_one_alone_found() -> None:
    a, b = said(track(0, LEFT), track(1, RIGHT)), said(track(0, ABOVE), track(1, RIGHT))
    found = pair(a, b, SELECTION)
    assert [(one.number, one.finder) for one in found] == [(1, Finder.BOTH), (2, Finder.A), (3, Finder.B)]
    assert [(one.a and one.a.track_id, one.b and one.b.track_id) for one in found] == [(1, 1), (0, None), (None, 0)]
    assert [one.overlap for one in found] == pytest.approx([1.0, 0.0, 0.0])


def test_what_one_engine_is_less_sure_of_counts_as_found() -> None:
    (found,) = pair(said(track(0, LEFT)), said(track(0, LEFT, confidence=0.3)), SELECTION)
    assert found.finder is Finder.BOTH
    (mirrored,) = pair(said(track(0, LEFT, confidence=0.3)), said(track(0, LEFT)), SELECTION)
    assert mirrored.finder is Finder.BOTH


def test_a_weak_duplicate_does_not_take_the_place_of_a_sure_track() -> None:
    """The duplicate fits a little better."""
    sure, weak = track(0, (0.1, 0.4, 0.31, 0.71)), track(1, LEFT, confidence=0.3)
    (found,) = pair(said(track(0, LEFT)), said(sure, weak), SELECTION)
    assert found.b == sure


def test_what_neither_is_sure_of_is_not_shown() -> None:
    weak = said(track(0, LEFT, confidence=0.5))
    assert pair(weak, weak, SELECTION) == ()


def test_another_name_for_it_is_the_same_object_also_where_labels_are_chosen() -> None:
    a, b = said(track(0, LEFT, label="car")), said(track(0, LEFT, label="vehicle"), track(1, RIGHT, label="vehicle"))
    (found,) = pair(a, b, Selection(0.7, 5, ("car",)))
    assert (found.finder, found.b and found.b.label) == (Finder.BOTH, "vehicle")


def test_the_moment_is_one_that_both_saw_and_its_box_holds_both() -> None:
    a = said(track(0, (0.1, 0.4, 0.3, 0.7), end_s=2.0))
    b = said(track(0, (0.12, 0.42, 0.32, 0.72), start_s=1.0, end_s=3.0))
    (found,) = pair(a, b, SELECTION)
    assert 1.0 <= found.moment.time_s <= 2.0
    assert found.moment.box == pytest.approx((0.1, 0.4, 0.32, 0.72), abs=1e-6)


def test_what_is_seen_only_after_the_end_is_not_shown() -> None:
    late = said(track(0, LEFT, start_s=9.0, end_s=11.0))
    assert pair(late, said(), SELECTION, duration_s=5.0) == ()
    assert len(pair(late, said(), SELECTION)) == 1


def test_two_engines_that_found_nothing_give_nothing() -> None:
    assert pair(said(), said(), SELECTION) == ()


edges = st.floats(-0.5, 1.5, width=32)
tracks = st.lists(
    st.builds(
        lambda left, top, width, height, start, length, confidence: track(
            0, (left, top, left + width, top + height), start_s=start, end_s=start + length, confidence=confidence
        ),
        edges,
        edges,
        st.floats(-0.25, 0.75, width=32),
        st.floats(-0.25, 0.75, width=32),
        st.floats(-0.5, 3),
        st.floats(0, 2),
        st.floats(0, 1),
    ),
    max_size=4,
)


@given(tracks, tracks, st.sampled_from([0.0, 1.0]))
def test_whatever_engines_say_each_object_is_shown_once_at_a_moment_in_sight(
    a: list[Track], b: list[Track], duration_s: float
) -> None:
    found = pair(said(*a), said(*b), Selection(0.5, 3), duration_s=duration_s)
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    order = [list(Finder).index(one.finder) for one in found]
    assert order == sorted(order)
    assert all(one.moment.box.clipped().area > 0 for one in found)
    assert len({id(one.a) for one in found if one.a}) == sum(one.a is not None for one in found)


def test_real_annotations_are_found_by_both_when_compared_with_themselves() -> None:
    real = video_intelligence.read(shared_data("annotations/output-uri-775-objects.json"))
    found = pair(real, real, Selection())
    assert {one.finder for one in found} == {Finder.BOTH}
    assert len(found) == 197


@pytest.mark.parametrize(("page", "name"), [(1, "clip.mp4.compare.jpeg"), (2, "clip.mp4.compare_p2.jpeg")])
def test_the_picture_is_named_after_the_video(page: int, name: str) -> None:
    assert comparison_name("clip.mp4", page=page) == name


@pytest.mark.parametrize(
    ("files", "google", "engines"),
    [
        (0, False, ("yolox", "motion")),
        (0, True, ("google", "auto")),
        (1, False, ("auto",)),
        (1, True, ("auto",)),
        (2, True, ()),
    ],
)
def test_without_a_wish_two_engines_are_chosen(files: int, google: bool, engines: Sequence[str]) -> None:
    assert default_engines(files=files, google=google) == engines


GOOGLE, YOLOX, MOTION, AUTO = EngineName.GOOGLE, EngineName.YOLOX, EngineName.MOTION, EngineName.AUTO


@pytest.mark.parametrize(
    ("engines", "files"), [([YOLOX], 0), ([YOLOX, YOLOX], 0), ([YOLOX, MOTION], 1), ([GOOGLE], 2), ([AUTO], 1), ([YOLOX], 3)]
)
def test_what_is_not_two_different_things_is_refused(engines: list[EngineName], files: int) -> None:
    with pytest.raises(OptionError):
        checked_engines(engines, files=files)


@pytest.mark.parametrize(
    ("videos", "annotations", "is_configured"),
    [
        ("", "", False),
        ("videos", "", False),
        ("videos", "annotations", True),
        ("gs://videos", "gs://annotations/", True),
        ("./videos", "annotations", False),
        ("/srv/videos", "/srv/annotations", False),
    ],
)
def test_a_folder_in_place_of_a_bucket_keeps_videos_from_google(videos: str, annotations: str, is_configured: bool) -> None:
    assert Settings(video_bucket=videos, annotation_bucket=annotations).google_is_configured is is_configured


def facts(both: int, only_a: int, only_b: int, same_label: int | None) -> comparison.ComparisonFacts:
    return comparison.ComparisonFacts("Google Video Intelligence", "Motion", both, only_a, only_b, same_label, (), 0.7, 10)


def test_a_comparison_is_told_in_words() -> None:
    assert comparison.comparison_lines(facts(14, 3, 1, 12)) == [
        "14 objects found by both, 3 only by Google Video Intelligence, 1 only by Motion.",
        "Of those that both found, 12 have the same label.",
    ]
    assert len(comparison.comparison_lines(facts(14, 3, 1, None))) == 1
    assert comparison.comparison_lines(facts(0, 0, 0, None))[0] == (
        "Neither Google Video Intelligence nor Motion found an object with 70% in 10 frames."
    )


def test_a_row_says_what_each_engine_called_it_and_where_one_found_nothing() -> None:
    assert comparison.comparison_row(3, track(0, LEFT, label="car"), None, 0.0) == (
        "3",
        "car 90%, 0:00.0–0:02.0",
        "not found",
        "",
    )
    assert comparison.comparison_row(3, track(0, LEFT), track(0, LEFT), 0.456)[3] == "46%"


def test_an_engine_s_title_names_its_model() -> None:
    assert engine.engine_title(YOLOX, model="yolox_tiny.onnx") == "YOLOX (tiny)"
    assert engine.engine_title(GOOGLE) == "Google Video Intelligence"
