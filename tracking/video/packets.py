"""
Reaching frames with as little decoding as possible, in any container.

A video is a row of packets, most of which can only be decoded after others. `PacketIndex` knows every packet, from reading the
whole file once without decoding; `timeline.py` knows from it when each picture is shown. `FrameDecoder` gives frames: all
that are shown from some time on, or those of given numbers. Numbers count pictures in the order of showing, from 0.

A seek is never believed. Containers without an index of their own (MPEG-TS, MPEG-PS) land anywhere, so what comes after a seek
is looked up in the index, and where it lies behind what is needed, the file is read through instead. Each packet goes to the
decoder with its number in the place of its time, so that every frame tells which packet it came from.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from types import TracebackType
from typing import Self, TypeAlias

import av
import av.error
import av.video
import numpy as np
from av.codec.codec import Capabilities
from av.codec.context import ThreadType
from numpy.typing import NDArray

from tracking.errors import VideoTooLarge
from tracking.model import Segment
from tracking.video.damage import UNCHECKED_CODECS, Inspector, exceptional
from tracking.video.shape import UPRIGHT, Orientation
from tracking.video.timeline import (
    ASSUMED_RATE,
    LARGEST_TIME,
    NO_TIME,
    PacketTimes,
    Ticks,
    Timeline,
    counted,
    plausible_rate,
    timeline,
)

Opened = tuple[av.container.InputContainer, av.video.VideoStream]
Opener = Callable[[], Opened]
VideoPacket: TypeAlias = "av.Packet[av.video.VideoStream]"

# Containers that bear no times of their own: FFmpeg makes some up from a rate.
UNTIMED_CONTAINERS = {"h261", "h263", "h264", "hevc", "m4v", "mpegvideo", "mjpeg", "mpjpeg", "vc1", "vvc", "obu", "av1"}

# Reading past this many unneeded packets is cheaper than a seek, which some containers answer with a search.
READ_THROUGH_PACKETS = 60

# After a seek so many packets may pass until one is known again; and how many key frames earlier it is tried, in turn.
UNKNOWN_PACKETS = 64
EARLIER_KEYS = (0, 1, 4)

MAX_PACKETS = 4_000_000  # ten hours at 100 frames a second: a file with more is made to exhaust memory

# Frames looked at for whether times that only rise are those of showing: coders use B-frames at once, or not at all.
ORDER_SAMPLE = 48

MAX_STRETCHES = 100  # of damage that are told one by one

MOST_HELD = 8  # frames that wait for the one they may refer to: coders use three as a rule

SEAM_PACKETS = 4  # so far from a seam its mark may stand, since a parser cuts what a container gives into packets
TS_DISCONT = 0x200  # AVFMT_TS_DISCONT: clocks of such a container may jump
PROGRESSIVE = 1  # AV_FIELD_PROGRESSIVE; above it a packet may hold half a picture

KEY, DISCARDED, CORRUPT, HOLED, UNREFERENCED = 1, 2, 4, 8, 16  # what is noted of a packet
VP8_SHOWN = 0x10  # RFC 6386, 9.1: the bit of the first byte that says that a frame is shown


@dataclass(frozen=True, slots=True, eq=False)
class PacketIndex:
    """
    Every packet of a video in the order of decoding, and the timeline of what they show.

    `pts`, `dts` and `position` (N,) are int64: ticks as they were read or `NO_TIME`, and the place in the file or -1; `sizes`
    (N,) int32 bytes; `key` (N,) bool. `cut_short` says that reading ended in an error, `corrupt` counts the packets that the
    container itself calls incomplete. `reorders` says that the codec may show frames in another order, `has_fields` that a
    packet may hold one field of an interlaced picture. `broken` (N,) says of which packets the bytes show damage that decoders
    do not see: holes, and missing references; `leading` (N,) whose pictures are shown before one that was decoded earlier.
    """

    pts: Ticks
    dts: Ticks
    position: NDArray[np.int64]
    sizes: NDArray[np.int32]
    key: NDArray[np.bool_]
    timeline: Timeline
    reorders: bool
    has_fields: bool
    cut_short: bool
    corrupt: int
    broken: NDArray[np.bool_]
    leading: NDArray[np.bool_]

    @property
    def packet_count(self) -> int:
        """How many packets there are, shown or not."""
        return int(self.pts.size)

    @classmethod
    def read(
        cls, container: av.container.InputContainer, stream: av.video.VideoStream, *, end: int | None = None
    ) -> PacketIndex:
        """
        Read an open file without decoding, as far as it can be read, or up to the place `end` in it.

        Raises `VideoTooLarge` for more packets than any honest video has.
        """
        pts, dts, position, sizes, marks = array("q"), array("q"), array("q"), array("i"), bytearray()
        last_duration, cut_short = 0, False
        codec = stream.codec_context.codec.canonical_name
        inspector = Inspector(codec, stream.codec_context.extradata or b"")
        try:
            for packet in _packets(container, stream):
                if end is not None and packet.pos is not None and packet.pos >= end:
                    break
                data = bytes(packet)
                pts.append(NO_TIME if packet.pts is None else packet.pts)
                dts.append(NO_TIME if packet.dts is None else packet.dts)
                position.append(-1 if packet.pos is None else packet.pos)
                sizes.append(packet.size)
                is_hidden = packet.is_discard or (codec == "vp8" and not data[0] & VP8_SHOWN)
                # A key frame needs no references.
                lacks_reference = inspector.lacks_reference(data) and not packet.is_keyframe
                marks.append(
                    KEY * packet.is_keyframe
                    + DISCARDED * is_hidden
                    + CORRUPT * packet.is_corrupt
                    + HOLED * inspector.has_hole(data)
                    + UNREFERENCED * lacks_reference
                )
                last_duration = packet.duration or last_duration
                if len(marks) > MAX_PACKETS:
                    raise VideoTooLarge(size=len(marks), limit=MAX_PACKETS, unit="samples")
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            cut_short = container.format.name != "mpjpeg"  # whose every end is one
        names = set(container.format.name.split(","))
        clock_jumps = bool(container.format.flags & TS_DISCONT)
        tick_s = stream.time_base or Fraction(1, 1000)
        reorders = bool(stream.codec_context.has_b_frames)
        rates = (stream.codec_context.framerate, stream.guessed_rate, stream.average_rate)
        rate = next((known for known in map(plausible_rate, rates) if known), ASSUMED_RATE)
        marked = np.frombuffer(marks, np.uint8)
        is_shown = (marked & DISCARDED) == 0
        times = PacketTimes(np.frombuffer(pts, np.int64), np.frombuffer(dts, np.int64), is_shown, tick_s, last_duration)
        known = None if names & UNTIMED_CONTAINERS else timeline(times, clock_jumps=clock_jumps, reorders=reorders)
        line = known or counted(is_shown, rate, reorders=reorders)
        corrupt = _without_seams((marked & CORRUPT) > 0, line.jumps)
        broken = exceptional((marked & HOLED) > 0) | exceptional((marked & UNREFERENCED) > 0)
        if codec in UNCHECKED_CODECS:
            # Of a file that was cut, the last packet may still show something.
            broken[:-1] |= corrupt[:-1]
        return cls(
            times.pts,
            times.dts,
            np.frombuffer(position, np.int64),
            np.frombuffer(sizes, np.int32),
            (marked & KEY) > 0,
            line,
            reorders,
            stream.codec_context.field_order > PROGRESSIVE,
            cut_short,
            int(corrupt.sum()),
            broken,
            _leading(line, len(marked)),
        )

    @property
    def read_to(self) -> int | None:
        """Where the last but one packet of the file begins, None where that is not known."""
        known = np.sort(self.position[self.position >= 0])
        return int(known[-2]) if known.size > 1 else None

    def clock_length(self) -> int:
        """Return the ticks from the first time of showing to behind the last as the packets bear them, 0 where none does."""
        known = self.pts[(self.pts != NO_TIME) & (np.abs(self.pts) <= LARGEST_TIME)]
        return int(known.max() - known.min()) * (known.size + 1) // known.size if known.size > 1 else 0

    def with_timeline(self, found: Timeline) -> PacketIndex:
        """Return the same packets with another timeline."""
        return replace(self, timeline=found, leading=_leading(found, self.packet_count))

    def __len__(self) -> int:
        return len(self.timeline)

    def shown_at(self, times_s: NDArray[np.float64], *, tolerance_s: float) -> NDArray[np.intp]:
        """Return the number of the frame on the screen at each time; before the first and after the last, these."""
        numbers = np.searchsorted(self.timeline.times, times_s + tolerance_s, side="right") - 1
        return np.clip(numbers, 0, len(self) - 1)

    def entries(self, packets: NDArray[np.intp]) -> NDArray[np.intp]:
        """
        Return where decoding must begin for each of `packets` (sorted): the key frame before it.

        A frame shown before its key frame (an open group of pictures) may refer to the group before, and begins there.
        """
        keys = np.flatnonzero(self.key)
        if not keys.size or keys[0] != 0:
            keys = np.concatenate([[0], keys])
        group = np.searchsorted(keys, packets, side="right") - 1
        leading = self.pts[packets] < self.pts[keys[group]]
        entries = keys[np.maximum(group - leading, 0)]
        return np.minimum.accumulate(entries[::-1])[::-1]

    def numbers(self) -> NDArray[np.intp]:
        """Return the number of each packet's picture (N,), -1 for one that is not shown."""
        return _numbers(self.timeline, self.packet_count)


