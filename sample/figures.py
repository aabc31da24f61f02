"""
The people, animals and vehicles of the sample clip, each drawn with a `Pen` at one moment of its movement.

A person's unit is the body height, a car's, a dog's and a bicycle's the length. `phase` is the angle of the walk, trot or
crank in radians; the caller derives it from the distance covered, so that feet do not slide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sample.pen import Colour, Pen, Point, toned

STRIDE = 0.86  # a walker's way per turn of `phase`, in body heights
RUN_STRIDE = 1.35
TROT_STRIDE = 0.95  # a dog's, in body lengths
WHEEL_RADIUS = 0.078  # a car's, in lengths
CYCLE_WHEEL_RADIUS = 0.195  # a bicycle's, in lengths

THIGH, SHIN, FOOT = 0.25, 0.235, 0.035


@dataclass(frozen=True, slots=True)
class Outfit:
    """A person's clothes and colours; `coat` is how far the top reaches below the hip, in body heights."""

    top: Colour
    legs: Colour
    shoes: Colour = (58, 48, 52)
    skin: Colour = (236, 188, 152)
    hair: Colour = (72, 48, 40)
    style: str = "short"  # "short", "bun", "long", "hat" or "cap"
    coat: float = 0.04
    accent: Colour = (240, 236, 224)
    carries: str = ""  # "", "backpack", "bag" or "balloon"
    head: float = 0.074  # radius; larger for a child


def draw_walker(pen: Pen, outfit: Outfit, phase: float, *, running: bool = False, pace: float = 1.0) -> None:
    """Draw a person from the side; `pace` 0 stands, 1 walks, and between is the step from one to the other."""
    pen.shade((0.02, 0.0), 0.24, 0.05, 0.34)
    lift = (0.62 if running else 0.42) * pace
    legs = [_leg(phase + turn, lift, running=running, pace=pace) for turn in (math.pi, 0.0)]
    hip_y = max(FOOT - min(y for _, y in leg) for leg in legs) + (0.03 * abs(math.cos(phase)) if running else 0.0)
    lean = (0.09 if running else 0.025) * pace
    shoulder = (lean, hip_y + 0.3)
    swing = (0.85 if running else 0.5) * pace
    elbow = 1.5 if running else 0.35
    if outfit.carries == "balloon":
        _balloon(pen, (shoulder[0] + 0.2, hip_y + 0.22), outfit.accent, phase)
    _arm(pen, shoulder, -swing * math.sin(phase + math.pi), elbow, toned(outfit.top, 0.72), toned(outfit.skin, 0.85))
    for leg, tone in zip(legs, (0.76, 1.0), strict=True):
        hip, knee, ankle = ((x, y + hip_y) for x, y in leg)
        pen.limb([hip, knee], 0.088, toned(outfit.legs, tone))
        pen.limb([knee, ankle], 0.066, toned(outfit.legs, tone))
        angle = 0.55 * math.atan2(ankle[0] - knee[0], knee[1] - ankle[1])
        toe = (ankle[0] + 0.075 * math.cos(angle), max(ankle[1] + 0.075 * math.sin(angle), FOOT) - 0.012)
        pen.limb([(ankle[0] - 0.012, ankle[1] - 0.012), toe], 0.05, toned(outfit.shoes, tone))
    if outfit.carries == "backpack":
        pen.curve(
            [
                (lean - 0.19, hip_y + 0.26),
                (lean - 0.18, hip_y + 0.07),
                (lean - 0.06, hip_y + 0.05),
                (lean - 0.05, hip_y + 0.28),
            ],
            outfit.accent,
        )
        pen.limb([(lean - 0.17, hip_y + 0.13), (lean - 0.09, hip_y + 0.12)], 0.018, toned(outfit.accent, 0.8))
    _torso(pen, outfit, shoulder, hip_y, sway=0.02 * pace * math.sin(2 * phase))
    _head(pen, outfit, (shoulder[0] + lean * 0.4 + 0.008, shoulder[1] + 0.042 + outfit.head))
    swinging = swing * 0.25 if outfit.carries == "bag" else swing
    bent, reach = (0.9, 0.7) if outfit.carries == "balloon" else (elbow, -swinging * math.sin(phase))
    hand = _arm(pen, (shoulder[0] - 0.012, shoulder[1] - 0.02), reach, bent, toned(outfit.top, 0.9), outfit.skin)
    if outfit.carries == "bag":
        pen.limb([hand, (hand[0] + 0.005, hand[1] - 0.05)], 0.014, toned(outfit.accent, 0.7))
        pen.curve(
            [
                (hand[0] - 0.06, hand[1] - 0.05),
                (hand[0] + 0.07, hand[1] - 0.05),
                (hand[0] + 0.08, hand[1] - 0.16),
                (hand[0] - 0.07, hand[1] - 0.16),
            ],
            outfit.accent,
        )


