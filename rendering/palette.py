"""
From RGB pictures of one view to palette indices, with little noise between frames.

Three things keep a GIF both clean and small. No dithering. *Hold*: a pixel keeps the colour last shown until it changes by more
than the noise of the video, so that what stands still costs nothing. And one palette as long as it will do: colours that turn
up later are added to it, which leaves the indices before them as they are; only when it is full does a new one begin.

Measured choices: docs/performance.md, "Rendering".
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Indices from here on are free for what is drawn over the picture.
PICTURE_COLOURS = 238

# A fresh palette leaves room for colours that are still to come.
FIRST_COLOURS = 208
ADDED_COLOURS = 10

# By how much a channel must change before a pixel is drawn anew.
HOLD = 5

# A sampled pixel whose nearest colour is this far away (in one channel) is badly served; this share of them calls for action.
FAR = 14
FAR_SHARE = 0.004

SAMPLE_PIXELS = 9000

_LEVELS = np.arange(2, 256, 4, dtype=np.uint8)
# Every colour in steps of 4, as a picture: quantising it gives the table from colour to index.
_CUBE = Image.fromarray(np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(512, 512, 3))
_CUBE_KEY = np.array([[1024.0, 16.0, 0.25]], np.float32)


class Quantiser:
    """
    Turns the pictures of one view, in time order, into indices below `PICTURE_COLOURS`.

    `palettes` are those begun so far, (N, 3) RGB; the last may still grow, the others are final.
    """

    def __init__(self) -> None:
        self.palettes: list[NDArray[np.uint8]] = []
        self._shown = np.empty((0, 0, 3), np.uint8)
        self._table = np.empty(0, np.uint8)

    @property
    def palette(self) -> int:
        """The number of the palette that the latest picture is in."""
        return len(self.palettes) - 1

    def indices(self, picture: NDArray[np.uint8], *, beside: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """
        `picture` (H, W, 3) RGB as (H, W) indices into the latest palette.

        `beside` is another picture, shown next to it, whose colours the first palette should hold, too.
        """
        if not self.palettes:
            self._shown = picture.copy()
            sample = _sample(picture)
            if beside is not None:
                sample = np.concatenate([sample, _sample(beside)[::6]])
            self._begin(sample)
        else:
            same = cv2.inRange(cv2.absdiff(picture, self._shown), (0, 0, 0), (HOLD, HOLD, HOLD))
            cv2.copyTo(picture, cv2.bitwise_not(same), self._shown)
            self._adapt(_sample(self._shown))
        return self._table.take(keys(self._shown))

    def nearest(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Another picture in the latest palette."""
        return self._table.take(keys(picture))

    def _begin(self, sample: NDArray[np.uint8]) -> None:
        self.palettes.append(_refined(sample, _cut(sample, FIRST_COLOURS)))
        self._table = table_of(self.palettes[-1])

    def _adapt(self, sample: NDArray[np.uint8]) -> None:
        """Add the colours that the palette lacks; where it has no room for them, begin a new one."""
        palette = self.palettes[-1]
        distance = np.asarray(cv2.absdiff(palette[self._table.take(keys(sample[None]))[0]], sample))
        far = (distance > FAR).any(axis=1)
        if np.count_nonzero(far) <= FAR_SHARE * len(sample):
            return
        room = PICTURE_COLOURS - len(palette)
        if room < 1:
            if np.count_nonzero(far) > 8 * FAR_SHARE * len(sample):
                self._begin(sample)
            return
        self.palettes[-1] = np.concatenate([palette, _cut(sample[far], min(room, ADDED_COLOURS))])
        self._table = table_of(self.palettes[-1])


def _sample(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """About `SAMPLE_PIXELS` pixels, evenly spread: (N, 3)."""
    step = max(1, int((picture.shape[0] * picture.shape[1] / SAMPLE_PIXELS) ** 0.5))
    return picture[step // 2 :: step, step // 2 :: step].reshape(-1, 3)


def keys(picture: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The place of each pixel (H, W, 3) in the table: six bits of each channel, (H, W)."""
    coarse = (picture & np.uint8(0xFC)).astype(np.float32)
    return np.asarray(cv2.transform(coarse, _CUBE_KEY)).astype(np.int32).reshape(picture.shape[:2])


def _cut(sample: NDArray[np.uint8], colours: int) -> NDArray[np.uint8]:
    """At most `colours` colours for the pixels (N, 3), by median cut: (K, 3)."""
    picture = Image.fromarray(np.ascontiguousarray(sample[None]))
    palette = picture.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=0).getpalette("RGB") or [0, 0, 0]
    return np.array(palette, np.uint8).reshape(-1, 3)[:colours]


def _refined(sample: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`palette` with each colour moved to the mean of the pixels nearest to it: two rounds of k-means (Lloyd 1982)."""
    for _ in range(2):
        nearest = table_of(palette).take(keys(sample[None]))[0]
        count = np.bincount(nearest, minlength=len(palette))
        sums = [np.bincount(nearest, sample[:, channel], minlength=len(palette)) for channel in range(3)]
        means = np.stack(sums, axis=1) / np.maximum(count, 1)[:, None]
        palette = np.where(count[:, None] > 0, np.round(means), palette).astype(np.uint8)
    return palette


def table_of(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The nearest colour of `palette` for every colour in steps of 4: (64 * 64 * 64,)."""
    holder = Image.new("P", (1, 1))
    holder.putpalette(np.ascontiguousarray(palette).tobytes())
    indices = np.asarray(_CUBE.quantize(palette=holder, dither=Image.Dither.NONE)).ravel()
    # Pillow fills a palette up with black; the filling must not be chosen.
    return np.where(indices < len(palette), indices, _darkest(palette)).astype(np.uint8)


def _darkest(palette: NDArray[np.uint8]) -> int:
    return int(palette.astype(np.int32).sum(axis=1).argmin())
