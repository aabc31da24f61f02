"""Boxes, captions and text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.texts import wording
from rendering.colours import INK, LABEL_COLOURS, PAPER, text_on
from rendering.fonts import ELLIPSIS, Typeface, line_of
from rendering.naming import animation_name
from rendering.overlay import Caption, draw_box, pixel_box, strip, time_span
from rendering.pages.summary import twins_of
from rendering.selection import Selection, select, shown_objects, whole_percent
from tracking.errors import OptionError
from tracking.formats import video_intelligence
from tracking.model import Segment, Track

TYPEFACE = Typeface()


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        (Segment(3.2, 9.9), "0:03–0:09"),
        (Segment(3.2, 3.9), "0:03"),
        (Segment(59.999, 61), "0:59–1:01"),
        (Segment(3599, 3661), "59:59–1:01:01"),
    ],
)
def test_time_spans_read_like_a_clock(segment: Segment, text: str) -> None:
    assert time_span(segment) == text


@pytest.mark.parametrize(("confidence", "percent"), [(1.0, 100), (0.999, 99), (0.9949, 99), (0.934, 93), (0.001, 0)])
def test_only_what_is_certain_is_a_hundred_percent(confidence: float, percent: int) -> None:
    assert whole_percent(confidence) == percent
    times, boxes = np.arange(2) / 10, np.tile(np.array([0.2, 0.2, 0.6, 0.6], np.float32), (2, 1))
    (shown,) = shown_objects([track := Track(0, "cat", confidence, times, boxes)], [track])
    assert Caption.of(shown).facts == f"{percent}% · 0:00"
    assert animation_name("clip.mp4", shown) == f"clip.mp4.000_cat_pct{percent}_fr2.gif"
    assert wording.percent(confidence) == f"{percent}%"


def test_a_confidence_that_is_missing_is_not_told() -> None:
    times, boxes = np.arange(2) / 10, np.tile(np.array([0.2, 0.2, 0.6, 0.6], np.float32), (2, 1))
    for confidence, facts in ((0.0, "0:00"), (0.5, "50% · 0:00")):
        (shown,) = shown_objects([track := Track(0, "cat", confidence, times, boxes)], [track])
        assert Caption.of(shown).facts == facts


@pytest.mark.parametrize("description", ["", "  ", "\x00\u200b", None])
def test_an_object_without_a_label_is_an_object_and_not_its_entity(description: str | None) -> None:
    frames = [{"normalizedBoundingBox": {"right": 0.5, "bottom": 0.5}, "timeOffset": f"0.{step}s"} for step in range(3)]
    entity = {"entityId": "/m/01g317"} | ({} if description is None else {"description": description})
    given = {"annotationResults": [{"objectAnnotations": [{"entity": entity, "confidence": 0.9, "frames": frames}]}]}
    (shown,) = select(video_intelligence.read(json.dumps(given).encode()), Selection(0.0, 1)).shown
    assert Caption.of(shown).label == "object"
    assert animation_name("clip.mp4", shown) == "clip.mp4.000_object_pct90_fr3.gif"


def test_an_object_with_the_boxes_of_another_says_so() -> None:
    times, boxes = np.arange(2) / 10, np.tile(np.array([0.2, 0.2, 0.6, 0.6], np.float32), (2, 1))
    tracks = [
        Track(0, "car", 0.9, times, boxes),
        Track(1, "vehicle", 0.8, times, boxes),
        Track(2, "car", 0.9, times, boxes * np.float32(0.5)),
    ]
    shown = shown_objects(tracks, tracks)
    twins = twins_of(shown)
    assert twins == {2: 1}
    assert [Caption.of(one, twin=twins.get(one.number)).label for one in shown] == ["car", "vehicle = 1", "car"]


def test_the_line_of_a_box_lies_within_two_pixels_of_its_edge() -> None:
    canvas = np.zeros((100, 120), np.uint8)
    draw_box(canvas, (30, 20, 80, 70), line=1, casing=2, width=3, casing_width=1)
    rows, columns = np.nonzero(canvas == 1)
    assert abs(columns.min() - 30) <= 2
    assert abs(columns.max() + 1 - 80) <= 2
    assert abs(rows.min() - 20) <= 2
    assert abs(rows.max() + 1 - 70) <= 2
    assert not canvas[26:64, 36:74].any(), "the object itself stays free"


@given(box=st.tuples(*[st.floats(-3, 3)] * 4), size=st.tuples(st.integers(1, 500), st.integers(1, 500)))
def test_a_box_is_inside_the_picture_or_not_at_all(box: tuple[float, float, float, float], size: tuple[int, int]) -> None:
    found = pixel_box(box, size)
    if found is None:
        left, top, right, bottom = np.clip(box, 0, 1)
        assert right <= left or bottom <= top
    else:
        assert 0 <= found[0] < found[2] <= size[0]
        assert 0 <= found[1] < found[3] <= size[1]
        draw_box(np.zeros(size[::-1], np.uint8), found, line=1, casing=2, width=3, casing_width=1)


def test_captions_can_be_read_on_every_label_colour() -> None:
    for colour in LABEL_COLOURS:
        dark, light = sorted([colour.luminance, text_on(colour).luminance])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour
        assert (colour.luminance + 0.05) / (INK.luminance + 0.05) >= 3, colour


@settings(deadline=None)
@given(
    label=st.text(max_size=80),
    size=st.tuples(st.integers(1, 700), st.integers(8, 140)),
    lines=st.integers(1, 2),
)
def test_any_caption_fits_its_strip(label: str, size: tuple[int, int], lines: int) -> None:
    picture = strip(Caption("123", line_of(label), "99% · 0:03–0:09", LABEL_COLOURS[0]), size, TYPEFACE, lines=lines)
    assert picture.shape == (size[1], size[0], 3)


def test_a_long_label_ends_in_an_ellipsis() -> None:
    fitted = TYPEFACE.fitted("a very long label indeed", 20, 120)
    assert fitted.endswith(ELLIPSIS)
    assert TYPEFACE.width(fitted, 20) <= 120
    assert TYPEFACE.fitted("short", 20, 120) == "short"


def test_letters_of_many_scripts_are_drawn_and_unknown_ones_are_no_boxes() -> None:
    for text in ("person", "Éléphant", "Собака", "Γάτα", "साइकिल", "עברית", "قطة"):
        coverage = TYPEFACE.coverage(text, 24)
        assert coverage.max() > 200, text
    unknown = TYPEFACE.coverage("\U000e0100\U0001f9ffcar", 24)
    assert unknown.max() > 200


def test_control_and_direction_characters_never_reach_a_picture() -> None:
    assert line_of("a\u202eb\nc\x00") == "a b c"


def test_a_file_that_is_no_font_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(OptionError) as refused:
        Typeface(path)
    assert refused.value.value == "font.ttf"
    assert PAPER.luminance > INK.luminance
