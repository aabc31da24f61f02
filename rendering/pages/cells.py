"""
What the pages of the summary and of a comparison have in common: cells, each a view of the video's picture around one object.

A view is as close as its object needs: the object fills about two thirds of the cell, with what is around it; where that would
lie outside of the picture the cell is empty. An object that is large enough without is shown with as much of the picture as
keeps it in the middle. Sizes are pixels, (width, height); pictures are (height, width, 3) RGB; rectangles are left, top, right,
bottom. Where cells lie on a page is `layout.py`'s, what is written below them `captions.py`'s.
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

from rendering.colours import INK, PAPER, Colour
from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.overlay import draw_box, pixel_box
from rendering.selection import Moment, ShownObject
from tracking.atomic import write_whole
from tracking.model import BoundingBox
from tracking.video.file import Frame

JPEG_QUALITY = 88

# Pages that are drawn in one pass over the video, about 6 MB each.
PAGES_AT_ONCE = 10

# The share of its cell that an object fills, along the side where it is largest; and at most, where the picture ends there.
FILL = 0.66
MOST_FILL = 0.9

# An object's centre keeps this share of the cell's sides from its edges, also where it is at the edge of the picture.
CENTRE_FROM_EDGE = 0.3

# An object that has so many pixels along its sides (their geometric mean), where the page is shown as wide as a thumbnail, is
# large enough: more of the picture says more than a closer view.
LARGE_ENOUGH_PX = 40.0

# Views are cut from the picture at one of these scales: the smallest that loses nothing visible.
SCALES = (0.25, 0.5, 1.0)
SCALE_SLACK = 0.8

# Sharpness is measured on at most so many pixels of an object's longer side.
MEASURED_PX = 160

# A view that shows this share of the picture needs no locator.
NEARLY_WHOLE = 0.7

# A locator in a corner is this share of its cell's width and height at most; smaller ones are tried before there is none.
LOCATOR_SHARE = 0.3
LOCATOR_TRIES = (1.0, 0.8, 0.62, 0.5)

# A cut-out has this share of the longer side of its box around it.
CUT_OUT_MARGIN = 1 / 8

# The line of a box is one part of so many of its cell's shorter side.
LINE_SHARE = 48

Size = tuple[int, int]
Rectangle = tuple[int, int, int, int]
Picture = NDArray[np.uint8]


def closeness(box: BoundingBox, frame: Size, cell: tuple[float, float], *, large_px: float, most: float) -> float:
    """
    Return how many pixels of a cell show one of the picture around `box`, a part of the picture of size `frame`.

    An object is large enough from `large_px` on (`LARGE_ENOUGH_PX`, in pixels of the cell); `most` bounds the enlargement.
    """
    width, height = max(box.width * frame[0], 1e-6), max(box.height * frame[1], 1e-6)
    fit = min(cell[0] / width, cell[1] / height)
    close = min(FILL * fit, most)
    sides = cell[0] / frame[0], cell[1] / frame[1]
    covering = max(sides)
    around = [
        min(low + high, 2 - low - high) / 2 / CENTRE_FROM_EDGE for low, high in ((box.left, box.right), (box.top, box.bottom))
    ]
    wide = max(covering, *(side / max(min(share, 1.0), 1e-6) for side, share in zip(sides, around, strict=True)))
    if wide < close and math.sqrt(width * height) * wide >= large_px:
        return wide
    if close < covering:
        close = min(covering, MOST_FILL * fit)
    return min(max(close, min(sides)), most)


@dataclass(frozen=True, slots=True)
class View:
    """
    What a cell of size `cell` shows of a picture of size `frame`: from `left`, `top` (pixels of the picture) on, times `gain`.

    It may begin before the picture does, and end behind it.
    """

    frame: Size
    cell: Size
    left: float
    top: float
    gain: float

    @classmethod
    def of(cls, box: BoundingBox, frame: Size, cell: Size, *, large_px: float) -> View:
        """Return the view of the object in `box`, which is not empty and lies in the picture."""
        gain = closeness(box, frame, cell, large_px=large_px, most=MAX_ENLARGEMENT)
        left = _start((box.left + box.right) / 2 * frame[0], cell[0] / gain, frame[0])
        top = _start((box.top + box.bottom) / 2 * frame[1], cell[1] / gain, frame[1])
        return cls(frame, cell, left, top, gain)

    @property
    def shown_share(self) -> float:
        """The share of the picture that is in the cell."""
        shares = [
            (min(start + side / self.gain, whole) - max(start, 0.0)) / whole
            for start, side, whole in zip((self.left, self.top), self.cell, self.frame, strict=True)
        ]
        return max(shares[0], 0.0) * max(shares[1], 0.0)

    def pixels_of(self, box: BoundingBox) -> Rectangle | None:
        """Return where `box` is in the cell, cut off at its edges and the picture's; None where it is outside."""
        clipped = box.clipped()
        (width, height), (across, down) = self.frame, self.cell
        edges = (
            (clipped.left * width - self.left) * self.gain / across,
            (clipped.top * height - self.top) * self.gain / down,
            (clipped.right * width - self.left) * self.gain / across,
            (clipped.bottom * height - self.top) * self.gain / down,
        )
        return pixel_box(edges, self.cell)

    def cell_of(self, picture: Picture) -> Picture:
        """Return the cell, from the whole picture at any scale."""
        cell = blank(self.cell)
        columns = _Axis.of(self.left, self.gain, self.cell[0], picture.shape[1] / self.frame[0], picture.shape[1])
        rows = _Axis.of(self.top, self.gain, self.cell[1], picture.shape[0] / self.frame[1], picture.shape[0])
        if columns.source_end > columns.source and rows.source_end > rows.source:
            part = picture[rows.source : rows.source_end, columns.source : columns.source_end]
            part = resized(part, (columns.size, rows.size))
            part = part[rows.skipped : rows.skipped + self.cell[1], columns.skipped : columns.skipped + self.cell[0]]
            part = part[: self.cell[1] - rows.target, : self.cell[0] - columns.target]
            put(cell, part, (columns.target, rows.target))
        return cell