def _leg(phase: float, lift: float, *, running: bool, pace: float) -> tuple[Point, Point, Point]:
    """Return hip, knee and ankle, the hip at the origin; the foot swings forward while the cosine of the phase is positive."""
    thigh = lift * math.sin(phase) + (0.12 * pace if running else 0.0)
    flex = (0.1 + (1.25 if running else 0.85) * max(0.0, math.cos(phase - 0.25)) ** 2) * pace
    upper, lower = thigh + 0.42 * flex, thigh - 0.58 * flex
    knee = (THIGH * math.sin(upper), -THIGH * math.cos(upper))
    return (0.0, 0.0), knee, (knee[0] + SHIN * math.sin(lower), knee[1] - SHIN * math.cos(lower))


def _arm(pen: Pen, shoulder: Point, angle: float, bend: float, sleeve: Colour, skin: Colour) -> Point:
    """Draw upper arm and forearm, hanging at `angle` from straight down, and return the hand's position."""
    upper = angle - 0.12
    elbow = (shoulder[0] + 0.15 * math.sin(upper), shoulder[1] - 0.15 * math.cos(upper))
    fore = upper + bend
    hand = (elbow[0] + 0.14 * math.sin(fore), elbow[1] - 0.14 * math.cos(fore))
    pen.disc(hand, 0.027, skin)
    wrist = (elbow[0] + 0.115 * math.sin(fore), elbow[1] - 0.115 * math.cos(fore))
    pen.limb([shoulder, elbow, wrist], 0.062, sleeve)
    return hand


def _torso(pen: Pen, outfit: Outfit, shoulder: Point, hip_y: float, *, sway: float) -> None:
    x, y = shoulder
    hem = hip_y - outfit.coat
    flare = 0.25 * outfit.coat
    pen.limb([(x, y - 0.02), (x + 0.01, y + 0.07)], 0.055, toned(outfit.skin, 0.88))
    outline: list[Point] = [
        (x - 0.055, y + 0.025),
        (x + 0.05, y + 0.025),
        (x + 0.088, y - 0.07),
        (x * 0.5 + 0.075, hip_y + 0.08),
        (0.078 + flare + sway, hem),
        (0.078 + flare + sway, hem),
        (-0.08 - flare + sway, hem),
        (-0.08 - flare + sway, hem),
        (x * 0.5 - 0.07, hip_y + 0.09),
        (x - 0.085, y - 0.06),
    ]
    pen.curve(outline, outfit.top)
    back: list[Point] = [
        (x - 0.055, y + 0.02),
        (x - 0.03, y - 0.06),
        (-0.03, hip_y + 0.08),
        (-0.04 - flare + sway, hem),
        (-0.08 - flare + sway, hem),
        (-0.08 - flare + sway, hem),
        (x * 0.5 - 0.07, hip_y + 0.09),
        (x - 0.085, y - 0.06),
    ]
    pen.curve(back, toned(outfit.top, 0.88))


