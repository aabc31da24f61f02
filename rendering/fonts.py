"""
Text as coverage: which share of each pixel a line of text covers, in any script that some font at hand can write.

The first font that has all characters of a text writes it, so that letters join and right-to-left text runs the right way
(Pillow's Raqm layout, where it is built in). Where no single font has them all, each stretch is written by the first that
has it, and what none has becomes an ellipsis; an emoji that none has is left out. The fonts, in order: the one that was asked
for, Noto Sans, those of the extra `fonts` (Noto for the other scripts, and for emoji in one colour), those of the system.

Colours and places are the callers' business. Sizes are pixels per em.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
MAX_EMS = 32  # for one sign; the widest, U+FDFD, has some 20
ELLIPSIS = "…"
BOLD = 700

# Behind a letter: how it is shown, or what joins it to the next one. No font needs a picture for these.
VARIATIONS = "\ufe0e\ufe0f"
UNSEEN = frozenset(f" {JOINERS}{VARIATIONS}")
ZERO_WIDTH_JOINER = "\u200d"
KEYCAP = "\u20e3"

# Tables of fonts in colour, which cannot be drawn as coverage.
COLOUR_TABLES = frozenset({"CBDT", "COLR", "sbix", "SVG "})

# What `tracklet[fonts]` brings.
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")

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
        """The code points that it has a picture for; none for a file that is no font, or one in colour."""
        try:
            if self.path.stat().st_size > MAX_FONT_BYTES:
                return frozenset()
            ImageFont.truetype(str(self.path), 12)  # bitmap fonts have no such size
            with TTFont(self.path, fontNumber=0, lazy=True) as font:
                return frozenset() if COLOUR_TABLES & set(font.keys()) else frozenset(font.getBestCmap() or ())
        except Exception:  # a foreign file: fontTools raises whatever its broken tables lead to
            return frozenset()

    def has(self, text: str) -> bool:
        """Return whether it can write all of `text`, in letters of a size that a line can have."""
        return all(ord(c) in self.characters or c in UNSEEN for c in text) and _is_drawable(self.path, text)

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
        text = self._writable(line_of(text))
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
        """Return the letters of `text` that no font at hand has, each once: an ellipsis stands for them, nothing for emoji."""
        if any(font.has(text) for font in self._fonts):
            return ""
        missing = [letter.strip() for font, letter in _placed(line_of(text), self._fonts) if font is None]
        return "".join(dict.fromkeys(missing))

    def unwritable_among(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return those of `labels`, each once, that no font at hand can write whole."""
        return tuple(label for label in dict.fromkeys(labels) if self.unwritable(label))

    def _writable(self, text: str) -> str:
        """Return `text` without the emoji that no font at hand has; an ellipsis where nothing else is there."""
        if any(font.has(text) for font in self._fonts):
            return text
        kept = [letter for font, letter in _placed(text, self._fonts) if font or not _is_emoji(letter)]
        return " ".join("".join(kept).split()) or ELLIPSIS

    def _runs(self, text: str) -> Iterator[tuple[Font, str]]:
        """Stretches of `text` with the font that writes each, from left to right."""
        for font in self._fonts:
            if font.has(text):
                yield font, text
                return
        other = next((font for font in other_fonts() if font.has(text)), None)
        if other:
            yield other, text
            return
        text = self._writable(text)
        placed = list(_placed(text, self._fonts))
        runs = [(font, "".join(c for _, c in part)) for font, part in groupby(placed, key=lambda p: p[0])]
        written = [(font or self._fonts[-1], part if font else ELLIPSIS) for font, part in runs]
        yield from reversed(written) if _is_right_to_left(text) else written


def noto_sans() -> Path:
    """Return the file of Noto Sans that comes with the package of that name, found without importing it."""
    spec = find_spec("fontpkg_noto_sans")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted((Path(place) / "files").glob("NotoSans[[]*.ttf")):
            return path
    raise OptionError("font", "Noto Sans", "the package fontpkg-noto-sans")


@lru_cache(maxsize=1)
def other_fonts() -> tuple[Font, ...]:
    """Return the fonts of the extra `fonts`, as far as it is installed, then those of this machine; looked up on first need."""
    return (*_packaged_fonts(), *system_fonts())


