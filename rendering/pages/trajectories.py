"""
Where objects went: the paths of their boxes' centres over the shot's background, from dark to bright with the time.

A ring is where an object came in, an arrow where it went out. Sizes are pixels; pictures are (height, width, 3) RGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rendering.colours import INK, MUTED, PAPER, Colour
from rendering.fonts import Typeface
from rendering.overlay import REGULAR, Caption, blend, chip, clock
from rendering.pages.cells import Picture, Rectangle, blank, put, shared_area
from rendering.presence import spans
from rendering.selection import ShownObject
from tracking.model import Segment, Track

DIMMED, WASHED = 0.45, 60  # the background's contrast, and its darkest level: paths stand out on it
STEP_S = 0.1
TEXT_SHARE = 36  # of the picture's width
SHORTEST_WAY = 1.5  # line widths: what moves less is a ring alone
FIRST_COLOUR, LAST_COLOUR = 0.2, 1.0  # of the scale: its darkest part is lost on the background
SUBPIXEL = 4
RINGS = 4  # of places around a path's begin that are tried for its number


def draw_trajectories(
    background: Picture,
    objects: Sequence[ShownObject],
    shot: Segment,
    typeface: Typeface,
    *,
    without: str | None = None,
) -> Picture:
    """
    Return the background with the path of each object within `shot`, and a strip below it that explains the colours.

    `without` is why there are no paths.
    """
    height, width = background.shape[:2]
    text_px = max(11, round(width / TEXT_SHARE))
    strip = round(text_px * 2.2)
    page = blank((width, height + strip))
    picture = np.asarray(background * DIMMED + WASHED, np.uint8)
    if without is None:
        line = max(2, round(width / 320))
        paths = [(one, path) for one in objects for path in _paths(one.track, shot, (width, height))]
        taken: list[Rectangle] = []
        for _, path in paths:
            _draw_path(picture, path, shot, line)
        numbers = [_number(one, text_px, typeface) for one, _ in paths]
        for number, (_, path) in zip(numbers, paths, strict=True):
            taken.append(_place_beside(picture, number, path[0, 1:], 2 * line, taken))
        for (one, path), place in zip(paths, taken, strict=True):
            _lead(picture, path[0, 1:], place, one.colour)
        for number, (left, top, right, bottom) in zip(numbers, taken, strict=True):
            picture[top:bottom, left:right] = number[: picture.shape[0] - top, : picture.shape[1] - left]
    put(page, picture, (0, 0))
    _draw_scale(page[height:], shot, typeface, text_px, without)
    return page


def colour_at(share: float) -> Colour:
    """Return the colour of a time, `share` (0..1) of a shot: a scale that also reads without colours, from dark to bright."""
    level = round(255 * (FIRST_COLOUR + (LAST_COLOUR - FIRST_COLOUR) * min(max(share, 0.0), 1.0)))
    blue, green, red = cv2.applyColorMap(np.array([[level]], np.uint8), cv2.COLORMAP_VIRIDIS)[0, 0].tolist()
    return Colour(red, green, blue)


def _paths(track: Track, shot: Segment, size: tuple[int, int]) -> list[NDArray[np.float64]]:
    """Rows of time, x and y in pixels: one path for each stretch in which the object is there."""
    found = []
    for span in spans(track):
        start_s, end_s = max(span.start_s, shot.start_s), min(span.end_s, shot.end_s)
        if end_s >= start_s:
            times = np.linspace(start_s, end_s, max(2, round((end_s - start_s) / STEP_S) + 1))
            boxes = track.boxes_at(times).astype(np.float64)
            centres = (boxes[:, :2] + boxes[:, 2:]) / 2 * size
            found.append(np.column_stack([times, centres]))
    return found


def _draw_path(picture: Picture, path: NDArray[np.float64], shot: Segment, line: int) -> None:
    points = np.rint(path[:, 1:] * (1 << SUBPIXEL)).astype(np.int32)
    cv2.polylines(picture, [points.reshape(-1, 1, 2)], False, INK, line + 2, cv2.LINE_AA, SUBPIXEL)
    colours = [colour_at((time_s - shot.start_s) / max(shot.duration_s, 1e-6)) for time_s in path[:, 0].tolist()]
    for start, end, colour in zip(points[:-1].tolist(), points[1:].tolist(), colours[1:], strict=True):
        cv2.line(picture, start, end, colour, line, cv2.LINE_AA, SUBPIXEL)
    _circle(picture, points[0], line * 2 + 1, INK)
    _circle(picture, points[0], line * 2 - 1, colours[0])
    _circle(picture, points[0], line - 1, INK)
    way = path[-1, 1:] - _before_end(path, 4 * line)
    length = float(np.hypot(*way))
    if length > SHORTEST_WAY * line:
        _arrow(picture, path[-1, 1:], way / length, line * 3.5 + 1.5, INK)
        _arrow(picture, path[-1, 1:], way / length, line * 3.5 - 1, colours[-1])


def _before_end(path: NDArray[np.float64], way_px: float) -> NDArray[np.float64]:
    """Return a point of the path `way_px` before its end, its start where it is shorter: the arrow's direction."""
    away = np.hypot(*(path[:, 1:] - path[-1, 1:]).T)
    far = np.flatnonzero(away >= way_px)
    return np.asarray(path[far[-1] if far.size else 0, 1:], np.float64)