def _head(pen: Pen, outfit: Outfit, centre: Point) -> None:
    x, y = centre
    r = outfit.head
    if outfit.style == "long":
        pen.curve(
            [
                (x - 0.9 * r, y + 0.9 * r),
                (x + 0.3 * r, y + 1.0 * r),
                (x - 0.1 * r, y - 1.7 * r),
                (x - 1.5 * r, y - 1.8 * r),
                (x - 1.3 * r, y - 0.2 * r),
            ],
            toned(outfit.hair, 0.88),
        )
    pen.ellipse((x, y), r * 0.92, r, outfit.skin)
    pen.polygon([(x + 0.8 * r, y + 0.25 * r), (x + 1.12 * r, y - 0.12 * r), (x + 0.8 * r, y - 0.25 * r)], outfit.skin)
    pen.disc((x + 0.5 * r, y + 0.12 * r), 0.1 * r, (70, 50, 48))
    pen.disc((x + 0.45 * r, y - 0.28 * r), 0.2 * r, toned(outfit.skin, 0.9))
    if outfit.style == "hat":
        pen.curve(
            [
                (x - 0.95 * r, y + 0.35 * r),
                (x - 0.8 * r, y + 1.35 * r),
                (x + 0.75 * r, y + 1.35 * r),
                (x + 0.85 * r, y + 0.45 * r),
            ],
            outfit.hair,
        )
        pen.limb([(x - 1.35 * r, y + 0.36 * r), (x + 1.35 * r, y + 0.5 * r)], 0.24 * r, toned(outfit.hair, 0.85))
        pen.limb([(x - 0.82 * r, y + 0.62 * r), (x + 0.8 * r, y + 0.74 * r)], 0.2 * r, outfit.accent)
        pen.curve(
            [
                (x - 0.95 * r, y + 0.4 * r),
                (x - 0.3 * r, y + 0.35 * r),
                (x - 0.5 * r, y - 0.45 * r),
                (x - 0.95 * r, y - 0.4 * r),
            ],
            toned(outfit.skin, 0.62),
        )
        return
    pen.curve(
        [
            (x + 0.72 * r, y + 0.62 * r),
            (x + 0.2 * r, y + 1.14 * r),
            (x - 0.55 * r, y + 1.08 * r),
            (x - 1.08 * r, y + 0.3 * r),
            (x - 0.98 * r, y - 0.6 * r),
            (x - 0.45 * r, y - 0.5 * r),
            (x - 0.3 * r, y + 0.25 * r),
            (x + 0.2 * r, y + 0.5 * r),
        ],
        outfit.hair,
    )
    pen.disc((x - 0.2 * r, y - 0.08 * r), 0.17 * r, toned(outfit.skin, 0.92))
    if outfit.style == "bun":
        pen.disc((x - 0.85 * r, y + 1.0 * r), 0.42 * r, outfit.hair)
    if outfit.style == "cap":
        pen.curve(
            [
                (x - 1.05 * r, y + 0.35 * r),
                (x - 0.5 * r, y + 1.15 * r),
                (x + 0.5 * r, y + 1.1 * r),
                (x + 0.9 * r, y + 0.45 * r),
            ],
            outfit.accent,
        )
        pen.limb([(x + 0.6 * r, y + 0.45 * r), (x + 1.5 * r, y + 0.36 * r)], 0.18 * r, toned(outfit.accent, 0.8))


def _balloon(pen: Pen, hand: Point, colour: Colour, phase: float) -> None:
    drift = 0.03 * math.sin(phase * 0.5)
    x, y = hand[0] - 0.05 + drift, hand[1] + 0.95
    pen.limb([hand, (hand[0] + 0.02, hand[1] + 0.35), (x, y - 0.2)], 0.012, (250, 246, 236))
    pen.curve(
        [(x, y + 0.2), (x + 0.165, y + 0.06), (x + 0.1, y - 0.12), (x, y - 0.2), (x - 0.1, y - 0.12), (x - 0.165, y + 0.06)],
        colour,
    )
    pen.polygon([(x - 0.03, y - 0.225), (x + 0.03, y - 0.225), (x, y - 0.18)], toned(colour, 0.8))
    pen.ellipse((x - 0.065, y + 0.09), 0.028, 0.05, toned(colour, 1.55), 0.5)


