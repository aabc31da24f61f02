"""
Two engines on one video as a picture: pages of objects with the boxes of both, and what each engine called them.

Cells are those of the summary, with a locator in a corner; one engine's box is a solid line, the other's a dashed one over it,
each in its colour, so that both are seen where they agree. Below are two captions, an engine's each. What both found comes
first, then what only one did, below headings. The words (engines' names, headings) come from the caller. Sizes are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rendering.colours import ABSENT, INK, LABEL_COLOURS, MUTED, PAPER, Colour
from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, never_cancelled, no_progress, opencv_in_this_thread
from rendering.naming import comparison_name
from rendering.overlay import REGULAR, Caption, draw_box, facts_of, name_of
from rendering.pages.captions import SPACE_PX, CellCaption, draw_heading, text_px, write_line
from rendering.pages.cells import (
    LARGE_ENOUGH_PX,
    LOCATOR_SHARE,
    NEARLY_WHOLE,
    PAGES_AT_ONCE,
    BestMoment,
    Picture,
    Rectangle,
    ScaledFrame,
    View,
    blank,
    corner_locator,
    line_width,
    locator_line,
    locator_size,
    put,
    write_page,
)
from rendering.pages.layout import HEADER_PX, PageLayout, layout_of
from rendering.pages.pairing import Finder, Pair
from rendering.selection import PAGE_OBJECTS, Moment
from tracking.model import Track
from tracking.video.file import ANY_LENGTH, Video

COLOUR_A, COLOUR_B = LABEL_COLOURS[0], LABEL_COLOURS[1]

# The sample of an engine's line in the header, in pixels of the thumbnail.
SAMPLE_PX = 12.0


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


def page_layout(pairs: Sequence[Pair], frame: tuple[int, int]) -> PageLayout:
    """Return how a page of `pairs` (1 to 24) of a video of size `frame` is divided: a section for each kind of finder."""
    sections = [len(list(section)) for _, section in groupby(pairs, key=lambda one: one.finder)]
    boxes = [one.moment.box.clipped() for one in pairs]
    return layout_of(boxes, sections, frame, headed=[True] * len(sections), has_header=True, captions=2)


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
) -> list[list[Picture]]:
    """Return the picture of every cell of some pages, in one pass over the video."""
    size = video.info.width, video.info.height
    layouts = [page_layout(page, size) for page in pages]
    drawn = [[blank(layout.picture)] * len(page) for page, layout in zip(pages, layouts, strict=True)]
    best = [[BestMoment(one.moments, size) for one in page] for page in pages]
    needs = [
        (moment.time_s, (number, place, moment))
        for number, page in enumerate(pages)
        for place, one in enumerate(page)
        for moment in one.moments
    ]
    with opencv_in_this_thread():
        for frame, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            scaled = ScaledFrame(frame, size)
            for number, place, moment in due:
                if best[number][place].improves(scaled, moment, moment.box.clipped()):
                    drawn[number][place] = _cell_picture(scaled, pages[number][place], moment, layouts[number], pages[number])
    return drawn


def _cell_picture(frame: ScaledFrame, one: Pair, moment: Moment, layout: PageLayout, others: Sequence[Pair]) -> Picture:
    """Return the view of an object with the boxes of those who found it, and where in the picture it is."""
    box = moment.box.clipped()
    view = View.of(box, frame.size, layout.picture, large_px=LARGE_ENOUGH_PX * layout.scale)
    cell = view.cell_of(frame.at(view.gain))
    drawn: list[Rectangle] = []
    for track, is_b in ((one.a, False), (one.b, True)):
        inside = view.pixels_of(track.box_at(frame.time_s)) if track else None
        if inside:
            _draw_line(cell, inside, width=line_width(layout.picture), is_dashed=is_b)
            drawn.append(inside)
    if drawn and view.shown_share < NEARLY_WHOLE:
        tracks = [other.a or other.b for other in others if other is not one]
        there = [track for track in tracks if track and track.segment.start_s <= frame.time_s <= track.segment.end_s]
        beside = [track.box_at(frame.time_s) for track in there]
        small = frame.small(locator_size(frame.size, (layout.picture[0] * LOCATOR_SHARE, layout.picture[1] * LOCATOR_SHARE)))
        colour = COLOUR_A if one.a else COLOUR_B
        if found := corner_locator(view, small, box, drawn, beside, colour, locator_line(layout.scale)):
            put(cell, *found)
    return cell


def _draw_line(canvas: Picture, box: Rectangle, *, width: int, is_dashed: bool) -> None:
    """A box of `a`, solid, or of `b`, dashed; what is between the dashes stays."""
    colour = COLOUR_B if is_dashed else COLOUR_A
    drawn = canvas.copy() if is_dashed else canvas
    draw_box(drawn, box, line=colour, casing=INK, width=width, casing_width=max(1, width // 3))
    if is_dashed:
        shows = _dashes(canvas.shape[:2], box, dash_px=4 * width)
        canvas[shows] = drawn[shows]


def _dashes(shape: tuple[int, ...], box: Rectangle, *, dash_px: int) -> NDArray[np.bool_]:
    """Return where a dashed line along `box` shows, (height, width): every corner is a dash, and gaps are as long as dashes."""
    steps = []
    for length, start, end in ((shape[0], box[1], box[3]), (shape[1], box[0], box[2])):
        count = max(1, round((end - start) / dash_px)) | 1
        steps.append(np.clip((np.arange(length) - start) * count // (end - start), 0, count - 1))
    rows, columns = steps
    on_side = (np.arange(shape[0]) > box[1] + dash_px / 2) & (np.arange(shape[0]) < box[3] - dash_px / 2)
    shows: NDArray[np.bool_] = np.where(on_side[:, None], rows[:, None] % 2 == 0, columns[None, :] % 2 == 0)
    return shows


def _page(
    pairs: Sequence[Pair],
    pictures: Sequence[Picture],
    title: str,
    words: Words,
    typeface: Typeface,
    size: tuple[int, int],
) -> Picture:
    layout = page_layout(pairs, size)
    page = blank(layout.size)
    _header(page[: int(HEADER_PX * layout.scale)], title, words, layout, typeface)
    finders = [finder for finder, _ in groupby(pairs, key=lambda one: one.finder)]
    for finder, place in zip(finders, layout.headings, strict=True):
        draw_heading(page, words.headings[finder], place, layout, typeface)
    for one, picture, (x, y) in zip(pairs, pictures, layout.corners, strict=True):
        width, height = layout.picture
        put(page, picture, (x, y))
        caption_px = layout.strip_px // 2
        for row, (track, colour) in enumerate(((one.a, COLOUR_A), (one.b, COLOUR_B))):
            caption = CellCaption(_caption(one, track, colour, words), (width, caption_px), layout.scale, typeface, lines=1)
            put(page, caption.drawn(), (x, y + height + row * caption_px))
    return page


def _caption(one: Pair, track: Track | None, colour: Colour, words: Words) -> Caption:
    if track is None:
        return Caption(str(one.number), "", words.absent, ABSENT)
    return Caption(str(one.number), name_of(track.label), facts_of(track), colour)


def _header(canvas: Picture, title: str, words: Words, layout: PageLayout, typeface: Typeface) -> None:
    """Which line is which engine's, and on the right what the page is about, where there is room."""
    size, side, space = text_px(layout.scale), round(SAMPLE_PX * layout.scale), round(SPACE_PX * layout.scale)
    row, width = canvas.shape[:2]
    x = layout.margin_px
    for name, is_dashed in ((words.a, False), (words.b, True)):
        top = (row - side) // 2
        _draw_line(canvas, (x, top, x + side, top + side), width=max(2, side // 8), is_dashed=is_dashed)
        x += side + space
        name = typeface.fitted(name, size, max(width * 2 // 5 - side, 0))
        write_line(canvas, typeface.coverage(name, size), x, 0, row, size, PAPER)
        x += typeface.width(name, size) + 3 * space
    title = typeface.fitted(title, size, max(width - layout.margin_px - x, 0), weight=REGULAR)
    place = width - layout.margin_px - typeface.width(title, size, weight=REGULAR)
    write_line(canvas, typeface.coverage(title, size, weight=REGULAR), place, 0, row, size, MUTED)


def _written(page: Picture, pairs: Sequence[Pair], path: Path) -> ComparisonPage:
    write_page(page, path, optimised=True)
    return ComparisonPage(path, tuple(pairs), page.shape[1], page.shape[0])
