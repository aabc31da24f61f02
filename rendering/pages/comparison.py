"""
Two engines on one video as a picture: pages of objects with the boxes of both, and what each engine called them.

An object's cell shows the part of the picture around it; one engine's box is a solid line, the other's a dashed one over it,
each in its colour, so that both are seen where they agree. Below are two captions, an engine's each. What both found comes
first, then what only one did, below headings. The words (engines' names, headings) come from the caller. Sizes are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rendering.colours import INK, LABEL_COLOURS, MUTED, PAPER, Colour
from rendering.fonts import Typeface, line_of
from rendering.frames import CancelCheck, Progress, needed_frames, never_cancelled, no_progress, opencv_in_this_thread
from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.naming import comparison_name
from rendering.overlay import REGULAR, Caption, blend, draw_box, facts_of, strip
from rendering.pages.cells import (
    PAGES_AT_ONCE,
    Cut,
    blank,
    cell_shape,
    centred,
    fits,
    largest_that_fits,
    line_width,
    put,
    resized,
    write_page,
)
from rendering.pages.pairing import Finder, Pair
from rendering.selection import PAGE_OBJECTS
from tracking.model import BoundingBox, Track
from tracking.video.file import ANY_LENGTH, Video

COLOUR_A, COLOUR_B = LABEL_COLOURS[0], LABEL_COLOURS[1]
ABSENT = Colour(62, 66, 74)

# Both boxes together take this share of their cell's sides; at least this part of the picture is around them.
OBJECT_SHARE = 0.5
LEAST_VIEW = 0.3

# A box's line is one part of so many of its cell's shorter side.
LINE_SHARE = 55

# Heights of a caption as a share of its cell's width, and of the header and a section's heading.
CAPTION_SHARE = 0.095
MIN_CAPTION_PX, MAX_CAPTION_PX = 24, 56
HEADER_PX = 72
HEADING_PX = 48
MARGIN_PX = 24
NARROWEST_CELL_PX = 60
LARGEST_CELL_PX = 852
NARROWEST_PAGE_PX = LARGEST_CELL_PX + 2 * MARGIN_PX


@dataclass(frozen=True, slots=True)
class Words:
    """What is written: the engines' names, headings for each kind of object, and what stands where one found nothing."""

    a: str
    b: str
    headings: dict[Finder, str]
    absent: str


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """One page that was written."""

    path: Path
    pairs: tuple[Pair, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PageLayout:
    """
    Where things are on a page: cells of a picture (width, height) over two captions, in sections of whole rows.

    `corners` are the cells' upper left ones in order, `headings` the tops of the sections' headings.
    """

    size: tuple[int, int]
    picture: tuple[int, int]
    caption_px: int
    headings: tuple[int, ...]
    corners: tuple[tuple[int, int], ...]


def layout_of(counts: Sequence[int], picture: tuple[int, int]) -> PageLayout:
    """The layout for sections of `counts` objects of a video of (width, height) that shows them largest."""
    shape = cell_shape(picture)
    largest = min(max(round(picture[0] * MAX_ENLARGEMENT), NARROWEST_CELL_PX), LARGEST_CELL_PX)
    layouts = [_largest(columns, counts, shape, largest) for columns in range(1, max(counts) + 1)]
    return max(layouts, key=lambda layout: (fits(layout), layout.picture[0], -layout.size[0] * layout.size[1]))


def render_comparison(
    video: Path,
    pairs: Sequence[Pair],
    out: Path,
    *,
    name: str,
    words: Words,
    font: Path | None = None,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
) -> list[ComparisonPage]:
    """
    Draw `pairs` on pages of `PAGE_OBJECTS` into the folder `out`; `name` is the video's file name. No pairs: no page.

    Raises `VideoError`, `OptionError` (the font), `StorageError`, `Cancelled`.
    """
    typeface = Typeface(font)
    pages = [pairs[start : start + PAGE_OBJECTS] for start in range(0, len(pairs), PAGE_OBJECTS)]
    written: list[ComparisonPage] = []
    with Video(video, limits=ANY_LENGTH) as opened:
        for start in range(0, len(pages), PAGES_AT_ONCE):
            some = pages[start : start + PAGES_AT_ONCE]
            before, share = start / len(pages), len(some) / len(pages)
            pictures = _pictures(
                opened,
                some,
                progress=lambda done, before=before, share=share: progress(before + share * done),  # type: ignore[misc]  # mypy can't infer a lambda with defaults
                cancelled=cancelled,
            )
            for offset, page in enumerate(some):
                number = start + offset + 1
                title = f"{name}  ·  {number}/{len(pages)}" if len(pages) > 1 else name
                drawn = _page(page, pictures[offset], title, words, typeface, (opened.info.width, opened.info.height))
                written.append(_written(drawn, page, out / comparison_name(name, page=number)))
    progress(1.0)
    return written


def _pictures(
    video: Video, pages: Sequence[Sequence[Pair]], *, progress: Progress, cancelled: CancelCheck
) -> list[list[NDArray[np.uint8]]]:
    """The picture of every cell of some pages, in one pass over the video."""
    size = video.info.width, video.info.height
    layouts = [_layout(page, size) for page in pages]
    drawn = [[np.empty((0, 0, 3), np.uint8)] * len(page) for page in pages]
    needs = [(one.moment.time_s, (number, place)) for number, page in enumerate(pages) for place, one in enumerate(page)]
    with opencv_in_this_thread():
        for frame, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            whole = frame.pixels()
            for number, place in due:
                drawn[number][place] = _cell_picture(whole, pages[number][place], frame.time_s, layouts[number].picture)
    return drawn


def _cell_picture(whole: NDArray[np.uint8], one: Pair, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part of a picture around an object, (height, width, 3) of `size`, with the boxes of those who found it."""
    height, width = whole.shape[:2]
    boxes = [(track.box_at(time_s).clipped(), is_b) for track, is_b in ((one.a, False), (one.b, True)) if track]
    cut = _cut((width, height), one.moment.box.clipped(), size[0] / size[1])
    fitted = cut.fitted(size)
    part = resized(cut.of(whole), fitted)
    for box, is_b in boxes:
        inside = cut.pixels_of(box, fitted)
        if inside:
            _draw_line(part, inside, width=line_width(fitted, LINE_SHARE), is_dashed=is_b)
    return centred(part, size)


def _draw_line(canvas: NDArray[np.uint8], box: tuple[int, int, int, int], *, width: int, is_dashed: bool) -> None:
    """A box of `a`, solid, or of `b`, dashed; what is between the dashes stays."""
    colour = COLOUR_B if is_dashed else COLOUR_A
    drawn = canvas.copy() if is_dashed else canvas
    draw_box(drawn, box, line=colour, casing=INK, width=width, casing_width=max(1, width // 3))
    if is_dashed:
        shows = _dashes(canvas.shape[:2], box, dash_px=4 * width)
        canvas[shows] = drawn[shows]


def _dashes(shape: tuple[int, ...], box: tuple[int, int, int, int], *, dash_px: int) -> NDArray[np.bool_]:
    """Where a dashed line along `box` shows, (height, width): every corner is a dash, and gaps are as long as dashes."""
    steps = []
    for length, start, end in ((shape[0], box[1], box[3]), (shape[1], box[0], box[2])):
        count = max(1, round((end - start) / dash_px)) | 1
        steps.append(np.clip((np.arange(length) - start) * count // (end - start), 0, count - 1))
    rows, columns = steps
    on_side = (np.arange(shape[0]) > box[1] + dash_px / 2) & (np.arange(shape[0]) < box[3] - dash_px / 2)
    shows: NDArray[np.bool_] = np.where(on_side[:, None], rows[:, None] % 2 == 0, columns[None, :] % 2 == 0)
    return shows


def _cut(frame: tuple[int, int], box: BoundingBox, shape: float) -> Cut:
    """Return what a cell of `shape` shows of a picture around `box`."""
    width, height = frame
    part_height = max(
        box.height * height / OBJECT_SHARE,
        box.width * width / OBJECT_SHARE / shape,
        height * LEAST_VIEW,
        width * LEAST_VIEW / shape,
    )
    return Cut.around(box, frame, (part_height * shape, part_height))


def _page(
    pairs: Sequence[Pair],
    pictures: Sequence[NDArray[np.uint8]],
    title: str,
    words: Words,
    typeface: Typeface,
    size: tuple[int, int],
) -> NDArray[np.uint8]:
    layout = _layout(pairs, size)
    page = blank(layout.size)
    _header(page[:HEADER_PX], title, words, typeface)
    finders = [finder for finder, _ in groupby(pairs, key=lambda one: one.finder)]
    for finder, top in zip(finders, layout.headings, strict=True):
        _heading(page[top : top + HEADING_PX], words.headings[finder], typeface)
    for one, picture, (x, y) in zip(pairs, pictures, layout.corners, strict=True):
        width, height = layout.picture
        if picture.size:
            put(page, picture, (x, y))
        for row, (track, colour) in enumerate(((one.a, COLOUR_A), (one.b, COLOUR_B))):
            caption = strip(_caption(one, track, colour, words), (width, layout.caption_px), typeface, lines=1)
            put(page, caption, (x, y + height + row * layout.caption_px))
    return page


def _caption(one: Pair, track: Track | None, colour: Colour, words: Words) -> Caption:
    if track is None:
        return Caption(str(one.number), "", words.absent, ABSENT)
    return Caption(str(one.number), line_of(track.label) or "object", facts_of(track), colour)


def _header(canvas: NDArray[np.uint8], title: str, words: Words, typeface: Typeface) -> None:
    """Which line is which engine's, and on the right what the page is about."""
    x, text_px = MARGIN_PX, 28
    room = canvas.shape[1] - 2 * MARGIN_PX
    for name, is_dashed in ((words.a, False), (words.b, True)):
        sample = canvas.shape[0] // 2 - 14, x + 4
        box = sample[1], sample[0], sample[1] + 40, sample[0] + 28
        _draw_line(canvas, box, width=5, is_dashed=is_dashed)
        x += 40 + 20
        name = typeface.fitted(name, text_px, room * 2 // 5 - 80)
        _text(canvas, name, x, text_px, typeface, PAPER)
        x += typeface.width(name, text_px) + 36
    title = typeface.fitted(title, 22, canvas.shape[1] - MARGIN_PX - x, weight=REGULAR)
    _text(canvas, title, canvas.shape[1] - MARGIN_PX - typeface.width(title, 22, weight=REGULAR), 22, typeface, MUTED, REGULAR)


def _heading(canvas: NDArray[np.uint8], text: str, typeface: Typeface) -> None:
    """A section's heading, with a line that goes on to the right."""
    text = typeface.fitted(text, 24, canvas.shape[1] - 2 * MARGIN_PX)
    _text(canvas, text, MARGIN_PX, 24, typeface, MUTED)
    start = MARGIN_PX + typeface.width(text, 24) + 16
    middle = canvas.shape[0] // 2
    canvas[middle : middle + 2, start : canvas.shape[1] - MARGIN_PX] = ABSENT


def _text(
    canvas: NDArray[np.uint8], text: str, x: int, size: int, typeface: Typeface, colour: Colour, weight: int = 700
) -> None:
    coverage = typeface.coverage(text, size, weight=weight)
    blend(canvas, coverage, (x, (canvas.shape[0] - coverage.shape[0]) // 2), colour)


def _written(page: NDArray[np.uint8], pairs: Sequence[Pair], path: Path) -> ComparisonPage:
    write_page(page, path, optimised=True)
    return ComparisonPage(path, tuple(pairs), page.shape[1], page.shape[0])


def _layout(pairs: Sequence[Pair], picture: tuple[int, int]) -> PageLayout:
    return layout_of([len(list(section)) for _, section in groupby(pairs, key=lambda one: one.finder)], picture)


def _largest(columns: int, counts: Sequence[int], shape: float, largest: int) -> PageLayout:
    """Return the largest cells in this many columns, up to `largest` wide; the narrowest where none fit."""
    return largest_that_fits(partial(_cells, columns, counts, shape), NARROWEST_CELL_PX, largest)


def _cells(columns: int, counts: Sequence[int], shape: float, width: int) -> PageLayout:
    caption_px = min(max(round(width * CAPTION_SHARE), MIN_CAPTION_PX), MAX_CAPTION_PX)
    picture = width, max(1, round(width / shape))
    gap_px = max(8, round(width * 0.03))
    step = picture[1] + 2 * caption_px + gap_px
    corners: list[tuple[int, int]] = []
    headings: list[int] = []
    y = HEADER_PX
    for count in counts:
        headings.append(y)
        y += HEADING_PX
        corners += [(MARGIN_PX + place % columns * (width + gap_px), y + place // columns * step) for place in range(count)]
        y += math.ceil(count / columns) * step
    page_width = max(columns * (width + gap_px) - gap_px + 2 * MARGIN_PX, NARROWEST_PAGE_PX)
    return PageLayout((page_width, y), picture, caption_px, tuple(headings), tuple(corners))
