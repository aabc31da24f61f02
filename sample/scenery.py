"""
The two backdrops of the sample clip: a street of small shops and a park with a pond.

Each is painted once, at `SUPERSAMPLING` times the picture's size. Lengths are pixels of the picture, heights count up from its
bottom edge.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rendering.fonts import noto_sans
from sample.pen import SUPERSAMPLING, Colour, Pen, Point, toned

SIZE = (640, 360)
WIDTH, HEIGHT = SIZE

CREAM: Colour = (244, 232, 210)
LEAF: Colour = (98, 138, 92)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A painted background, (720, 1280, 3) BGR; `fixtures`, (720, 1280), is 255 where things stand at `fixtures_ground`."""

    picture: NDArray[np.uint8]
    fixtures: NDArray[np.uint8] | None = None
    fixtures_ground: float = 0.0


def paint_street() -> Backdrop:
    """Paint shops behind a pavement, a road with a lane each way, and a wider pavement in front, with a lamp between them."""
    canvas = _blank((228, 216, 198))
    pen = Pen(canvas, origin=(0.0, float(HEIGHT)))
    dice = random.Random(11)
    _shop(
        pen,
        0,
        168,
        wall=(198, 112, 86),
        trim=(244, 226, 204),
        awning=(52, 106, 108),
        name="CAFÉ",
        goods="cups",
        dice=dice,
    )
    _shop(
        pen,
        168,
        322,
        wall=(232, 208, 168),
        trim=(116, 84, 66),
        awning=(202, 86, 70),
        name="BOOKS",
        goods="books",
        dice=dice,
    )
    _shop(
        pen,
        322,
        484,
        wall=(124, 150, 142),
        trim=(244, 236, 220),
        awning=(232, 178, 84),
        name="FLORA",
        goods="flowers",
        dice=dice,
    )
    _shop(
        pen,
        484,
        640,
        wall=(112, 128, 158),
        trim=(240, 232, 220),
        awning=(176, 78, 92),
        name="BIKES",
        goods="wheel",
        dice=dice,
    )

    pen.box(0, 196, 640, 223, (206, 194, 178))
    for x in range(-10, 660, 34):
        pen.limb([(x, 222), (x - 6 + (x - 320) * 0.03, 199)], 0.6, (188, 176, 160))
    _gradient(canvas, 223, 206, (122, 100, 92), 0.34, 0.0)
    pen.box(0, 190, 640, 198, (226, 218, 206))
    pen.box(0, 187, 640, 191, (150, 146, 146))

    pen.box(0, 96, 640, 188, (104, 106, 118))
    _gradient(canvas, 188, 96, (80, 82, 98), 0.25, 0.0)
    for start in range(-20, 660, 62):
        pen.polygon([(start, 139), (start + 34, 139), (start + 33, 143), (start + 1, 143)], (232, 224, 204))
    pen.limb([(0, 181), (640, 181)], 1.2, (216, 208, 190))
    pen.limb([(0, 104), (640, 104)], 1.6, (216, 208, 190))
    for stripe in range(7):
        low, high = 98 + stripe * 12.9, 98 + stripe * 12.9 + 7.2
        left, right = 478 - (low - 98) * 0.16, 548 - (low - 98) * 0.34
        pen.polygon([(left, low), (right, low), (right - 2.4, high), (left - 1.1, high)], (226, 222, 210))
    pen.ellipse((196, 117), 17, 4.6, (84, 86, 98))
    pen.ellipse((196, 117.4), 14, 3.5, (94, 96, 108))

    pen.box(0, 0, 640, 90, (214, 198, 174))
    for row, depth in ((90, 80), (66, 56), (36, 24), (4, -10)):
        shade = toned((214, 198, 174), 0.985 if row in (66, 4) else 1.0)
        pen.box(0, depth - 24, 640, row, shade)
    for height in (76, 57, 33, 4):
        pen.limb([(0, height), (640, height)], 0.7, (190, 172, 148))
    for x in range(-900, 1560, 58):
        pen.limb([(320 + (x - 320) * 0.78, 90), (320 + (x - 320) * 1.12, 0)], 0.7, (194, 177, 153))
    pen.box(0, 88, 640, 98, (232, 224, 212))
    pen.box(0, 94, 640, 98, (164, 158, 154))
    _tree_shadow(canvas, dice)
    without_fixtures = canvas.copy()
    _planter(pen, 84, 84, dice, ((236, 132, 120), (248, 214, 120), (250, 240, 226)))
    _planter(pen, 596, 84, dice, ((186, 120, 176), (250, 240, 226), (240, 160, 120)))
    _lamp(pen, 318, 86, 150)
    fixtures = np.where((canvas != without_fixtures).any(axis=2), 255, 0).astype(np.uint8)
    _foliage(pen, [(-14, 350), (6, 368), (-4, 330), (34, 378), (-16, 300)], dice)
    _foliage(pen, [(656, 350), (636, 372), (600, 380), (652, 318)], dice)
    return Backdrop(_finish(canvas), fixtures, fixtures_ground=86)


