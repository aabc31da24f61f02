"""
Text as coverage: which share of each pixel a line of text covers, in any script that some font at hand can write.

The first font that has all characters of a text writes it, so that letters join and right-to-left text runs the right way
(Pillow's Raqm layout, where it is built in). Where no single font has them all, each stretch is written by the first that
has it, and what none has becomes an ellipsis. The fonts, in order: the one that was asked for, Noto Sans, those of the system.

Colours and places are the callers' business. Sizes are pixels per em.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tracking.errors import OptionError
from tracking.plain_text import JOINERS, plain

MAX_CHARACTERS = 120
MAX_FONT_BYTES = 64 << 20
ELLIPSIS = "…"
BOLD = 700

# Zero-width joiners shape Persian and Indic words; other invisible characters only turn text around or hide it.

SYSTEM_FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
MAX_SYSTEM_FONTS = 1500


def line_of(text: str) -> str:
    """`text` as one clean line: no control or direction characters, no line breaks, a bounded number of characters."""
    return plain(text)[:MAX_CHARACTERS]


@dataclass(frozen=True)
class Font:
    """A font file."""

    path: Path

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points that it has a picture for; none for a file that is no font."""
        try:
            if self.path.stat().st_size > MAX_FONT_BYTES:
                return frozenset()
            ImageFont.truetype(str(self.path), 12)  # bitmap fonts have no such size
            with TTFont(self.path, fontNumber=0, lazy=True) as font:
                return frozenset(font.getBestCmap() or ())
        except Exception:  # a foreign file: fontTools raises whatever its broken tables lead to
            return frozenset()

    def has(self, text: str) -> bool:
        return all(ord(c) in self.characters or c in JOINERS or c == " " for c in text)

    def at(self, size: int, weight: int, stretch: int = 100) -> ImageFont.FreeTypeFont:
        """Return it at a size, a weight and a width of its letters (percent), as far as it has these."""
        return _loaded(self.path, size, weight, stretch)


class Typeface:
    """What writes captions. Raises `OptionError` when `font` is no font that can be read."""

    def __init__(self, font: Path | None = None) -> None:
        self._fonts = [Font(noto_sans())]
        if font:
            self._fonts.insert(0, Font(font))
            try:
                drawable = bool(self._fonts[0].characters) and self._fonts[0].at(12, BOLD)
            except OSError as error:
                raise OptionError("font", font.name, "a TrueType or OpenType font") from error
            if not drawable:
                raise OptionError("font", font.name, "a TrueType or OpenType font")

    def width(self, text: str, size: int, *, weight: int = BOLD, stretch: int = 100) -> int:
        """Return how wide a line is, in pixels; `stretch` is how wide its letters are, in percent."""
        return sum(_advance(font.at(size, weight, stretch), part) for font, part in self._runs(line_of(text)))

    def line_height(self, size: int) -> int:
        """Return how high a line is, in pixels: the same for every text of one size."""
        return round(size * 1.36)

    @staticmethod
    def baseline(size: int) -> int:
        """Return how far below the top of a line its letters stand, in pixels."""
        return round(size * 1.04)

    def fitted(self, text: str, size: int, width: int, *, weight: int = BOLD, stretch: int = 100) -> str:
        """Return `text`, or as much of its beginning as fits into `width` pixels with an ellipsis; may be empty."""
        text = line_of(text)
        if self.width(text, size, weight=weight, stretch=stretch) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + ELLIPSIS, size, weight=weight, stretch=stretch) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + ELLIPSIS if low else ""

    def coverage(self, text: str, size: int, *, weight: int = BOLD, stretch: int = 100) -> NDArray[np.uint8]:
        """
        Return `text` drawn as (line height, width) uint8, 255 where it covers a pixel wholly.

        The baseline lies at the same height for every text of one size.
        """
        height = self.line_height(size)
        drawn = [_drawn(font.at(size, weight, stretch), part, size, height) for font, part in self._runs(line_of(text))]
        return np.concatenate(drawn, axis=1) if drawn else np.zeros((height, 1), np.uint8)

    def unwritable(self, text: str) -> str:
        """Return the characters of `text` that no font at hand has, each once: they are drawn as an ellipsis."""
        if any(font.has(text) for font in self._fonts):
            return ""
        missing = [c for font, c in _placed(line_of(text), self._fonts) if font is None]
        return "".join(dict.fromkeys(missing))

    def _runs(self, text: str) -> Iterator[tuple[Font, str]]:
        """Stretches of `text` with the font that writes each, from left to right."""
        for font in self._fonts:
            if font.has(text):
                yield font, text
                return
        system = next((font for font in system_fonts() if font.has(text)), None)
        if system:
            yield system, text
            return
        runs = [(font, "".join(c for _, c in part)) for font, part in groupby(_placed(text, self._fonts), key=lambda p: p[0])]
        written = [(font or self._fonts[-1], part if font else ELLIPSIS) for font, part in runs]
        yield from reversed(written) if _is_right_to_left(text) else written


