"""
Whatever moves before a fixed camera, found without any model.

The background of a shot is the median of pictures spread over it. What differs from it clearly, given how much each pixel
varies by itself, and is no shadow, is a blob; a blob is a box with the one label "moving object". Works at a bounded size,
so that a picture of any size takes a few milliseconds. Times, shots and tracks belong to the engine, and so does refusing a
camera that moves (see `moving_share`): the whole picture would differ.

What it cannot do: tell objects apart whose outlines touch, see what stands still for most of a shot (it becomes background,
and where it leaves, an empty place is taken for an object), or name anything.

The figures below were chosen on three real videos (pedestrians, traffic from above, a car park) and the drawn sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.local.detectors.base import Detections
from tracking.model import MOVING_OBJECT

Pixels = NDArray[np.uint8]
LABELS = (MOVING_OBJECT,)
Box = tuple[int, int, int, int]  # left, top, right, bottom in working pixels

# The test for a fixed camera: corners found per tile, followed to the next frame.
FLOW_SIZE = (320, 180)
FLOW_TILE = (40, 45)
CORNERS_PER_TILE = 2
CORNER_QUALITY, CORNER_DISTANCE_PX = 0.05, 5
STILL_PX = 0.25
STILL_CAMERA_SHARE = 0.75  # of ten clips the moving cameras gave 0.94 and more, the others 0.53 and less
FEWEST_CORNERS = 8  # fewer say nothing about the camera

LONGEST_SIDE = 640
GAIN_GRID = 8  # every so many-th pixel tells how the light has changed
MOST_GAIN = 2.0
DARK = 24  # levels; below, a ratio of two pixels is noise

# A pixel's own variation is a low quantile of its deviations, not their middle: a busy lane is covered in many samples.
SPREAD_QUANTILE = 0.3
SPREAD_FACTOR = 7.0
LEAST_THRESHOLD, MOST_THRESHOLD = 32.0, 60.0  # levels of 0..255

# A shadow dims the background to between these shares and leaves its colour within so many levels.
DEEPEST_SHADOW, FAINTEST_SHADOW = 0.5, 0.97
SHADOW_COLOUR = 5.0

CLOSED_ACROSS, CLOSED_UP = 1 / 90, 1 / 60  # gaps within a blob up to these shares of width and height are closed
LEAST_AREA = 0.0008  # of the picture
SCORE_OFFSET, SCORE_CLEARNESS, SCORE_AREA, SCORE_LARGE = 14.5, 2.0, 2.5, 0.006
SHARED_BY_FRAGMENT = 0.5  # the share of a smaller box inside a larger one from which it is a fragment of it


def moving_share(pairs: Iterable[tuple[Pixels, Pixels]]) -> float:
    """
    Share of corners that move from one frame to the next, 0..1, as a median over `pairs`; a fixed camera stays below
    `STILL_CAMERA_SHARE`.

    Each picture is (H, W, 3) BGR, both of a pair of one size. Pairs with hardly any corner say nothing; 0 where none does.
    Source of the flow: Lucas and Kanade, An iterative image registration technique, 1981.
    """
    shares = [share for before, after in pairs if (share := _moving_corners(before, after)) is not None]
    return float(np.median(shares)) if shares else 0.0


def _moving_corners(before: Pixels, after: Pixels) -> float | None:
    first, second = (
        cv2.cvtColor(cv2.resize(picture, FLOW_SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        for picture in (before, after)
    )
    found = []
    for top in range(0, FLOW_SIZE[1], FLOW_TILE[1]):
        for left in range(0, FLOW_SIZE[0], FLOW_TILE[0]):
            tile = first[top : top + FLOW_TILE[1], left : left + FLOW_TILE[0]]
            corners = cv2.goodFeaturesToTrack(tile, CORNERS_PER_TILE, CORNER_QUALITY, CORNER_DISTANCE_PX)
            points = np.asarray(corners, np.float32)  # (N, 1, 2); without axes where there was no corner, since it gives None
            if points.ndim == 3:
                found.append(points + np.array([left, top], np.float32))
    if not found:
        return None
    start = np.concatenate(found).astype(np.float32)
    end, status, _ = cv2.calcOpticalFlowPyrLK(first, second, start, np.empty_like(start))
    followed = status.ravel() == 1
    if followed.sum() < FEWEST_CORNERS:
        return None
    way_px = np.linalg.norm((end - start).reshape(-1, 2)[followed], axis=1)
    return float((way_px > STILL_PX).mean())


@dataclass(frozen=True, slots=True, eq=False)
class MotionDetector:
    """
    A `Detector` for one shot of a fixed camera.

    `background` is (H, W, 3) BGR at the working size, `threshold` (H, W) the difference in levels from which a pixel counts.
    """

    background: Pixels
    threshold: Pixels

    labels: ClassVar[tuple[str, ...]] = LABELS

    @staticmethod
    def picture_size(width: int, height: int) -> tuple[int, int]:
        """Return the working size (width, height) for pictures of this size."""
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    @classmethod
    def learn(cls, samples: Sequence[Pixels]) -> MotionDetector:
        """
        Return the background of a shot from about 40 upright BGR pictures spread over it, all of one size.

        A place that is covered in more than half of them is learned as it is covered. Raises `ValueError` for no pictures
        or several sizes.
        """
        if len({sample.shape for sample in samples}) != 1:
            raise ValueError("samples must be one or more pictures of one size")
        height, width = samples[0].shape[:2]
        size = cls.picture_size(width, height)
        stack = np.stack([_resized(sample, size) for sample in samples])
        background = _quantile(stack, 0.5)
        calm = _calm(background)
        deviations = np.stack([_difference(_calm(_levelled(picture, background)), calm) for picture in stack])
        spread = cv2.blur(_quantile(deviations, SPREAD_QUANTILE).astype(np.float32), (5, 5))
        threshold = np.clip(SPREAD_FACTOR * spread, LEAST_THRESHOLD, MOST_THRESHOLD).astype(np.uint8)
        return cls(calm, threshold)

    def detect(self, pixels: Pixels) -> Detections:
        """See `Detector.detect`. A score is the chance, as measured, that a blob so clear and so large is an object."""
        height, width = self.threshold.shape
        picture = _calm(_levelled(_resized(pixels, (width, height)), self.background))
        difference = _difference(picture, self.background)
        differs = np.asarray(cv2.compare(difference, self.threshold, cv2.CMP_GT), np.uint8)
        differs[_shadows(picture, self.background, differs)] = 0
        opened = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        gap = np.ones((round(height * CLOSED_UP) | 1, round(width * CLOSED_ACROSS) | 1), np.uint8)
        closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, gap)
        count, labelled, stats, _ = cv2.connectedComponentsWithStats(closed)
        boxes: list[Box] = []
        clearness: list[float] = []
        for blob in range(1, count):
            left, top, across, up, area = (int(value) for value in stats[blob])
            if area < LEAST_AREA * width * height:
                continue
            place = np.s_[top : top + up, left : left + across]
            inside = labelled[place] == blob
            boxes.append((left, top, left + across, top + up))
            clearness.append(float((difference[place][inside] / self.threshold[place][inside]).mean()))
        boxes, clearness = _without_fragments(boxes, clearness)
        if not boxes:
            return Detections.none()
        edges = np.asarray(np.array(boxes) / (width, height, width, height), np.float32)
        areas = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1])
        scores = [score(clear, float(area)) for clear, area in zip(clearness, areas, strict=True)]
        return Detections(edges, np.array(scores, np.float32), np.zeros(len(boxes), np.intp))


def score(clearness: float, area: float) -> float:
    """
    Return how likely a blob is an object, 0..1.

    `clearness` is its mean difference from the background in thresholds, `area` its box's share of the picture.

    A logistic curve through what was counted on 3,000 blobs of the pedestrian video and the sample, where a blob that overlaps
    a known box by 0.3 or more is an object: 0.3 to 0.5 of those below 0.0025 of the picture were, 0.9 up to 0.005, 0.99 of
    larger ones.
    """
    odds = SCORE_OFFSET + SCORE_CLEARNESS * math.log(max(clearness, 0.1)) + SCORE_AREA * math.log(min(area, SCORE_LARGE))
    return 1 / (1 + math.exp(-odds))


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _calm(picture: Pixels) -> Pixels:
    """Return the picture without the finest grain."""
    return np.asarray(cv2.blur(picture, (3, 3)), np.uint8)


def _levelled(picture: Pixels, background: Pixels) -> Pixels:
    """Return the picture in the light of the background: a cloud or the camera's exposure changes all of it by one factor."""
    here = picture[::GAIN_GRID, ::GAIN_GRID].astype(np.float32)
    there = background[::GAIN_GRID, ::GAIN_GRID]
    bright = there > DARK
    if not bright.any():
        return picture
    gain = float(np.median(here[bright] / there[bright]))
    if not 1 / MOST_GAIN < gain < MOST_GAIN:
        return picture
    return np.asarray(cv2.convertScaleAbs(picture, alpha=1 / gain), np.uint8)