class Missing(Exception):
    """A frame that should have come did not, or not in its turn: what the file says of itself is wrong."""


class FrameDecoder:
    """
    One pass over a video; a context manager that opens the file anew, so that no pass inherits another's state.

    `orientation` is that of the frame that was given last.
    """

    def __init__(self, open_video: Opener, index: PacketIndex) -> None:
        self._open = open_video
        self._index = index
        self._numbers = index.numbers()
        self._is_lost = np.zeros(len(index), np.bool_)
        self.orientation = UPRIGHT

    def __enter__(self) -> Self:
        self._reader = _PacketReader(self._open, self._index)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._reader.close()

    def lost_within(self, start_s: float, end_s: float) -> NDArray[np.bool_]:
        """Return which pictures (M,) of a stretch did not decode, are damaged or refer to such."""
        times = self._index.timeline.times
        return np.asarray(self._is_lost & (times >= start_s) & (times <= end_s))

    def first_frame(self) -> tuple[av.VideoFrame, PacketIndex] | None:
        """
        Return the first good frame, and the index whose timeline begins with the first frame that decodes at all.

        Where the packets leave it open whether their times are those of showing, that is found out here. None where no frame
        is good.
        """
        index, line = self._index, self._index.timeline
        is_in_doubt = not line.is_ordered and index.reorders and bool((index.pts[line.order] != NO_TIME).all())
        good: av.VideoFrame | None = None
        packets: list[int] = []
        for _, frames in self._decoded(0):
            for frame in frames or []:
                packets.append(frame.pts or 0)
                if not good:
                    self.orientation = Orientation.after(frame, self.orientation)
                is_damaged = frame.is_corrupt or index.broken[frame.pts or 0]
                good = good or (None if is_damaged else frame)
            if good and (len(packets) >= ORDER_SAMPLE or not is_in_doubt):
                break
        if good is None:
            return None
        if is_in_doubt and packets == sorted(packets):
            line = replace(line, is_ordered=True)
        return good, index.with_timeline(line.starting_with(packets[0]))

    def from_time(self, start_s: float, *, is_wanted: NDArray[np.bool_] | None = None) -> Iterator[tuple[av.VideoFrame, float]]:
        """
        Frames with their times, from `start_s` or before to the end; damaged ones are left out.

        `is_wanted` (M,) says which pictures are needed; others may be left out where no other frame refers to them. Raises
        `Missing` where the file's marks of key frames are wrong, or its times those of decoding.
        """
        index, line = self._index, self._index.timeline
        if not line.is_ordered:
            for frame, place in self._undamaged(self._decoded(0)):
                yield frame, _time_at(line, place)
            return
        first = int(np.searchsorted(line.times, start_s, side="left"))
        if first == len(line):
            return
        entry = int(index.entries(np.sort(line.order[first:]))[0]) if start_s > 0 else 0
        skippable = None
        if is_wanted is not None and not is_wanted.all():
            skippable = np.ones(index.packet_count, np.bool_)
            skippable[line.order[is_wanted]] = False
        expected = np.ones(len(line), np.bool_) if is_wanted is None else is_wanted
        latest = first - 1
        for frame, _ in self._undamaged(self._decoded(entry, skippable)):
            number = int(self._numbers[frame.pts or 0])
            if number < first or number == latest:
                continue
            if number < latest:
                raise Missing
            self._lose_between(latest, number, expected)
            latest = number
            yield frame, float(line.times[number])
        self._lose_between(latest, len(line), expected)

    def chosen(self, numbers: NDArray[np.intp]) -> Iterator[av.VideoFrame]:
        """
        Yield the frames of `numbers` (sorted, each once) by the shortest way, in this order.

        Raises `Missing` where one does not come as it should, which says nothing of those that did.
        """
        index = self._index
        if not index.timeline.is_ordered:
            raise Missing
        packets = np.sort(index.timeline.order[numbers])
        entries = index.entries(packets)
        first_of_run = np.concatenate([[True], entries[1:] > packets[:-1]])
        skippable = np.ones(index.packet_count, np.bool_)
        skippable[packets] = False
        pending = deque(numbers.tolist())
        for run in np.split(np.arange(packets.size), np.flatnonzero(first_of_run)[1:]):
            first, last = int(entries[run[0]]), int(packets[run[-1]])
            if index.broken[first : last + 1].any():
                raise Missing
            for _, frames in self._settled(self._decoded(first, skippable, last=last)):
                if frames is None or any(frame.is_corrupt for frame in frames):
                    raise Missing
                for frame in frames:
                    self.orientation = Orientation.after(frame, self.orientation)
                    number = int(self._numbers[frame.pts or 0])
                    if not pending or number < pending[0]:
                        continue
                    if number > pending[0]:
                        raise Missing
                    pending.popleft()
                    yield frame
            if pending and index.timeline.order[pending[0]] <= last:
                raise Missing

    def _lose_between(self, before: int, after: int, expected: NDArray[np.bool_]) -> None:
        """Note the pictures between two numbers that should have come; some decoders leave out what they cannot decode."""
        if self._index.has_fields:
            return
        self._is_lost[before + 1 : after] |= expected[before + 1 : after]

    def _undamaged(self, decoded: Iterator[tuple[int, list[av.VideoFrame] | None]]) -> Iterator[tuple[av.VideoFrame, int]]:
        """
        Frames that are whole, with their places in the order in which frames come, lost ones counted.

        What refers to a lost frame is garbage, until a key frame mends it.
        """
        damaged: set[int] = set()  # packets of damage that no key frame has mended yet
        place, latest = 0, -1
        since_key: list[int] = []
        for packet, frames in self._settled(decoded):
            if frames is None:
                failed = self._reader.failed(packet, latest)
                self._lose(failed, place)
                place += 1
                damaged.add(failed)
            elif self._index.broken[packet]:
                damaged.add(packet)
            # Of what comes together, some is shown before that which it refers to.
            damaged.update(frame.pts or 0 for frame in frames or [] if frame.is_corrupt)
            for frame in frames or []:
                self.orientation = Orientation.after(frame, self.orientation)
                source = latest = frame.pts or 0
                if frame.key_frame:
                    # Before it everything is shown that was decoded before it, and those after it that came already.
                    place = int(self._numbers[source]) + sum(earlier > source for earlier in since_key)
                    since_key.clear()
                    damaged = {one for one in damaged if one >= source}
                since_key.append(source)
                if damaged and source >= min(damaged):
                    self._lose(source, place)
                else:
                    yield frame, place
                place += 1

    def _lose(self, packet: int, place: int) -> None:
        """Note a picture that is not shown; `place` tells which where only decoding tells the order."""
        line = self._index.timeline
        number = int(self._numbers[packet]) if line.is_ordered else place
        if 0 <= number < len(line):
            self._is_lost[number] = True

    def _settled(
        self, decoded: Iterator[tuple[int, list[av.VideoFrame] | None]]
    ) -> Iterator[tuple[int, list[av.VideoFrame] | None]]:
        """
        Give frames that are shown before one which they may refer to only together with that one.

        Where damage shows only in the error of the next frame, a frame is given together with that.
        """
        held: list[av.VideoFrame] = []
        kept = 1 if self._reader.errs_late else 0
        number = 0
        for number, frames in decoded:
            if frames is None:
                yield number, None
                continue
            ready: list[av.VideoFrame] = []
            for frame in frames:
                held.append(frame)
                if not self._index.leading[frame.pts or 0] or len(held) > MOST_HELD:
                    ready += held[: len(held) - kept]
                    del held[: len(held) - kept]
            yield number, ready
        yield number, held

    def _decoded(
        self, entry: int, skippable: NDArray[np.bool_] | None = None, *, last: int | None = None
    ) -> Iterator[tuple[int, list[av.VideoFrame] | None]]:
        """
        Yield each packet from `entry` on, to `last` or the end, and the frames that then come; None for one that does not
        decode.

        A frame's `pts` is the number of its packet. Of `skippable` packets (N,) nothing is decoded that nothing refers to.
        Raises `Missing` where `entry` is no place to begin.
        """
        index = self._index
        is_checked = entry == 0
        number = entry
        for number, packet in self._reader.packets(entry):
            codec = self._reader.codec
            can_skip = skippable is not None and number != entry and skippable[number] and not index.has_fields
            codec.skip_frame = "NONREF" if can_skip else "DEFAULT"
            packet.pts = packet.dts = number
            frames = _tried(codec, packet)
            if not is_checked and frames:
                is_checked = self._begins_well(frames, entry)
            yield number, frames
            if number == last:
                break
        codec = self._reader.codec
        codec.skip_frame = "DEFAULT"
        frames = _tried(codec, None)
        if not is_checked and frames:
            self._begins_well(frames, entry)
        yield number, frames
        codec.flush_buffers()

    def _begins_well(self, frames: list[av.VideoFrame], entry: int) -> bool:
        """Return whether the key frame of `entry` has come. Raises `Missing` where it is none, or others come in its place."""
        for frame in frames:
            source = frame.pts or 0
            if source == entry:
                if not frame.key_frame:
                    raise Missing
                return True
            if self._index.pts[source] > self._index.pts[entry]:
                raise Missing
        return False


