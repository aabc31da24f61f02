"""
What the bytes of packets tell of damage that decoders do not see.

The entropy coding of HEVC, VP8 and VP9 has no checks, so that a decoder takes a hole for a picture; for a lost reference of
H.264 FFmpeg takes the picture before, and marks nothing. A hole (a block of a disk or of a download that was never written) is
a long run of zeros in the middle of compressed data; a lost reference is a number that was left out. Each packet is looked at
once, and what cannot be read says nothing. Sources: ITU-T H.264, 7.3 and 7.4.3 (frame_num); ISO/IEC 14496-15 (lengths).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

# Coded data carry a bit of information in each bit: so many zeros in a row are padding, or a hole.
HOLE = bytes(128)
START_CODE = b"\0\0\1"
END_OF_JPEG = b"\xff\xd9"

HOLED_CODECS = {"h264", "hevc", "vp8", "vp9", "av1", "mjpeg"}
UNCHECKED_CODECS = {"hevc", "vp8", "vp9"}
"""Those whose decoders notice nothing of damaged data."""

PROFILES_WITH_CHROMA = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
HEAD_BYTES = 48  # of a slice, in which its number stands
PARAMETER_BYTES = 1024
MAX_PARTS = 64  # NAL units before the first slice
MAX_PARAMETER_SETS = 256


class NalUnit(IntEnum):
    """What a NAL unit of H.264 holds (table 7-1)."""

    SLICE = 1
    SLICE_PART = 2
    SLICE_IDR = 5
    SPS = 7
    PPS = 8


SLICES = {NalUnit.SLICE, NalUnit.SLICE_PART, NalUnit.SLICE_IDR}


class Inspector:
    """Looks at the packets of one stream in their order; `codec` is FFmpeg's name, `extradata` the stream's own head."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        # ISO/IEC 14496-15: NAL units behind their lengths; else behind start codes.
        self._length_bytes = (extradata[4] & 3) + 1 if codec == "h264" and len(extradata) > 6 and extradata[0] == 1 else 0
        self._has_lengths = bool(extradata[:1] == b"\1" and codec in {"h264", "hevc"})
        self._numbers = FrameNumbers() if codec == "h264" else None
        if self._numbers and self._length_bytes:
            for unit in _parameter_units(extradata):
                self._numbers.read(unit)
        elif self._numbers:
            for unit in _units(extradata, 0):
                self._numbers.read(unit)

    def has_hole(self, data: bytes) -> bool:
        """Return whether a packet has a long run of zeros where no encoder leaves one."""
        if self._codec not in HOLED_CODECS:
            return False
        start = data.find(HOLE)
        if start < 0:
            return False
        behind = data[start:].lstrip(b"\0")[:1]
        if self._codec in {"h264", "hevc"}:
            # Behind start codes, zeros before the next one and at the end are padding.
            return self._has_lengths or behind not in {b"", b"\1"}
        # So they are at the end of AV1's units, and behind that of a JPEG.
        is_padding = self._codec == "av1" or (self._codec == "mjpeg" and data[start - 2 : start] == END_OF_JPEG)
        return bool(behind) or not is_padding

    def lacks_reference(self, data: bytes) -> bool:
        """Return whether references are missing between the packet before and this one."""
        return self._numbers is not None and any(self._numbers.read(unit) for unit in _units(data, self._length_bytes))