def noto_sans() -> Path:
    """The file of Noto Sans that comes with the package of that name, found without importing it."""
    spec = find_spec("fontpkg_noto_sans")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted((Path(place) / "files").glob("NotoSans[[]*.ttf")):
            return path
    raise OptionError("font", "Noto Sans", "the package fontpkg-noto-sans")


@lru_cache(maxsize=1)
def system_fonts() -> tuple[Font, ...]:
    """The fonts of this machine, looked up on first need; those in colour cannot be drawn as coverage."""
    found: list[Path] = []
    for folder in SYSTEM_FONT_FOLDERS:
        if folder.is_dir():
            found += [p for p in folder.rglob("*") if p.suffix.lower() in {".ttf", ".otf", ".ttc"}][:MAX_SYSTEM_FONTS]
    plain = [path for path in found if not any(kind in path.stem.lower() for kind in ("color", "colour", "emoji"))]
    return tuple(
        Font(path) for path in sorted(plain, key=lambda p: ("bold" not in p.stem.lower(), "noto" not in p.stem.lower(), p))
    )


@lru_cache(maxsize=64)
def _loaded(path: Path, size: int, weight: int, stretch: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(path), size)
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font  # not variable: it has the one weight
    font.set_variation_by_axes([_axis_value(axis, weight, stretch) for axis in axes])
    return font


def _axis_value(axis: ImageFont.Axis, weight: int, stretch: int) -> float:
    wanted = {b"Weight": weight, b"Width": stretch}.get(axis["name"], axis["default"])
    return float(min(max(wanted or 0, axis["minimum"] or 0), axis["maximum"] or 0))


@lru_cache(maxsize=4096)
def _advance(font: ImageFont.FreeTypeFont, text: str) -> int:
    left, _, right, _ = font.getbbox(text, anchor="ls")
    return round(max(font.getlength(text), right - min(left, 0)))


@lru_cache(maxsize=512)
def _drawn(font: ImageFont.FreeTypeFont, text: str, size: int, height: int) -> NDArray[np.uint8]:
    """`text` on a line of `height`; remembered, since objects share their labels."""
    image = Image.new("L", (max(_advance(font, text), 1), height))
    ImageDraw.Draw(image).text((0, Typeface.baseline(size)), text, fill=255, font=font, anchor="ls")
    return np.asarray(image)


def _placed(text: str, fonts: list[Font]) -> Iterator[tuple[Font | None, str]]:
    """Each character with the first font that has it, None where none does; marks stay with their letter."""
    font: Font | None = fonts[0]
    for c in text:
        if not (font and font.has(c)) or not unicodedata.combining(c):
            font = next((f for f in (*fonts, *system_fonts()) if f.has(c)), None)
        yield font, c


def _is_right_to_left(text: str) -> bool:
    """The direction of the first strong character. Source: Unicode Standard Annex 9, rules P2 and P3."""
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind in {"L", "R", "AL"})
    return next(strong, "L") != "L"