def _circle(picture: Picture, point: NDArray[np.int32], radius: int, colour: Colour) -> None:
    centre = int(point[0]), int(point[1])
    cv2.circle(picture, centre, max(radius, 1) << SUBPIXEL, colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL)


def _arrow(picture: Picture, tip: NDArray[np.float64], way: NDArray[np.float64], size: float, colour: Colour) -> None:
    across = np.array([-way[1], way[0]])
    corners = np.stack(
        [tip + way * size * 0.6, tip - way * size * 0.6 + across * size * 0.6, tip - way * size * 0.6 - across * size * 0.6]
    )
    cv2.fillConvexPoly(picture, np.rint(corners * (1 << SUBPIXEL)).astype(np.int32), colour, cv2.LINE_AA, SUBPIXEL)


def _number(one: ShownObject, text_px: int, typeface: Typeface) -> Picture:
    return chip(Caption(str(one.number), "", "", one.colour), round(text_px * 1.3), text_px, typeface, rounded=False)


def _lead(picture: Picture, point: NDArray[np.float64], place: Rectangle, colour: Colour) -> None:
    """Draw a thin line from where a path begins to its number, which may lie some way off."""
    ends = np.array([point, np.clip(point, place[:2], place[2:])])
    start, end = np.rint(ends * (1 << SUBPIXEL)).astype(np.int32).tolist()
    cv2.line(picture, start, end, INK, 3, cv2.LINE_AA, SUBPIXEL)
    cv2.line(picture, start, end, colour, 1, cv2.LINE_AA, SUBPIXEL)


def _place_beside(
    picture: Picture, patch: Picture, point: NDArray[np.float64], away: int, taken: Sequence[Rectangle]
) -> Rectangle:
    """Return where a patch near `point` hides the least of those that lie there already."""
    width, height = patch.shape[1], patch.shape[0]
    places: list[tuple[int, int, int, Rectangle]] = []
    for ring in range(RINGS):
        for across, down in ((1, -1), (-1, -1), (1, 1), (-1, 1)):
            x = point[0] + (away if across > 0 else -away - width) + across * ring * width
            for step in range(-ring, ring + 1):
                y = point[1] + (away if down > 0 else -away - height) + step * (height + 1)
                left = min(max(round(float(x)), 0), max(picture.shape[1] - width, 0))
                top = min(max(round(float(y)), 0), max(picture.shape[0] - height, 0))
                box = (left, top, left + width, top + height)
                places.append((sum(shared_area(box, other) for other in taken), ring, len(places), box))
    *_, place = min(places)
    return place


def _draw_scale(strip: Picture, shot: Segment, typeface: Typeface, text_px: int, note: str | None) -> None:
    """The shot's first and last time, and between them the colours; or why there are none."""
    height, width = strip.shape[:2]
    pad = text_px // 2
    start, end = (typeface.coverage(clock(time_s), text_px, weight=REGULAR) for time_s in shot)
    top = (height - start.shape[0]) // 2
    blend(strip, start, (pad, top), MUTED)
    blend(strip, end, (width - pad - end.shape[1], top), MUTED)
    left, right = 2 * pad + start.shape[1], width - 2 * pad - end.shape[1]
    if note is not None:
        fitted = typeface.fitted(note, text_px, max(right - left, 0))
        blend(strip, typeface.coverage(fitted, text_px), (left, top), PAPER)
    elif right > left:
        bar = np.array([colour_at(x / max(right - left - 1, 1)) for x in range(right - left)], np.uint8)
        strip[height // 2 - text_px // 4 : height // 2 + text_px // 4 + 1, left:right] = bar
