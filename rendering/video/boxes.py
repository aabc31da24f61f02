"""The boxes of the shown objects in one picture after the other, each with its number and label."""

from __future__ import annotations

from collections.abc import Sequence

from av.video.reformatter import Colorspace

from rendering.colours import INK
from rendering.fonts import Typeface, line_of
from rendering.overlay import Caption, chip, pixel_box
from rendering.presence import Presence
from rendering.selection import ShownObject
from rendering.video.planes import Canvas, Patch, Pen, Rectangle, colour_in_planes

LINE_SHARE = 230  # of the picture's smaller side
TEXT_SHARE = 42
LEAST_TEXT_PX = 11
MAX_LABEL_LETTERS = 24


class Boxes:
    """Draws objects into the pictures of one video of `size` (width, height); far ones first, captions over all boxes."""

    def __init__(self, shown: Sequence[ShownObject], size: tuple[int, int], matrix: Colorspace, typeface: Typeface) -> None:
        self._presence = Presence([one.track for one in shown])
        line = max(2, 2 * round(min(size) / LINE_SHARE / 2))
        casing, _, _ = colour_in_planes(INK, matrix)
        self._pens = [Pen(colour_in_planes(one.colour, matrix), casing, line, line // 2) for one in shown]
        text_px = max(LEAST_TEXT_PX, round(min(size) / TEXT_SHARE))
        self._captions = [_captions(one, text_px, matrix, typeface) for one in shown]

    def draw(self, canvas: Canvas, time_s: float) -> None:
        """Draw who is there at `time_s`."""
        found = [(box, place) for place, fractions in self._presence.at(time_s) if (box := pixel_box(fractions, canvas.size))]
        found.sort(key=lambda pair: pair[0][3])
        for box, place in found:
            canvas.draw_box(box, self._pens[place])
        for box, place in found:
            whole, number = self._captions[place]
            caption = whole if whole.size[0] <= max(box[2] - box[0], 2 * number.size[0]) else number
            canvas.put(caption, _above(box, caption, self._pens[place]))


def _captions(shown: ShownObject, text_px: int, matrix: Colorspace, typeface: Typeface) -> tuple[Patch, Patch]:
    """Number and label, and the number alone for a box that is too narrow for both."""
    height = round(text_px * 1.5) // 2 * 2
    label = (line_of(shown.track.label) or "object")[:MAX_LABEL_LETTERS]

    def patch(text: str) -> Patch:
        return Patch.of(chip(Caption(text, "", "", shown.colour), height, text_px, typeface, rounded=False), matrix)

    return patch(f"{shown.number} {label}"), patch(str(shown.number))


def _above(box: Rectangle, caption: Patch, pen: Pen) -> tuple[int, int]:
    """Return where a caption begins: above its box, inside of it where there is no room above."""
    out = pen.width // 2 + pen.casing_width
    above = box[1] - out - caption.size[1]
    return box[0] - out, above if above >= 0 else box[1] + out
