"""
One growing GIF: takes the pictures of its frames one by one, and ends as a file that is small enough.

The file begins with the frame that opens its loop, since that is what is shown of it where it does not play.
A file that grows too large is made again from its own indices, never from the video: fewer frames, smaller, shorter, at last a
still. Times in hundredths of a second ("cs") count from the GIF's beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rendering.fonts import Typeface
from rendering.gif.canvas import Layout, Place, full_palette
from rendering.gif.container import GifBuilder
from rendering.gif.palette import Lookup, Quantiser, cells_of
from rendering.overlay import Caption

MAX_BYTES = 2_000_000
STILL_CS = 100


@dataclass(frozen=True, slots=True)
class Reduction:
    """
    What makes a GIF smaller: only every n-th frame, the picture's side times `scale`, at most `longest_cs`, 0 for a still.

    `leaves` is the least share of the bytes that is left: a measure that cannot be enough is not tried.
    """

    every: int
    scale: float
    longest_cs: int
    leaves: float


REDUCTIONS = (
    Reduction(2, 1.0, 600, 0.5),
    Reduction(2, 0.75, 600, 0.28),
    Reduction(2, 0.75, 400, 0.18),
    Reduction(3, 0.5, 400, 0.06),
    Reduction(5, 0.5, 300, 0.03),
    Reduction(1, 1.0, 0, 0.0),
)


@dataclass(frozen=True, slots=True)
class GifFile:
    """A finished file, and what is in it; `duration_cs` is 0 for a still."""

    data: bytes
    size: tuple[int, int]
    frame_count: int
    duration_cs: int


class GifEncoder:
    """A GIF of pictures of one size. Frames come in order, from one thread at a time."""

    def __init__(
        self,
        caption: Caption,
        typeface: Typeface,
        picture: tuple[int, int],
        *,
        starts_cs: NDArray[np.int64],
        end_cs: int,
        opening_cs: int,
    ) -> None:
        self._caption = caption
        self._typeface = typeface
        self._picture = picture
        self._starts_cs = starts_cs
        self._end_cs = end_cs
        self._opening_cs = opening_cs
        self._places: list[tuple[int, Place]] = []
        self._layout: Layout | None = None
        self._overview: NDArray[np.uint8] | None = None
        self._quantiser: Quantiser | None = None
        self._builder: GifBuilder | None = None
        self._palette = -1

    def add_picture(self, number: int, picture: NDArray[np.uint8], place: Place, overview: NDArray[np.uint8]) -> None:
        """Frame `number` from a window's RGB picture; `overview` is the whole picture, of which the first becomes the map."""
        self._quantiser = self._quantiser or Quantiser()
        if self._layout is None:
            self._layout = Layout(self._picture, self._caption, self._typeface, overview)
            # Its small copy: the picture itself is large, and many clips would hold one each.
            self._overview = self._layout.overview
        indices = self._quantiser.indices(picture, beside=self._layout.overview)
        self.add_indices(number, indices, place, self._quantiser, self._quantiser.palette)

    def add_indices(self, number: int, indices: NDArray[np.uint8], place: Place, quantiser: Quantiser, palette: int) -> None:
        """Frame `number` from a picture in palette `palette` of `quantiser`, which others may share."""
        self._quantiser = quantiser
        layout = self._layout = self._layout or Layout(self._picture, self._caption, self._typeface)
        if layout.overview is not None and palette != self._palette:
            layout.keep_overview(quantiser.nearest(layout.overview))
        self._palette = palette
        self._builder = self._builder or GifBuilder(*layout.size)
        start_cs = int(self._starts_cs[number])
        self._places.append((start_cs, place))
        self._builder.add(layout.compose(indices, place), start_cs, palette=palette, opens=start_cs == self._opening_cs)

    def finished(self) -> GifFile | None:
        """Return the file, not larger than `MAX_BYTES`; None where no frame came."""
        if self._builder is None:
            return None
        result = self._file(self._builder, self._end_cs if len(self._starts_cs) > 1 else 0)
        unreduced = len(result.data)
        for measure in REDUCTIONS:
            if len(result.data) <= MAX_BYTES:
                break
            if unreduced * measure.leaves <= MAX_BYTES:
                result = self._reduced(measure)
        return result

    def _file(self, builder: GifBuilder, duration_cs: int) -> GifFile:
        assert self._quantiser
        palettes = [full_palette(palette, self._caption.colour) for palette in self._quantiser.palettes]
        data = builder.file(palettes, end_cs=duration_cs or STILL_CS)
        return GifFile(data, (builder.width, builder.height), builder.frame_count, duration_cs)

    def _reduced(self, measure: Reduction) -> GifFile:
        """Return the GIF again, smaller, from the indices of the first."""
        assert self._quantiser
        assert self._layout
        width, height = (max(1, round(side * measure.scale)) for side in self._picture)
        layout = Layout((width, height), self._caption, self._typeface, self._overview)
        builder = GifBuilder(*layout.size)
        duration_cs = min(self._end_cs, measure.longest_cs)
        known = -1
        for start_cs, canvas, palette, place, opens in self._thinned(measure.every, duration_cs):
            if palette != known:
                known = palette
                lookup = Lookup(self._quantiser.palettes[palette])
                colours = full_palette(self._quantiser.palettes[palette], self._caption.colour)
                if layout.overview is not None:
                    layout.keep_overview(lookup.indices(cells_of(layout.overview)))
            picture = self._layout.picture_of(canvas)
            if measure.scale != 1.0:
                scaled = cv2.resize(colours[picture], layout.picture, interpolation=cv2.INTER_AREA)
                picture = lookup.indices(cells_of(np.asarray(scaled, np.uint8).reshape(height, width, 3)))
            builder.add(layout.compose(picture, place), start_cs, palette=palette, opens=opens)
        return self._file(builder, duration_cs)

    def _thinned(self, every: int, duration_cs: int) -> Iterator[tuple[int, NDArray[np.uint8], int, Place, bool]]:
        """
        Yield every n-th frame of the `duration_cs` around the one that opens the loop, that one in any case.

        Of each: its start in the new GIF, its canvas, its palette, its place, and whether it opens the loop.
        """
        assert self._builder
        opening = min(range(len(self._places)), key=lambda number: abs(self._places[number][0] - self._opening_cs))
        kept = self._places[opening % every :: every]
        latest = max(self._end_cs - duration_cs, 0)
        earliest = min(max(self._places[opening][0] - duration_cs // 2, 0), latest)
        kept = [one for one in kept if earliest <= one[0] < earliest + max(duration_cs, 1)] or [self._places[opening]]
        frames = self._builder.frames()
        canvas, _, palette = next(frames)
        coming = next(frames, None)
        for start_cs, place in kept:
            while coming and coming[1] <= start_cs:
                canvas, _, palette = coming
                coming = next(frames, None)
            yield start_cs - kept[0][0], canvas, palette, place, start_cs == self._places[opening][0]
