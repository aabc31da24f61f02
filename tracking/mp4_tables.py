"""
What the tables of an MP4 or QuickTime file claim, looked at before a library makes memory of the claims.

A table may say in 20 bytes that it has ten million samples of one byte each, and a demuxer makes an entry of some 40 bytes for
each of them as soon as it opens the file. Only headers are read here, in the order in which a demuxer walks them; whatever is
no such file claims nothing. Source: ISO/IEC 14496-12.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"}
# How much of a box is looked at.
HEADS = {b"stsz": 12, b"stz2": 12, b"hdlr": 12, b"elst": 8, b"stco": 8, b"co64": 8, b"trun": 8}
MAX_TABLE_BYTES = 1 << 24
FILE_PARTS = {b"ftyp", b"mdat", b"moov", b"moof"}
WHOLE_TABLES = {b"stts", b"stsc"}

MAX_BOXES = 2_000_000  # an hour in fragments of one picture each has a million
MAX_DEPTH = 8

# Below this a claim costs next to nothing, true or not.
SAMPLES_FOR_NOTHING = 100_000

# A demuxer takes sound of constant size in pieces of so many samples at least.
SOUND_PIECE_SAMPLES = 160

HANDLERS = {b"vide", b"soun", b"subp", b"clcp"}

OPTIONAL_SAMPLE_FIELDS = 0x100, 0x200, 0x400, 0x800  # of a fragment's run: duration, size, flags, composition time


class TooManyBoxesError(Exception):
    """More boxes than any honest file has."""


@dataclass(slots=True)
class Claims:
    """
    How many index entries a demuxer will make for a whole file.

    `unbacked` are the samples of the table that claims the most beyond what the file's bytes could hold, 0 where none does.
    """

    samples: int = 0
    unbacked: int = 0

    def add(self, samples: int, *, bytes_each: int, size_bytes: int) -> None:
        """One table: `bytes_each` of the file's `size_bytes` per sample, 0 where the size is in a table of its own."""
        self.samples += samples
        if samples > max(SAMPLES_FOR_NOTHING, size_bytes // max(bytes_each, 1)):
            self.unbacked = max(self.unbacked, samples)


@dataclass(slots=True)
class _Track:
    """The tables of one track, as far as they matter here."""

    is_sound: bool = False
    sample_bytes: int = 0
    samples: int = 0
    edits: int = 1
    chunks: int = 0
    durations: list[tuple[int, int]] = field(default_factory=list)
    chunk_runs: list[tuple[int, int]] = field(default_factory=list)

    @property
    def entries(self) -> int:
        """What a demuxer makes of them: one entry a sample, but constant sound in pieces; and once for each edit."""
        if self.is_sound and self.sample_bytes and len(self.durations) == 1 and self.durations[0][1] == 1:
            return self._pieces()
        return self.samples * max(self.edits, 1)

    def _pieces(self) -> int:
        pieces = 0
        firsts = [first for first, _ in self.chunk_runs] + [self.chunks + 1]
        for (first, samples), following in zip(self.chunk_runs, firsts[1:], strict=True):
            pieces += max(0, min(following, self.chunks + 1) - first) * (1 + samples // SOUND_PIECE_SAMPLES)
        return pieces


def read_claims(path: Path) -> Claims:
    """Return what the file at `path` claims; nothing where it is no MP4. Raises `OSError`, `TooManyBoxesError`."""
    claims = Claims()
    with path.open("rb", buffering=0) as file:
        _Walk(file.fileno(), os.fstat(file.fileno()).st_size, claims).boxes()
    return claims


def file_heads(path: Path) -> list[int]:
    """Return where boxes are that begin a file (`ftyp`), none where it is no MP4. Raises `OSError`, `TooManyBoxesError`."""
    with path.open("rb", buffering=0) as file:
        walk = _Walk(file.fileno(), os.fstat(file.fileno()).st_size, Claims())
        walk.boxes()
    return walk.heads


def lacks_index(path: Path) -> bool:
    """Return whether the file has the head and the media of an MP4, and no index. Raises `OSError`, `TooManyBoxesError`."""
    with path.open("rb", buffering=0) as file:
        walk = _Walk(file.fileno(), os.fstat(file.fileno()).st_size, Claims())
        walk.boxes()
    return {b"ftyp", b"mdat"} <= walk.kinds and not {b"moov", b"moof"} & walk.kinds


class _Walk:
    """One walk over the boxes of an open file."""

    def __init__(self, descriptor: int, size_bytes: int, claims: Claims) -> None:
        self._descriptor = descriptor
        self._size_bytes = size_bytes
        self._claims = claims
        self._boxes = 0
        self._track = _Track()
        self.heads: list[int] = []
        self.kinds: set[bytes] = set()  # those among them that matter

    def boxes(self) -> None:
        """Walk the whole file."""
        self._children(0, self._size_bytes, 0)

    def _children(self, place: int, end: int, depth: int) -> None:
        while place + 8 <= end:
            size, kind = struct.unpack(">I4s", self._bytes(place, 8))
            start = place + 8
            if size == 1:
                size = struct.unpack(">Q", self._bytes(start, 8).ljust(8, b"\0"))[0]
                start += 8
            # A size of 0 reaches to the end; one that is too large is cut, as demuxers do.
            until = end if size == 0 else min(place + size, end)
            if until < start:
                return
            self._boxes += 1
            if self._boxes > MAX_BOXES:
                raise TooManyBoxesError
            if kind == b"ftyp":
                self.heads.append(place)
            if not depth and kind in FILE_PARTS:
                self.kinds.add(kind)
            self._box(kind, start, until, depth)
            place = until

    def _box(self, kind: bytes, start: int, end: int, depth: int) -> None:
        if kind in PARENTS:
            if depth == MAX_DEPTH:
                return
            if kind == b"trak":
                self._track = _Track()
            self._children(start, end, depth + 1)
            if kind == b"trak":
                track = self._track
                self._claims.add(track.entries, bytes_each=track.sample_bytes, size_bytes=self._size_bytes)
        elif kind in HEADS or kind in WHOLE_TABLES:
            self._table(kind, self._bytes(start, HEADS.get(kind, min(end - start, MAX_TABLE_BYTES))), end - start)

    def _table(self, kind: bytes, content: bytes, size: int) -> None:
        # Each begins with a byte of its version and three of flags. Of two of a kind the one that claims more counts.
        first, second = struct.unpack(">II", content[4:12].ljust(8, b"\0"))
        track = self._track
        match kind:
            case b"stsz":
                # Sizes of their own take 4 bytes each, so that no more can be there than fit.
                track.sample_bytes = first
                track.samples = max(track.samples, second if first else min(second, size // 4))
            case b"stz2":
                track.samples = max(track.samples, min(second, size * 2))
            case b"hdlr":
                # QuickTime has a second one, for how its data is reached.
                if content[8:12] in HANDLERS:
                    track.is_sound = content[8:12] == b"soun"
            case b"elst":
                track.edits = max(track.edits, min(first, size // 12))
            case b"stco" | b"co64":
                track.chunks = max(track.chunks, min(first, size // 4))
            case b"stts":
                track.durations += [(int(count), int(length)) for count, length in _rows(content, 2)[: min(first, 2)]]
            case b"stsc":
                track.chunk_runs += [(int(run[0]), int(run[1])) for run in _rows(content, 3)[:first]]
            case b"trun":
                self._claims.add(self._run(content, first, size), bytes_each=0, size_bytes=self._size_bytes)

    def _run(self, content: bytes, samples: int, size: int) -> int:
        flags = int.from_bytes(content[1:4])
        bytes_each = 4 * sum(bool(flags & bit) for bit in OPTIONAL_SAMPLE_FIELDS)
        return min(samples, size // bytes_each) if bytes_each else samples

    def _bytes(self, place: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, place)


def _rows(content: bytes, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """Return the whole rows of a table of 32-bit numbers, behind its head and count."""
    numbers = np.frombuffer(content, ">u4", max(0, len(content) - 8) // (4 * columns) * columns, 8 if len(content) >= 8 else 0)
    return numbers.reshape(-1, columns)