def _difference(picture: Pixels, background: Pixels) -> Pixels:
    """Return the largest difference of the three channels, (H, W) levels."""
    blue, green, red = cv2.split(cv2.absdiff(picture, background))
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.uint8)


def _quantile(stack: Pixels, share: float) -> Pixels:
    """Return a quantile over the first axis, in bands of rows so that it needs little memory beside the stack."""
    rank = int(share * (len(stack) - 1))
    rows = range(0, stack.shape[1], 32)
    return np.concatenate([np.partition(stack[:, row : row + 32], rank, axis=0)[rank] for row in rows])


def _shadows(picture: Pixels, background: Pixels, differs: Pixels) -> NDArray[np.bool_]:
    """
    Return which of the pixels that differ are only dimmed: (H, W).

    Source of the rule: Horprasert, Harwood and Davis, A statistical approach for real-time robust background subtraction, 1999.
    """
    place = differs != 0
    here, there = picture[place].astype(np.float32), background[place].astype(np.float32)
    dimming = (here * there).sum(axis=1) / np.maximum((there * there).sum(axis=1), 1.0)
    off_colour = np.abs(here - dimming[:, None] * there).max(axis=1, initial=0.0)
    shadows = np.zeros(place.shape, np.bool_)
    shadows[place] = (dimming > DEEPEST_SHADOW) & (dimming < FAINTEST_SHADOW) & (off_colour < SHADOW_COLOUR)
    return shadows


def _without_fragments(boxes: list[Box], clearness: list[float]) -> tuple[list[Box], list[float]]:
    """Boxes after each that lies mostly within a larger one was joined to it; the clearer value of the two holds."""
    kept: list[Box] = []
    values: list[float] = []
    for index in sorted(range(len(boxes)), key=lambda index: -_area(boxes[index])):
        box, value = boxes[index], clearness[index]
        for place, larger in enumerate(kept):
            shared = (max(box[0], larger[0]), max(box[1], larger[1]), min(box[2], larger[2]), min(box[3], larger[3]))
            if _area(shared) > SHARED_BY_FRAGMENT * _area(box):
                kept[place] = (min(box[0], larger[0]), min(box[1], larger[1]), max(box[2], larger[2]), max(box[3], larger[3]))
                values[place] = max(value, values[place])
                break
        else:
            kept.append(box)
            values.append(value)
    return kept, values


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])