def draw_car(pen: Pen, paint: Colour, phase: float, *, van: bool = False) -> None:
    """Draw a small car or a delivery van from the side; `phase` turns the wheels."""
    pen.shade((0.0, 0.012), 0.6, 0.085, 0.5)
    glass: Colour = (92, 128, 146)
    dark = toned(paint, 0.8)
    roof = 0.5 if van else 0.4
    if van:
        outline: list[Point] = [
            (-0.49, 0.07),
            (-0.49, 0.07),
            (-0.5, 0.3),
            (-0.49, 0.475),
            (-0.46, roof),
            (-0.2, roof + 0.005),
            (0.13, roof),
            (0.19, 0.485),
        ]
        outline += [(0.32, 0.31), (0.44, 0.275), (0.49, 0.22), (0.5, 0.1), (0.49, 0.07), (0.49, 0.07)]
    else:
        outline = [
            (-0.49, 0.07),
            (-0.49, 0.07),
            (-0.5, 0.17),
            (-0.475, 0.255),
            (-0.41, 0.33),
            (-0.35, 0.385),
            (-0.2, roof),
            (0.0, 0.395),
        ]
        outline += [(0.1, 0.355), (0.23, 0.265), (0.4, 0.235), (0.475, 0.19), (0.5, 0.12), (0.49, 0.07), (0.49, 0.07)]
    pen.curve(outline, paint)
    pen.polygon([(-0.492, 0.07), (0.492, 0.07), (0.496, 0.13), (-0.497, 0.15)], dark)
    if van:
        pen.polygon([(0.06, 0.3), (0.06, 0.45), (0.155, 0.45), (0.285, 0.3)], glass)
        pen.polygon([(0.09, 0.3), (0.15, 0.45), (0.17, 0.438), (0.13, 0.3)], toned(glass, 1.35))
        pen.limb([(0.03, 0.1), (0.03, 0.46)], 0.006, dark)
        pen.limb([(-0.46, 0.285), (0.0, 0.285)], 0.05, toned(paint, 1.6))
        pen.disc((-0.23, 0.39), 0.052, toned(paint, 1.6))
        pen.curve([(-0.26, 0.385), (-0.23, 0.42), (-0.2, 0.385), (-0.23, 0.362)], dark)
    else:
        pen.curve(
            [
                (-0.385, 0.262),
                (-0.385, 0.262),
                (-0.34, 0.35),
                (-0.2, 0.376),
                (-0.165, 0.376),
                (-0.165, 0.376),
                (-0.165, 0.262),
                (-0.165, 0.262),
            ],
            glass,
        )
        pen.curve(
            [
                (-0.135, 0.262),
                (-0.135, 0.262),
                (-0.135, 0.376),
                (-0.135, 0.376),
                (-0.01, 0.37),
                (0.08, 0.332),
                (0.17, 0.262),
                (0.17, 0.262),
            ],
            glass,
        )
        pen.polygon([(-0.09, 0.262), (-0.04, 0.37), (0.005, 0.365), (-0.035, 0.262)], toned(glass, 1.35))
        pen.disc((0.0, 0.3), 0.032, (70, 66, 74))
        pen.limb([(-0.15, 0.09), (-0.15, 0.255)], 0.006, dark)
        pen.limb([(-0.12, 0.215), (-0.08, 0.215)], 0.011, dark)
    pen.ellipse((0.475, 0.17), 0.022, 0.026, (255, 240, 190))
    pen.box(-0.498, 0.18, -0.478, 0.23, (206, 60, 52))
    pen.limb([(-0.48, 0.08), (0.485, 0.08)], 0.022, (74, 76, 86))
    for x in (-0.3, 0.3):
        pen.disc((x, WHEEL_RADIUS + 0.005), WHEEL_RADIUS * 1.18, toned(paint, 0.62))
        pen.disc((x, WHEEL_RADIUS), WHEEL_RADIUS, (52, 52, 60))
        pen.disc((x, WHEEL_RADIUS), WHEEL_RADIUS * 0.62, (196, 200, 204))
        for spoke in range(5):
            angle = -phase + spoke * 2 * math.pi / 5
            rim = (x + 0.56 * WHEEL_RADIUS * math.cos(angle), WHEEL_RADIUS + 0.56 * WHEEL_RADIUS * math.sin(angle))
            pen.limb([(x, WHEEL_RADIUS), rim], 0.016, (128, 134, 142))
        pen.disc((x, WHEEL_RADIUS), WHEEL_RADIUS * 0.2, (96, 100, 108))


