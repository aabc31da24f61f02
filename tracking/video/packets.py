"""
Reaching frames with as little decoding as possible.

A video is a row of packets, most of which can only be decoded after others. `PacketIndex` knows every packet's presentation
time and the key frames, from reading without decoding. `FrameDecoder` gives frames with their times, in time order: all of
them, those that a caller wants, or those of given numbers. Numbers count frames in the order in which they are shown, from 0.
Times are seconds from the first shown frame.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
import av.error
import av.video
import numpy as np
from numpy.typing import NDArray

from tracking.errors import VideoTooLong

Opened = tuple[av.container.InputContainer, av.video.VideoStream]
Opener = Callable[[], Opened]

# Reading past this many unneeded packets is cheaper than a seek, which some containers answer with a search.
READ_THROUGH_PACKETS = 60

MAX_PACKETS = 4_000_000  # ten hours at 100 frames a second: a file with more is made to exhaust memory

KEY, DISCARDED = 1, 2  # what is noted of a packet


@dataclass(frozen=True, slots=True, eq=False)
class PacketIndex:
    """
    Every packet that can be shown, in decoding order, and the order of showing.

    `pts` and `dts` (N,) are int64 ticks, `key` and `shown` (N,) bool; `order` (M,) gives the packet of each shown frame,
    `times` (M,) its time in seconds. Where frames are counted (`frame_rate`), times are made from their number.
    """

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    key: NDArray[np.bool_]
    order: NDArray[np.intp]
    times: NDArray[np.float64]
    duration_s: float

    def __len__(self) -> int:
        return int(self.order.size)

    @classmethod
    def read(cls, open_video: Opener, *, first_pts: int, frame_rate: Fraction | None, limit_s: float) -> PacketIndex:
        """Read a file without decoding, as far as it can be read. Raises `VideoTooLong` where there is more than `limit_s`."""
        container, stream = open_video()
        ticks_read, dts_read, marks = array("q"), array("q"), bytearray()
        last_duration = 0
        time_base = stream.time_base or Fraction(1, 1000)
        with container, _whole_or_cut():
            for packet in _packets(container, stream):
                pts = packet.pts if packet.pts is not None else packet.dts
                if pts is None:
                    pts = ticks_read[-1] + 1 if ticks_read else first_pts
                ticks_read.append(pts)
                dts_read.append(packet.dts if packet.dts is not None else pts)
                marks.append(KEY * packet.is_keyframe + DISCARDED * packet.is_discard)
                last_duration = packet.duration or last_duration
                if len(marks) > MAX_PACKETS or (not frame_rate and (pts - first_pts) * time_base > limit_s):
                    raise VideoTooLong(duration_s=float((pts - first_pts) * time_base), limit_s=limit_s)
        ticks, dts = np.frombuffer(ticks_read, np.int64), np.frombuffer(dts_read, np.int64)
        marked = np.frombuffer(marks, np.uint8)
        key = (marked & KEY) > 0
        if frame_rate:
            order = np.arange(len(marks))
            times = order / float(frame_rate)
            return cls(ticks, dts, key, order, times, float(len(marks) / frame_rate))
        visible = np.flatnonzero(((marked & DISCARDED) == 0) & (ticks >= first_pts))
        order = visible[np.argsort(ticks[visible], kind="stable")]
        order = order[np.concatenate([[True], np.diff(ticks[order]) > 0])] if order.size else order
        times = np.asarray((ticks[order] - first_pts) * float(time_base), np.float64)
        if not last_duration and times.size > 1:
            last_duration = round(float(times[-1]) / (times.size - 1) / float(time_base))
        duration_s = float(times[-1]) + last_duration * float(time_base) if times.size else 0.0
        return cls(ticks, dts, key, order, times, duration_s)

    def shown_at(self, times_s: NDArray[np.float64], *, tolerance_s: float) -> NDArray[np.intp]:
        """The number of the frame on the screen at each time; before the first and after the last, these."""
        numbers = np.searchsorted(self.times, times_s + tolerance_s, side="right") - 1
        return np.clip(numbers, 0, len(self) - 1)

    def entries(self, packets: NDArray[np.intp]) -> NDArray[np.intp]:
        """
        Where decoding must begin for each of `packets` (sorted): the key frame before it.

        A frame shown before its key frame (an open group of pictures) may refer to the group before, and begins there.
        """
        keys = np.flatnonzero(self.key)
        if not keys.size or keys[0] != 0:
            keys = np.concatenate([[0], keys])
        group = np.searchsorted(keys, packets, side="right") - 1
        leading = self.pts[packets] < self.pts[keys[group]]
        entries = keys[np.maximum(group - leading, 0)]
        return np.minimum.accumulate(entries[::-1])[::-1]


@contextlib.contextmanager
def _whole_or_cut() -> Iterator[None]:
    """End reading where a damaged file ends it."""
    try:
        yield
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return


class _Missing(Exception):
    """A frame that should have come did not."""


class FrameDecoder:
    """
    One pass over a video; a context manager that opens the file anew, so that no pass inherits another's state.

    `first_pts` is the first shown frame's, None to take it from what comes first. `frames_lost` counts frames that did not
    decode or refer to such; `cut_short` says that reading ended in an error, `read_until` where the last packet that was
    read ends, in ticks.
    """

    def __init__(self, open_video: Opener, *, first_pts: int | None, frame_rate: Fraction | None) -> None:
        self._open = open_video
        self._first_pts = first_pts
        self._frame_rate = frame_rate
        self.frames_lost = 0
        self.cut_short = False
        self.read_until = 0

    def __enter__(self) -> Self:
        self._container, self._stream = self._open()
        self._time_base = self._stream.time_base or Fraction(1, 1000)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()

    @property
    def read_until_s(self) -> float:
        """Seconds until which packets were there to read."""
        return float((self.read_until - (self._first_pts or 0)) * self._time_base)

    def timed_frames(
        self, is_wanted: Callable[[float, float], bool] | None = None, *, start_s: float = 0.0
    ) -> Iterator[tuple[av.VideoFrame, float]]:
        """
        Frames with their times, from at or before `start_s` to the end.

        `is_wanted(time_s, duration_s)` is asked for each packet; what is not wanted may be left out where no other frame
        refers to it.
        """
        if start_s > 0 and self._first_pts is not None and not self._frame_rate:
            self._seek(self._first_pts + int(start_s / self._time_base))
        number = 0
        last_pts: int | None = None
        for frame in self._decoded(is_wanted):
            if self._frame_rate:
                yield frame, float(number / self._frame_rate)
                number += 1
                continue
            pts = frame.pts if frame.pts is not None else frame.dts
            if pts is None or (last_pts is not None and pts <= last_pts):
                continue
            if self._first_pts is None:
                self._first_pts = pts
            last_pts = pts
            if pts >= self._first_pts:
                yield frame, float((pts - self._first_pts) * self._time_base)

    def frames_by_number(
        self, index: PacketIndex, numbers: NDArray[np.intp]
    ) -> Iterator[tuple[list[int], av.VideoFrame, float]]:
        """
        The frames of `numbers` (sorted, each once), each with the places in `numbers` that it serves, and its time.

        A number whose frame does not decode is served by the next frame that does, at the end by the last.
        """
        pending = deque(enumerate(numbers.tolist()))
        if not self._frame_rate:
            try:
                yield from self._chosen(index, pending)
            except av.error.MemoryError:
                raise
            except (_Missing, av.error.FFmpegError):
                # An odd file: start again and leave nothing out.
                self._container.close()
                self._container, self._stream = self._open()
        latest: tuple[av.VideoFrame, float] | None = None
        if not pending:
            return
        self.frames_lost = 0
        for frame, time_s in self.timed_frames():
            latest = frame, time_s
            number = int(np.searchsorted(index.times, time_s + 1e-6, side="right")) - 1
            places = _taken(pending, number)
            if places:
                yield places, frame, time_s
            if not pending:
                return
        if latest:
            yield _taken(pending, len(index)), *latest

    def _chosen(self, index: PacketIndex, pending: deque[tuple[int, int]]) -> Iterator[tuple[list[int], av.VideoFrame, float]]:
        """The pending frames by the shortest way; serves from the left of `pending`. Raises `_Missing` where that fails."""
        packets = np.sort(index.order[[number for _, number in pending]])
        entries = index.entries(packets)
        first_of_run = np.concatenate([[True], entries[1:] > packets[:-1]])
        wanted = frozenset(packets.tolist())
        number_of = {int(index.pts[packet]): number for number, packet in enumerate(index.order.tolist())}
        position = 0
        codec = self._stream.codec_context
        source = _packets(self._container, self._stream)
        for run in np.split(np.arange(packets.size), np.flatnonzero(first_of_run)[1:]):
            entry, last = int(entries[run[0]]), int(packets[run[-1]])
            if not 0 <= entry - position <= READ_THROUGH_PACKETS:
                self._seek(int(index.dts[entry]))
                source = _packets(self._container, self._stream)
                position = -1
            for packet in source:
                if position < 0:
                    position = _position(index, packet)
                    if not 0 <= position <= entry:
                        raise _Missing
                if position >= entry:
                    codec.skip_frame = "DEFAULT" if position in wanted else "NONREF"
                    yield from self._served(index, codec.decode(packet), number_of, pending)
                position += 1
                if position > last:
                    break
            codec.skip_frame = "DEFAULT"
            yield from self._served(index, codec.decode(None), number_of, pending)
            codec.flush_buffers()
            if pending and index.order[pending[0][1]] <= last:
                raise _Missing

    def _served(
        self, index: PacketIndex, frames: list[av.VideoFrame], number_of: dict[int, int], pending: deque[tuple[int, int]]
    ) -> Iterator[tuple[list[int], av.VideoFrame, float]]:
        for frame in frames:
            number = number_of.get(frame.pts) if frame.pts is not None else None
            if number is None or not pending or number < pending[0][1]:
                continue
            if number > pending[0][1]:
                raise _Missing
            place, _ = pending.popleft()
            yield [place], frame, float(index.times[number])

    def _decoded(self, is_wanted: Callable[[float, float], bool] | None) -> Iterator[av.VideoFrame]:
        codec = self._stream.codec_context
        damaged_from: int | None = None  # what refers to a lost frame is garbage, until a key frame mends it
        try:
            for packet in _packets(self._container, self._stream):
                self.read_until = max(self.read_until, (packet.pts or 0) + (packet.duration or 0))
                if is_wanted and packet.pts is not None and packet.duration:
                    time_s = float((packet.pts - (self._first_pts or 0)) * self._time_base)
                    wanted = is_wanted(time_s, float(packet.duration * self._time_base))
                    codec.skip_frame = "DEFAULT" if wanted else "NONREF"
                try:
                    frames = codec.decode(packet)
                except av.error.InvalidDataError:
                    self.frames_lost += 1
                    damaged_from = packet.pts if damaged_from is None else damaged_from
                    continue
                for frame in frames:
                    if damaged_from is not None and (frame.pts or 0) >= damaged_from:
                        if not frame.key_frame:
                            self.frames_lost += 1
                            continue
                        damaged_from = None
                    yield frame
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            self.cut_short = True
        codec.skip_frame = "DEFAULT"
        try:
            remaining = codec.decode(None)
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            self.frames_lost += 1
            return
        yield from (frame for frame in remaining if damaged_from is None or (frame.pts or 0) < damaged_from)

    def _seek(self, timestamp: int) -> None:
        """To the key frame at or before `timestamp`, in ticks; where the container cannot, to the beginning."""
        try:
            self._container.seek(timestamp, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            self._container.close()
            self._container, self._stream = self._open()


def _packets(container: av.container.InputContainer, stream: av.video.VideoStream) -> Iterator[av.Packet[av.video.VideoStream]]:
    """The stream's packets, without the empty one that ends it."""
    return (packet for packet in container.demux(stream) if packet.size)


def _position(index: PacketIndex, packet: av.Packet[av.video.VideoStream]) -> int:
    """Where a packet stands in the index, -1 when it does not."""
    found = np.flatnonzero((index.pts == packet.pts) & (index.dts == packet.dts))
    return int(found[0]) if found.size else -1


def _taken(pending: deque[tuple[int, int]], number: int) -> list[int]:
    """Takes all up to and including `number` from the left; their places."""
    places = []
    while pending and pending[0][1] <= number:
        places.append(pending.popleft()[0])
    return places
