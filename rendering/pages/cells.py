"""
What the pages of the summary and of a comparison have in common: cells, each a cut of the video's picture around one object.

A cut is a rectangle of the picture in its own pixels; it is scaled to the cell and centred there, and boxes are placed in it.
Sizes are pixels, (width, height); pictures are (height, width, 3) RGB.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rendering.colours import INK
from rendering.overlay import pixel_box
from tracking.atomic import write_whole
from tracking.model import BoundingBox

PAGE_WIDTH, PAGE_HEIGHT = 1920, 1080
JPEG_QUALITY = 88

# Pages that are drawn in one pass over the video, about 6 MB each.
PAGES_AT_ONCE = 10

# A picture more oblong than this is shown in part, around the object.
WIDEST_CELL, NARROWEST_CELL = 3.0, 0.4

Size = tuple[int, int]
Picture = NDArray[np.uint8]


class Layout(Protocol):
    """How a page is divided."""

    @property
    def size(self) -> Size:
        """The whole page."""
        ...


LayoutT = TypeVar("LayoutT", bound=Layout)


def cell_shape(picture: Size) -> float:
    """Return the width of a cell over its height for a video of this size."""
    return min(max(picture[0] / picture[1], NARROWEST_CELL), WIDEST_CELL)


def fits(layout: Layout) -> bool:
    """Return whether a page has room for it."""
    return layout.size[0] <= PAGE_WIDTH and layout.size[1] <= PAGE_HEIGHT


def largest_that_fits(layout_of_width: Callable[[int], LayoutT], narrowest: int, widest: int) -> LayoutT:
    """Return the layout with the widest cells that fits a page; that of the narrowest where none does."""
    low, high = narrowest, widest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(layout_of_width(middle)) else (low, middle - 1)
    return layout_of_width(low)


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a picture of `frame` (width, height): its edges in pixels."""

    frame: Size
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, box: BoundingBox, frame: Size, size: tuple[float, float]) -> Cut:
        """Return the cut of at most `size` whose middle is the box's, or as near to that as the picture's edges allow."""
        width, height = min(size[0], frame[0]), min(size[1], frame[1])
        left = min(max((box.left + box.right) / 2 * frame[0] - width / 2, 0), frame[0] - width)
        top = min(max((box.top + box.bottom) / 2 * frame[1] - height / 2, 0), frame[1] - height)
        x, y = int(left), int(top)
        right, bottom = x + max(1, math.ceil(width)), y + max(1, math.ceil(height))
        return cls(frame, x, y, min(frame[0], right), min(frame[1], bottom))

    @property
    def size(self) -> Size:
        return self.right - self.left, self.bottom - self.top

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the picture."""
        return self.size == self.frame

    def of(self, whole: Picture) -> Picture:
        """Return its part of a picture at full size, not copied."""
        return whole[self.top : self.bottom, self.left : self.right]

    def fitted(self, cell: Size) -> Size:
        """Return its size when it is as large as it can be in `cell`, in its own shape."""
        width, height = self.size
        scale = min(cell[0] / width, cell[1] / height)
        return max(1, min(cell[0], round(width * scale))), max(1, min(cell[1], round(height * scale)))

    def pixels_of(self, box: BoundingBox, shown: Size) -> tuple[int, int, int, int] | None:
        """Return where `box` is in this cut shown at a size of `shown`: left, top, right, bottom; None where it is outside."""
        (width, height), (across, down) = self.frame, self.size
        edges = (
            (box.left * width - self.left) / across,
            (box.top * height - self.top) / down,
            (box.right * width - self.left) / across,
            (box.bottom * height - self.top) / down,
        )
        return pixel_box(edges, shown)


def resized(picture: Picture, size: Size) -> Picture:
    """Return a picture at another size: averaged where it becomes smaller, interpolated where larger."""
    method = cv2.INTER_AREA if size[0] <= picture.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8).reshape(size[1], size[0], 3)


def centred(part: Picture, size: Size) -> Picture:
    """Return a cell of `size` with `part` in its middle."""
    cell = blank(size)
    x, y = (size[0] - part.shape[1]) // 2, (size[1] - part.shape[0]) // 2
    cell[y : y + part.shape[0], x : x + part.shape[1]] = part
    return cell


def blank(size: Size) -> Picture:
    """Return an empty page or cell."""
    canvas = np.empty((size[1], size[0], 3), np.uint8)
    canvas[:] = INK
    return canvas


def line_width(size: Size, share: int) -> int:
    """Return how wide a box's line is in a cell of this size: one part of `share` of its shorter side, at least 2 px."""
    return max(2, round(min(size) / share)) if min(size) > 40 else 1


def put(page: Picture, picture: Picture, corner: tuple[int, int]) -> None:
    """Copy a picture onto the page, its upper left corner at `corner` (x, y)."""
    x, y = corner
    page[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def sharpness(whole: NDArray[np.uint8], box: BoundingBox) -> float:
    """Return how much fine detail the box holds: the variance of the Laplacian. Source: Pech-Pacheco et al., ICPR 2000."""
    size = whole.shape[1], whole.shape[0]
    inside = pixel_box(box, size)
    if inside is None:
        return 0.0
    part = whole[inside[1] : inside[3], inside[0] : inside[2]]
    scale = min(1.0, 160 / max(part.shape[:2]))
    small = resized(part, (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def write_page(page: Picture, path: Path, *, optimised: bool = False) -> None:
    """Write a page as a JPEG. Raises `StorageError`."""
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=optimised)
    write_whole(path, file.getvalue())
