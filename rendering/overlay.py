"""
What is drawn around and over pictures: the box, and the strip with the caption.

The caption lies on a dark strip of its own beside the picture, so that it covers nothing and can be read whatever the picture
holds. The box is a line in the label's colour with a dark casing, which shows on any background. `draw_box` works on RGB and on
palette indices alike; strips are RGB. Boxes given as fractions of the upright picture are clipped here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from rendering.colours import INK, MUTED, PAPER, Colour, text_on
from rendering.fonts import Typeface, line_of
from rendering.selection import ShownObject, whole_percent
from tracking.model import Segment, Track

PixelT = TypeVar("PixelT", bound=np.generic)

REGULAR = 500
_SMOOTHING = 4  # rounded corners are drawn this much larger, then averaged


@dataclass(frozen=True, slots=True)
class Caption:
    """What a caption says."""

    number: str
    label: str
    facts: str
    colour: Colour

    @classmethod
    def of(cls, shown: ShownObject, *, twin: int | None = None) -> Caption:
        """Return number, label, confidence and time span of an object; `twin` is the number of another with the same boxes."""
        label = name_of(shown.track.label)
        if twin is not None:
            label = f"{label} = {twin}"
        return cls(str(shown.number), label, facts_of(shown.track), shown.colour)


def name_of(label: str) -> str:
    """Return a label as it is written, "object" where nothing of it is left."""
    return line_of(label) or "object"


def facts_of(track: Track) -> str:
    """Return what a caption says of a track beside its label: the confidence, where it tells something, and when it is seen."""
    when = time_span(track.segment)
    return f"{whole_percent(track.confidence)}% · {when}" if track.is_named and track.confidence > 0 else when


def time_span(segment: Segment) -> str:
    """Return a stretch of time as people write it: "0:03-0:09" with a proper dash, one time where both are the same."""
    start, end = clock(segment.start_s), clock(segment.end_s)
    return start if start == end else f"{start}–{end}"


def pixel_box(box: Iterable[float], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """
    Return a box in fractions as left, top, right, bottom in whole pixels of a picture of (width, height), right and bottom
    outside.

    Clipped to the picture, one pixel large at least; None where nothing of it is inside.
    """
    left, top, right, bottom = (min(max(float(edge), 0.0), 1.0) * side for edge, side in zip(box, (*size, *size), strict=True))
    if right <= left or bottom <= top:
        return None
    x, y = min(round(left), size[0] - 1), min(round(top), size[1] - 1)
    return x, y, max(round(right), x + 1), max(round(bottom), y + 1)


def draw_box(
    canvas: NDArray[PixelT],
    box: tuple[int, int, int, int],
    *,
    line: ArrayLike,
    casing: ArrayLike,
    width: int,
    casing_width: int,
) -> None:
    """
    A frame on the edge of `box`: a line between two casings; around a box too small for that, all of it outside.

    `canvas` is (H, W) indices or (H, W, 3) RGB, `line` and `casing` one of its pixels; widths are in pixels.
    """
    small = min(box[2] - box[0], box[3] - box[1]) < 4 * width
    outside = width if small else (width + 1) // 2
    cased = width + (1 if small else 2) * casing_width
    _draw_frame(canvas, box, grow=outside + casing_width, thickness=cased, value=casing)
    _draw_frame(canvas, box, grow=outside, thickness=width, value=line)


def strip(caption: Caption, size: tuple[int, int], typeface: Typeface, *, lines: int) -> NDArray[np.uint8]:
    """
    Return the caption on its dark strip of (width, height) pixels, on one line or two: (height, width, 3) RGB.

    What does not fit is shortened: the label first, then the facts are left out.
    """
    width, height = size
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = INK
    pad = max(2, round(height * (0.16 if lines == 1 else 0.08)))
    row = (height - 2 * pad) if lines == 1 else round((height - 2 * pad) * 0.54)
    number = chip(caption, row, max(6, round(row * 0.74)), typeface)
    if number.shape[1] + 2 * pad > width:
        return canvas
    _paste(canvas, number, pad, pad)
    x = pad + number.shape[1] + max(3, row // 4)
    text_size = max(6, round(row * 0.78))
    facts_size = max(6, round(text_size * 0.84)) if lines == 1 else max(6, round((height - 2 * pad - row) * 0.78))
    label_room = width - x - pad
    facts_width = typeface.width(caption.facts, facts_size, weight=REGULAR)
    if lines == 1:
        if facts_width + typeface.width(caption.label[:5], text_size) + text_size <= label_room:
            label_room -= facts_width + text_size
            _write(canvas, caption.facts, (width - pad - facts_width, pad), row, facts_size, typeface, MUTED, REGULAR)
    else:
        facts = typeface.fitted(caption.facts, facts_size, width - 2 * pad, weight=REGULAR)
        _write(canvas, facts, (pad, pad + row), height - 2 * pad - row, facts_size, typeface, MUTED, REGULAR)
    label = typeface.fitted(caption.label, text_size, label_room)
    _write(canvas, label, (x, pad), row, text_size, typeface, PAPER, 700)
    return canvas


def chip(
    caption: Caption, height: int, size: int, typeface: Typeface, *, stretch: int = 100, rounded: bool = True
) -> NDArray[np.uint8]:
    """
    Return the number on a patch of the label's colour: (height, width, 3).

    Its digits are of `size`, and `stretch` percent as wide as usual. Outside of rounded corners is `INK`: over a picture, which
    would show that, none are asked for.
    """
    number = typeface.coverage(caption.number, size, stretch=stretch)
    width = max(height, number.shape[1] + round(height * 0.36))
    image = Image.new("L", (width * _SMOOTHING, height * _SMOOTHING))
    corner = round(height * 0.26 * _SMOOTHING) if rounded else 0
    ImageDraw.Draw(image).rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius=corner, fill=255)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = INK
    blend(canvas, np.asarray(image.resize((width, height), Image.Resampling.BOX)), (0, 0), caption.colour)
    place = (width - number.shape[1]) // 2, (height - number.shape[0]) // 2
    blend(canvas, number, place, text_on(caption.colour))
    return canvas


def blend(canvas: NDArray[np.uint8], coverage: NDArray[np.uint8], place: tuple[int, int], colour: Colour) -> None:
    """Paint `colour` where `coverage` (h, w) says, its upper left corner at `place` (x, y); clipped to `canvas` (H, W, 3)."""
    x, y = place
    top, left = max(-y, 0), max(-x, 0)
    coverage = coverage[top : top + max(canvas.shape[0] - max(y, 0), 0), left : left + max(canvas.shape[1] - max(x, 0), 0)]
    if not coverage.size:
        return
    target = canvas[max(y, 0) : max(y, 0) + coverage.shape[0], max(x, 0) : max(x, 0) + coverage.shape[1]]
    share = coverage[:, :, None].astype(np.float32) / 255
    target[:] = np.round(target + (np.array(colour, np.float32) - target) * share).astype(np.uint8)


def _write(
    canvas: NDArray[np.uint8],
    text: str,
    place: tuple[int, int],
    row: int,
    size: int,
    typeface: Typeface,
    colour: Colour,
    weight: int,
) -> None:
    """A line of text, centred in a row of the strip."""
    coverage = typeface.coverage(text, size, weight=weight)
    blend(canvas, coverage, (place[0], place[1] + (row - coverage.shape[0]) // 2), colour)


def _paste(canvas: NDArray[np.uint8], picture: NDArray[np.uint8], x: int, y: int) -> None:
    target = canvas[y : y + picture.shape[0], x : x + picture.shape[1]]
    target[:] = picture[: target.shape[0], : target.shape[1]]


def _draw_frame(
    canvas: NDArray[PixelT], box: tuple[int, int, int, int], *, grow: int, thickness: int, value: ArrayLike
) -> None:
    """Four bars whose outer edge lies `grow` pixels outside of `box`, but inside the canvas."""
    height, width = canvas.shape[:2]
    left, top = max(box[0] - grow, 0), max(box[1] - grow, 0)
    right, bottom = min(box[2] + grow, width), min(box[3] + grow, height)
    if right <= left or bottom <= top or thickness < 1:
        return
    canvas[top : min(top + thickness, bottom), left:right] = value
    canvas[max(bottom - thickness, top) : bottom, left:right] = value
    canvas[top:bottom, left : min(left + thickness, right)] = value
    canvas[top:bottom, max(right - thickness, left) : right] = value


def clock(time_s: float) -> str:
    """Return a time as people write it: minutes and seconds, hours where there are any."""
    minutes, seconds = divmod(int(max(time_s, 0.0) + 1e-6), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
