"""
The timeline of the sample clip: who is in it, where and when.

Two shots of a fixed camera: a street, then a park. Times are seconds from the first frame; places are pixels of the picture,
heights counted up from its bottom edge. Paths were laid so that people stay apart on the picture but for one meeting: in the
street a man passes behind a woman and her dog.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sample import figures
from sample.figures import Outfit
from sample.pen import Pen
from sample.scenery import HEIGHT, SIZE, Backdrop, paint_park, paint_street
from tracking.model import Annotations, BoundingBox, Segment, Track

FRAME_RATE_HZ = 20
SHOTS = (Segment(0.0, 8.0), Segment(8.0, 13.5))
DURATION_S = SHOTS[-1].end_s
PERFECT = 1.0
LEAST_VISIBLE = 0.3  # the share of an object that must be inside the picture to count as there
EASING_S = 0.18  # half of the time in which somebody stops or sets off

Figure = Callable[[Pen, float, float], None]  # draws at a phase (radians) and a pace (0 stands, 1 moves)


@dataclass(frozen=True, slots=True)
class Actor:
    """
    A person or thing that moves along a straight line.

    `path` is (time, x) in rising time; `turn_px` is the way that one turn of the phase takes; `ground` is where the feet are.
    """

    label: str
    shot: int
    ground: float
    unit_px: float
    path: tuple[tuple[float, float], ...]
    turn_px: float
    figure: Figure

    def x_at(self, time_s: float) -> float:
        """Return the position at one time, eased around stops; the line goes on before its first and after its last point."""
        return sum(self._straight(time_s + step * EASING_S / 2) for step in (-2, -1, 0, 1, 2)) / 5

    def draw(self, pen: Pen, time_s: float) -> None:
        x = self.x_at(time_s)
        facing = 1 if self.path[-1][1] > self.path[0][1] else -1
        usual = max(abs(b - a) / (t - s) for (s, a), (t, b) in itertools.pairwise(self.path))
        speed = abs(self.x_at(time_s + 0.1) - self.x_at(time_s - 0.1)) / 0.2
        phase = 2 * math.pi * facing * (x - self.path[0][1]) / self.turn_px
        self.figure(pen.placed(x, HEIGHT - self.ground, self.unit_px, facing), phase, min(1.0, speed / usual))

    def box_at(self, time_s: float) -> BoundingBox | None:
        """Return the box of what can be in the picture of it, clipped; None when too little is."""
        pen = Pen()
        self.draw(pen, time_s)
        box = pen.extent.as_box(SIZE)
        inside = box.clipped()
        return inside if inside.area >= LEAST_VISIBLE * box.area else None

    def _straight(self, time_s: float) -> float:
        pieces = list(itertools.pairwise(self.path))
        (start_s, start), (end_s, end) = next((piece for piece in pieces if time_s <= piece[1][0]), pieces[-1])
        return start + (time_s - start_s) * (end - start) / (end_s - start_s)


def _walker(shot: int, ground: float, height: float, path: tuple[tuple[float, float], ...], outfit: Outfit) -> Actor:
    def figure(pen: Pen, phase: float, pace: float) -> None:
        figures.draw_walker(pen, outfit, phase, pace=pace)

    return Actor("person", shot, ground, height, path, figures.STRIDE * height, figure)


def _runner(shot: int, ground: float, height: float, path: tuple[tuple[float, float], ...], outfit: Outfit) -> Actor:
    def figure(pen: Pen, phase: float, pace: float) -> None:
        figures.draw_walker(pen, outfit, phase, running=True, pace=pace)

    return Actor("person", shot, ground, height, path, figures.RUN_STRIDE * height, figure)


ACTORS = (
    _walker(
        0,
        8,
        98,
        ((0.0, 44.0), (8.0, 684.0)),
        Outfit((198, 66, 56), (52, 58, 84), style="bun", coat=0.15, hair=(62, 42, 38), carries="bag", accent=(240, 214, 160)),
    ),
    Actor(
        "dog",
        0,
        13,
        46,
        ((0.0, 122.0), (2.6, 322.0), (4.2, 456.0), (8.0, 770.0)),
        figures.TROT_STRIDE * 46,
        lambda pen, phase, pace: figures.draw_dog(pen, (134, 88, 62), phase),
    ),
    _walker(
        0,
        24,
        95,
        ((0.5, 686.0), (8.3, 22.0)),
        Outfit((58, 116, 148), (84, 74, 74), style="cap", carries="backpack", accent=(228, 158, 52), hair=(96, 62, 44)),
    ),
    _walker(
        0,
        208,
        60,
        ((0.0, 176.0), (3.5, 358.0), (6.2, 358.0), (8.0, 452.0)),
        Outfit((242, 202, 92), (74, 70, 84), style="hat", hair=(108, 78, 66), skin=(206, 152, 116), coat=0.1),
    ),
    _walker(
        0,
        204,
        60,
        ((4.4, 662.0), (8.0, 468.0)),
        Outfit((250, 246, 236), (58, 74, 112), style="long", hair=(168, 88, 44), carries="bag", accent=(206, 84, 72)),
    ),
    Actor(
        "car",
        0,
        167,
        122,
        ((0.3, 712.0), (3.1, -76.0)),
        2 * math.pi * figures.WHEEL_RADIUS * 122,
        lambda pen, phase, pace: figures.draw_car(pen, (214, 76, 62), phase),
    ),
    Actor(
        "car",
        0,
        126,
        138,
        ((4.3, -84.0), (7.4, 728.0)),
        2 * math.pi * figures.WHEEL_RADIUS * 138,
        lambda pen, phase, pace: figures.draw_car(pen, (62, 140, 146), phase, van=True),
    ),
    Actor(
        "duck",
        1,
        168,
        30,
        ((8.0, 92.0), (13.5, 222.0)),
        30.0,
        lambda pen, phase, pace: figures.draw_duck(pen, phase),
    ),
    Actor(
        "bicycle",
        1,
        88,
        100,
        ((8.6, 716.0), (11.8, -70.0)),
        2 * math.pi * figures.CYCLE_WHEEL_RADIUS * 100 * 1.6,
        lambda pen, phase, pace: figures.draw_cyclist(
            pen,
            Outfit((236, 128, 62), (58, 70, 104), style="cap", accent=(246, 236, 214), hair=(70, 46, 40)),
            (48, 124, 132),
            phase,
        ),
    ),
    _walker(
        1,
        58,
        68,
        ((8.0, 566.0), (13.5, 358.0)),
        Outfit(
            (96, 152, 190), (222, 106, 84), style="short", carries="balloon", accent=(222, 66, 66), hair=(126, 78, 42), head=0.1
        ),
    ),
    _runner(
        1,
        12,
        108,
        ((8.0, 408.0), (11.0, -78.0)),
        Outfit(
            (226, 96, 108), (48, 52, 74), style="bun", hair=(54, 38, 36), shoes=(250, 240, 220), skin=(168, 112, 82), coat=0.02
        ),
    ),
    Actor(
        "dog",
        1,
        7,
        58,
        ((10.6, -44.0), (13.2, 690.0)),
        figures.TROT_STRIDE * 58 * 1.6,
        lambda pen, phase, pace: figures.draw_dog(pen, (238, 226, 206), phase, collar=(60, 120, 150)),
    ),
)


@functools.cache
def backdrop_of(shot: int) -> Backdrop:
    """Return the backdrop of a shot."""
    return (paint_street, paint_park)[shot]()


def draw_frame(number: int) -> NDArray[np.uint8]:
    """Return the picture of one frame, (360, 640, 3) BGR."""
    time_s = number / FRAME_RATE_HZ
    shot = sum(time_s >= segment.end_s for segment in SHOTS[:-1])
    backdrop = backdrop_of(shot)
    canvas = backdrop.picture.copy()
    pen = Pen(canvas)
    fixtures_due = backdrop.fixtures is not None
    for actor in sorted(ACTORS, key=lambda actor: -actor.ground):
        if fixtures_due and actor.ground < backdrop.fixtures_ground:
            assert backdrop.fixtures is not None
            cv2.copyTo(backdrop.picture, backdrop.fixtures, canvas)
            fixtures_due = False
        if actor.shot == shot:
            actor.draw(pen, time_s)
    return np.asarray(cv2.resize(canvas, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def truth() -> Annotations:
    """Return every actor's true track, one observation per frame in which enough of it is inside the picture."""
    tracks: list[Track] = []
    for actor in ACTORS:
        segment = SHOTS[actor.shot]
        numbers = range(round(segment.start_s * FRAME_RATE_HZ), round(segment.end_s * FRAME_RATE_HZ))
        seen = [(n / FRAME_RATE_HZ, box) for n in numbers if (box := actor.box_at(n / FRAME_RATE_HZ)) is not None]
        times, boxes = zip(*seen, strict=True)
        track = Track(len(tracks), actor.label, PERFECT, np.array(times, np.float64), np.array(boxes, np.float32))
        tracks.append(track)
    return Annotations(tuple(tracks), SHOTS, segment=Segment(0.0, DURATION_S))
