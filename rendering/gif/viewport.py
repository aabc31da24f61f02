"""
What part of the picture a GIF shows: all of it when the object is large, otherwise a window that follows the object.

The window keeps its size, so that nothing pumps. It stands still as long as the object stays inside, and glides on when it
must: a standing camera is calmer to look at and a tenth of the bytes. Windows and boxes here are in pixels of the upright
picture, (N, 4) left, top, right, bottom, one for each GIF frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The GIF's limits, in pixels; the picture itself also has to leave room for the caption.
MAX_SIDE_PX = 480
MAX_ENLARGEMENT = 3.0

# About how many pixels a window is shown with, standing and gliding: what glides costs the most bytes by far.
WINDOW_PIXELS = 124_000
GLIDING_PIXELS = 86_000

# The shapes (width / height) that a window may take to suit its object.
NARROWEST, WIDEST = 0.8, 16 / 9

# An object that takes this share of a side of the picture is large: it is shown with all of it.
LARGE_SHARE = 0.6

# How much of the window's side the object should take, at most.
OBJECT_SHARE = 0.5
GLIDING_OBJECT_SHARE = 0.4

# A window is worth its loss of surroundings from this magnification on, compared with the whole picture.
MIN_GAIN = 1.5

# A standing window may be this much less magnified than one that follows closely.
STANDING_GAIN_SHARE = 0.5

# Room around all places of an object in a standing window, as a share of the object's size.
STANDING_MARGIN = 0.15

# Windows have sides of so many pixels, and rest on such a grid, so that they fall on whole pixels of a halved picture, too.
GRAIN_PX = 4

# The room to the window's edge that the camera tries to leave, as a share of the window's side.
MARGIN = 0.1

# How long a move of the camera takes to set in and to end.
EASE_S = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Viewport:
    """
    `windows` (N, 4) of the picture, each shown at `size` (width, height) pixels; `is_whole` where that is all of it.

    `glides` says whether the window ever moves.
    """

    size: tuple[int, int]
    windows: NDArray[np.float64]
    is_whole: bool

    @property
    def glides(self) -> bool:
        return bool((self.windows != self.windows[0]).any())


def whole_size(picture: tuple[int, int], *, max_height: int) -> tuple[int, int]:
    """Return the size at which a whole picture of (width, height) is shown: at most `MAX_SIDE_PX` by `max_height`."""
    width, height = picture
    scale = min(MAX_SIDE_PX / width, max_height / height, MAX_ENLARGEMENT)
    return max(1, round(width * scale)), max(1, round(height * scale))


def view_of(
    boxes: NDArray[np.float64], times_s: NDArray[np.float64], picture: tuple[int, int], *, max_height: int, whole_height: int
) -> Viewport:
    """
    Return how to show an object with `boxes` (N, 4) at `times_s` (N,) in a picture of (width, height) pixels.

    `max_height` bounds the shown height of a window, `whole_height` that of the whole picture.
    """
    width, height = picture
    whole = whole_size(picture, max_height=whole_height)
    whole_view = Viewport(whole, np.tile([0.0, 0.0, width, height], (len(boxes), 1)), is_whole=True)
    inside = np.clip(boxes, 0, [width, height, width, height])
    extent = np.maximum(np.percentile(inside[:, 2:] - inside[:, :2], 90, axis=0), 1.0)
    if float((extent / np.array(picture)).max()) >= LARGE_SHARE:
        return whole_view
    shape = float(np.clip(extent[0] / extent[1], NARROWEST, WIDEST))

    close = _sized(extent / OBJECT_SHARE, shape, WINDOW_PIXELS, picture, max_height)
    reach = np.array([*inside[:, :2].min(axis=0), *inside[:, 2:].max(axis=0)])
    roam = reach[2:] - reach[:2] + 2 * STANDING_MARGIN * extent
    standing = _sized(np.maximum(roam, extent / OBJECT_SHARE), shape, WINDOW_PIXELS, picture, max_height)
    whole_gain = whole[0] / width
    if standing.gain / whole_gain >= max(MIN_GAIN, STANDING_GAIN_SHARE * close.gain / whole_gain):
        corner = np.clip((reach[:2] + reach[2:] - standing.side) / 2, 0, np.array(picture) - standing.side)
        corner = corner // GRAIN_PX * GRAIN_PX
        return Viewport(standing.size, np.tile([*corner, *(corner + standing.side)], (len(boxes), 1)), is_whole=False)

    gliding = _sized(extent / GLIDING_OBJECT_SHARE, shape, GLIDING_PIXELS, picture, max_height)
    if gliding.gain / whole_gain < MIN_GAIN:
        return whole_view
    left = _path(inside[:, 0], inside[:, 2], gliding.side[0], width, times_s)
    top = _path(inside[:, 1], inside[:, 3], gliding.side[1], height, times_s)
    return Viewport(gliding.size, np.stack([left, top, left + gliding.side[0], top + gliding.side[1]], axis=1), is_whole=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A window of `side` (2,) pixels of the picture that is shown at `size`."""

    side: NDArray[np.float64]
    size: tuple[int, int]

    @property
    def gain(self) -> float:
        """Its magnification."""
        return float(self.size[0] / self.side[0])


