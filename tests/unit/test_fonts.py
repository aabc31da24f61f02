"""Labels in any script: which font writes which part, and what none can write."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from bot.doctor.local import SCRIPTS
from rendering import fonts
from rendering.fonts import FONT_PACKAGES, Typeface
from rendering.naming import safe_label

CYCLIST = "\U0001f6b4\U0001f3fd\u200d\u2640\ufe0f"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f1e9\U0001f1ea"
has_extra = all(find_spec(package) for package in FONT_PACKAGES)
with_extra = pytest.mark.skipif(not has_extra, reason="tracklet[fonts] is not installed")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Typeface:
    """Noto Sans alone, as on a machine without other fonts."""
    monkeypatch.setattr(fonts, "other_fonts", tuple)
    return Typeface()


@pytest.mark.parametrize("emoji", [CYCLIST, FAMILY, FLAG, "\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f6b2"])
def test_an_emoji_that_no_font_has_is_left_out_whole(emoji: str, bare: Typeface) -> None:
    drawn = bare.coverage(f"{emoji}cyclist", 24)
    assert np.array_equal(drawn, bare.coverage("cyclist", 24))
    assert bare.unwritable(f"{emoji} cyclist") == emoji


def test_blanks_beside_an_emoji_that_is_left_out_leave_nothing_either(bare: Typeface) -> None:
    label = f"\U0001f6b2{CYCLIST} cyclist {FAMILY}"
    assert np.array_equal(bare.coverage(label, 24), bare.coverage("cyclist", 24))
    assert bare.width(label, 24) == bare.width("cyclist", 24)
    assert bare.fitted(label, 24, bare.width("cyclist", 24)) == "cyclist", "nothing of it is cut where the rest has room"


def test_a_label_of_emoji_alone_that_no_font_has_is_an_ellipsis(bare: Typeface) -> None:
    assert np.array_equal(bare.coverage(f"{CYCLIST} {FAMILY}", 24), bare.coverage("…", 24))


def test_what_no_font_has_is_one_ellipsis_however_many_words_it_is(bare: Typeface) -> None:
    assert np.array_equal(bare.coverage("自転車 東京", 24), bare.coverage("…", 24))


@pytest.mark.parametrize("letter", ["J", "j", "Ẩ", "f"])
@pytest.mark.parametrize("size", [18, 41])
def test_no_part_of_the_first_or_the_last_letter_is_cut_off(letter: str, size: int, bare: Typeface) -> None:
    alone, between = (bare.coverage(text, size).astype(int).sum() for text in (letter, f"|  {letter}  |"))
    bars = bare.coverage("|    |", size).astype(int).sum()
    assert alone == pytest.approx(between - bars, rel=0.02)


def test_a_font_with_a_sign_as_large_as_a_house_leaves_it_to_others(tmp_path: Path) -> None:
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 32000), (32000, 32000), (32000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(16, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({ord("A"): "A"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "A": (600, 0)})
    builder.setupHorizontalHeader(ascent=16, descent=0)
    builder.setupNameTable({"familyName": "Huge", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "huge.ttf")
    huge = Typeface(tmp_path / "huge.ttf")
    assert np.array_equal(huge.coverage("A", 24), Typeface().coverage("A", 24))


def test_a_letter_and_its_marks_are_written_by_one_font(bare: Typeface) -> None:
    assert bare.unwritable("cafe\u0301") == ""
    assert bare.width("cafe\u0301", 24) == bare.width("café", 24)


@with_extra
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_extra_has_every_script(script: str) -> None:
    typeface = Typeface()
    assert typeface.unwritable(SCRIPTS[script]) == ""
    assert typeface.coverage(SCRIPTS[script], 24).max() > 200


@with_extra
def test_an_emoji_that_is_joined_of_several_is_one_sign() -> None:
    typeface = Typeface()
    assert typeface.unwritable(f"{CYCLIST} cyclist") == ""
    assert typeface.width(CYCLIST, 24) < 2 * typeface.width("\U0001f6b4", 24)


@pytest.mark.parametrize(
    ("label", "safe"),
    [("\ufe0fdog", "dog"), ("\u2764\ufe0f dog", "dog"), ("\u0301dog", "dog"), ("e\u0301t\u00e9", "été"), (CYCLIST, "object")],
)
def test_a_file_name_begins_with_a_letter_that_is_seen(label: str, safe: str) -> None:
    assert safe_label(label) == safe
