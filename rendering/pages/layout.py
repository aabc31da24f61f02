"""
How a page of cells is divided: in which shape, how many columns, how large, and under which headings.

Slack shows a picture in a box of 360 px, and so do phones, about. Everything is planned at that size: a letter has its height
there, and the division is the one in which the objects are seen largest there. Then all of it is scaled to the page's pixels:
as many as there is something to show in. Sizes are (width, height).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.pages.cells import FILL, LARGE_ENOUGH_PX, Size, closeness
from tracking.model import BoundingBox

PAGE_WIDTH, PAGE_HEIGHT = 1920, 1440
PAGE_PIXELS = 1920 * 1080

# From here on: pixels where the page is shown as wide as this.
THUMBNAIL_PX = 360
HEIGHTS_PX = (360.0, 540.0, 1080.0, 4000.0)  # the first that has room for what must be read
GAP_PX = 3.0
LINE_PX, FACTS_PX = 16.0, 14.0  # a line of a caption, and a second one below it
HEADING_PX = 15.0
HEADER_PX = 20.0
LEAST_CELL_PX = 56.0
LEAST_PICTURE_PX = 16.0
TWO_LINES_FROM_PX = 84.0

# Shapes of cells (width over height) beside the video's own, bounded to the widest and the narrowest.
SHAPES = (2 / 3, 4 / 5, 1.0, 5 / 4, 3 / 2)
WIDEST, NARROWEST = 3.0, 0.4

# A page has at least so many pixels for one of the thumbnail's, so that it is sharp on a screen that shows two for one; fewer
# only where the video has none to show.
LEAST_SCALE, LEAST_SCALE_OF_TINY = 2.0, 1.25

# Of the objects so many are to fill half of their cells before they are enlarged more than `MAX_ENLARGEMENT`.
FILLING_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class PageLayout:
    """
    Where things are on a page: cells of a picture over a caption of `lines` lines.

    `corners` are the cells' upper left ones in order, `headings` the left, top and width of each section's heading; `scale` is
    how many of the page's pixels one pixel of the thumbnail has.
    """

    size: Size
    picture: Size
    strip_px: int
    lines: int
    heading_px: int
    headings: tuple[tuple[int, int, int], ...]
    corners: tuple[tuple[int, int], ...]
    margin_px: int
    scale: float


@dataclass(frozen=True, slots=True)
class _Table:
    """
    Rows and columns of a page: `places` are those of each object, `headings` row, column and width in cells of each section.

    `headed_rows` have a heading above them.
    """

    columns: int
    rows: int
    places: tuple[tuple[int, int], ...]
    headings: tuple[tuple[int, int, int], ...]
    headed_rows: tuple[int, ...]

    @classmethod
    def of(cls, sections: Sequence[int], headed: Sequence[bool], columns: int) -> _Table:
        """Place sections one below the other; one that fits into what is left of a row stands there."""
        places: list[tuple[int, int]] = []
        headings: list[tuple[int, int, int]] = []
        headed_rows: set[int] = set()
        row, column = 0, 0
        for count, has_heading in zip(sections, headed, strict=True):
            if column and count > columns - column:
                row, column = row + 1, 0
            headings.append((row, column, min(count, columns) if column else columns))
            if has_heading:
                headed_rows.add(row)
            places += [(row + (column + place) // columns, (column + place) % columns) for place in range(count)]
            row, column = places[-1][0], places[-1][1] + 1
            if headings[-1][1] == 0 and column < columns and count < columns:
                headings[-1] = (headings[-1][0], 0, count)
        return cls(columns, row + 1, tuple(places), tuple(headings), tuple(sorted(headed_rows)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """A division in pixels of the thumbnail."""

    table: _Table
    cell: tuple[float, float]
    strip: float
    lines: int
    header: float

    @property
    def size(self) -> tuple[float, float]:
        table = self.table
        width = table.columns * (self.cell[0] + GAP_PX) + GAP_PX
        height = table.rows * (self.cell[1] + self.strip + GAP_PX) + GAP_PX
        return width, height + self.header + len(table.headed_rows) * HEADING_PX


def layout_of(
    boxes: Sequence[BoundingBox],
    sections: Sequence[int],
    frame: Size,
    *,
    headed: Sequence[bool] = (),
    has_header: bool = False,
    captions: int = 1,
) -> PageLayout:
    """
    Return how the objects in `boxes` (parts of a picture of size `frame`, none empty) are seen largest on one page.

    `sections` are how many of them stand together, `headed` which of these have a heading (default: none). `captions` are the
    captions below each cell: a single one has a second line where there is room.
    """
    header = HEADER_PX if has_header else 0.0
    plans: list[_Plan] = []
    for height in HEIGHTS_PX:
        table = sections, headed or [False] * len(sections)
        plans = plans or list(_plans(*table, frame, height=height, header=header, captions=captions))
    own = [plan for plan in plans if math.isclose(plan.cell[0] / plan.cell[1], _shape_of(frame), rel_tol=1e-3)]
    showing_all = [plan for plan in own if all(_shown_px(box, frame, plan)[1] for box in boxes)]
    best = max(showing_all or plans, key=lambda plan: _worth(boxes, frame, plan))
    return _scaled(best, _scale(best, boxes, frame))


def _plans(
    sections: Sequence[int], headed: Sequence[bool], frame: Size, *, height: float, header: float, captions: int
) -> Iterator[_Plan]:
    most = max(1, int((THUMBNAIL_PX - GAP_PX) // (LEAST_CELL_PX + GAP_PX)))
    for columns in range(1, min(most, sum(sections)) + 1):
        table = _Table.of(sections, headed, columns)
        across = (THUMBNAIL_PX - GAP_PX) / columns - GAP_PX
        down = (height - GAP_PX - header - len(table.headed_rows) * HEADING_PX) / table.rows - GAP_PX
        for shape in (*SHAPES, _shape_of(frame)):
            for lines in (2, 1) if captions == 1 else (1,):
                strip = captions * LINE_PX + (lines - 1) * FACTS_PX
                width = min(across, (down - strip) * shape)
                narrow = columns > 1 and width < LEAST_CELL_PX
                if (lines == 2 and width < TWO_LINES_FROM_PX) or narrow or width / shape < LEAST_PICTURE_PX:
                    continue
                yield _Plan(table, (width, width / shape), strip, lines, header)
                break


def _worth(boxes: Sequence[BoundingBox], frame: Size, plan: _Plan) -> float:
    """Return how large the objects are seen: the logarithm's mean, so that no small one is given up for a large one."""
    return float(np.mean([math.log(_shown_px(box, frame, plan)[0]) for box in boxes])) - 1e-4 * plan.size[1]