def paint_park() -> Backdrop:
    """Paint a pond among trees, a path and a lawn, with the town far behind."""
    canvas = _blank((250, 222, 190))
    pen = Pen(canvas, origin=(0.0, float(HEIGHT)))
    dice = random.Random(23)
    _sky(pen)
    _town(pen, dice)
    _pond(pen, dice)
    _path(pen, dice)
    _bench(pen, 392, 122)
    _lamp(pen, 470, 118, 118)
    _tree(pen, 590, 120, 150, dice)
    _tree(pen, 20, 96, 168, dice)
    _grass(pen, dice)
    return Backdrop(_finish(canvas))


def _blank(colour: Colour) -> NDArray[np.uint8]:
    return np.full((HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING, 3), colour[::-1], np.uint8)


def _gradient(canvas: NDArray[np.uint8], top: float, bottom: float, colour: Colour, from_share: float, to_share: float) -> None:
    """Blend a colour over a band, with a share that changes from its upper to its lower edge."""
    first, last = round((HEIGHT - top) * SUPERSAMPLING), round((HEIGHT - bottom) * SUPERSAMPLING)
    share = np.linspace(from_share, to_share, last - first)[:, None, None]
    band = canvas[first:last]
    band[:] = np.rint(band * (1 - share) + np.array(colour[::-1]) * share)


def _glow(canvas: NDArray[np.uint8], centre: Point, radius: float, share: float) -> None:
    y, x = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]].astype(np.float32) / SUPERSAMPLING
    near = np.clip(1 - np.hypot(x - centre[0], y - (HEIGHT - centre[1])) / radius, 0, 1)[..., None] ** 0.7
    canvas[:] = np.rint(canvas + share * near * (np.array((206, 238, 255)) - canvas))