class _PacketReader:
    """Reads packets with their numbers, forward or from anywhere."""

    def __init__(self, open_video: Opener, index: PacketIndex) -> None:
        self._open = open_video
        self._index = index
        self._can_seek = True
        self._opened()

    @property
    def codec(self) -> av.VideoCodecContext:
        """The decoder of the file as it is open now."""
        return self._stream.codec_context

    @property
    def errs_late(self) -> bool:
        """Whether the decoder is libdav1d: a damaged frame of AV1 is garbage, and leads to an error in the one behind it."""
        return bool(self.codec.codec.capabilities & Capabilities.auto_threads)

    def failed(self, packet: int, latest: int) -> int:
        """
        Return which packet an error belongs to that came with `packet`, since several frames are decoded at once.

        `latest` is the packet of the frame that was given last.
        """
        codec = self.codec
        if self.errs_late:
            return min(packet, latest + 1)  # its frames come in the order of packets
        by_frames = bool(codec.codec.capabilities & Capabilities.frame_threads) and ThreadType.FRAME in ThreadType(
            codec.thread_type
        )
        return max(0, packet - max(0, codec.thread_count - 1)) if by_frames else packet

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def packets(self, first: int) -> Iterator[tuple[int, VideoPacket]]:
        """Yield the packets from number `first` on. Raises `Missing` where the file no longer gives what it gave before."""
        self._go_to(first)
        while packet := self._read():
            number = self._next - 1
            if number < first:
                continue
            if number >= self._index.packet_count:
                return
            if number == first and not self._is(packet, number):
                raise Missing
            yield number, packet

    def _opened(self) -> None:
        self._container, self._stream = self._open()
        self._source = _packets(self._container, self._stream)
        self._ahead: deque[VideoPacket] = deque()
        self._next = 0

    def _read(self) -> VideoPacket | None:
        """Return the next packet; None at the end, and where a damaged file ends reading."""
        if self._ahead:
            packet: VideoPacket | None = self._ahead.popleft()
        else:
            packet = _next_packet(self._source)
        self._next += packet is not None
        return packet

    def _go_to(self, first: int) -> None:
        """Stand at packet `first` or before it, so near as the container allows."""
        if 0 <= first - self._next <= READ_THROUGH_PACKETS or (first >= self._next and not self._can_seek):
            return
        if first and self._can_seek:
            keys = np.flatnonzero(self._index.key[: first + 1])
            for earlier in EARLIER_KEYS:
                if earlier < keys.size and self._seek(int(keys[-1 - earlier]), first):
                    return
            # Where it fails once it would fail again; reading without decoding is quick.
            self._can_seek = False
        self._container.close()
        self._opened()

    def _seek(self, target: int, first: int) -> bool:
        """Return whether a seek to the packet `target` led to `first` or before it."""
        index = self._index
        ticks = int(index.dts[target] if index.dts[target] != NO_TIME else index.pts[target])
        if ticks == NO_TIME:
            return False
        try:
            self._container.seek(ticks, stream=self._stream, backward=True)
        except av.error.MemoryError:
            raise
        except (av.error.FFmpegError, OverflowError):
            return False
        self._source = _packets(self._container, self._stream)
        self._ahead.clear()
        for read in range(UNKNOWN_PACKETS):
            packet = _next_packet(self._source)
            if packet is None:
                return False
            self._ahead.append(packet)
            number = self._number_of(packet)
            if number is not None:
                self._next = number - read
                return 0 <= self._next <= first
        return False

    def _number_of(self, packet: VideoPacket) -> int | None:
        """Return the number of a packet that was read after a seek, None where it could be several, or is none."""
        index = self._index
        alike = index.sizes == packet.size
        if packet.pos is not None and packet.pos >= 0:
            alike &= index.position == packet.pos
        if packet.pts is not None:
            alike &= index.pts == packet.pts
        elif packet.dts is not None:
            alike &= index.dts == packet.dts
        found = np.flatnonzero(alike)
        return int(found[0]) if found.size == 1 else None

    def _is(self, packet: VideoPacket, number: int) -> bool:
        pts = int(self._index.pts[number])
        return packet.size == int(self._index.sizes[number]) and (packet.pts is None or packet.pts == pts or pts == NO_TIME)


