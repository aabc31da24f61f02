"""
Drawing into pictures as codecs keep them: one plane of brightness and two of colour at half the size (4:2:0).

So nothing is converted to RGB and back, which would cost as much as encoding. Whatever is drawn lies on even pixels, where the
planes meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from rendering.colours import Colour
from tracking.video.colour import planes_of

Plane = NDArray[np.uint8]
Rectangle = tuple[int, int, int, int]

# The shares of red and blue in brightness: H.273, table 4.
SHARES = {
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.FCC: (0.30, 0.11),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.SMPTE170M: (0.299, 0.114),
    Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.BT2020: (0.2627, 0.0593),
}


@dataclass(frozen=True, slots=True)
class Patch:
    """A small picture in planes, of even size: `bright` (H, W), `blue` and `red` (H / 2, W / 2)."""

    bright: Plane
    blue: Plane
    red: Plane

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], matrix: Colorspace) -> Patch:
        """Return an RGB picture (H, W, 3) in planes; an odd row or column is left out."""
        height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
        values = in_planes(pixels[:height, :width].astype(np.float32), matrix)
        halved = values[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
        return cls(_levels(values[..., 0]), _levels(halved[..., 0]), _levels(halved[..., 1]))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.bright.shape[1], self.bright.shape[0]


@dataclass(frozen=True, slots=True)
class Pen:
    """The line's brightness, blue and red, the casing's brightness, and their widths in pixels; that of the line is even."""

    line: tuple[int, int, int]
    casing: int
    width: int
    casing_width: int


class Canvas:
    """A picture in planes that may be drawn on; it is not that of a decoder, which still needs its own."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.frame = frame
        self.planes = tuple(planes_of(frame))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.frame.width, self.frame.height

    def draw_box(self, box: Rectangle, pen: Pen) -> None:
        """
        Draw a box given in whole pixels (left, top, right, bottom), right and bottom outside.

        As `overlay.draw_box`: a line between two casings on the edge, outside of a box that is too small for that. The casing
        is dark and without colour, so that it needs the plane of brightness alone.
        """
        left, top, right, bottom = box[0] & ~1, box[1] & ~1, (box[2] + 1) & ~1, (box[3] + 1) & ~1
        is_small = min(right - left, bottom - top) < 4 * pen.width
        out = pen.width if is_small else pen.width // 2 & ~1
        bright, blue, red = self.planes
        cased = pen.width + (1 if is_small else 2) * pen.casing_width
        wide = out + pen.casing_width
        _frame(bright, left - wide, top - wide, right + wide, bottom + wide, cased, pen.casing)
        left, top, right, bottom = left - out, top - out, right + out, bottom + out
        _frame(bright, left, top, right, bottom, pen.width, pen.line[0])
        for plane, value in ((blue, pen.line[1]), (red, pen.line[2])):
            _frame(plane, left // 2, top // 2, right // 2, bottom // 2, pen.width // 2, value)

    def put(self, patch: Patch, place: tuple[int, int]) -> None:
        """Lay a patch over the picture, its upper left corner at `place` (x, y), moved inside where it would reach out."""
        width, height = patch.size
        x = max(min(place[0], self.size[0] - width), 0) & ~1
        y = max(min(place[1], self.size[1] - height), 0) & ~1
        for number, (plane, part) in enumerate(zip(self.planes, (patch.bright, patch.blue, patch.red), strict=True)):
            shift = int(number > 0)
            target = plane[y >> shift : (y + height) >> shift, x >> shift : (x + width) >> shift]
            target[:] = part[: target.shape[0], : target.shape[1]]

    def coarsen(self, box: Rectangle, cells: int) -> None:
        """Leave of the inside of `box` no more than `cells` mean values along its longer side, and smooth ways between them."""
        left, top, right, bottom = box[0] & ~1, box[1] & ~1, (box[2] + 1) & ~1, (box[3] + 1) & ~1
        longer = max(right - left, bottom - top, 1)
        few = max(round(cells * (right - left) / longer), 1), max(round(cells * (bottom - top) / longer), 1)
        for number, plane in enumerate(self.planes):
            shift = int(number > 0)
            inside = plane[top >> shift : bottom >> shift, left >> shift : right >> shift]
            if inside.size:
                size = inside.shape[1], inside.shape[0]
                means = cv2.resize(np.ascontiguousarray(inside), _smaller(few, size), interpolation=cv2.INTER_AREA)
                inside[:] = cv2.resize(means, size, interpolation=cv2.INTER_LINEAR)


def in_planes(colours: NDArray[np.float32], matrix: Colorspace) -> NDArray[np.float32]:
    """
    Return sRGB values (..., 3) of 0 to 255 as brightness, blue and red difference (..., 3), in video range.

    Source: ITU-R BT.709-6, items 3.2 to 3.4, with the shares of each matrix.
    """
    red_share, blue_share = SHARES.get(matrix, SHARES[Colorspace.ITU709])
    red, green, blue = np.moveaxis(colours / np.float32(255), -1, 0)
    bright = red_share * red + (1 - red_share - blue_share) * green + blue_share * blue
    differences = (blue - bright) / (2 * (1 - blue_share)), (red - bright) / (2 * (1 - red_share))
    return np.stack([16 + 219 * bright, 128 + 224 * differences[0], 128 + 224 * differences[1]], axis=-1).astype(np.float32)


def colour_in_planes(colour: Colour, matrix: Colorspace) -> tuple[int, int, int]:
    """Return a colour as `in_planes` does, in whole levels."""
    bright, blue, red = np.rint(in_planes(np.array(colour, np.float32), matrix)).astype(int).tolist()
    return bright, blue, red


def _frame(plane: Plane, left: int, top: int, right: int, bottom: int, thickness: int, value: int) -> None:
    """Four bars, the outer edges given, as far as they are inside of the plane."""
    height, width = plane.shape
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if right > left and bottom > top:
        inner_top, inner_bottom = min(top + thickness, bottom), max(bottom - thickness, top)
        plane[top:inner_top, left:right] = value
        plane[inner_bottom:bottom, left:right] = value
        plane[inner_top:inner_bottom, left : left + thickness] = value
        plane[inner_top:inner_bottom, max(right - thickness, left) : right] = value


def _smaller(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    return min(size[0], most[0]), min(size[1], most[1])


def _levels(values: NDArray[np.float32]) -> Plane:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