def _finish(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Add warm light from the upper left, darker corners, and a grain like paper."""
    height, width = canvas.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height
    light = 1.035 - 0.05 * (0.6 * x + 0.8 * y) - 0.1 * np.clip(np.hypot(x - 0.5, y - 0.5) - 0.42, 0, None)
    generator = np.random.default_rng(5)
    coarse = cv2.resize(generator.normal(0, 1.5, (height // 5, width // 5)).astype(np.float32), (width, height))
    fine = cv2.GaussianBlur(generator.normal(0, 5.0, (height, width)).astype(np.float32), (0, 0), 1.0)
    lit = canvas * light[..., None] * np.array([0.985, 1.0, 1.012], np.float32) + (coarse + fine)[..., None]
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def _lettering(canvas: NDArray[np.uint8], text: str, centre: Point, size_px: float, colour: Colour) -> None:
    """Write widely set capitals around `centre`, in the font that comes with the program."""
    font = ImageFont.truetype(str(noto_sans()), round(size_px * SUPERSAMPLING))
    font.set_variation_by_axes([700, 100])
    spaced = "\u2009".join(text)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(spaced))
    mask = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(mask).text((2 - left, 2 - top), spaced, fill=255, font=font)
    share = np.asarray(mask, np.float64)[..., None] / 255
    x = round(centre[0] * SUPERSAMPLING - mask.width / 2)
    y = round((HEIGHT - centre[1]) * SUPERSAMPLING - mask.height / 2)
    region = canvas[y : y + mask.height, x : x + mask.width]
    region[:] = np.rint(region * (1 - share) + np.array(colour[::-1]) * share)


def _shop(
    pen: Pen,
    left: float,
    right: float,
    *,
    wall: Colour,
    trim: Colour,
    awning: Colour,
    name: str,
    goods: str,
    dice: random.Random,
) -> None:
    canvas = _canvas_of(pen)
    pen.box(left, 222, right, 360, wall)
    for row in range(23):
        offset = 0 if row % 2 else 9
        for x in range(round(left) - offset, round(right), 18):
            if dice.random() < 0.3:
                start, end = max(x, left), min(x + 17, right)
                if end > start:
                    pen.box(start, 223 + row * 6, end, 228 + row * 6, toned(wall, dice.uniform(0.95, 1.06)))
    pen.box(left, 222, right, 230, toned(wall, 0.72))
    pen.box(left, 351, right, 354, toned(trim, 0.92))
    pen.box(left, 354, right, 356, toned(wall, 0.7))
    pen.limb([(left, 222), (left, 360)], 1.6, toned(wall, 0.66))

    glass: Colour = (86, 112, 124)
    door_left, door_right = right - 46, right - 14
    window_left, window_right = left + 14, door_left - 10
    pen.box(window_left - 3, 232, window_right + 3, 318, trim)
    pen.box(window_left, 235, window_right, 316, glass)
    inside = toned(glass, 0.82)
    pen.box(window_left, 235, window_right, 262, inside)
    for start, width in ((0.12, 0.16), (0.36, 0.06)):
        a = window_left + start * (window_right - window_left)
        b = a + width * (window_right - window_left)
        pen.polygon([(a, 237), (b, 237), (b + 22, 300), (a + 22, 300)], toned(glass, 1.14))
    _goods(pen, goods, window_left, window_right, dice)
    middle = (window_left + window_right) / 2
    pen.box(middle - 1.2, 235, middle + 1.2, 316, trim)
    pen.box(window_left - 5, 229, window_right + 5, 233, toned(trim, 0.85))

    pen.box(door_left - 3, 222, door_right + 3, 318, trim)
    pen.box(door_left, 222, door_right, 316, toned(awning, 0.72))
    pen.box(door_left + 5, 240, door_right - 5, 310, toned(glass, 1.05))
    pen.polygon([(door_left + 8, 240), (door_left + 14, 240), (door_left + 22, 296), (door_left + 16, 296)], toned(glass, 1.25))
    pen.limb([(door_right - 3, 262), (door_right - 3, 272)], 1.6, (238, 206, 130))
    pen.box(door_left - 6, 221, door_right + 6, 225, toned(trim, 0.78))

    pen.box(left + 8, 324, right - 8, 349, toned(wall, 0.6))
    pen.box(left + 10, 326, right - 10, 347, toned(awning, 0.8))
    _lettering(canvas, name, ((left + right) / 2, 336.5), 14.5, CREAM)

    stripes = 9
    width = (right - left - 12) / stripes
    for stripe in range(stripes):
        colour = awning if stripe % 2 == 0 else CREAM
        a, b = left + 6 + stripe * width, left + 6 + (stripe + 1) * width
        inner = 0.955
        centre = (left + right) / 2
        upper_a, upper_b = centre + (a - centre) * inner, centre + (b - centre) * inner
        pen.polygon([(upper_a, 324), (upper_b, 324), (b, 304), (a, 304)], colour)
        pen.polygon([(a, 304), (b, 304), (b, 301), (a, 301)], toned(colour, 0.86))
        pen.ellipse(((a + b) / 2, 301), width / 2, 4.2, toned(colour, 0.86))
    top, bottom = round((HEIGHT - 298) * SUPERSAMPLING), round((HEIGHT - 284) * SUPERSAMPLING)
    fall = np.linspace(0.72, 1.0, bottom - top)[:, None, None]
    region = canvas[top:bottom, round(left + 8) * SUPERSAMPLING : round(right - 8) * SUPERSAMPLING]
    region[:] = np.rint(region * fall)


def _goods(pen: Pen, goods: str, left: float, right: float, dice: random.Random) -> None:
    """Paint the goods in a shop's window."""
    pen.box(left, 242, right, 245, (164, 124, 92))
    x = left + 6
    while x < right - 8:
        warm = dice.choice(((206, 96, 78), (232, 178, 96), (92, 134, 138), (240, 226, 200), (150, 92, 104)))
        if goods == "books":
            width, height = dice.uniform(3, 5.5), dice.uniform(11, 17)
            pen.box(x, 245, x + width, 245 + height, warm)
            pen.box(x, 245 + height * 0.7, x + width, 245 + height * 0.78, CREAM)
            x += width + (0.6 if dice.random() < 0.85 else 9)
        elif goods == "cups":
            pen.curve([(x, 255), (x, 255), (x + 9, 255), (x + 9, 255), (x + 7.5, 246), (x + 1.5, 246)], CREAM)
            pen.limb([(x + 9, 253), (x + 11, 251.5), (x + 8.5, 249)], 1.0, CREAM)
            pen.limb([(x + 4, 258), (x + 5.5, 261), (x + 3.5, 264)], 0.8, toned((86, 112, 124), 1.4))
            x += 19
        elif goods == "flowers":
            stem = dice.uniform(8, 15)
            pen.box(x, 245, x + 7, 252, (186, 116, 84))
            pen.limb([(x + 3.5, 252), (x + 3.5, 250 + stem)], 1.0, LEAF)
            for dx, dy in ((-2.6, 0), (2.6, 0), (0, 2.6), (0, -2.2)):
                pen.disc((x + 3.5 + dx, 252 + stem + dy), 2.5, warm)
            pen.disc((x + 3.5, 252 + stem), 1.8, (250, 220, 130))
            x += 13
        else:
            for radius, colour in ((13.0, (60, 58, 66)), (11.4, (86, 112, 124))):
                pen.disc((x + 14, 259), radius, toned(colour, 0.9))
            for spoke in range(6):
                angle = spoke * math.pi / 6
                dx, dy = 11.5 * math.cos(angle), 11.5 * math.sin(angle)
                pen.limb([(x + 14 - dx, 259 - dy), (x + 14 + dx, 259 + dy)], 0.6, (204, 204, 204))
            x += 36


def _planter(pen: Pen, x: float, y: float, dice: random.Random, petals: tuple[Colour, ...]) -> None:
    pen.shade((x, y - 1), 40, 6, 0.4)
    for _ in range(26):
        leaf = (x + dice.uniform(-25, 25), y + 17 + dice.uniform(-2, 9))
        pen.ellipse(leaf, 5, 3.4, toned(LEAF, dice.uniform(0.72, 1.1)), dice.uniform(-1, 1))
    for _ in range(20):
        flower = (x + dice.uniform(-26, 26), y + 20 + dice.uniform(-2, 10))
        pen.disc(flower, dice.uniform(1.6, 2.5), dice.choice(petals))
    pen.polygon([(x - 28, y + 17), (x + 28, y + 17), (x + 25, y - 2), (x - 25, y - 2)], (150, 104, 82))
    pen.polygon([(x - 30, y + 18), (x + 30, y + 18), (x + 29, y + 14), (x - 29, y + 14)], (172, 124, 98))
    for board in (-12, 0, 12):
        pen.limb([(x + board, y - 1), (x + board * 1.1, y + 13)], 0.7, (128, 86, 68))


def _lamp(pen: Pen, x: float, y: float, height: float) -> None:
    iron: Colour = (66, 72, 82)
    pen.shade((x + 2, y), 13, 2.6, 0.4)
    pen.box(x - 4, y, x + 4, y + 4, iron)
    pen.box(x - 2.4, y + 4, x + 2.4, y + 18, iron)
    pen.limb([(x, y), (x, y + height - 16)], 2.2, iron)
    pen.polygon(
        [(x - 6, y + height), (x + 6, y + height), (x + 3.6, y + height - 15), (x - 3.6, y + height - 15)], (255, 238, 196)
    )
    pen.limb([(x, y + height), (x, y + height - 15)], 0.7, iron)
    pen.polygon([(x - 8, y + height), (x + 8, y + height), (x + 3, y + height + 6), (x - 3, y + height + 6)], iron)
    pen.disc((x, y + height + 7), 1.6, iron)


def _foliage(pen: Pen, clumps: list[Point], dice: random.Random) -> None:
    """Paint leaves of a tree that stands beside the camera."""
    for tone, spread, count in ((0.62, 30.0, 60), (0.82, 27.0, 70), (1.0, 24.0, 60)):
        for x, y in clumps:
            for _ in range(count // len(clumps)):
                angle, far = dice.uniform(0, 2 * math.pi), spread * dice.uniform(0, 1) ** 0.6
                leaf = (x + far * math.cos(angle), y + far * math.sin(angle))
                shade = toned((104, 142, 84), tone * dice.uniform(0.92, 1.08))
                pen.ellipse(leaf, dice.uniform(4, 6.5), dice.uniform(2, 3.2), shade, angle)


def _tree_shadow(canvas: NDArray[np.uint8], dice: random.Random) -> None:
    """Paint the dappled shadow that the tree throws over road and pavement."""
    mask = np.zeros(canvas.shape[:2], np.uint8)
    for _ in range(210):
        angle, far = dice.uniform(0, 2 * math.pi), dice.uniform(0, 1) ** 0.5
        x, y = 138 + 150 * far * math.cos(angle), HEIGHT - 100 - 62 * far * math.sin(angle)
        centre = (round(x * SUPERSAMPLING), round(y * SUPERSAMPLING))
        axes = (round(dice.uniform(10, 26)), round(dice.uniform(4, 10)))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), 4).astype(np.float32) / 255
    soft[: (HEIGHT - 196) * SUPERSAMPLING] = 0
    tint = 1 - soft[..., None] * np.array([0.1, 0.17, 0.19], np.float32)
    canvas[:] = np.rint(canvas * tint)


