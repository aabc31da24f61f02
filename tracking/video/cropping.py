"""
What a Matroska file says is to be cut off its pictures before they are shown.

FFmpeg reads these tags and leaves cutting to whoever shows the pictures, but the library between does not hand them on. Only
the head of a file is read, each byte once. Source: RFC 9559 (Matroska), RFC 8794 (EBML).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 1 << 20
MAX_ELEMENTS = 4096
MAX_TRACKS = 64

EBML, SEGMENT, TRACKS, TRACK_ENTRY, VIDEO = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0xAE, 0xE0
CLUSTER = 0x1F43B675
PIXEL_WIDTH, PIXEL_HEIGHT, DISPLAY_WIDTH, DISPLAY_HEIGHT = 0xB0, 0xBA, 0x54B0, 0x54BA
CROP_BOTTOM, CROP_TOP, CROP_LEFT, CROP_RIGHT = 0x54AA, 0x54BB, 0x54CC, 0x54DD
NUMBERS = {PIXEL_WIDTH, PIXEL_HEIGHT, DISPLAY_WIDTH, DISPLAY_HEIGHT, CROP_BOTTOM, CROP_TOP, CROP_LEFT, CROP_RIGHT}


@dataclass(frozen=True, slots=True)
class Crop:
    """
    Pixels to cut off each edge of the stored picture, of which something is left.

    `names_whole` says that the file's display size is that of the whole stored picture: tools that set the tags later leave it
    so, and it says nothing of the shape of pixels then.
    """

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    names_whole: bool = False


def read_crop(path: Path, *, track: int, size: tuple[int, int]) -> Crop | None:
    """
    Return what is to be cut off the pictures of the track with this place in the file; None where nothing is.

    `size` is the stored width and height, which the tags must agree with. Raises `OSError`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    tracks = list(_tracks(head))
    found = tracks[track] if track < len(tracks) else {}
    if (found.get(PIXEL_WIDTH), found.get(PIXEL_HEIGHT)) != size:
        return None
    left, top, right, bottom = (found.get(name, 0) for name in (CROP_LEFT, CROP_TOP, CROP_RIGHT, CROP_BOTTOM))
    if not (left or top or right or bottom) or left + right >= size[0] or top + bottom >= size[1]:
        return None
    shown = found.get(DISPLAY_WIDTH, size[0]), found.get(DISPLAY_HEIGHT, size[1])
    has_display = DISPLAY_WIDTH in found or DISPLAY_HEIGHT in found
    return Crop(left, top, right, bottom, names_whole=has_display and shown == size)


def _tracks(head: bytes) -> Iterator[dict[int, int]]:
    """Yield the numbers of each track's video part, empty for other tracks, in the order of the file."""
    for element, start, end in _elements(head, 0, len(head)):
        if element != SEGMENT:
            continue
        for child, child_start, child_end in _elements(head, start, end):
            if child == CLUSTER:
                return
            if child != TRACKS:
                continue
            for number, (entry, entry_start, entry_end) in enumerate(_elements(head, child_start, child_end)):
                if number == MAX_TRACKS:
                    return
                if entry == TRACK_ENTRY:
                    yield _video_numbers(head, entry_start, entry_end)
            return


def _video_numbers(head: bytes, start: int, end: int) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for part, part_start, part_end in _elements(head, start, end):
        if part == VIDEO:
            for name, value_start, value_end in _elements(head, part_start, part_end):
                if name in NUMBERS and value_end - value_start <= 8:
                    numbers[name] = int.from_bytes(head[value_start:value_end])
    return numbers


def _elements(head: bytes, place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the elements between two places: identity, where the content begins, where it ends (at most at `end`)."""
    for _ in range(MAX_ELEMENTS):
        if place >= end:
            return
        identity, start, _ = _number(head, place, keeps_marker=True)
        size, start, is_open = _number(head, start, keeps_marker=False)
        if start > end:
            return
        until = end if is_open else min(start + size, end)
        yield identity, start, until
        place = until


def _number(head: bytes, place: int, *, keeps_marker: bool) -> tuple[int, int, bool]:
    """Return a number of variable size: its value, the place behind it, and whether it stands for "unknown"."""
    if place >= len(head) or not head[place]:
        return 0, len(head) + 1, False
    length = 9 - head[place].bit_length()
    value = int.from_bytes(head[place : place + length])
    bits = (1 << 7 * length) - 1
    return (value if keeps_marker else value & bits), place + length, value & bits == bits
