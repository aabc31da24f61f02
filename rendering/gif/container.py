"""
GIF files from palette indices, written small: each frame holds only what changed.

A frame is the smallest rectangle around its changed pixels, with the unchanged ones inside transparent, so that they cost
next to nothing; a frame in which nothing changed lengthens the one before. A loop may begin with any of its frames: that one is
whole in the file, and the earliest in time holds only what differs from the last, which it follows. The compression itself is
Pillow's. Source: GIF89a specification, CompuServe 1990, and the Netscape 2.0 application extension for looping.

What the indices mean, which colours there are and how large a file may be is the callers' business. Times are hundredths of a
second ("cs"), as in the format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

TRANSPARENT = 255

# Browsers play anything shorter at a tenth of a second.
MIN_DELAY_CS = 2
MAX_DELAY_CS = 0xFFFF

_BITS = 8
_GRAPHIC_CONTROL = b"\x21\xf9\x04"
_KEEP_AND_TRANSPARENT = 0b0000_0101  # disposal 1: the next frame is drawn over this one; bit 0: an index is transparent


@dataclass(frozen=True, slots=True)
class _Part:
    """A compressed rectangle of one frame: where it lies, from when on it is shown, and which palette it is in."""

    left: int
    top: int
    width: int
    height: int
    start_cs: int
    palette: int
    data: bytes

    def pixels(self) -> NDArray[np.uint8]:
        """Return its indices, (height, width)."""
        # Mode L holds the indices as they are; the decoder's own arguments are bits per pixel, interlace, transparency.
        return np.asarray(Image.frombytes("L", (self.width, self.height), self.data, "gif", _BITS, 0, -1))


class GifBuilder:
    """
    Collects the frames of one GIF, each compressed as it comes.

    A palette is named by a number here and given at the end, so that it can still grow: index 255 is transparent in all.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._parts: list[_Part] = []
        self._opening = 0
        self._shown = np.empty((0, 0), np.uint8)

    @property
    def frame_count(self) -> int:
        return len(self._parts)

    @property
    def size_bytes(self) -> int:
        """What the file will need at least: the pictures alone."""
        return sum(len(part.data) for part in self._parts)

    def add(self, indices: NDArray[np.uint8], start_cs: int, *, palette: int = 0, opens: bool = False) -> None:
        """
        Show `indices` (height, width), none of them 255, from `start_cs` on; times must rise by 2 or more.

        The file begins with the last frame that `opens`, or with the first that was added. The array is kept: the caller must
        not change it afterwards.
        """
        if not self._parts or opens or palette != self._parts[-1].palette:
            # In another palette the same number is another colour: nothing of the old picture can stay.
            self._parts.append(_Part(0, 0, self.width, self.height, start_cs, palette, compressed(indices)))
        elif part := _changed(indices, self._shown, start_cs, palette):
            self._parts.append(part)
        if opens:
            self._opening = len(self._parts) - 1
        self._shown = indices

    def frames(self) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
        """Yield what was added: whole pictures of indices with their start in cs and their palette, each new to the caller."""
        shown = np.zeros((self.height, self.width), np.uint8)
        for part in self._parts:
            piece = part.pixels()
            target = shown[part.top : part.top + part.height, part.left : part.left + part.width]
            np.copyto(target, piece, where=piece != TRANSPARENT)
            yield shown.copy(), part.start_cs, part.palette

    def file(self, palettes: Sequence[NDArray[np.uint8]], *, end_cs: int) -> bytes:
        """
        Return the whole file, looping forever; the last frame in time is shown until `end_cs`.

        `palettes` are (N, 3) RGB, N up to 256, by the numbers that `add` was given.
        """
        ends = [part.start_cs for part in self._parts[1:]] + [end_cs]
        shown = [(part, end - part.start_cs) for part, end in zip(self._parts, ends, strict=True)]
        if self._opening:
            shown[0] = self._first_after_last(), shown[0][1]
        main = self._parts[self._opening].palette
        header = b"GIF89a" + struct.pack("<HHBBB", self.width, self.height, 0xF7, 0, 0) + _colour_table(palettes[main])
        chunks = [header, b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"]
        for part, delay_cs in shown[self._opening :] + shown[: self._opening]:
            delay = min(max(delay_cs, MIN_DELAY_CS), MAX_DELAY_CS)
            chunks.append(_GRAPHIC_CONTROL + struct.pack("<BHBB", _KEEP_AND_TRANSPARENT, delay, TRANSPARENT, 0))
            own = part.palette != main
            chunks.append(b"," + struct.pack("<HHHHB", part.left, part.top, part.width, part.height, 0x87 if own else 0))
            if own:
                chunks.append(_colour_table(palettes[part.palette]))
            chunks += [bytes([_BITS]), part.data, b"\0"]
        return b"".join([*chunks, b";"])

    def _first_after_last(self) -> _Part:
        """Return the first frame in time as it follows the last one."""
        first = self._parts[0]
        if first.palette != self._parts[-1].palette:
            return first
        unchanged = replace(first, width=1, height=1, data=compressed(np.array([[TRANSPARENT]], np.uint8)))
        return _changed(first.pixels(), self._shown, first.start_cs, first.palette) or unchanged


def _changed(indices: NDArray[np.uint8], before: NDArray[np.uint8], start_cs: int, palette: int) -> _Part | None:
    """Return what differs between two pictures, None where nothing does."""
    left, top, width, height = cv2.boundingRect(cv2.bitwise_xor(indices, before))
    if not width:
        return None
    inside = slice(top, top + height), slice(left, left + width)
    # All bits set is the transparent index.
    same = cv2.compare(indices[inside], before[inside], cv2.CMP_EQ)
    part = np.asarray(cv2.bitwise_or(indices[inside], same), np.uint8).reshape(height, width)
    return _Part(left, top, width, height, start_cs, palette, compressed(part))


def compressed(indices: NDArray[np.uint8]) -> bytes:
    """(height, width) as LZW in sub-blocks, without the byte before and the empty block after."""
    return Image.fromarray(np.ascontiguousarray(indices)).tobytes("gif", "L", _BITS, 0)


def _colour_table(palette: NDArray[np.uint8]) -> bytes:
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    return table.tobytes()