def draw_dog(pen: Pen, coat: Colour, phase: float, *, collar: Colour = (204, 64, 56)) -> None:
    """Draw a dog at a trot: diagonal legs move together."""
    pen.shade((0.0, 0.01), 0.55, 0.08, 0.34)
    bob = 0.02 * abs(math.sin(phase))
    y = 0.42 + bob
    for x, turn, tone in ((-0.27, math.pi, 0.74), (0.24, 0.0, 0.74), (-0.23, 0.0, 0.92), (0.28, math.pi, 0.92)):
        swing = 0.55 * math.sin(phase + turn)
        bend = 0.7 * max(0.0, math.cos(phase + turn))
        knee = (x + 0.17 * math.sin(swing + 0.3 * bend), y - 0.04 - 0.17 * math.cos(swing + 0.3 * bend))
        paw = (knee[0] + 0.2 * math.sin(swing - bend), max(knee[1] - 0.2 * math.cos(swing - bend), 0.03))
        pen.limb([(x, y), knee], 0.12, toned(coat, tone))
        pen.limb([knee, paw], 0.075, toned(coat, tone))
        pen.limb([paw, (paw[0] + 0.04, paw[1])], 0.06, toned(coat, tone * 1.04))
    wag = 0.25 * math.sin(2.2 * phase)
    pen.limb([(-0.34, y + 0.08), (-0.46, y + 0.2), (-0.5 - 0.1 * wag, y + 0.33)], 0.07, toned(coat, 0.9))
    pen.curve(
        [
            (-0.37, y + 0.1),
            (-0.2, y + 0.15),
            (0.1, y + 0.13),
            (0.33, y + 0.19),
            (0.4, y + 0.02),
            (0.28, y - 0.13),
            (0.0, y - 0.09),
            (-0.2, y - 0.06),
            (-0.38, y - 0.08),
        ],
        coat,
    )
    nod = 0.015 * math.sin(2 * phase)
    head = (0.45, y + 0.34 + nod)
    pen.curve([(0.22, y + 0.16), (0.36, y + 0.4 + nod), (0.52, y + 0.3 + nod), (0.42, y + 0.02)], coat)
    pen.limb([(0.3, y + 0.17), (0.45, y + 0.13)], 0.045, collar)
    pen.ellipse(head, 0.135, 0.12, coat, -0.2)
    pen.limb([(head[0] + 0.06, head[1] - 0.03), (head[0] + 0.2, head[1] - 0.06)], 0.105, toned(coat, 1.12))
    pen.disc((head[0] + 0.245, head[1] - 0.035), 0.03, (48, 38, 40))
    pen.disc((head[0] + 0.06, head[1] + 0.035), 0.02, (48, 38, 40))
    pen.curve(
        [
            (head[0] - 0.02, head[1] + 0.11),
            (head[0] - 0.13, head[1] + 0.1),
            (head[0] - 0.18, head[1] - 0.09),
            (head[0] - 0.08, head[1] - 0.1),
        ],
        toned(coat, 0.7),
    )


def draw_cyclist(pen: Pen, outfit: Outfit, frame: Colour, phase: float) -> None:
    """Draw a rider on a bicycle; `phase` turns wheels and cranks."""
    pen.shade((0.0, 0.01), 0.56, 0.06, 0.36)
    r = CYCLE_WHEEL_RADIUS
    rear, front, crank = (-0.3, r), (0.3, r), (-0.04, r * 0.95)
    saddle, bar = (-0.13, 0.5), (0.21, 0.54)
    hip, shoulder = (-0.13, 0.56), (0.07, 0.86)
    for turn, tone in ((math.pi, 0.74), (0.0, 1.0)):
        if turn == 0.0:
            for hub in (rear, front):
                _cycle_wheel(pen, hub, phase)
            steel = [
                (rear, crank),
                (crank, (0.2, 0.45)),
                ((0.2, 0.45), (-0.11, 0.44)),
                ((-0.11, 0.44), crank),
                ((-0.11, 0.44), rear),
            ]
            for start, end in [*steel, ((0.19, 0.49), front), (bar, (0.19, 0.49))]:
                pen.limb([start, end], 0.026, frame)
            pen.limb([(-0.12, 0.44), saddle], 0.02, (72, 72, 80))
            pen.limb([(-0.19, 0.5), (-0.07, 0.5)], 0.035, (58, 50, 52))
            pen.limb([bar, (0.27, 0.55), (0.25, 0.49)], 0.022, (72, 72, 80))
            pen.disc(crank, 0.045, (86, 88, 96))
        angle = -phase + turn
        pedal = (crank[0] + 0.09 * math.cos(angle), crank[1] + 0.09 * math.sin(angle))
        pen.limb([crank, pedal], 0.02, (86, 88, 96))
        knee = _bent(hip, (pedal[0] - 0.015, pedal[1] + 0.04), 0.235, 0.245)
        pen.limb([hip, knee], 0.1, toned(outfit.legs, tone))
        pen.limb([knee, (pedal[0] - 0.015, pedal[1] + 0.045)], 0.068, toned(outfit.legs, tone))
        pen.limb([(pedal[0] - 0.03, pedal[1] + 0.025), (pedal[0] + 0.05, pedal[1] + 0.02)], 0.045, toned(outfit.shoes, tone))
    pen.curve([(-0.2, 0.53), (-0.14, 0.7), (0.0, 0.89), (0.1, 0.88), (0.13, 0.78), (0.0, 0.63), (-0.06, 0.52)], outfit.top)
    pen.curve([(-0.2, 0.53), (-0.14, 0.7), (0.0, 0.89), (0.02, 0.8), (-0.08, 0.66), (-0.12, 0.53)], toned(outfit.top, 0.88))
    pen.limb([shoulder, (0.14, 0.68), (0.23, 0.575)], 0.064, toned(outfit.top, 0.9))
    pen.disc((0.245, 0.565), 0.028, outfit.skin)
    pen.limb([(0.08, 0.86), (0.12, 0.93)], 0.055, toned(outfit.skin, 0.88))
    _head(pen, outfit, (0.145, 0.985))


