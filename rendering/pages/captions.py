"""
What stands below a cell: the object's number and label, large enough where the page is shown small, and what else fits.

A letter is nowhere smaller than `LETTER_PX` on the thumbnail; what does not fit at that size is left out, since a list of the
objects stands beside every page. Letters that are a little narrow are better than fewer letters. Sizes are pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rendering.colours import ABSENT, MUTED, PAPER, Colour
from rendering.fonts import BOLD, ELLIPSIS, Typeface
from rendering.overlay import REGULAR, Caption, blend, chip
from rendering.pages.cells import Picture, Size, blank, put
from rendering.pages.layout import LINE_PX, PageLayout

# The height of a capital or a digit on the thumbnail, and how it goes with the size of Noto Sans.
LETTER_PX = 9.0
CAPITAL_SHARE = 0.714

# How wide letters are drawn, in percent, the first that fits.
STRETCHES = (100, 85, 72, 62)
NARROW_DIGITS = 62
LEAST_NARROWING = 0.9  # letters become less narrow than their stretch says, or a little narrower

CHIP_PX = 13.5
PAD_PX = 1.0
SPACE_PX = 2.5


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text as it is drawn."""

    text: str
    stretch: int
    width: int


class CellCaption:
    """One caption of `size`, at `scale` pixels for one of the thumbnail; `lines` are 1 or 2."""

    def __init__(self, caption: Caption, size: Size, scale: float, typeface: Typeface, *, lines: int) -> None:
        self._caption, self._size, self._typeface = caption, size, typeface
        self._text_px = text_px(scale)
        self._pad, self._space = round(PAD_PX * scale), round(SPACE_PX * scale)
        self._row = min(size[1], round(LINE_PX * scale))
        self._lines = lines
        self._chip: Picture
        self._label_at = 0
        for stretch in (100, NARROW_DIGITS):
            self._chip = chip(caption, round(CHIP_PX * scale), self._text_px, typeface, stretch=stretch)
            self._label_at = self._pad + int(self._chip.shape[1]) + self._space
            self._label = self._fitted(caption.label, size[0] - self._pad - self._label_at, BOLD)
            if self._label.text == caption.label:
                break

    @property
    def whole_label_px(self) -> int:
        """How wide number and label are together; more than there is where the label is cut."""
        if self._label.text != self._caption.label:
            return 10 * self._size[0]
        return self._label_at + self._label.width + self._pad

    def has_room_for_facts(self, locator_px: int = 0) -> bool:
        """Return whether all facts fit beside a locator of this width, 0 for none."""
        room = self._size[0] - self._pad - (locator_px + self._space if locator_px else 0)
        if self._lines == 1:
            room -= self._label_at + self._label.width + 2 * self._space
        else:
            room -= self._pad
        return self._fitting(self._caption.facts, room).text == self._caption.facts

    def drawn(self, locator: Picture | None = None, *, is_brief: bool = False) -> Picture:
        """Return the caption, with a locator at its right end; a brief one has no fact but the last, the time."""
        canvas = blank(self._size)
        room = self._size[0] - self._pad
        if locator is not None:
            height, width = locator.shape[:2]
            put(canvas, locator, (room - width, (self._size[1] - height) // 2))
            room -= width + self._space
        if self._chip.shape[1] + 2 * self._pad > room:
            return canvas
        put(canvas, self._chip, (self._pad, max(0, (self._row - self._chip.shape[0]) // 2)))
        label = self._fitted(self._caption.label, room - self._label_at, BOLD)
        self._write(canvas, label, self._label_at, 0, PAPER, BOLD)
        if self._lines == 2:
            facts = self._facts(room - self._pad, is_brief=is_brief)
            self._write(canvas, facts, self._pad, self._row, MUTED, REGULAR)
        else:
            facts = self._facts(room - self._label_at - label.width - 2 * self._space, is_brief=is_brief)
            self._write(canvas, facts, room - facts.width, 0, MUTED, REGULAR)
        return canvas

    def _facts(self, room: int, *, is_brief: bool) -> Text:
        """Return all facts, or the last alone, or none, as there is room."""
        last = self._caption.facts.rpartition(" · ")[2]
        for text in (last,) if is_brief else (self._caption.facts, last):
            found = self._fitting(text, room)
            if found.text:
                return found
        return Text("", 100, 0)

    def _fitting(self, text: str, room: int) -> Text:
        """Return a whole text in letters as narrow as need be, or an empty one."""
        if room <= self._text_px:
            return Text("", 100, 0)
        return fitted(text, self._text_px, room, self._typeface, REGULAR, whole=True)

    def _fitted(self, text: str, room: int, weight: int) -> Text:
        return fitted(text, self._text_px, room, self._typeface, weight)

    def _write(self, canvas: Picture, text: Text, x: int, row: int, colour: Colour, weight: int) -> None:
        if text.text:
            coverage = self._typeface.coverage(text.text, self._text_px, weight=weight, stretch=text.stretch)
            write_line(canvas, coverage, x, row, self._row, self._text_px, colour)


def text_px(scale: float) -> int:
    """Return the size of letters that are `LETTER_PX` high on the thumbnail."""
    return math.ceil(LETTER_PX * scale / CAPITAL_SHARE - 0.3)


def write_line(canvas: Picture, coverage: NDArray[np.uint8], x: int, top: int, row: int, size_px: int, colour: Colour) -> None:
    """Write a line of text of `size_px` into a row, its capitals in the row's middle."""
    blend(canvas, coverage, (x, top + capitals_at(row, size_px)), colour)


def capitals_at(row: int, size_px: int) -> int:
    """Return where a line of text begins in a row so that its capitals stand in the row's middle."""
    return round(row / 2 + CAPITAL_SHARE * size_px / 2 - Typeface.baseline(size_px))


def draw_heading(page: Picture, text: str, place: tuple[int, int, int], layout: PageLayout, typeface: Typeface) -> None:
    """Write a section's heading at `place` (left, top, width) of a page, with a thin line that goes on to the right."""
    (left, top, width), row = place, layout.heading_px
    size = text_px(layout.scale)
    found = fitted(text, size, width, typeface, REGULAR)
    coverage = typeface.coverage(found.text, size, weight=REGULAR, stretch=found.stretch)
    write_line(page, coverage, left, top, row, size, MUTED)
    start, line = left + found.width + round(SPACE_PX * layout.scale), max(1, round(layout.scale / 3))
    page[top + row // 2 : top + row // 2 + line, start : left + width] = ABSENT


def fitted(text: str, size: int, room: int, typeface: Typeface, weight: int, *, whole: bool = False) -> Text:
    """Return `text` as it fits into `room` pixels: in narrower letters, else less of it (not where `whole`), else nothing."""
    usual = typeface.width(text, size, weight=weight)
    if usual <= room:
        return Text(text, STRETCHES[0], usual)
    # Measuring text takes time: a width that can't be enough is not tried.
    for stretch in (stretch for stretch in STRETCHES[1:] if usual * stretch * LEAST_NARROWING <= 100 * room):
        width = typeface.width(text, size, weight=weight, stretch=stretch)
        if width <= room:
            return Text(text, stretch, width)
    if whole:
        return Text("", STRETCHES[0], 0)
    cut = typeface.fitted(text, size, max(room, 0), weight=weight, stretch=STRETCHES[-1])
    if len(cut) <= len(ELLIPSIS):
        cut = ""
    return Text(cut, STRETCHES[-1], typeface.width(cut, size, weight=weight, stretch=STRETCHES[-1]))
