"""File names from labels and video names that come from outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.naming import (
    animation_name,
    annotated_video_name,
    chart_name,
    object_number,
    safe_label,
    safe_video_name,
    summary_name,
)
from rendering.selection import Selection, select
from tracking.model import Annotations, Track


def name_of(label: str, video: str = "clip.mp4", *, confidence: float = 0.96, count: int = 11) -> str:
    boxes = np.tile(np.array([0.2, 0.2, 0.6, 0.6], np.float32), (count, 1))
    track = Track(0, label, confidence, np.arange(count) / 10, boxes)
    return animation_name(video, select(Annotations((track,)), Selection(0, 1)).shown[0])


def test_names_have_the_form_that_other_programs_rely_on() -> None:
    assert name_of("person") == "clip.mp4.000_person_pct96_fr11.gif"
    assert summary_name("clip.mp4", Selection()) == "clip.mp4.summary_pct70_fr10.jpeg"
    assert summary_name("clip.mp4", Selection(0.5, 3), page=2) == "clip.mp4.summary_pct50_fr3_p2.jpeg"


@pytest.mark.parametrize(
    ("label", "safe"),
    [
        ("land vehicle", "land-vehicle"),
        ("home & garden / chair", "home-garden-chair"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "object"),
        ("", "object"),
        ("a\x00b\nc\u202ed", "a-b-c-d"),
        ("自転車", "自転車"),
        ("साइकिल", "साइकिल"),
    ],
)
def test_labels_become_safe_and_stay_readable(label: str, safe: str) -> None:
    assert safe_label(label) == safe


def test_a_video_name_keeps_its_ending_when_it_is_cut() -> None:
    assert safe_video_name("x" * 400 + ".mp4").endswith("x.mp4")
    assert safe_video_name("folder/clip.mp4") == "clip.mp4"
    assert safe_video_name("..") == "video"


@given(label=st.text(max_size=300), video=st.text(max_size=300))
def test_every_name_is_one_path_component_of_at_most_255_bytes(label: str, video: str) -> None:
    for name in (name_of(label, video), summary_name(video, Selection(), page=99)):
        assert len(name.encode(errors="surrogatepass")) <= 255
        assert not set(name) & set('/\\\0\n\r<>:"|?*')
        assert name.strip(". ") not in {"", "gif"}


@given(label=st.text(max_size=20), video=st.text(max_size=20))
def test_the_number_of_an_object_is_read_from_its_picture_s_name_and_from_no_other(label: str, video: str) -> None:
    assert object_number(name_of(label, video)) == 1
    assert object_number(summary_name(video, Selection())) is None
    assert object_number(chart_name(video, "timeline", page=3)) is None
    assert object_number(annotated_video_name(video)) is None