@dataclass(frozen=True, slots=True)
class _Axis:
    """Along one side: whole pixels of the source, how many of the cell they become, and how many of these lie before it."""

    source: int
    source_end: int
    size: int
    target: int
    skipped: int

    @classmethod
    def of(cls, start: float, gain: float, cell: int, scale: float, length: int) -> _Axis:
        # What rounding leaves of a whole number is no part of a pixel.
        first = max(0, math.floor(start * scale + 1e-6))
        last = min(length, math.ceil((start + cell / gain) * scale - 1e-6))
        place = round((first / scale - start) * gain)
        end = round((last / scale - start) * gain)
        return cls(first, last, max(1, end - place), min(max(place, 0), cell - 1), max(-place, 0))


def _start(centre: float, shown: float, whole: float) -> float:
    """Return where a view begins that shows so much of `whole`: inside the picture, but never with its object at the edge."""
    low, high = (0.0, whole - shown) if shown <= whole else ((whole - shown) / 2,) * 2
    start = min(max(centre - shown / 2, low), high)
    return min(max(start, centre - (1 - CENTRE_FROM_EDGE) * shown), centre - CENTRE_FROM_EDGE * shown)


def cut_out(picture: Picture, box: BoundingBox) -> Picture:
    """Return a copy of `box` and its margin (`CUT_OUT_MARGIN`), as far as they are in the whole picture; one pixel at least."""
    height, width = picture.shape[:2]
    across, down = cut_out_size(box, (width, height))
    x, y = (box.left + box.right) / 2 * width, (box.top + box.bottom) / 2 * height
    left, top = min(int(max(x - across / 2, 0)), width - 1), min(int(max(y - down / 2, 0)), height - 1)
    right, bottom = max(math.ceil(x + across / 2), left + 1), max(math.ceil(y + down / 2), top + 1)
    return picture[top:bottom, left:right].copy()


def cut_out_size(box: BoundingBox, frame: Size) -> tuple[float, float]:
    """Return how large a cut-out of a picture of size `frame` is where it ends nowhere, in pixels."""
    width, height = box.width * frame[0], box.height * frame[1]
    margin = CUT_OUT_MARGIN * max(width, height)
    return width + 2 * margin, height + 2 * margin


