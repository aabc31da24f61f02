"""
When each object was there: a page with one row for each, its picture, number and label, and bars over the video's time.

Where shots begin is marked by lines. Sizes are pixels; pages are (height, width, 3) RGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rendering.colours import ABSENT, MUTED, PAPER
from rendering.fonts import Typeface, line_of
from rendering.overlay import REGULAR, Caption, blend, chip, clock
from rendering.pages.cells import Picture, Size, blank, put
from rendering.presence import spans
from rendering.selection import ShownObject, label_key

WIDTH = 800
ROWS = 30  # of a page
THUMBNAIL: Size = (60, 40)
ROW = 46
HEAD = 40
MARGIN = 8
TEXT_PX = 21  # nine pixels where the page is shown 360 wide
AXIS_PX = 20
NUMBER_AT, LANE_AT = MARGIN + THUMBNAIL[0] + 8, 268
LANE = WIDTH - LANE_AT - 2 * MARGIN
BAR = 18
SHORTEST_BAR = 4
BY_LABEL_FROM = 13  # rows: fewer are in order of time
MOST_TICKS = 6
TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def in_rows(shown: Sequence[ShownObject]) -> list[list[ShownObject]]:
    """Return the objects page by page: in order of their first time, and where they are many those of a label together."""

    def first_s(one: ShownObject) -> float:
        return one.track.times.item(0)

    ordered = sorted(shown, key=lambda one: (first_s(one), one.number))
    if len(ordered) >= BY_LABEL_FROM:
        labels = list(dict.fromkeys(label_key(one.track.label) for one in ordered))
        ordered.sort(key=lambda one: labels.index(label_key(one.track.label)))
    return [ordered[start : start + ROWS] for start in range(0, len(ordered), ROWS)]


def draw_timeline(
    objects: Sequence[ShownObject],
    thumbnails: Sequence[Picture | None],
    *,
    duration_s: float,
    cuts_s: Sequence[float],
    typeface: Typeface,
) -> Picture:
    """Return a page: a row for each of `objects`, with its picture of size `THUMBNAIL`; `cuts_s` are where shots begin."""
    page = blank((WIDTH, HEAD + ROW * len(objects) + MARGIN))
    end_s = max(duration_s, max((one.track.times.item(-1) for one in objects), default=0.0), 0.001)
    _draw_axis(page, end_s, typeface)
    for cut_s in cuts_s:
        x = _x(cut_s, end_s)
        page[HEAD - 6 :, x : x + 2] = MUTED
    for row, (one, thumbnail) in enumerate(zip(objects, thumbnails, strict=True)):
        _draw_row(page, HEAD + row * ROW, one, thumbnail, end_s, typeface)
    return page


def _draw_row(page: Picture, top: int, one: ShownObject, thumbnail: Picture | None, end_s: float, typeface: Typeface) -> None:
    page[top + ROW - 1, MARGIN : WIDTH - MARGIN] = ABSENT
    if thumbnail is not None:
        put(page, thumbnail, (MARGIN, top + (ROW - THUMBNAIL[1]) // 2))
    number = chip(Caption(str(one.number), "", "", one.colour), round(TEXT_PX * 1.5), TEXT_PX, typeface)
    put(page, number, (NUMBER_AT, top + (ROW - number.shape[0]) // 2))
    text_at = NUMBER_AT + number.shape[1] + 8
    label = typeface.fitted(line_of(one.track.label) or "object", TEXT_PX, LANE_AT - 8 - text_at)
    written = typeface.coverage(label, TEXT_PX)
    blend(page, written, (text_at, top + (ROW - written.shape[0]) // 2), PAPER)
    middle = top + ROW // 2
    whole = one.track.segment
    page[middle - 1 : middle + 1, _x(whole.start_s, end_s) : _x(whole.end_s, end_s) + 1] = one.colour
    for span in spans(one.track):
        left = _x(span.start_s, end_s)
        right = max(_x(span.end_s, end_s) + 1, left + SHORTEST_BAR)
        page[middle - BAR // 2 : middle + BAR // 2, left : min(right, WIDTH - MARGIN)] = one.colour


def _draw_axis(page: Picture, end_s: float, typeface: Typeface) -> None:
    """Write times above the lane, with a thin line below each."""
    step_s = next((step for step in TICKS_S if end_s / step <= MOST_TICKS), end_s / MOST_TICKS)
    for tick_s in np.arange(0.0, end_s + step_s / 1000, step_s).tolist():
        x = _x(tick_s, end_s)
        page[HEAD - 6 :, x] = ABSENT
        text = clock(tick_s) if step_s >= 1 else f"{tick_s:.1f} s"
        written = typeface.coverage(text, AXIS_PX, weight=REGULAR)
        left = min(max(x - written.shape[1] // 2, LANE_AT - 20), WIDTH - written.shape[1])
        blend(page, written, (left, (HEAD - 6 - written.shape[0]) // 2), MUTED)


def _x(time_s: float, end_s: float) -> int:
    return LANE_AT + round(min(max(time_s / end_s, 0.0), 1.0) * LANE)
