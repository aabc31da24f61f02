"""
A GIF's canvas in palette indices: the picture, below it the strip with the caption and, beside a window, a small map.

The map is the whole picture as it was in the first frame, with a frame around what the window shows and a dot on the object.
Colours of the strip and the box have indices of their own, so that they are exact whatever the palette of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rendering.colours import INK, MUTED, PAPER, Colour, text_on
from rendering.fonts import Typeface
from rendering.gif.container import TRANSPARENT
from rendering.gif.palette import PICTURE_COLOURS, Lookup, cells_of
from rendering.gif.viewport import MAX_SIDE_PX
from rendering.overlay import Caption, draw_box, pixel_box, strip

STRIP_PX = 40
TALL_STRIP_PX = 58
NARROWEST_CANVAS_PX = 160
ONE_LINE_FROM_PX = 330

LINE_PX = 3
CASING_PX = 1
MAP_SHARE = 0.4
MAP_MARGIN_PX = 3

# The order of the overlay's colours after the picture's: `overlay_colours`.
INK_INDEX = PICTURE_COLOURS
LINE_INDEX = PICTURE_COLOURS + 1
PAPER_INDEX = PICTURE_COLOURS + 2

Fractions = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where things are in one GIF frame, in fractions.

    `box` of what is shown, None where the object is not in it; `window` and `dot` of the whole picture.
    """

    box: Fractions | None
    window: Fractions
    dot: tuple[float, float]


def overlay_colours(colour: Colour) -> NDArray[np.uint8]:
    """Return the colours of strip, box and letters for a label's colour, with blends for smooth edges: (N, 3), N <= 17."""
    blends = [(INK, PAPER, 5), (INK, MUTED, 4), (INK, colour, 3), (colour, text_on(colour), 4)]
    exact = [INK, colour, PAPER, MUTED]
    mixed = [np.array(a) + (np.array(b) - np.array(a)) * i / n for a, b, n in blends for i in range(1, n)]
    return np.round(np.array([*exact, *mixed], np.float64)).astype(np.uint8)


def full_palette(picture_palette: NDArray[np.uint8], colour: Colour) -> NDArray[np.uint8]:
    """Return the 256 colours of a file: the picture's, the overlay's, and one for transparency."""
    table = np.zeros((TRANSPARENT + 1, 3), np.uint8)
    table[: len(picture_palette)] = picture_palette
    overlay = overlay_colours(colour)
    table[PICTURE_COLOURS : PICTURE_COLOURS + len(overlay)] = overlay
    return table


def strip_height(width: int, *, has_map: bool) -> int:
    """Return how high the strip below a picture of `width` pixels is."""
    return TALL_STRIP_PX if has_map or width < ONE_LINE_FROM_PX else STRIP_PX


class Layout:
    """The canvas for pictures of one size (width, height); `overview` is the map's picture, RGB, None for no map."""

    def __init__(
        self, picture: tuple[int, int], caption: Caption, typeface: Typeface, overview: NDArray[np.uint8] | None = None
    ) -> None:
        self.picture = picture
        width = max(picture[0], min(NARROWEST_CANVAS_PX, MAX_SIDE_PX))
        height = strip_height(width, has_map=overview is not None)
        self.size = width, picture[1] + height
        self._left = (width - picture[0]) // 2
        self.overview: NDArray[np.uint8] | None = None
        self._overview_indices: NDArray[np.uint8] | None = None
        room = width
        if overview is not None:
            self.overview = _fitted(overview, (int(width * MAP_SHARE), height - 2 * MAP_MARGIN_PX))
            room -= self.overview.shape[1] + MAP_MARGIN_PX
        lines = 1 if height == STRIP_PX else 2
        self._background = np.full((self.size[1], width), INK_INDEX, np.uint8)
        self._background[picture[1] :, :room] = _in_overlay(
            strip(caption, (room, height), typeface, lines=lines), caption.colour
        )

    def keep_overview(self, indices: NDArray[np.uint8]) -> None:
        """The map in palette indices; to be set again where the palette changes."""
        self._overview_indices = indices

    def compose(self, picture: NDArray[np.uint8], place: Place) -> NDArray[np.uint8]:
        """Return the canvas with `picture` (H, W) indices and everything that is drawn at `place`."""
        canvas = self._background.copy()
        area = canvas[: self.picture[1], self._left : self._left + self.picture[0]]
        area[:] = picture
        box = pixel_box(place.box, self.picture) if place.box else None
        if box:
            width = LINE_PX if min(self.picture) >= 100 else 1
            draw_box(area, box, line=LINE_INDEX, casing=INK_INDEX, width=width, casing_width=CASING_PX)
        if self._overview_indices is not None:
            self._draw_map(canvas, self._overview_indices, place)
        return canvas

    def picture_of(self, canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the part of a canvas that holds the picture."""
        return canvas[: self.picture[1], self._left : self._left + self.picture[0]]

    def _draw_map(self, canvas: NDArray[np.uint8], overview: NDArray[np.uint8], place: Place) -> None:
        height, width = overview.shape
        top = self.picture[1] + (self.size[1] - self.picture[1] - height) // 2
        left = self.size[0] - width - MAP_MARGIN_PX
        area = canvas[top : top + height, left : left + width]
        area[:] = overview
        window = pixel_box(place.window, (width, height))
        if window:
            draw_box(area, window, line=PAPER_INDEX, casing=INK_INDEX, width=1, casing_width=1)
        x, y = round(place.dot[0] * width), round(place.dot[1] * height)
        area[max(y - 3, 0) : max(y + 3, 0), max(x - 3, 0) : max(x + 3, 0)] = INK_INDEX
        area[max(y - 2, 0) : max(y + 2, 0), max(x - 2, 0) : max(x + 2, 0)] = LINE_INDEX


def _fitted(picture: NDArray[np.uint8], room: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = min(room[0] / width, room[1] / height, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Averaging a large picture takes longer than all else here, and the map is too small to show the difference.
    skip = max(1, int(1 / scale / 4))
    picture = picture[::skip, ::skip]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8).reshape(size[1], size[0], 3)


def _in_overlay(rgb: NDArray[np.uint8], colour: Colour) -> NDArray[np.uint8]:
    """Return each pixel of a strip as the index of the overlay's nearest colour."""
    indices: NDArray[np.uint8] = Lookup(overlay_colours(colour)).indices(cells_of(rgb)) + np.uint8(PICTURE_COLOURS)
    return indices