def _shown_px(box: BoundingBox, frame: Size, plan: _Plan) -> tuple[float, bool]:
    """Return how large an object is seen on the thumbnail, and whether it is with all that its cell can show."""
    gain = closeness(box, frame, plan.cell, large_px=LARGE_ENOUGH_PX, most=MAX_ENLARGEMENT / LEAST_SCALE)
    fit = min(plan.cell[0] / max(box.width * frame[0], 1e-6), plan.cell[1] / max(box.height * frame[1], 1e-6))
    covering = max(plan.cell[0] / frame[0], plan.cell[1] / frame[1])
    side = math.sqrt(max(box.area, 1e-12) * frame[0] * frame[1]) * min(gain, fit)
    return side, side >= LARGE_ENOUGH_PX and gain <= covering * 1.001


def _scale(plan: _Plan, boxes: Sequence[BoundingBox], frame: Size) -> float:
    """Return how many pixels the page gets for one of the thumbnail's: no more than there is something to show in."""
    width, height = plan.size
    most = min(PAGE_WIDTH / width, PAGE_HEIGHT / height, math.sqrt(PAGE_PIXELS / (width * height)))
    gains = [closeness(box, frame, plan.cell, large_px=LARGE_ENOUGH_PX, most=math.inf) for box in boxes]
    halves = [MAX_ENLARGEMENT / max(gain * 0.5 / FILL, 1e-6) for gain in gains]
    whole = MAX_ENLARGEMENT / min(plan.cell[0] / frame[0], plan.cell[1] / frame[1])
    least = max(LEAST_SCALE_OF_TINY, min(LEAST_SCALE, whole))
    return min(max(float(np.quantile(halves, 1 - FILLING_SHARE)), least), most)


def _scaled(plan: _Plan, scale: float) -> PageLayout:
    table = plan.table
    picture = max(1, int(plan.cell[0] * scale)), max(1, int(plan.cell[1] * scale))
    gap, strip = max(1, int(GAP_PX * scale)), max(1, int(plan.strip * scale))
    heading, step = int(HEADING_PX * scale), (picture[0] + gap, picture[1] + strip + gap)

    def top(row: int) -> int:
        return int(plan.header * scale) + gap + row * step[1] + heading * sum(headed < row for headed in table.headed_rows)

    headings = [(gap + column * step[0], top(row), cells * step[0] - gap) for row, column, cells in table.headings]
    corners = [(gap + column * step[0], top(row) + heading * (row in table.headed_rows)) for row, column in table.places]
    size = table.columns * step[0] + gap, top(table.rows)
    return PageLayout(size, picture, strip, plan.lines, heading, tuple(headings), tuple(corners), gap, scale)


def _shape_of(frame: Size) -> float:
    return min(max(frame[0] / frame[1], NARROWEST), WIDEST)
