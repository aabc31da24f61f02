"""
Smooth flat shapes on a picture, and their extent.

Everything is given in a figure's own units: forward and up from the point where it touches the ground; `Pen.placed` says where
that is, how large a unit is and which way forward points. The canvas is drawn at `SUPERSAMPLING` times the picture's size and
scaled down later. Without a canvas a pen measures instead. Colours are red, green, blue; the canvas is in BGR order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.model import BoundingBox

Colour = tuple[int, int, int]
Point = tuple[float, float]

SUPERSAMPLING = 2
SUBPIXEL_BITS = 4
CURVE_STEPS = 6  # straight pieces between two points of a curve

_angles = np.linspace(0.0, 2 * math.pi, 36, endpoint=False)
UNIT_CIRCLE = np.stack([np.cos(_angles), np.sin(_angles)], axis=1)

# Weights of the four points around a piece of a curve, for each of its steps: (CURVE_STEPS, 4).
# Source: Catmull and Rom, A class of local interpolating splines, 1974.
_t = np.linspace(0.0, 1.0, CURVE_STEPS, endpoint=False)[:, None]
SPLINE = 0.5 * np.hstack([-_t + 2 * _t**2 - _t**3, 2 - 5 * _t**2 + 3 * _t**3, _t + 4 * _t**2 - 3 * _t**3, -(_t**2) + _t**3])


@dataclass(slots=True)
class Extent:
    """The bounding box of a figure, in pixels of the picture; empty while left > right."""

    left: float = math.inf
    top: float = math.inf
    right: float = -math.inf
    bottom: float = -math.inf

    def add(self, points: NDArray[np.float64], margin: float) -> None:
        self.left = min(self.left, float(points[:, 0].min()) - margin)
        self.top = min(self.top, float(points[:, 1].min()) - margin)
        self.right = max(self.right, float(points[:, 0].max()) + margin)
        self.bottom = max(self.bottom, float(points[:, 1].max()) + margin)

    def as_box(self, size: tuple[int, int]) -> BoundingBox:
        width, height = size
        return BoundingBox(self.left / width, self.top / height, self.right / width, self.bottom / height)


@dataclass(frozen=True, slots=True)
class Pen:
    """A pen with units of `unit_px` around `origin` (pixels of the picture); `facing` is 1 to the right, -1 to the left."""

    canvas: NDArray[np.uint8] | None = None
    origin: Point = (0.0, 0.0)
    unit_px: float = 1.0
    facing: int = 1
    extent: Extent = field(default_factory=Extent)

    def placed(self, x: float, y: float, unit_px: float, facing: int = 1) -> Pen:
        """Return a pen on the same canvas and extent at another position and scale; `x`, `y` are pixels of the picture."""
        return replace(self, origin=(x, y), unit_px=unit_px, facing=facing)

    def to_picture(self, points: Sequence[Point] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert figure units (N, 2) to pixels of the picture (N, 2)."""
        scale = np.array([self.unit_px * self.facing, -self.unit_px])
        return np.asarray(np.asarray(points, np.float64) * scale + self.origin)

    def polygon(self, points: Sequence[Point] | NDArray[np.float64], colour: Colour) -> None:
        pixels = self.to_picture(points)
        if self.canvas is None:
            self.extent.add(pixels, 0.0)
        else:
            cv2.fillPoly(self.canvas, [_fixed(pixels)], colour[::-1], cv2.LINE_AA, SUBPIXEL_BITS)

    def curve(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a closed smooth outline through `points`; a point given twice is a corner."""
        self.polygon(smooth(points), colour)

    def box(self, left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        self.polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        self.ellipse(centre, radius, radius, colour)

    def ellipse(self, centre: Point, across: float, up: float, colour: Colour, tilt: float = 0.0) -> None:
        """Fill an ellipse; `across` and `up` are half axes, `tilt` turns the front upward, in radians."""
        cosine, sine = math.cos(tilt), math.sin(tilt)
        axes = np.array([[across * cosine, across * sine], [-up * sine, up * cosine]])
        self.polygon(UNIT_CIRCLE @ axes + centre, colour)

    def limb(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line with round ends and joints, `width` units thick."""
        pixels = self.to_picture(points)
        width_px = width * self.unit_px
        if self.canvas is None:
            self.extent.add(pixels, width_px / 2)
        else:
            thickness = max(1, round(width_px * SUPERSAMPLING))
            cv2.polylines(self.canvas, [_fixed(pixels)], False, colour[::-1], thickness, cv2.LINE_AA, SUBPIXEL_BITS)

    def shade(self, centre: Point, across: float, up: float, strength: float) -> None:
        """Darken a soft ellipse, as a shadow on the ground; it does not count as part of the figure."""
        if self.canvas is None:
            return
        x, y = self.to_picture([centre])[0] * SUPERSAMPLING
        half_width = round(across * self.unit_px * SUPERSAMPLING)
        half_height = round(up * self.unit_px * SUPERSAMPLING)
        left, top = round(x) - half_width, round(y) - half_height
        height, width = self.canvas.shape[:2]
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + 2 * half_width, width), min(top + 2 * half_height, height)
        if x0 >= x1 or y0 >= y1:
            return
        columns = (np.arange(x0, x1) - left + 0.5) / half_width - 1
        rows = (np.arange(y0, y1) - top + 0.5) / half_height - 1
        fall = np.clip(1.15 - np.hypot(columns[None, :], rows[:, None]), 0.0, 1.0) ** 1.5
        region = self.canvas[y0:y1, x0:x1]
        region[:] = region * (1 - strength * np.minimum(fall, 1.0)[..., None])


def smooth(points: Sequence[Point]) -> NDArray[np.float64]:
    """Return a closed curve through `points` as a polygon (N, 2); a point given twice is a corner."""
    ring = np.array([points[-1], *points, *points[:2]], np.float64)
    count = len(points)
    neighbours = np.stack([ring[k : k + count] for k in range(4)], axis=1)
    pieces = SPLINE @ neighbours
    for corner in range(count):
        if points[corner] == points[(corner + 1) % count]:
            pieces[corner] = points[corner]
    return np.asarray(pieces.reshape(-1, 2))


def toned(colour: Colour, factor: float) -> Colour:
    """Return a colour darkened (factors below 1) or lightened towards white (above 1)."""
    if factor <= 1:
        red, green, blue = (round(channel * factor) for channel in colour)
    else:
        red, green, blue = (round(channel + (255 - channel) * (factor - 1)) for channel in colour)
    return red, green, blue


def _fixed(pixels: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return pixels of the picture as OpenCV's fixed-point numbers on the canvas, whose pixel centres are whole numbers."""
    on_canvas = pixels * SUPERSAMPLING - 0.5
    return np.rint(on_canvas * (1 << SUBPIXEL_BITS)).astype(np.int32)