def stretches_of(is_lost: NDArray[np.bool_], line: Timeline) -> tuple[int, tuple[Segment, ...]]:
    """Return how many pictures (M,) are lost, and when they would have been shown; of many, the last stretch holds the rest."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_lost, [False]])))
    times = np.append(line.times, max(line.duration_s, float(line.times[-1])))
    stretches = [Segment(float(times[first]), float(times[end])) for first, end in edges.reshape(-1, 2).tolist()]
    if len(stretches) > MAX_STRETCHES:
        stretches[MAX_STRETCHES - 1 :] = [Segment(stretches[MAX_STRETCHES - 1].start_s, stretches[-1].end_s)]
    return int(is_lost.sum()), tuple(stretches)


def _without_seams(corrupt: NDArray[np.bool_], jumps: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which packets are incomplete. Where recordings are joined, packets at the seam are called so that are whole."""
    for packet in range(-SEAM_PACKETS, SEAM_PACKETS):
        corrupt[np.clip(jumps + packet, 0, corrupt.size - 1)] = False
    return corrupt


def _numbers(line: Timeline, packets: int) -> NDArray[np.intp]:
    numbers = np.full(packets, -1, np.intp)
    numbers[line.order] = np.arange(len(line))
    return numbers


def _leading(line: Timeline, packets: int) -> NDArray[np.bool_]:
    """Return which pictures are shown before one that was decoded earlier, which they may refer to; none where that is open."""
    numbers = _numbers(line, packets)
    if not line.is_ordered or not packets:
        return np.zeros(packets, np.bool_)
    return (numbers >= 0) & (numbers < np.maximum.accumulate(numbers))


def _packets(container: av.container.InputContainer, stream: av.video.VideoStream) -> Iterator[VideoPacket]:
    """Return the stream's packets, without the empty one that ends it."""
    return (packet for packet in container.demux(stream) if packet.size)


def _next_packet(source: Iterator[VideoPacket]) -> VideoPacket | None:
    try:
        return next(source, None)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return None


def _tried(codec: av.VideoCodecContext, packet: VideoPacket | None) -> list[av.VideoFrame] | None:
    """Return the frames that a packet brings, those still to come where it is None; None where it does not decode."""
    try:
        return codec.decode(packet)
    except av.error.MemoryError:
        raise
    except av.error.EOFError:
        return []
    except av.error.FFmpegError:
        return None


def _time_at(line: Timeline, place: int) -> float:
    """When the picture of this place is shown; beyond the last one it goes on evenly."""
    if place < len(line):
        return float(line.times[place])
    step = float(line.times[-1]) / (len(line) - 1) if len(line) > 1 else line.duration_s
    return float(line.times[-1]) + (place - len(line) + 1) * step