def exceptional(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the marks (N,) of what is damage; none where most have it, since that is an encoder's padding."""
    return marked if 2 * int(marked.sum()) <= marked.size else np.zeros(marked.size, np.bool_)


class _Bits:
    """Reads numbers from the head of a NAL unit. Raises `EOFError` behind its end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise EOFError
        return self._value >> self._left & ((1 << count) - 1)

    def unsigned(self) -> int:
        """Return a number in Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise EOFError
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What a sequence parameter set says of frame numbers."""

    number_bits: int
    allows_gaps: bool
    has_colour_planes: bool


@dataclass(slots=True)
class FrameNumbers:
    """The numbers that H.264 gives to its reference frames, which rise by one."""

    _sequences: dict[int, _Sequence] = field(default_factory=dict)
    _pictures: dict[int, int] = field(default_factory=dict)
    _latest: int | None = None

    def read(self, unit: bytes) -> bool:
        """Take in a NAL unit; return whether it is a slice before which a reference was left out."""
        if not unit:
            return False
        kind, is_reference = unit[0] & 31, bool(unit[0] & 0x60)
        try:
            match kind:
                case NalUnit.SPS if len(self._sequences) < MAX_PARAMETER_SETS:
                    self._read_sequence(_Bits(_unescaped(unit[1:PARAMETER_BYTES])))
                case NalUnit.PPS if len(self._pictures) < MAX_PARAMETER_SETS:
                    bits = _Bits(_unescaped(unit[1:PARAMETER_BYTES]))
                    self._pictures[bits.unsigned()] = bits.unsigned()
                case NalUnit.SLICE | NalUnit.SLICE_PART | NalUnit.SLICE_IDR:
                    return self._is_gap(
                        _Bits(_unescaped(unit[1:HEAD_BYTES])), is_reference=is_reference, is_idr=kind == NalUnit.SLICE_IDR
                    )
        except EOFError:
            return False
        return False

    def _is_gap(self, bits: _Bits, *, is_reference: bool, is_idr: bool) -> bool:
        bits.unsigned()  # the first macroblock
        bits.unsigned()  # the kind of slice
        sequence = self._sequences.get(self._pictures.get(bits.unsigned(), -1))
        if sequence is None:
            return False
        if sequence.has_colour_planes:
            bits.take(2)
        number, before = bits.take(sequence.number_bits), self._latest
        if is_reference:
            self._latest = number
        if is_idr or before is None or sequence.allows_gaps:
            return False
        return number not in (before, (before + 1) % (1 << sequence.number_bits))

    def _read_sequence(self, bits: _Bits) -> None:
        profile = bits.take(8)
        bits.take(16)
        number, has_colour_planes = bits.unsigned(), False
        if profile in PROFILES_WITH_CHROMA:
            chroma = bits.unsigned()
            if chroma == 3:
                has_colour_planes = bool(bits.take(1))
            bits.unsigned()
            bits.unsigned()
            bits.take(1)
            if bits.take(1):
                for place in range(8 if chroma != 3 else 12):
                    if bits.take(1):
                        _skip_scaling_list(bits, 16 if place < 6 else 64)
        number_bits = bits.unsigned() + 4
        order = bits.unsigned()
        if order == 0:
            bits.unsigned()
        elif order == 1:
            bits.take(1)
            bits.signed()
            bits.signed()
            for _ in range(min(bits.unsigned(), 255)):
                bits.signed()
        bits.unsigned()  # how many references are kept
        if number_bits <= 16:
            self._sequences[number] = _Sequence(number_bits, bool(bits.take(1)), has_colour_planes)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    latest = following = 8
    for _ in range(size):
        if following:
            following = (latest + bits.signed()) % 256
        latest = following or latest


def _unescaped(data: bytes) -> bytes:
    return data.replace(b"\0\0\3", b"\0\0")


def _units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the heads of a packet's NAL units, up to its first slice."""
    place = 0
    for _ in range(MAX_PARTS):
        if length_bytes:
            start = place + length_bytes
            place = end = start + int.from_bytes(data[place:start])
        else:
            start = place = data.find(START_CODE, place) + len(START_CODE)
            end = len(data)  # more than the unit, of which the head is read
            if start < len(START_CODE):
                return
        unit = data[start : min(end, start + PARAMETER_BYTES)]
        if not unit:
            return
        yield unit
        if unit[0] & 31 in SLICES:
            return


def _parameter_units(extradata: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3)."""
    place = 6
    for count in (extradata[5] & 31, None):
        if count is None:
            if place >= len(extradata):
                return
            count, place = extradata[place], place + 1
        for _ in range(count):
            start = place + 2
            place = start + int.from_bytes(extradata[place:start])
            yield extradata[start:place]
