"""
From RGB pictures of one view to palette indices, with little noise between frames.

Three things keep a GIF both clean and small. No dithering. *Hold*: a pixel keeps the colour last shown until it changes by more
than the noise of the video, so that what stands still costs nothing. And one palette as long as it will do: colours that turn
up later are added to it, which leaves the indices before them as they are; only when it is full does a new one begin.

Colours are looked up with 6 bits of each channel, in a table that is filled as they come. Measured choices:
docs/performance.md, "Rendering".
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

PixelT = TypeVar("PixelT", bound=np.generic)

# Indices from here on are free for what is drawn over the picture.
PICTURE_COLOURS = 238

# A fresh palette leaves room for colours that are still to come.
FIRST_COLOURS = 208
ADDED_COLOURS = 10

# By how much red, green and blue must change before a pixel is drawn anew; green carries the most of what the eye sees.
HOLD = np.array([6.0, 5.0, 7.0, 0.0])

# A colour whose nearest in the palette is this far away (in one channel) is badly served. So many more of them than a palette
# had in its first picture call for more colours, and where there is no room, for a new palette.
FAR = 14
MORE_COLOURS_FROM = 0.004
NEW_PALETTE_FROM = 0.04

SAMPLE_PIXELS = 6000

# Up to this share of changed pixels it is quicker to look up only these.
MANY_CHANGED = 0.2

# Whether the palette is still good is asked after this many changed pixels, as a share of the picture's.
CHECK_AFTER = 0.15

_CELLS = 64**3
_CELL_KEY = np.array([[1024.0, 16.0, 0.25]], np.float32)
_UNKNOWN = 255

_PIECE = 256
_FEW_CELLS = 2000

# How much a difference in red, green and blue counts in looking for the nearest colour: between equal and luma (BT.601).
_WEIGHTS = np.array([0.9, 1.2, 0.8], np.float32)


class Lookup:
    """The nearest colour of one palette (N, 3), which may grow, for any cell of six bits per channel (`cells_of`)."""

    def __init__(self, palette: NDArray[np.uint8]) -> None:
        self.palette = palette
        self._nearest = np.full(_CELLS, _UNKNOWN, np.uint8)
        self._is_far = np.zeros(_CELLS, np.bool_)

    def indices(self, cells: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Return the index of the nearest colour for each of `cells` (any shape)."""
        found = self._nearest.take(cells)
        unknown = found == _UNKNOWN
        if unknown.any():
            self._look_up(_distinct(cells[unknown]))
            found = self._nearest.take(cells)
        return found

    def far(self, cells: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which of `cells`, all looked up before, the palette serves badly."""
        return self._is_far.take(cells)

    def add(self, colours: NDArray[np.uint8]) -> None:
        """Let the palette grow by `colours` (N, 3); what they serve better is theirs from now on."""
        known = np.flatnonzero(self._nearest != _UNKNOWN)
        pixels = _colours_of(known)
        candidate = nearest_of(pixels, colours)
        old, new = self.palette[self._nearest[known]], colours[candidate]
        better = (((new - pixels) * _WEIGHTS) ** 2).sum(axis=1) < (((old - pixels) * _WEIGHTS) ** 2).sum(axis=1)
        self._set(known[better], pixels[better], candidate[better] + len(self.palette), new[better])
        self.palette = np.concatenate([self.palette, colours])

    def _look_up(self, cells: NDArray[np.intp]) -> None:
        pixels = _colours_of(cells)
        nearest = nearest_of(pixels, self.palette)
        self._set(cells, pixels, nearest, self.palette[nearest])

    def _set(
        self, cells: NDArray[np.intp], pixels: NDArray[np.float32], nearest: NDArray[np.intp], found: NDArray[np.uint8]
    ) -> None:
        self._nearest[cells] = nearest
        self._is_far[cells] = (np.abs(found - pixels) > FAR).any(axis=1)


class Quantiser:
    """
    Turns the pictures of one view, in time order, into indices below `PICTURE_COLOURS`.

    `palettes` are those begun so far, (N, 3) RGB; the last may still grow, the others are final.
    """

    def __init__(self) -> None:
        self._finished: list[NDArray[np.uint8]] = []
        self._lookup: Lookup | None = None
        self._usual_share = 0.0
        self._since_check = 0
        self._shown = np.empty((0, 0, 3), np.uint8)
        self._cells = np.empty((0, 0), np.int32)
        self._indices = np.empty((0, 0), np.uint8)

    @property
    def palettes(self) -> list[NDArray[np.uint8]]:
        return [*self._finished, self._lookup.palette] if self._lookup else []

    @property
    def palette(self) -> int:
        """The number of the palette that the latest picture is in."""
        return len(self._finished)

    def indices(self, picture: NDArray[np.uint8], *, beside: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """
        `picture` (H, W, 3) RGB as (H, W) indices into the latest palette.

        `beside` is another picture, shown next to it, whose colours the first palette should hold, too.
        """
        if self._lookup is None:
            self._shown = picture.copy()
            sample = _spread(picture).reshape(-1, 3)
            if beside is not None:
                sample = np.concatenate([sample, _spread(beside).reshape(-1, 3)[::6]])
            self._cells = cells_of(picture)
            self._begin(sample)
            return self._indices
        red, green, blue = cv2.split(cv2.subtract(cv2.absdiff(picture, self._shown), HOLD))
        changed = np.asarray(cv2.bitwise_or(cv2.bitwise_or(red, green), blue), np.uint8)
        count = cv2.countNonZero(changed)
        if count:
            cv2.copyTo(picture, changed, self._shown)
            self._update(self._lookup, changed, count)
        return self._indices

    def nearest(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Another picture in the latest palette."""
        assert self._lookup
        return self._lookup.indices(cells_of(picture))

    def _update(self, lookup: Lookup, changed: NDArray[np.uint8], count: int) -> None:
        """Look up the pixels where `changed` (H, W) is not 0, `count` of them, and the palette's fitness for what is shown."""
        if count > MANY_CHANGED * self._cells.size:
            self._cells = cells_of(self._shown)
            self._indices = lookup.indices(self._cells)
        else:
            places = np.flatnonzero(changed != 0)
            cells = cells_of(self._shown.reshape(-1, 3)[places][None])[0]
            self._cells.reshape(-1)[places] = cells
            # Whoever got the array before keeps what it was.
            self._indices = self._indices.copy()
            self._indices.reshape(-1)[places] = lookup.indices(cells)
        self._since_check += count
        if self._since_check < CHECK_AFTER * self._cells.size:
            return
        self._since_check = 0
        if self._adapt(lookup) and lookup is self._lookup:
            self._indices = lookup.indices(self._cells)

    def _adapt(self, lookup: Lookup) -> bool:
        """Whether the palette was found lacking and got more colours; where it has no room for them, a new one begins."""
        far = lookup.far(_spread(self._cells)).ravel()
        share = float(np.mean(far))
        room = PICTURE_COLOURS - len(lookup.palette)
        if share < 1.5 * self._usual_share + (MORE_COLOURS_FROM if room else NEW_PALETTE_FROM):
            return False
        sample = _spread(self._shown).reshape(-1, 3)
        if room:
            lookup.add(_frequent(sample[far], min(room, ADDED_COLOURS)))
        else:
            self._finished.append(lookup.palette)
            self._begin(sample)
        return True

    def _begin(self, sample: NDArray[np.uint8]) -> None:
        self._lookup = Lookup(_fitted(sample))
        self._indices = self._lookup.indices(self._cells)
        self._usual_share = float(np.mean(self._lookup.far(_spread(self._cells))))


def cells_of(picture: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the cell of each pixel (H, W, 3), (H, W): the 6 highest bits of red, green and blue, one after the other."""
    coarse = (picture & np.uint8(0xFC)).astype(np.float32)
    return np.asarray(cv2.transform(coarse, _CELL_KEY)).astype(np.int32).reshape(picture.shape[:2])


def _colours_of(cells: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the colour in the middle of each cell: (N, 3)."""
    return np.stack([cells >> 12, cells >> 6 & 63, cells & 63], axis=1).astype(np.float32) * 4 + 1.5


def nearest_of(colours: NDArray[np.float32], palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the index of the nearest colour of `palette` (N, 3) for each of `colours` (K, 3): (K,)."""
    targets = palette.astype(np.float32) * _WEIGHTS
    # The square of the colour itself is the same for all candidates; a product gives the rest.
    left = np.concatenate([colours * _WEIGHTS, np.ones((len(colours), 1), np.float32)], axis=1)
    right = np.concatenate([-2 * targets, (targets**2).sum(axis=1, keepdims=True)], axis=1).T
    nearest = np.empty(len(colours), np.intp)
    # Piece by piece: small products stay in the cache and in this thread.
    for start in range(0, len(colours), _PIECE):
        nearest[start : start + _PIECE] = (left[start : start + _PIECE] @ right).argmin(axis=1)
    return nearest


def _spread(picture: NDArray[PixelT]) -> NDArray[PixelT]:
    """About `SAMPLE_PIXELS` pixels of a picture, evenly spread: every n-th of every n-th row."""
    step = max(1, int((picture.shape[0] * picture.shape[1] / SAMPLE_PIXELS) ** 0.5))
    return picture[step // 2 :: step, step // 2 :: step]


def _fitted(sample: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """
    Return a palette for the pixels (N, 3): (K, 3), K <= `FIRST_COLOURS`.

    Kinds of pixels (cells of six bits) are split at the mean where their colours vary most (after Wu, Graphics Gems II, 1991),
    many groups at once: those first of which pixels times deviation is most, since variance alone leaves too little to large
    dark areas. Each colour is then moved to the mean of the kinds that are nearest to it (Lloyd 1982).
    """
    count, colours = _kinds(sample, bits=6)
    group = np.zeros(len(count), np.intp)
    groups = 1
    while groups < FIRST_COLOURS:
        means, spread = _moments(colours * _WEIGHTS, count, group, groups)
        urgency = spread.max(axis=1) * np.bincount(group, count, groups)
        chosen = np.argsort(-urgency)[: min(max(1, groups // 2), FIRST_COLOURS - groups)]
        chosen = chosen[spread[chosen].max(axis=1) > 1e-3]
        if not chosen.size:
            break
        split_off = np.full(groups, -1)
        split_off[chosen] = groups + np.arange(chosen.size)
        channel = spread.argmax(axis=1)
        members = np.flatnonzero(split_off[group] >= 0)
        theirs = group[members]
        above = (colours * _WEIGHTS)[members, channel[theirs]] > means[theirs, channel[theirs]]
        group[members[above]] = split_off[theirs[above]]
        groups += chosen.size
    palette = np.round(_moments(colours, count, group, groups)[0]).astype(np.uint8)
    means, _ = _moments(colours, count, nearest_of(colours.astype(np.float32), palette), groups)
    return np.where(np.isfinite(means), np.round(means), palette).astype(np.uint8)


def _moments(
    colours: NDArray[np.float64], count: NDArray[np.float64], group: NDArray[np.intp], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (G, 3) and summed squared distance from it (G, 3) of colours (K, 3) that count so often; NaN for empty groups."""
    weighted = colours * count[:, None]
    sums, squares = (
        np.stack([np.bincount(group, values[:, channel], groups) for channel in range(3)], axis=1)
        for values in (weighted, weighted * colours)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / np.bincount(group, count, groups)[:, None]
    return means, squares - sums * means


def _kinds(sample: NDArray[np.uint8], *, bits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many of the pixels (N, 3) are in each cell of `bits` per channel that is not empty, (K,), and their mean, (K, 3)."""
    kinds = (sample >> (8 - bits)).astype(np.intp) @ np.array([1 << 2 * bits, 1 << bits, 1])
    count = np.bincount(kinds)
    there = np.flatnonzero(count)
    sums = [np.bincount(kinds, sample[:, channel])[there] for channel in range(3)]
    return count[there].astype(np.float64), np.stack(sums, axis=1) / count[there, None]


def _frequent(sample: NDArray[np.uint8], colours: int) -> NDArray[np.uint8]:
    """The mean of each of the most frequent kinds of pixels (N, 3), kinds being cells of four bits: (K, 3), K <= `colours`."""
    count, means = _kinds(sample, bits=4)
    return np.round(means[np.argsort(-count, kind="stable")[:colours]]).astype(np.uint8)


def _distinct(cells: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return each of `cells` once, sorted; many by marking, which is quicker than to sort them."""
    if cells.size < _FEW_CELLS:
        return np.unique(cells).astype(np.intp)
    there = np.zeros(_CELLS, np.bool_)
    there[cells] = True
    return np.flatnonzero(there)