class ScaledFrame:
    """One decoded picture at the scales that views need, each made once."""

    def __init__(self, frame: Frame, size: Size) -> None:
        self.time_s = frame.time_s
        self.size = size
        self._frame = frame
        self._pictures: dict[float, Picture] = {}

    def at(self, gain: float) -> Picture:
        """Return the picture at the smallest scale that shows all there is to see of it at `gain`."""
        scale = scale_for(gain)
        if scale not in self._pictures:
            size = max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))
            larger = self._pictures.get(2 * scale)
            if larger is not None and (larger.shape[1], larger.shape[0]) == (2 * size[0], 2 * size[1]):
                self._pictures[scale] = resized(larger, size)  # quicker than from the video's own form
            else:
                self._pictures[scale] = self._frame.pixels(size)
        return self._pictures[scale]

    def small(self, size: Size) -> Picture:
        """Return all of the picture at a small size; of a large one only some pixels are looked at."""
        picture = self._pictures[min(self._pictures)] if self._pictures else self.at(0.0)
        skip = max(1, min(picture.shape[1] // size[0], picture.shape[0] // size[1]) // 3)
        return resized(picture[::skip, ::skip], size)


def scale_for(gain: float) -> float:
    """Return the smallest of `SCALES` that is enough to show a picture at `gain`."""
    return next((scale for scale in SCALES if scale >= SCALE_SLACK * gain), 1.0)


class BestMoment:
    """
    The choice among an object's moments once they are decoded: how good the boxes say a view is, and how sharp it is.

    Of two that are equally good otherwise, half as much fine detail is worth half as much.
    """

    def __init__(self, moments: Sequence[Moment], frame: Size) -> None:
        first = moments[0].box.clipped()
        # All moments of an object must be measured alike.
        self.measured_at = MEASURED_PX / max(first.width * frame[0], first.height * frame[1], 1.0)
        self._value = -1.0

    def improves(self, frame: ScaledFrame, moment: Moment, box: BoundingBox) -> bool:
        """Return whether this moment is better than all before; from now on it is the best."""
        value = moment.quality * math.sqrt(sharpness(frame.at(self.measured_at), box))
        if value <= self._value:
            return False
        self._value = value
        return True


def sharpness(whole: Picture, box: BoundingBox) -> float:
    """Return how much fine detail the box holds: the variance of the Laplacian. Source: Pech-Pacheco et al., ICPR 2000."""
    inside = pixel_box(box, (whole.shape[1], whole.shape[0]))
    if inside is None:
        return 0.0
    part = whole[inside[1] : inside[3], inside[0] : inside[2]]
    scale = min(1.0, MEASURED_PX / max(part.shape[:2]))
    small = resized(part, (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def box_shown(shown: ShownObject, time_s: float, moment: Moment) -> BoundingBox:
    """Return where an object is in the picture that is really shown, at `time_s`; the box of the moment where it is nowhere."""
    box = shown.track.box_at(time_s).clipped()
    return box if box.area else moment.box.clipped()


def draw_line(cell: Picture, box: Rectangle, colour: Colour) -> None:
    """Draw an object's box into its cell."""
    line = line_width((cell.shape[1], cell.shape[0]))
    draw_box(cell, box, line=colour, casing=INK, width=line, casing_width=max(1, line // 2))


def line_width(size: Size) -> int:
    """Return how wide a box's line is in a cell of this size, at least 2 px."""
    return max(2, round(min(size) / LINE_SHARE)) if min(size) > 40 else 1


def locator_size(frame: Size, room: tuple[float, float]) -> Size:
    """Return the size of a picture of size `frame` in small: as large as `room` allows."""
    scale = min(room[0] / frame[0], room[1] / frame[1])
    return max(1, round(frame[0] * scale)), max(1, round(frame[1] * scale))


def locator(small: Picture, box: BoundingBox, colour: Colour, line: int) -> Picture:
    """Return the whole picture in small, a little darker, with an edge around it and the object's place in its colour."""
    height, width = small.shape[:2]
    found = np.full((height + 2 * line, width + 2 * line, 3), PAPER, np.uint8)
    area = found[line:-line, line:-line]
    area[:] = small // 3 * 2
    inside = pixel_box(box, (width, height))
    if inside:
        left, top, right, bottom = _at_least(inside, 3 * line, (width, height))
        area[max(top - line, 0) : bottom + line, max(left - line, 0) : right + line] = INK
        area[top:bottom, left:right] = colour
    return found


def corner_locator(
    view: View,
    small: Picture,
    box: BoundingBox,
    keep: Sequence[Rectangle],
    others: Sequence[BoundingBox],
    colour: Colour,
    line: int,
) -> tuple[Picture, tuple[int, int]] | None:
    """
    Return a locator for a corner of a cell, and its upper left point: the largest that hides nothing of `keep`, None for none.

    `small` is the whole picture at any size, `box` the object's place in it, `keep` what is drawn into the cell around it;
    of `others` (boxes in the picture) it hides as little as it can.
    """
    seen = [inside for other in others if (inside := view.pixels_of(other))]
    around = min(r[0] for r in keep), min(r[1] for r in keep), max(r[2] for r in keep), max(r[3] for r in keep)
    for share in LOCATOR_TRIES:
        size = locator_size(view.frame, (view.cell[0] * LOCATOR_SHARE * share, view.cell[1] * LOCATOR_SHARE * share))
        edged = size[0] + 2 * line, size[1] + 2 * line
        place = free_corner(view.cell, edged, around, seen, 2 * line_width(view.cell))
        if place is not None:
            return locator(resized(small, size), box, colour, line), place
    return None


def locator_line(scale: float) -> int:
    """Return how wide a locator's edge is, at so many pixels for one of the thumbnail."""
    return max(1, round(scale / 2))


def free_corner(cell: Size, size: Size, box: Rectangle, others: Sequence[Rectangle], margin: int) -> tuple[int, int] | None:
    """
    Return the corner where something of `size` hides nothing of the object in `box`, as its upper left point; None for none.

    Of the free corners it is the one that hides the least of `others`, then the one that is farthest from the object.
    """
    if size[0] > cell[0] or size[1] > cell[1]:
        return None
    found: list[tuple[float, float, tuple[int, int]]] = []
    for x in (0, cell[0] - size[0]):
        for y in (0, cell[1] - size[1]):
            taken = x, y, x + size[0], y + size[1]
            kept = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
            if shared_area(taken, kept):
                continue
            away = math.hypot(x + size[0] / 2 - (box[0] + box[2]) / 2, y + size[1] / 2 - (box[1] + box[3]) / 2)
            found.append((sum(shared_area(taken, other) for other in others), -away, (x, y)))
    return min(found)[2] if found else None


def resized(picture: Picture, size: Size) -> Picture:
    """Return a picture at another size: averaged where it becomes much smaller, else interpolated."""
    gain = size[0] / picture.shape[1]
    # Down to a half four neighbours are enough, and much quicker than areas.
    method = cv2.INTER_CUBIC if gain > 1 else cv2.INTER_LINEAR if gain > 0.5 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8).reshape(size[1], size[0], 3)


def blank(size: Size) -> Picture:
    """Return an empty page or cell."""
    canvas = np.empty((size[1], size[0], 3), np.uint8)
    canvas[0] = INK
    canvas[1:] = canvas[0]  # by whole rows: much quicker than pixel by pixel
    return canvas


def put(page: Picture, picture: Picture, corner: tuple[int, int]) -> None:
    """Copy a picture onto the page, its upper left corner at `corner` (x, y)."""
    x, y = corner
    page[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def write_page(page: Picture, path: Path, *, optimised: bool = False) -> None:
    """Write a page as a JPEG. Raises `StorageError`."""
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=optimised)
    write_whole(path, file.getvalue())


def write_chart(page: Picture, path: Path) -> None:
    """Write a page of lines and letters as a PNG. Raises `StorageError`."""
    file = io.BytesIO()
    Image.fromarray(page).save(file, "PNG", optimize=True)
    write_whole(path, file.getvalue())


def shared_area(a: Rectangle, b: Rectangle) -> int:
    """Return the area that two rectangles share."""
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def _at_least(box: Rectangle, side: int, size: Size) -> Rectangle:
    """Return `box`, as large as `side` at least, inside a picture of `size`."""
    found = []
    for start, end, whole in ((box[0], box[2], size[0]), (box[1], box[3], size[1])):
        length = min(max(end - start, side), whole)
        first = min(max((start + end - length) // 2, 0), whole - length)
        found.append((first, first + length))
    return found[0][0], found[1][0], found[0][1], found[1][1]