def _sky(pen: Pen) -> None:
    canvas = _canvas_of(pen)
    _gradient(canvas, 360, 215, (134, 186, 206), 1.0, 0.0)
    for radius, share in ((64, 0.16), (46, 0.2), (32, 0.3)):
        _glow(canvas, (498, 290), radius, share)
    pen.disc((498, 290), 19, (255, 246, 220))
    for x, y, scale in ((96, 332, 1.0), (300, 345, 0.7), (560, 330, 0.85)):
        for dx, dy, radius in ((-30, 0, 9), (-14, 5, 13), (6, 6, 15), (24, 1, 10)):
            pen.ellipse((x + dx * scale, y + dy * scale), radius * 1.5 * scale, radius * 0.62 * scale, (255, 246, 234))
        pen.box(x - 43 * scale, y - 6 * scale, x + 39 * scale, y - 2 * scale, (255, 246, 234))


def _town(pen: Pen, dice: random.Random) -> None:
    """Paint houses far away behind a row of trees."""
    x = 0.0
    while x < 640:
        width, height = dice.uniform(16, 34), dice.uniform(18, 56)
        tone = toned((196, 178, 178), dice.uniform(0.96, 1.1))
        pen.box(x, 214, x + width, 226 + height, tone)
        for row in range(int(height // 9)):
            for column in range(int(width // 8)):
                if dice.random() < 0.6:
                    window = (x + 3 + column * 8, 222 + height - row * 9)
                    pen.box(window[0], window[1] - 4, window[0] + 3, window[1], toned(tone, 1.35))
        x += width + dice.uniform(-2, 6)
    _hill(pen, 222, 14, 0.011, 0.4, (150, 172, 146))
    _hill(pen, 214, 12, 0.016, 2.0, (128, 158, 124))
    for x in range(-10, 660, 24):
        crown = (x + dice.uniform(-8, 8), 216 + dice.uniform(-4, 10))
        radius = dice.uniform(13, 23)
        pen.ellipse(crown, radius, radius * 1.05, toned(LEAF, dice.uniform(0.86, 1.06)))


def _pond(pen: Pen, dice: random.Random) -> None:
    """Paint the lawn with a pond in it."""
    canvas = _canvas_of(pen)
    pen.box(0, 0, 640, 204, (150, 182, 108))
    _gradient(canvas, 204, 150, (120, 158, 96), 0.75, 0.0)
    _gradient(canvas, 60, 0, (112, 150, 84), 0.0, 0.75)
    bank: list[Point] = [(-40, 190), (60, 199), (190, 199), (300, 190), (330, 172), (270, 152), (120, 140), (-40, 143)]
    pen.curve([(x, y - 3) for x, y in bank], (118, 140, 84))
    pen.curve(bank, (206, 192, 150))
    pen.curve([(x * 0.985 - 3, y - 1.5 if y > 170 else y + 3) for x, y in bank], (122, 172, 188))
    _pond_light(pen, dice)


def _path(pen: Pen, dice: random.Random) -> None:
    path: list[Point] = [
        (-40, 84),
        (120, 88),
        (330, 99),
        (520, 106),
        (700, 110),
        (700, 80),
        (520, 70),
        (320, 60),
        (140, 50),
        (-40, 46),
        (-40, 46),
    ]
    pen.curve([(x, y - 2.5) for x, y in path], (128, 150, 88))
    pen.curve(path, (234, 212, 172))
    pen.curve([(x, 0.75 * y + 17) for x, y in path], (238, 219, 182))
    for _ in range(150):
        x, along = dice.uniform(0, 640), dice.uniform(0.1, 0.9)
        y = (48 + x * 0.046) * (1 - along) + (85 + x * 0.04) * along
        pen.ellipse((x, y), 1.3, 0.5, (214, 190, 150))


def _grass(pen: Pen, dice: random.Random) -> None:
    """Paint blades of grass and flowers in front."""
    for _ in range(260):
        x, y = dice.uniform(0, 640), dice.uniform(0, 46)
        blade = toned((122, 160, 86), dice.uniform(0.9, 1.2))
        pen.limb([(x, y), (x + dice.uniform(-1.5, 1.5), y + dice.uniform(2.5, 5))], 0.7, blade)
    for _ in range(64):
        x, y = (
            dice.uniform(0, 640),
            dice.choice([dice.uniform(0, 42), dice.uniform(112, 132)]),
        )
        if y > 100 and (350 < x < 500 or x > 570):
            continue
        petal = dice.choice(((250, 244, 230), (248, 208, 110), (236, 140, 126), (206, 150, 204)))
        pen.disc((x, y), 1.2 + 0.012 * (60 - min(y, 60)), petal)


def _canvas_of(pen: Pen) -> NDArray[np.uint8]:
    assert pen.canvas is not None
    return pen.canvas


def _hill(pen: Pen, base: float, height: float, frequency: float, shift: float, colour: Colour) -> None:
    ridge = [(x, base + height * (0.5 + 0.5 * math.sin(x * frequency + shift))) for x in range(0, 648, 8)]
    pen.polygon([*ridge, (640, base - 30), (0, base - 30)], colour)


def _pond_light(pen: Pen, dice: random.Random) -> None:
    for _ in range(34):
        x, y = dice.uniform(4, 285), dice.uniform(150, 190)
        if (x / 330) ** 2 + ((y - 170) / 30) ** 2 < 0.86:
            length = dice.uniform(8, 30)
            pen.limb([(x, y), (x + length, y)], 0.8, (164, 204, 212) if dice.random() < 0.6 else (104, 152, 172))
    for x, y in ((36, 186), (44, 189), (52, 186), (226, 153), (234, 155), (60, 150)):
        pen.ellipse((x, y), 6, 1.8, (106, 150, 92))
    for x in (10, 14, 19, 24, 284, 289, 295, 301):
        y = 148 if x < 100 else 164
        pen.limb([(x, y), (x + dice.uniform(-2, 2), y + dice.uniform(16, 26))], 1.1, (98, 128, 74))
        pen.limb([(x + 1, y + 17), (x + 1, y + 22)], 2.2, (132, 92, 62))


def _bench(pen: Pen, x: float, y: float) -> None:
    pen.shade((x, y - 1), 36, 4, 0.36)
    for leg in (-24.0, 22.0):
        pen.limb([(x + leg, y), (x + leg, y + 12), (x + leg - 2, y + 28)], 2.2, (66, 72, 82))
    for height in (12, 19, 25):
        pen.box(x - 31, y + height, x + 31, y + height + 4, toned((176, 120, 80), 0.9 if height == 12 else 1.05))


def _tree(pen: Pen, x: float, y: float, height: float, dice: random.Random) -> None:
    bark: Colour = (126, 92, 70)
    pen.shade((x + 12, y), height * 0.42, 8, 0.32)
    pen.curve(
        [
            (x - 9, y - 1),
            (x - 9, y - 1),
            (x - 5, y + 22),
            (x - 4, y + height * 0.62),
            (x + 5, y + height * 0.62),
            (x + 5, y + 22),
            (x + 11, y - 1),
            (x + 11, y - 1),
        ],
        bark,
    )
    pen.limb([(x + 1, y + height * 0.38), (x + 16, y + height * 0.56)], 4, bark)
    pen.limb([(x, y + height * 0.45), (x - 15, y + height * 0.6)], 3.4, bark)
    crown = (x, y + height * 0.74)
    for tone, shift, count in ((0.72, -7.0, 22), (0.9, 0.0, 22), (1.08, 9.0, 16)):
        for _ in range(count):
            angle, far = dice.uniform(0, 2 * math.pi), height * 0.27 * dice.uniform(0, 1) ** 0.5
            radius = dice.uniform(8, 14) * height / 150
            blob = (crown[0] - shift * 0.5 + 1.15 * far * math.cos(angle), crown[1] + shift + far * math.sin(angle))
            pen.disc(blob, radius, toned(LEAF, tone * dice.uniform(0.96, 1.04)))
