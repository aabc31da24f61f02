"""
The object summary: pages of cells, one per object, each a picture of the object where it is seen best.

A cell keeps the video's shape and has its caption below the picture, so that nothing is covered. An object that is small in its
cell is shown once more, enlarged, in the corner that is farthest from it. Which moments are looked at was chosen from the
boxes (`selection.py`); of those that are decoded the sharpest wins. Sizes are pixels.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rendering.colours import INK
from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.naming import summary_name
from rendering.overlay import Caption, draw_box, pixel_box, strip
from rendering.selection import Selection, ShownObject
from rendering.threads import Task, Workers
from tracking.atomic import write_whole
from tracking.model import BoundingBox, Observation
from tracking.video.file import Frame, Video

PAGE_OBJECTS = 24
PAGE_WIDTH, PAGE_HEIGHT = 1920, 1080
JPEG_QUALITY = 88

# Pages that are drawn in one pass over the video, about 6 MB each.
PAGES_AT_ONCE = 10

# A picture more oblong than this is shown in part, around the object.
WIDEST_CELL, NARROWEST_CELL = 3.0, 0.4

# Up to so many objects stay in so many columns, whose captions can be read where Slack shows a page small.
READABLE_OBJECTS, READABLE_COLUMNS = 9, 3

NARROWEST_COLUMN_PX = 150
WIDEST_PICTURE_PX = 1600

# A strip's height as a share of its cell's width, but up to three columns of the page's: in Slack, where a page is some 360 px
# wide, its letters are then 10 and 9 px high.
STRIP_SHARE = 0.19
STRIP_PAGE_SHARE = 0.08
MIN_STRIP_PX, MAX_STRIP_PX = 36, 156

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
    shape = min(max(picture[0] / picture[1], NARROWEST_CELL), WIDEST_CELL)
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
    wants = [(moment.time_s, (cell, moment)) for cell in cells for moment in cell.shown.moments]
    with opencv_in_this_thread(), Workers() as workers:
        for frame, served in needed_frames(video, wants, progress=progress, cancelled=cancelled):
            workers.wait_for_room()
            # All by one thread, while this one decodes: pictures must not be converted by two at once.
            workers.submit([(0, _considering(_Looks(frame, picture), served))])
    left = iter(cells)
    return [_written(number, [next(left) for _ in objects], out, name, selection) for number, objects in pages]


class _Looks:
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

    def consider(self, looks: _Looks, moment: Observation) -> None:
        """Take this moment when it is sharper than the one taken before."""
        self.caption()  # now, beside the decoding
        # The box is where the object is in the picture that is really shown.
        box = self.shown.track.box_at(looks.time_s).clipped()
        if not box.area:
            box = moment.box.clipped()
        # All moments of an object must be measured alike: on the cell's picture, or in full where it would be too small there.
        is_small = self.shown.moments[0].box.clipped().area < MEASURED_IN_FULL_SHARE
        sharpness = _sharpness(looks.whole() if is_small else looks.at(self.grid.picture), box)
        if sharpness > self._sharpness:
            self._sharpness = sharpness
            self.picture = _cell_picture(looks, box, self.shown, self.grid.picture)

    def caption(self) -> NDArray[np.uint8]:
        """The strip below the picture, drawn once."""
        if self._caption is None:
            size = self.grid.picture[0], self.grid.strip_px
            self._caption = strip(Caption.of(self.shown), size, self._typeface, lines=2)
        return self._caption


def _considering(looks: _Looks, served: Sequence[tuple[_Cell, Observation]]) -> Task:
    """The task of showing a picture to all cells that it is for."""

    def consider() -> None:
        for cell, moment in served:
            cell.consider(looks, moment)

    return consider


def _cell_picture(looks: _Looks, box: BoundingBox, shown: ShownObject, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture of a cell at `size`, with the box and, for a small object, an enlarged view."""
    width, height = looks.size
    left, top, right, bottom = _section((width, height), box, size[0] / size[1])
    scale = min(size[0] / (right - left), size[1] / (bottom - top))
    fitted = min(size[0], max(1, round((right - left) * scale))), min(size[1], max(1, round((bottom - top) * scale)))
    if (right - left, bottom - top) == (width, height):
        part = looks.at(fitted).copy()
    else:
        part = _resized(looks.whole()[top:bottom, left:right], fitted)
    inside = pixel_box(
        (
            (box.left * width - left) / (right - left),
            (box.top * height - top) / (bottom - top),
            (box.right * width - left) / (right - left),
            (box.bottom * height - top) / (bottom - top),
        ),
        fitted,
    )
    line = max(2, round(min(size) / 90)) if min(fitted) > 40 else 1
    if inside:
        inset = _inset(looks, box, inside, fitted)
        draw_box(part, inside, line=shown.colour, casing=INK, width=line, casing_width=max(1, line // 3))
        if inset is not None:
            _place_inset(part, inset, inside, shown, line)
    cell = np.empty((size[1], size[0], 3), np.uint8)
    cell[:] = INK
    x, y = (size[0] - fitted[0]) // 2, (size[1] - fitted[1]) // 2
    cell[y : y + fitted[1], x : x + fitted[0]] = part
    return cell


def _section(size: tuple[int, int], box: BoundingBox, shape: float) -> tuple[int, int, int, int]:
    """What of a picture a cell of `shape` shows: all, or of a very oblong picture the part around the box. Pixels."""
    width, height = size
    part_width, part_height = float(width), float(height)
    if width / height > shape * 1.05:
        part_width = min(width, max(height * shape, box.width * width * 1.1))
    elif width / height < shape / 1.05:
        part_height = min(height, max(width / shape, box.height * height * 1.1))
    left = min(max((box.left + box.right) / 2 * width - part_width / 2, 0), width - part_width)
    top = min(max((box.top + box.bottom) / 2 * height - part_height / 2, 0), height - part_height)
    x, y = int(left), int(top)
    return x, y, min(width, x + max(1, math.ceil(part_width))), min(height, y + max(1, math.ceil(part_height)))


def _inset(
    looks: _Looks, box: BoundingBox, inside: tuple[int, int, int, int], shown_size: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """A small object enlarged, with some surroundings; None for one that is large enough, or that would not gain."""
    share = (inside[2] - inside[0]) * (inside[3] - inside[1]) / (shown_size[0] * shown_size[1])
    if share >= SMALL_OBJECT_SHARE or min(shown_size) < 60:
        return None
    width, height = looks.size
    object_width, object_height = box.width * width, box.height * height
    room = shown_size[0] * INSET_SHARE, shown_size[1] * INSET_SHARE * 1.25
    shape = min(max(object_width / object_height, 0.6), 1.8)
    size_x = min(room[0], room[1] * shape)
    side_x = max(object_width / INSET_OBJECT_SHARE, object_height * shape / INSET_OBJECT_SHARE, size_x / MAX_ENLARGEMENT)
    side_x = min(side_x, width, height * shape)
    if size_x / side_x < 1.3 * shown_size[0] / width:
        return None
    left = min(max((box.left + box.right) / 2 * width - side_x / 2, 0), width - side_x)
    top = min(max((box.top + box.bottom) / 2 * height - side_x / shape / 2, 0), height - side_x / shape)
    part = looks.whole()[int(top) : math.ceil(top + side_x / shape), int(left) : math.ceil(left + side_x)]
    return _resized(part, (max(1, round(size_x)), max(1, round(size_x / shape))))


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


def _sharpness(whole: NDArray[np.uint8], box: BoundingBox) -> float:
    """How much fine detail the box holds: the variance of the Laplacian. Source: Pech-Pacheco et al., ICPR 2000."""
    size = whole.shape[1], whole.shape[0]
    inside = pixel_box(box, size)
    if inside is None:
        return 0.0
    part = whole[inside[1] : inside[3], inside[0] : inside[2]]
    scale = min(1.0, 160 / max(part.shape[:2]))
    small = _resized(part, (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if size[0] <= picture.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8).reshape(size[1], size[0], 3)


def _written(number: int, cells: Sequence[_Cell], out: Path, name: str, selection: Selection) -> SummaryPage:
    grid = cells[0].grid
    width, height = grid.size
    page = np.empty((height, width, 3), np.uint8)
    page[:] = INK
    for place, cell in enumerate(cells):
        x, y = grid.corner(place)
        if cell.picture.size:
            page[y : y + grid.picture[1], x : x + grid.picture[0]] = cell.picture
        page[y + grid.picture[1] : y + grid.picture[1] + grid.strip_px, x : x + grid.picture[0]] = cell.caption()
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    path = out / summary_name(name, selection, page=number)
    write_whole(path, file.getvalue())
    return SummaryPage(path, tuple(cell.shown for cell in cells), width, height)


def _grid(columns: int, rows: int, shape: float, largest: float) -> Grid:
    """The largest cells for this many columns and rows."""
    low, high = 1, min(PAGE_WIDTH, max(NARROWEST_COLUMN_PX, int(largest)))
    while low < high:
        middle = (low + high + 1) // 2
        size = _cells(columns, rows, shape, middle).size
        low, high = (middle, high) if size[0] <= PAGE_WIDTH and size[1] <= PAGE_HEIGHT else (low, middle - 1)
    return _cells(columns, rows, shape, low)


def _cells(columns: int, rows: int, shape: float, width: int) -> Grid:
    share = STRIP_PAGE_SHARE * columns if columns <= READABLE_COLUMNS else STRIP_SHARE
    strip_px = min(max(round(width * share), MIN_STRIP_PX), MAX_STRIP_PX)
    return Grid(columns, rows, (width, max(1, round(width / shape))), strip_px, gap_px=max(6, round(width * 0.02)))