def _sized(room: NDArray[np.float64], shape: float, pixels: int, picture: tuple[int, int], max_height: int) -> _Window:
    """Return a window of `shape` with `room` (2,) for its object, inside the picture and magnified 3x at most."""
    shown_width = min(MAX_SIDE_PX, (pixels * shape) ** 0.5, max_height * shape)
    wanted = max(room[0], room[1] * shape, shown_width / MAX_ENLARGEMENT)
    width = min(wanted, picture[0], picture[1] * shape)
    side = np.maximum(np.array([width, width / shape]) // GRAIN_PX * GRAIN_PX, 1.0)
    shown_width = min(shown_width, side[0] * MAX_ENLARGEMENT)
    return _Window(side, (max(1, round(shown_width)), max(1, round(shown_width * side[1] / side[0]))))


def _path(
    low: NDArray[np.float64], high: NDArray[np.float64], side: float, length: float, times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Return where a window of `side` starts along one axis of `length`, so that it holds low..high at each time: (N,).

    It rests as long as it can, and the moves between rests are eased.
    """
    margin = min(MARGIN * side, float(np.min(side - (high - low))) / 2)
    margin = max(margin, 0.0)
    earliest = np.clip(high + margin - side, 0, length - side)
    latest = np.clip(low - margin, 0, length - side)
    earliest, latest = np.minimum(earliest, latest), np.maximum(earliest, latest)
    centred = np.clip((low + high - side) / 2, 0, length - side)
    path = np.empty(low.size)
    start = 0
    while start < low.size:
        floor, ceiling, end = earliest[start], latest[start], start + 1
        while end < low.size and max(floor, earliest[end]) <= min(ceiling, latest[end]):
            floor, ceiling = max(floor, earliest[end]), min(ceiling, latest[end])
            end += 1
        path[start:end] = np.clip(np.mean(centred[start:end]), floor, ceiling)
        start = end
    eased = _eased(path, times_s)
    # Easing may be late for a quick object: it is never cut off where the window could hold it.
    return np.clip(eased, np.clip(high - side, 0, length - side), np.maximum(np.clip(low, 0, length - side), 0))


def _eased(path: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """`path` under a raised-cosine window of `EASE_S`; what rests for longer stays as it is."""
    if path.size < 3:
        return path
    step = (times_s[-1] - times_s[0]) / (path.size - 1)
    half = max(1, round(EASE_S / 2 / step)) if step > 0 else 1
    kernel = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(path, half, mode="edge")
    eased = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    # Rounding in the convolution would make a resting camera tremble.
    return np.round(eased, 3).astype(np.float64)
