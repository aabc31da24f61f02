"""
The object summary: pages of cells, one per object, each a picture of the object where it is seen best.

A cell keeps the video's shape and has its caption below the picture, so that nothing is covered. An object that is small in its
cell is shown once more, enlarged, in the corner that is farthest from it. Which moments are looked at was chosen from the
boxes (`selection.py`); of those that are decoded the sharpest wins. Sizes are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rendering.colours import INK
from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.naming import summary_name
from rendering.overlay import Caption, draw_box, strip
from rendering.pages.cells import (
    PAGE_WIDTH,
    Cut,
    blank,
    cell_shape,
    centred,
    largest_that_fits,
    line_width,
    put,
    resized,
    sharpness,
    write_page,
)
from rendering.selection import Selection, ShownObject
from rendering.threads import Task, Workers
from tracking.model import BoundingBox, Observation
from tracking.video.file import Frame, Video

# Up to so many objects stay in so many columns, whose captions can be read where Slack shows a page small.
READABLE_OBJECTS, READABLE_COLUMNS = 9, 3

NARROWEST_COLUMN_PX = 150
WIDEST_PICTURE_PX = 1600

# A strip's height as a share of its cell's width, but up to three columns of the page's: in Slack, where a page is some 360 px
# wide, its letters are then 10 and 9 px high.
STRIP_SHARE = 0.19
STRIP_PAGE_SHARE = 0.08
MIN_STRIP_PX, MAX_STRIP_PX = 36, 156

# A box's line is one part of so many of its cell's shorter side.
LINE_SHARE = 90

# Below this share of the cell's picture an object is shown enlarged as well, in a corner of this share of the cell's sides.
SMALL_OBJECT_SHARE = 0.03
INSET_SHARE = 0.44
INSET_OBJECT_SHARE = 0.6

# From this share of the picture on an object is large enough in its cell to see there whether it is sharp.
MEASURED_IN_FULL_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """One page that was written."""

    path: Path
    objects: tuple[ShownObject, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Grid:
    """How a page is divided: cells of a picture (width, height) with a strip of `strip_px` below, `gap_px` around each."""

    columns: int
    rows: int
    picture: tuple[int, int]
    strip_px: int
    gap_px: int

    @property
    def size(self) -> tuple[int, int]:
        """Of the whole page."""
        width = self.columns * (self.picture[0] + self.gap_px) + self.gap_px
        return width, self.rows * (self.picture[1] + self.strip_px + self.gap_px) + self.gap_px

    def corner(self, place: int) -> tuple[int, int]:
        """The upper left corner of cell number `place`."""
        row, column = divmod(place, self.columns)
        x = self.gap_px + column * (self.picture[0] + self.gap_px)
        return x, self.gap_px + row * (self.picture[1] + self.strip_px + self.gap_px)


def grid_of(count: int, picture: tuple[int, int]) -> Grid:
    """The grid for `count` objects (1 to 24) of a video of (width, height) that shows them largest and can be read."""
    shape = cell_shape(picture)
    largest = max(1.0, min(picture[0] * MAX_ENLARGEMENT, WIDEST_PICTURE_PX))
    most = min(count, READABLE_COLUMNS) if count <= READABLE_OBJECTS else count
    grids = [_grid(columns, math.ceil(count / columns), shape, largest) for columns in range(1, most + 1)]
    return max(grids, key=lambda grid: (grid.picture[0] * grid.picture[1], -grid.columns * grid.rows))


def draw_pages(
    video: Video,
    pages: Sequence[tuple[int, Sequence[ShownObject]]],
    out: Path,
    *,
    name: str,
    selection: Selection,
    typeface: Typeface,
    progress: Progress,
    cancelled: CancelCheck,
) -> list[SummaryPage]:
    """Writes `pages` (page number from 1, its objects) in one pass over the video."""
    picture = video.info.width, video.info.height
    cells = [_Cell(shown, grid_of(len(objects), picture), picture, typeface) for _, objects in pages for shown in objects]
    needs = [(moment.time_s, (cell, moment)) for cell in cells for moment in cell.shown.moments]
    with opencv_in_this_thread(), Workers() as workers:
        for decoded, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            workers.wait_for_room()
            # All by one thread, while this one decodes: pictures must not be converted by two at once.
            workers.submit([(0, _considering(_ScaledFrame(decoded, picture), due))])
    left = iter(cells)
    return [_written(number, [next(left) for _ in objects], out, name, selection) for number, objects in pages]


class _ScaledFrame:
    """One decoded picture at the sizes that cells need, each made once."""

    def __init__(self, frame: Frame, size: tuple[int, int]) -> None:
        self.time_s = frame.time_s
        self._frame = frame
        self.size = size
        self._pictures: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def at(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        if size not in self._pictures:
            self._pictures[size] = self._frame.pixels(size)
        return self._pictures[size]

    def whole(self) -> NDArray[np.uint8]:
        return self.at(self.size)


class _Cell:
    """The best picture of one object so far."""

    def __init__(self, shown: ShownObject, grid: Grid, size: tuple[int, int], typeface: Typeface) -> None:
        self.shown = shown
        self._typeface = typeface
        self._caption: NDArray[np.uint8] | None = None
        self.grid = grid
        self._size = size
        self._sharpness = -1.0
        self.picture = np.empty((0, 0, 3), np.uint8)

    def consider(self, frame: _ScaledFrame, moment: Observation) -> None:
        """Take this moment when it is sharper than the one taken before."""
        self.caption()  # now, beside the decoding
        # The box is where the object is in the picture that is really shown.
        box = self.shown.track.box_at(frame.time_s).clipped()
        if not box.area:
            box = moment.box.clipped()
        # All moments of an object must be measured alike: on the cell's picture, or in full where it would be too small there.
        is_small = self.shown.moments[0].box.clipped().area < MEASURED_IN_FULL_SHARE
        found = sharpness(frame.whole() if is_small else frame.at(self.grid.picture), box)
        if found > self._sharpness:
            self._sharpness = found
            self.picture = _cell_picture(frame, box, self.shown, self.grid.picture)

    def caption(self) -> NDArray[np.uint8]:
        """The strip below the picture, drawn once."""
        if self._caption is None:
            size = self.grid.picture[0], self.grid.strip_px
            self._caption = strip(Caption.of(self.shown), size, self._typeface, lines=2)
        return self._caption


def _considering(frame: _ScaledFrame, due: Sequence[tuple[_Cell, Observation]]) -> Task:
    """The task of showing a picture to all cells that it is for."""

    def consider() -> None:
        for cell, moment in due:
            cell.consider(frame, moment)

    return consider


def _cell_picture(frame: _ScaledFrame, box: BoundingBox, shown: ShownObject, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture of a cell at `size`, with the box and, for a small object, an enlarged view."""
    cut = _cut(frame.size, box, size[0] / size[1])
    fitted = cut.fitted(size)
    part = frame.at(fitted).copy() if cut.is_whole else resized(cut.of(frame.whole()), fitted)
    inside = cut.pixels_of(box, fitted)
    line = line_width(fitted, LINE_SHARE)
    if inside:
        inset = _inset(frame, box, inside, fitted)
        draw_box(part, inside, line=shown.colour, casing=INK, width=line, casing_width=max(1, line // 3))
        if inset is not None:
            _place_inset(part, inset, inside, shown, line)
    return centred(part, size)


def _cut(frame: tuple[int, int], box: BoundingBox, shape: float) -> Cut:
    """Return what a cell of `shape` shows of a picture: all, or of a very oblong one the part around the box."""
    width, height = frame
    part_width, part_height = float(width), float(height)
    if width / height > shape * 1.05:
        part_width = min(width, max(height * shape, box.width * width * 1.1))
    elif width / height < shape / 1.05:
        part_height = min(height, max(width / shape, box.height * height * 1.1))
    return Cut.around(box, frame, (part_width, part_height))


def _inset(
    frame: _ScaledFrame, box: BoundingBox, inside: tuple[int, int, int, int], shown_size: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """A small object enlarged, with some surroundings; None for one that is large enough, or that would not gain."""
    share = (inside[2] - inside[0]) * (inside[3] - inside[1]) / (shown_size[0] * shown_size[1])
    if share >= SMALL_OBJECT_SHARE or min(shown_size) < 60:
        return None
    width, height = frame.size
    object_width, object_height = box.width * width, box.height * height
    room = shown_size[0] * INSET_SHARE, shown_size[1] * INSET_SHARE * 1.25
    shape = min(max(object_width / object_height, 0.6), 1.8)
    size_x = min(room[0], room[1] * shape)
    side_x = max(object_width / INSET_OBJECT_SHARE, object_height * shape / INSET_OBJECT_SHARE, size_x / MAX_ENLARGEMENT)
    side_x = min(side_x, width, height * shape)
    if size_x / side_x < 1.3 * shown_size[0] / width:
        return None
    part = Cut.around(box, frame.size, (side_x, side_x / shape)).of(frame.whole())
    return resized(part, (max(1, round(size_x)), max(1, round(size_x / shape))))


def _place_inset(
    picture: NDArray[np.uint8], inset: NDArray[np.uint8], inside: tuple[int, int, int, int], shown: ShownObject, line: int
) -> None:
    """Into the corner where it is farthest from the object; nowhere if it would touch it everywhere."""
    height, width = picture.shape[:2]
    edge = 2 * line
    x, y = (inside[0] + inside[2]) / 2, (inside[1] + inside[3]) / 2
    left = 0 if x > width / 2 else width - inset.shape[1] - edge
    top = 0 if y > height / 2 else height - inset.shape[0] - edge
    right, bottom = left + inset.shape[1] + edge, top + inset.shape[0] + edge
    margin = 2 * line
    if left < inside[2] + margin and right > inside[0] - margin and top < inside[3] + margin and bottom > inside[1] - margin:
        return
    picture[top:bottom, left:right] = INK
    picture[top + 1 : bottom - 1, left + 1 : right - 1] = shown.colour
    picture[top + line : top + line + inset.shape[0], left + line : left + line + inset.shape[1]] = inset


def _written(number: int, cells: Sequence[_Cell], out: Path, name: str, selection: Selection) -> SummaryPage:
    grid = cells[0].grid
    width, height = grid.size
    page = blank(grid.size)
    for place, cell in enumerate(cells):
        x, y = grid.corner(place)
        if cell.picture.size:
            put(page, cell.picture, (x, y))
        put(page, cell.caption(), (x, y + grid.picture[1]))
    path = out / summary_name(name, selection, page=number)
    write_page(page, path)
    return SummaryPage(path, tuple(cell.shown for cell in cells), width, height)


def _grid(columns: int, rows: int, shape: float, largest: float) -> Grid:
    """Return the largest cells for this many columns and rows."""
    widest = min(PAGE_WIDTH, max(NARROWEST_COLUMN_PX, int(largest)))
    return largest_that_fits(partial(_cells, columns, rows, shape), 1, widest)


def _cells(columns: int, rows: int, shape: float, width: int) -> Grid:
    share = STRIP_PAGE_SHARE * columns if columns <= READABLE_COLUMNS else STRIP_SHARE
    strip_px = min(max(round(width * share), MIN_STRIP_PX), MAX_STRIP_PX)
    return Grid(columns, rows, (width, max(1, round(width / shape))), strip_px, gap_px=max(6, round(width * 0.02)))