def _cycle_wheel(pen: Pen, hub: Point, phase: float) -> None:
    rim = [
        (
            hub[0] + CYCLE_WHEEL_RADIUS * 0.93 * math.cos(a * math.pi / 18),
            hub[1] + CYCLE_WHEEL_RADIUS * 0.93 * math.sin(a * math.pi / 18),
        )
        for a in range(37)
    ]
    for spoke in range(5):
        angle = -phase * 1.6 + spoke * math.pi / 5
        x, y = 0.9 * CYCLE_WHEEL_RADIUS * math.cos(angle), 0.9 * CYCLE_WHEEL_RADIUS * math.sin(angle)
        pen.limb([(hub[0] - x, hub[1] - y), (hub[0] + x, hub[1] + y)], 0.006, (190, 190, 190))
    pen.limb(rim, 0.03, (56, 54, 60))
    pen.disc(hub, 0.022, (86, 88, 96))


def _bent(start: Point, end: Point, first: float, second: float) -> Point:
    """Return the joint between two bones that span `start` to `end`, on the forward side."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    distance = min(math.hypot(dx, dy), first + second - 1e-6)
    along = (first**2 - second**2 + distance**2) / (2 * distance)
    height = math.sqrt(max(first**2 - along**2, 0.0))
    return start[0] + (dx * along - dy * height) / distance, start[1] + (dy * along + dx * height) / distance


def draw_duck(pen: Pen, phase: float) -> None:
    """Draw a duck on water with its ripples; its unit is its length."""
    bob = 0.02 * math.sin(phase)
    pen.shade((-0.02, 0.02), 0.55, 0.1, 0.3)
    pen.curve(
        [
            (-0.5, 0.28 + bob),
            (-0.36, 0.24 + bob),
            (-0.1, 0.3 + bob),
            (0.2, 0.28 + bob),
            (0.36, 0.16 + bob),
            (0.24, 0.02),
            (-0.2, 0.0),
            (-0.42, 0.1 + bob),
        ],
        (126, 92, 66),
    )
    pen.curve([(0.12, 0.2 + bob), (0.2, 0.5 + bob), (0.36, 0.46 + bob), (0.37, 0.14 + bob)], (150, 112, 80))
    pen.limb([(0.17, 0.4 + bob), (0.33, 0.38 + bob)], 0.06, (244, 240, 230))
    pen.ellipse((0.27, 0.54 + bob), 0.13, 0.13, (38, 104, 84))
    pen.curve([(0.37, 0.58 + bob), (0.52, 0.53 + bob), (0.5, 0.49 + bob), (0.37, 0.48 + bob)], (236, 168, 52))
    pen.disc((0.31, 0.58 + bob), 0.025, (24, 24, 30))
    pen.curve(
        [(-0.42, 0.26 + bob), (-0.1, 0.25 + bob), (0.12, 0.16 + bob), (-0.1, 0.07 + bob), (-0.34, 0.14 + bob)], (166, 130, 98)
    )
