"""
A plain renderer, to compare with: what one writes first, with OpenCV and Pillow as they come.

It seeks for each picture of each object, draws box and caption over it, and lets Pillow choose the colours and save.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tracking.model import Track

PAGE = (1920, 1080)
GREEN = (0, 255, 0)


class PlainRenderer:
    """Of one video file."""

    def __init__(self, video: Path) -> None:
        self._capture = cv2.VideoCapture(str(video))

    def summary(self, tracks: Sequence[Track], path: Path) -> None:
        """A grid of each object's first picture."""
        columns = math.ceil(len(tracks) ** 0.5)
        cell = PAGE[0] // columns, PAGE[1] // columns
        page = Image.new("RGB", PAGE)
        for place, track in enumerate(tracks):
            page.paste(self.picture(track, track.times[0], cell), (place % columns * cell[0], place // columns * cell[1]))
        page.save(path)

    def animation(self, track: Track, times_s: NDArray[np.float64], size: tuple[int, int], path: Path) -> list[Image.Image]:
        """A GIF of the whole picture at `times_s`, evenly timed; its frames as they were before saving."""
        pictures = [self.picture(track, time_s, size) for time_s in times_s]
        step_ms = 1000 * track.duration_s / len(pictures)
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=step_ms, loop=0)
        return pictures

    def picture(self, track: Track, time_s: float, size: tuple[int, int]) -> Image.Image:
        """The whole picture at one time, with box and caption."""
        self._capture.set(cv2.CAP_PROP_POS_MSEC, float(time_s) * 1000)
        _, pixels = self._capture.read()
        picture = Image.fromarray(np.asarray(pixels)[:, :, ::-1]).resize(size)
        box = (np.array(track.box_at(float(time_s))) * [*size, *size]).tolist()
        draw = ImageDraw.Draw(picture)
        draw.rectangle((box[0], box[1], max(box[2], box[0]), max(box[3], box[1])), outline=GREEN, width=3)
        font = ImageFont.load_default(max(10, size[1] // 15))
        draw.text((4, 4), f"{track.label} {track.confidence:.0%}", fill=GREEN, font=font)
        return picture