@lru_cache(maxsize=1)
def system_fonts() -> tuple[Font, ...]:
    """Return the fonts of this machine; those in colour have no characters."""
    found: list[Path] = []
    for folder in SYSTEM_FONT_FOLDERS:
        if folder.is_dir():
            found += [p for p in folder.rglob("*") if p.suffix.lower() in {".ttf", ".otf", ".ttc"}][:MAX_SYSTEM_FONTS]
    return tuple(
        Font(path) for path in sorted(found, key=lambda p: ("bold" not in p.stem.lower(), "noto" not in p.stem.lower(), p))
    )


def _packaged_fonts() -> list[Font]:
    found: list[Font] = []
    for package in FONT_PACKAGES:
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            files = [path for path in sorted(Path(place).iterdir()) if path.suffix in {".ttf", ".otf", ".ttc"}]
            found += [Font(path) for path in files if "Italic" not in path.stem]
    return found


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
def _is_drawable(path: Path, text: str) -> bool:
    """Return whether no sign of `text` is larger than any font's that is in order."""
    size = 24
    try:
        left, top, right, bottom = _loaded(path, size, BOLD, 100).getbbox(text, anchor="ls")
    except OSError:
        return False
    return right - left <= MAX_EMS * size * max(len(text), 1) and bottom - top <= MAX_EMS * size


@lru_cache(maxsize=4096)
def _advance(font: ImageFont.FreeTypeFont, text: str) -> int:
    left, _, right, _ = font.getbbox(text, anchor="ls")
    return round(max(font.getlength(text), right) - min(left, 0))


@lru_cache(maxsize=512)
def _drawn(font: ImageFont.FreeTypeFont, text: str, size: int, height: int) -> NDArray[np.uint8]:
    """`text` on a line of `height`; remembered, since objects share their labels."""
    image = Image.new("L", (max(_advance(font, text), 1), height))
    draw = ImageDraw.Draw(image)
    # A first letter may reach to the left of where it stands: "j" does.
    start = -min(font.getbbox(text, anchor="ls")[0], 0)
    # FreeType fails at single sizes of signs whose outlines cross themselves: "raster overflow".
    with suppress(OSError):
        draw.text((start, Typeface.baseline(size)), text, fill=255, font=font, anchor="ls")
    return np.asarray(image)


def _placed(text: str, fonts: list[Font]) -> Iterator[tuple[Font | None, str]]:
    """Each letter with what belongs to it, and the first font that has it, None for none; blanks go with what is before."""
    font: Font | None = fonts[0]
    for letter in _letters(text):
        if letter != " ":
            font = next((f for f in (*fonts, *other_fonts()) if f.has(letter)), None)
        yield font, letter


def _letters(text: str) -> Iterator[str]:
    """
    `text` in pieces that are one sign each: a letter with its marks, an emoji with all that it is joined from, a flag.

    Source: Unicode Standard Annex 29, the rules GB9 to GB13 of extended grapheme clusters.
    """
    letter = ""
    for c in text:
        joined = letter.endswith(ZERO_WIDTH_JOINER) and (_is_emoji(letter) or _is_emoji(c))
        is_mark = unicodedata.combining(c) or unicodedata.category(c) in {"Mn", "Mc", "Me"}
        extends = is_mark or c in JOINERS or c in VARIATIONS or c == KEYCAP or _is_skin(c)
        flag = len(letter) == 1 and _is_regional(letter) and _is_regional(c)
        if letter and (joined or extends or flag):
            letter += c
            continue
        if letter:
            yield letter
        letter = c
    if letter:
        yield letter


def _is_emoji(letter: str) -> bool:
    """Return whether a sign is an emoji: a picture of the planes that emoji are in, or one that asks to be shown as one."""
    return any("\U0001f000" <= c <= "\U0001faff" for c in letter) or VARIATIONS[1] in letter or KEYCAP in letter


def _is_skin(c: str) -> bool:
    return "\U0001f3fb" <= c <= "\U0001f3ff"


def _is_regional(c: str) -> bool:
    return "\U0001f1e6" <= c <= "\U0001f1ff"


def _is_right_to_left(text: str) -> bool:
    """Return the direction of the first strong character. Source: Unicode Standard Annex 9, rules P2 and P3."""
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind in {"L", "R", "AL"})
    return next(strong, "L") != "L"
