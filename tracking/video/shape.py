"""
From a picture as it is stored to the upright one with square pixels: what is cut off, turned, and put into a frame.

A video has one size, that of its first good picture. A recording that turns or changes its size midway is put into that frame
whole, with black beside it, and never squeezed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from tracking.video.colour import Converter, is_hdr, planes_of
from tracking.video.cropping import Crop

Size = tuple[int, int]  # width, height

# A picture whose shape differs from the frame's by no more than this is no other shape: sizes are whole numbers.
SAME_SHAPE = 0.02


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture becomes upright: transposed first, then flipped."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def after(cls, frame: av.VideoFrame, before: Orientation) -> Orientation:
        """
        Return how `frame` becomes upright, `before` being that of the picture shown before it.

        What one picture of a stream says holds until the next key frame (ITU-T H.264, D.2.27: display orientation). Where the
        container says it, each picture bears it.
        """
        # Not `frame.side_data`: that and the frame hold each other, so that both would stay until cycles are collected.
        side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # its stub has no constructor
        try:
            matrix = bytes(side_data[SideDataType.DISPLAYMATRIX])
        except KeyError:
            return cls() if frame.key_frame else before
        return _orientation(matrix)

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise, leaving out a mirror."""
        if not self.transpose:
            return 180 if self.flip_y else 0
        return 270 if not self.flip_y else 90

    @property
    def mirrored(self) -> bool:
        """Whether it is flipped beside being turned."""
        return (self.transpose + self.flip_x + self.flip_y) % 2 == 1

    def turned(self, size: Size) -> Size:
        """Return the size that a stored picture of `size` has when it is upright, and the other way round."""
        return size[::-1] if self.transpose else size

    def upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a stored (H, W, 3) picture, turned."""
        if self.transpose:
            pixels = pixels.swapaxes(0, 1)
        return np.ascontiguousarray(pixels[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1])

    def turn(self, stored: NDArray[np.uint8], upright: NDArray[np.uint8]) -> None:
        """Fill a plane (H, W) with a stored one, turned."""
        if self.transpose:
            stored = np.asarray(cv2.transpose(stored), np.uint8)
        upright[:] = stored[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


UPRIGHT = Orientation()


@lru_cache(maxsize=64)
def _orientation(matrix: bytes) -> Orientation:
    """Return the nearest quarter turn of a display matrix (ISO/IEC 14496-12, 6.2.2: rows a b u, c d v, x y w)."""
    numbers = np.frombuffer(matrix, np.int32)
    if numbers.size != 9:
        return UPRIGHT
    a, b, _, c, d = numbers[:5].astype(float)
    if max(abs(a), abs(d)) >= max(abs(b), abs(c)):
        return Orientation(flip_x=bool(a < 0), flip_y=bool(d < 0))
    return Orientation(transpose=True, flip_x=bool(c < 0), flip_y=bool(b < 0))


class Framing:
    """
    Puts the pictures of one video into a frame of one size.

    `stored` and `orientation` are those of its first good picture, which decides on the frame; `pixel_shape` is the width of a
    pixel by its height, `crop` what is to be cut off. `matrix` is that of its pictures in planes.
    """

    def __init__(
        self,
        stored: Size,
        orientation: Orientation,
        *,
        pixel_shape: Fraction | None,
        crop: Crop | None,
        matrix: Colorspace = Colorspace.ITU709,
    ) -> None:
        self._stored = stored
        self._pixel_shape = pixel_shape
        self._crop = crop
        self._converter = Converter()
        self.orientation = orientation
        self.matrix = matrix
        self.size = self.orientation.turned(self._square(self._stored))

    def pixels(
        self, frame: av.VideoFrame, orientation: Orientation, size: Size | None, order: Literal["rgb", "bgr"]
    ) -> NDArray[np.uint8]:
        """
        Return the upright picture at `size`, by default the frame's own, as (height, width, 3) uint8, contiguous.

        `orientation` is that of the picture.
        """
        width, height = size or self.size
        stored = frame.width, frame.height
        if stored == self._stored and orientation == self.orientation:
            return self._upright(frame, (width, height), orientation, order)
        own = orientation.turned(self._square(stored))
        scale = min(self.size[0] / own[0], self.size[1] / own[1])
        across, up = own[0] * scale / self.size[0], own[1] * scale / self.size[1]  # shares of the frame
        if min(across, up) >= 1 - SAME_SHAPE:
            return self._upright(frame, (width, height), orientation, order)
        inner = max(1, round(width * across)), max(1, round(height * up))
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        framed = np.zeros((height, width, 3), np.uint8)
        framed[top : top + inner[1], left : left + inner[0]] = self._upright(frame, inner, orientation, order)
        return framed

    def planar(self, frame: av.VideoFrame, orientation: Orientation, size: Size) -> av.VideoFrame:
        """
        Return the upright picture at `size`, which is even, in planes (4:2:0, 8 bits, video range, matrix `matrix`).

        It is the caller's own, to be drawn on. High dynamic range and odd shapes go by way of `pixels`.
        """
        stored = frame.width, frame.height
        is_usual = stored == self._stored and orientation == self.orientation and self._crop is None
        if not is_usual or is_hdr(frame):
            picture = av.VideoFrame.from_ndarray(self.pixels(frame, orientation, size, "rgb"), format="rgb24")
            return self._converter.planar(picture, size, self.matrix)
        source = self._converter.planar(frame, self.orientation.turned(size), self.matrix)
        upright = av.VideoFrame(*size, "yuv420p")
        for taken, given in zip(planes_of(upright), planes_of(source), strict=True):
            self.orientation.turn(given, taken)
        return upright

    def _square(self, stored: Size) -> Size:
        """Return the size of a stored picture with square pixels, after cutting."""
        if self._crop and stored == self._stored:
            stored = stored[0] - self._crop.left - self._crop.right, stored[1] - self._crop.top - self._crop.bottom
        return square_pixels(*stored, self._pixel_shape)

    def _upright(
        self, frame: av.VideoFrame, size: Size, orientation: Orientation, order: Literal["rgb", "bgr"]
    ) -> NDArray[np.uint8]:
        shown = orientation.turned(size)
        crop = self._crop
        if crop is None or (frame.width, frame.height) != self._stored:
            return orientation.upright(self._converter.pixels(frame, shown, order))
        # The whole picture at the scale of what is shown of it, then cut.
        scale_x = shown[0] / (frame.width - crop.left - crop.right)
        scale_y = shown[1] / (frame.height - crop.top - crop.bottom)
        left, top = round(crop.left * scale_x), round(crop.top * scale_y)
        whole = (
            max(round(frame.width * scale_x), left + shown[0]),
            max(round(frame.height * scale_y), top + shown[1]),
        )
        pixels = self._converter.pixels(frame, whole, order)
        return orientation.upright(pixels[top : top + shown[1], left : left + shown[0]])


def square_pixels(width: int, height: int, sample_aspect_ratio: Fraction | None) -> Size:
    """Return the size at which a stored picture has square pixels: the short way is stretched, nothing is lost. Pixels."""
    shape = sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 8) <= shape <= 8:
        return width, height
    if shape > 1:
        return max(1, round(width * shape)), height
    return width, max(1, round(height / shape))
