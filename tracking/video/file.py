"""
Video files: what they are, and their pictures, upright and in time order.

Decoding is PyAV's. A frame's time is its presentation time in seconds from the first displayed frame, never its number: phone
videos have no constant rate. Pictures are converted only when asked for, at the size asked for, so that one decode can feed
a detector, a shot finder and a renderer. Which pictures are needed is the caller's business; `packets.py` knows how to reach
them with little decoding, `timeline.py` when they are shown, `shape.py` how they become upright, `colour.py` what their numbers
mean.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import av
import av.error
import av.video
import numpy as np
from av.stream import Disposition
from av.video.reformatter import Colorspace
from numpy.typing import ArrayLike, NDArray

from tracking.errors import (
    MediaKind,
    NotAVideo,
    SegmentOutside,
    VideoDamaged,
    VideoTooLarge,
    VideoTooLong,
    file_name,
)
from tracking.model import EngineWarning, ProblemKind, Segment
from tracking.mp4_tables import TooManyBoxesError, lacks_index, read_claims
from tracking.video.colour import is_hdr, matrix_of
from tracking.video.cropping import Crop, read_crop
from tracking.video.joined import next_recording
from tracking.video.packets import (
    MAX_PACKETS,
    TS_DISCONT,
    UNTIMED_CONTAINERS,
    FrameDecoder,
    Missing,
    PacketIndex,
    stretches_of,
)
from tracking.video.shape import Framing, Orientation
from tracking.video.sound import Sound
from tracking.video.timeline import NO_TIME

# Media containers only: FFmpeg would also open playlists and scripts, which name other files and hosts to read.
CONTAINERS = (
    "3dostr,aac,aiff,amr,asf,asf_o,av1,avi,caf,dhav,dv,flac,flv,gif,gxf,h261,h263,h264,hevc,ivf,live_flv,m4v,matroska,webm,mjpeg,"
    "mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpegvideo,mpjpeg,mxf,nut,obu,ogg,rm,swf,vc1,vc1test,vvc,w64,wav,wtv,yuv4mpegpipe"
)

DATA_LOSS = 15  # google.rpc.Code

# Two clocks that both round: WebM's milliseconds and an annotation's nanoseconds may differ by this for the same frame.
TIME_TOLERANCE_S = 0.002

# Headers and packets may differ by a few frames in whole files; half a second is missing only where a file was cut.
CLAIM_TOLERANCE_S = 0.5

GONE_BACK_S = 10.0  # for a good frame before a damaged end; most files have a key frame in that time
STRICT_PICTURES = 3  # of the first ones of a Motion JPEG, one is without error as a rule
ATTEMPTS = 3  # at a file whose own marks and times turn out to be wrong

MAX_PIXELS = 8192 * 8192
MAX_SIDE_PX = 32768  # FFmpeg's scaler and Pillow's JPEG both stop somewhere above


@dataclass(frozen=True, slots=True)
class Limits:
    """What a video may cost; the defaults are those of the service (`TRACKLET_MAX_VIDEO_...`)."""

    max_bytes: int = 1 << 30
    max_seconds: float = 3600.0
    max_pixels: int = MAX_PIXELS

    def for_segment(self, segment: Segment | None) -> Limits:
        """Return the limits where only `segment` is looked at: where that is short enough, the video may be of any length."""
        is_short = segment is not None and segment.duration_s <= self.max_seconds
        return replace(self, max_seconds=math.inf) if is_short else self


DEFAULT_LIMITS = Limits()
ANY_LENGTH = Limits(max_bytes=1 << 62, max_seconds=math.inf)
"""For work that takes no longer on a longer video, such as drawing."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """
    What a video is.

    `width` and `height` are of the upright picture with square pixels. `duration_s` is the time until the last frame ends,
    `frame_count` how many frames there are to show, `frame_rate` their average, 0 for a single one: all of what is in the file,
    whatever its head claims. `rotation` says how far the stored picture is turned counter-clockwise to be upright: 0, 90, 180
    or 270; `mirrored` that it is flipped, too. `clock_jumps` counts the places where its clock jumped or began again; they were
    closed up.
    """

    width: int
    height: int
    duration_s: float
    frame_rate: float
    codec: str
    rotation: int
    mirrored: bool
    frame_count: int
    size_bytes: int
    clock_jumps: int = 0


@dataclass(frozen=True, slots=True)
class DecodeDamage:
    """
    What of a damaged file did not decode.

    The last frame was that of `decoded_s`, of `expected_s` seconds; `is_cut_short` says that the end is missing. `frames_lost`
    frames were left out within `lost`; `incomplete` packets hold less than they should, as the container itself says.
    `has_rest` says that another recording follows in the file, which cannot be read.
    """

    decoded_s: float
    expected_s: float
    is_cut_short: bool
    frames_lost: int
    lost: tuple[Segment, ...] = ()
    incomplete: int = 0
    has_rest: bool = False

    @property
    def problems(self) -> tuple[EngineWarning, ...]:
        """Return what is to be told of it."""
        problems = []
        if self.is_cut_short:
            said = f"decoded {self.decoded_s:.1f} s of {self.expected_s:.1f} s"
            problems.append(EngineWarning(DATA_LOSS, said, ProblemKind.CUT_SHORT, self.decoded_s, self.expected_s))
        # What is lost at a cut end goes without saying, and so does that lost pictures are incomplete.
        lost = [stretch for stretch in self.lost if not self.is_cut_short or stretch.start_s < self.decoded_s]
        if lost:
            facts = ProblemKind.PICTURES_LOST, lost[0].start_s, lost[-1].end_s, self.frames_lost
            problems.append(EngineWarning(DATA_LOSS, f"lost {self.frames_lost} pictures", *facts))
        if self.incomplete and not problems:
            facts = ProblemKind.INCOMPLETE, 0.0, 0.0, self.incomplete
            problems.append(EngineWarning(DATA_LOSS, f"{self.incomplete} pictures are incomplete", *facts))
        if self.has_rest:
            facts = ProblemKind.REST_UNREAD, self.expected_s, self.expected_s, 0
            problems.append(EngineWarning(DATA_LOSS, "another recording follows in the file", *facts))
        return tuple(problems)


class FrameSampler:
    """Which of many frames to take: the first at or after each tick of `rate_hz` from `start_s` on; all, where it is None."""

    def __init__(self, rate_hz: float | None, *, start_s: float = 0.0) -> None:
        self._rate_hz = rate_hz
        self._start_s = start_s
        self._due_s = start_s - TIME_TOLERANCE_S

    def is_due(self, time_s: float) -> bool:
        """Return whether to take the frame of this time; asked in time order."""
        if time_s < self._due_s:
            return False
        if self._rate_hz:
            passed = math.floor((time_s - self._start_s + TIME_TOLERANCE_S) * self._rate_hz)
            self._due_s = self._start_s + (passed + 1) / self._rate_hz - TIME_TOLERANCE_S
        return True

    def due(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which frames of all `times_s` (M,) of a video are taken, (M,)."""
        if not self._rate_hz:
            return times_s >= self._start_s - TIME_TOLERANCE_S
        passed = np.floor((times_s - self._start_s + TIME_TOLERANCE_S) * self._rate_hz)
        return np.asarray((passed >= 0) & (np.diff(passed, prepend=-1.0) > 0))


class Frame:
    """One decoded picture: its time in seconds, and its pixels on demand."""

    __slots__ = ("_decoded", "_orientation", "_video", "time_s")

    def __init__(self, decoded: av.VideoFrame, time_s: float, video: Video, orientation: Orientation) -> None:
        self._decoded = decoded
        self._video = video
        self._orientation = orientation
        self.time_s = time_s

    def pixels(self, size: tuple[int, int] | None = None, *, order: Literal["rgb", "bgr"] = "rgb") -> NDArray[np.uint8]:
        """
        Return the upright picture as (height, width, 3) uint8, contiguous; `size` is (width, height), by default the video's
        own.

        Colour matrix, range and HDR are handled; scaling down averages areas. A picture of another shape than the video's has
        black beside it.
        """
        return self._video.framing.pixels(self._decoded, self._orientation, size, order)

    def planar(self, size: tuple[int, int]) -> av.VideoFrame:
        """Return the upright picture at an even `size` (width, height) in planes, to be drawn on and encoded: see `Framing`."""
        return self._video.framing.planar(self._decoded, self._orientation, size)


class Video:
    """
    A video file; a context manager, for one thread at a time. Each pass over it opens it anew.

    Opening reads the whole file once, without decoding. Raises `NotAVideo`, `VideoDamaged`, `VideoTooLarge` or `VideoTooLong`,
    and `MemoryError` where the process may take no more memory.
    """

    _index: PacketIndex
    framing: Framing

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = path
        self._limits = limits
        self._name = file_name(path)
        self._is_strict = True
        size_bytes = self._checked_size()
        self._check_claims()
        self.info = self._examined(size_bytes)
        self._is_lost = np.zeros(len(self._index), np.bool_)
        self._decoded_s = 0.0
        self._met_end = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is open between passes."""

    def frames(self, *, segment: Segment | None = None, rate_hz: float | None = None) -> Iterator[Frame]:
        """
        Yield every frame of `segment` (default: all) in time order, or with `rate_hz` the first frame at or after each tick.

        Times still count from the first frame of the video. Frames that nothing refers to and nobody asked for are not
        decoded; damaged ones are left out. Raises `SegmentOutside` when the segment holds no frame.
        """
        start_s, end_s = segment or Segment(0.0, math.inf)
        times = self._index.timeline.times
        first_s, last_s = start_s - TIME_TOLERANCE_S, end_s + TIME_TOLERANCE_S
        if not ((times >= first_s) & (times <= last_s)).any():
            raise SegmentOutside(start_s=start_s, end_s=end_s, duration_s=self.info.duration_s)
        rate = rate_hz if rate_hz and rate_hz < self.info.frame_rate else None
        ticks = FrameSampler(rate, start_s=start_s)
        for frame in self._sequence(first_s, last_s, ticks.due(times) if rate else None):
            if ticks.is_due(frame.time_s):
                yield frame

    def frames_at(self, times_s: ArrayLike) -> Iterator[tuple[NDArray[np.intp], Frame]]:
        """
        Yield the frames shown at `times_s` (K,), sorted seconds: each needed frame once, with the positions in `times_s` it
        serves.

        Times before the first and after the last frame are served by these. Only the needed groups of pictures are
        decoded. A frame that does not decode is replaced by the next one that does, at the end by the one before; where
        none does, its positions are not served and `loss` says so.
        """
        times = np.asarray(times_s, np.float64)
        if not times.size:
            return
        if (np.diff(times) < 0).any():
            raise ValueError("times must be sorted")
        shown_s = self._index.timeline.times
        numbers, starts = np.unique(self._index.shown_at(times, tolerance_s=TIME_TOLERANCE_S), return_index=True)
        served = deque(zip(numbers.tolist(), np.split(np.arange(times.size), starts[1:]), strict=True))
        with FrameDecoder(self._opened, self._index) as decoder, contextlib.suppress(Missing):
            for frame in decoder.chosen(numbers):
                number, places = served.popleft()
                yield places, Frame(frame, float(shown_s[number]), self, decoder.orientation)
        if not served:
            return
        # An odd or damaged file: from here on nothing is left out; where no more decodes, the last good frame is looked for.
        first_s = float(shown_s[served[0][0]])
        latest: Frame | None = None
        for start_s in (first_s, first_s - GONE_BACK_S, 0.0):
            with contextlib.closing(self._sequence(start_s - TIME_TOLERANCE_S, math.inf)) as frames:
                for latest in frames:
                    now = []
                    while served and shown_s[served[0][0]] <= latest.time_s + 1e-6:
                        now.append(served.popleft()[1])
                    if now:
                        yield np.concatenate(now), latest
                    if not served:
                        return
            if latest:
                yield np.concatenate([places for _, places in served]), latest
                return

    def _sequence(self, start_s: float, end_s: float, is_wanted: NDArray[np.bool_] | None = None) -> Generator[Frame]:
        """Good frames, their times rising, from `start_s` to `end_s`; what is not wanted may be left out."""
        given_s = -math.inf
        begin_s = start_s
        for _ in range(ATTEMPTS):
            with FrameDecoder(self._opened, self._index) as decoder:
                is_given_up = True
                try:
                    for frame, time_s in decoder.from_time(begin_s, is_wanted=is_wanted):
                        if time_s > end_s:
                            break
                        if time_s >= start_s and time_s > given_s:
                            given_s = time_s
                            self._check_picture(frame.width, frame.height)
                            yield Frame(frame, time_s, self, decoder.orientation)
                    else:
                        self._met_end = True
                    is_given_up = False
                    return
                except Missing:
                    # First its marks of key frames are not believed any more, then its times.
                    if begin_s <= 0:
                        self._index = self._index.with_timeline(self._index.timeline.in_order_of_decoding())
                    begin_s, is_wanted = 0.0, None
                finally:
                    # Of what was not decoded to the end, damage before the last frame is certain.
                    self._is_lost |= decoder.lost_within(start_s, given_s if is_given_up else end_s)
                    self._decoded_s = max(self._decoded_s, given_s)
        raise VideoDamaged(name=self._name)

    @property
    def loss(self) -> DecodeDamage | None:
        """What the passes so far did not give, None where they met no damage; what they gave was good."""
        return self._damage(is_whole=self._met_end)

    @property
    def loss_of_all(self) -> DecodeDamage | None:
        """The same with what is known of the whole file without decoding it."""
        return self._damage(is_whole=True)

    def _damage(self, *, is_whole: bool) -> DecodeDamage | None:
        line = self._index.timeline
        frames_lost, lost = stretches_of(self._is_lost, line)
        is_cut_short = is_whole and (self._index.cut_short or self._claimed_s > line.duration_s + CLAIM_TOLERANCE_S)
        incomplete, has_rest = (self._index.corrupt, self._has_rest) if is_whole else (0, False)
        if not (lost or is_cut_short or incomplete or has_rest):
            return None
        decoded_s = self._decoded_s or float(line.times[-1])
        whole_s = max(line.duration_s, self._claimed_s, decoded_s)
        return DecodeDamage(decoded_s, whole_s, is_cut_short, frames_lost, lost, incomplete, has_rest)

    @contextlib.contextmanager
    def sound(self, start_s: float = 0.0) -> Iterator[Sound | None]:
        """
        Give the sound that goes with the pictures from `start_s` seconds on, by a clock that begins there.

        None where there is none, or where no clock tells how it goes with the pictures.
        """
        first = int(self._index.pts[self._index.timeline.order[0]])
        container, pictures = self._opened()
        with container:
            stream = next((one for one in container.streams.audio if getattr(one, "codec_context", None) is not None), None)
            if stream is None or pictures.time_base is None or first == NO_TIME or self.info.clock_jumps:
                yield None
            else:
                yield Sound(container, stream, first * pictures.time_base + Fraction(start_s))

    def frame_times(self) -> NDArray[np.float64]:
        """Return the seconds of all frames, (M,), in the order in which they are shown, without decoding."""
        return self._index.timeline.times

    def _checked_size(self) -> int:
        try:
            size = self._path.stat().st_size
            readable = self._path.is_file() and os.access(self._path, os.R_OK)
        except (OSError, ValueError) as error:
            raise NotAVideo(name=self._name, media=MediaKind.MISSING) from error
        if not readable:
            raise NotAVideo(name=self._name, media=MediaKind.MISSING)
        if not size:
            raise NotAVideo(name=self._name, media=MediaKind.EMPTY)
        if size > self._limits.max_bytes:
            raise VideoTooLarge(size=size, limit=self._limits.max_bytes)
        return size

    def _check_claims(self) -> None:
        """Before FFmpeg makes memory of it: what the file says that it has."""
        try:
            claims = read_claims(self._path)
        except OSError as error:
            raise NotAVideo(name=self._name, media=MediaKind.MISSING) from error
        except TooManyBoxesError as error:
            raise NotAVideo(name=self._name) from error
        if claims.unbacked:
            raise NotAVideo(name=self._name)
        if claims.samples > MAX_PACKETS:
            raise VideoTooLarge(size=claims.samples, limit=MAX_PACKETS, unit="samples")

    def _opened(self) -> tuple[av.container.InputContainer, av.video.VideoStream]:
        # The path is made absolute and marked as a file, since FFmpeg would take "http:..." or "concat:..." at its word.
        try:
            container = av.open(
                f"file:{self._path.resolve()}",
                container_options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, ValueError) as error:
            # Also where it is memory that FFmpeg does not get: to be opened, no good file takes much.
            raise NotAVideo(name=self._name, lacks_index=self._lacks_index()) from error
        try:
            return container, self._picture_stream(container)
        except BaseException:
            container.close()
            raise

    def _lacks_index(self) -> bool:
        try:
            return lacks_index(self._path)
        except (OSError, TooManyBoxesError):
            return False

    def _picture_stream(self, container: av.container.InputContainer) -> av.video.VideoStream:
        covers = Disposition.attached_pic | Disposition.timed_thumbnails
        # A stream of a codec that FFmpeg does not know has no context, against PyAV's stub.
        pictures = [
            stream
            for stream in container.streams.video
            if getattr(stream, "codec_context", None) is not None and not stream.disposition & covers
        ]
        if not pictures:
            raise NotAVideo(name=self._name, media=MediaKind.AUDIO if container.streams.audio else MediaKind.UNKNOWN)
        stream = max(pictures, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height))
        self._check_picture(stream.width, stream.height)
        # FFmpeg's VP9 decoder crashes on damaged frames when several of them are decoded at once.
        codec = stream.codec_context.codec.canonical_name
        stream.thread_type = "SLICE" if codec == "vp9" else "AUTO"
        if codec == "mjpeg" and self._is_strict:
            stream.codec_context.options = {"err_detect": "explode"}  # its errors are else neither marked nor told
        return stream

    def _check_picture(self, width: int, height: int) -> None:
        if width * height > self._limits.max_pixels or max(width, height) > MAX_SIDE_PX:
            raise VideoTooLarge(size=width * height, limit=self._limits.max_pixels, unit="pixels")

    def _examined(self, size_bytes: int) -> VideoInfo:
        """Return what is in the file, and what its first good frame shows."""
        container, stream = self._opened()
        with container:
            self._claimed_s = _claimed_duration_s(container, stream)
            codec = stream.codec_context.codec.canonical_name
            pixel_shape = stream.sample_aspect_ratio
            crop = self._crop(container, stream)
            index = PacketIndex.read(container, stream)
            names, tick_s = set(container.format.name.split(",")), float(stream.time_base or 0)
        try:
            next_head = None if index.read_to is None else next_recording(self._path, names, index.read_to + 1)
        except OSError as error:
            raise NotAVideo(name=self._name, media=MediaKind.MISSING) from error
        if next_head is not None and next_head <= int(index.position.max()):
            # FFmpeg takes the head of the next for a packet of this.
            container, stream = self._opened()
            with container:
                index = PacketIndex.read(container, stream, end=next_head)
        self._has_rest = next_head is not None
        if not len(index):
            raise VideoDamaged(name=self._name)
        if index.timeline.duration_s > self._limits.max_seconds:
            raise VideoTooLong(duration_s=index.timeline.duration_s, limit_s=self._limits.max_seconds)
        # Of what the container calls incomplete, the rest is shown; and a camera may have its own idea of JPEG.
        for self._is_strict in (not index.corrupt, False):
            with FrameDecoder(self._opened, index) as decoder:
                found = decoder.first_frame()
            if codec != "mjpeg" or (found and (found[0].pts or 0) < STRICT_PICTURES):
                break
        if found is None:
            raise VideoDamaged(name=self._name)
        first, index = found
        self._index = index
        self._check_picture(first.width, first.height)
        shape = Fraction(1) if crop and crop.names_whole else pixel_shape
        stored, matrix = (first.width, first.height), Colorspace.ITU709 if is_hdr(first) else matrix_of(first)
        self.framing = Framing(stored, decoder.orientation, pixel_shape=shape, crop=crop, matrix=matrix)
        line = self._index.timeline
        if self._claimed_s > line.duration_s + CLAIM_TOLERANCE_S:
            # A claim that goes as far as the clock did, before its jumps were closed up, is about those.
            jumped = self._claimed_s < index.clock_length() * tick_s + CLAIM_TOLERANCE_S
            self._claimed_s = line.duration_s if jumped else self._believed_s(line.duration_s)
        width, height = self.framing.size
        return VideoInfo(
            width=width,
            height=height,
            duration_s=line.duration_s,
            frame_rate=(len(line) - 1) / float(line.times[-1]) if len(line) > 1 else 0.0,
            codec=codec,
            rotation=self.framing.orientation.rotation,
            mirrored=self.framing.orientation.mirrored,
            frame_count=len(line),
            size_bytes=size_bytes,
            clock_jumps=int(line.jumps.size),
        )

    def _crop(self, container: av.container.InputContainer, stream: av.video.VideoStream) -> Crop | None:
        if "matroska" not in container.format.name:
            return None
        try:
            return read_crop(self._path, track=stream.index, size=(stream.width, stream.height))
        except OSError as error:
            raise NotAVideo(name=self._name, media=MediaKind.MISSING) from error

    def _believed_s(self, pictures_s: float) -> float:
        """
        Return the claim of a length, where the pictures end before it; their own end where sound or subtitles go on.

        A file's length is that of its longest stream.
        """
        container, stream = self._opened()
        with container:
            if len(container.streams) == 1 or stream.duration:
                return self._claimed_s
            end_s = 0.0
            with contextlib.suppress(av.error.FFmpegError):
                for packet in container.demux():
                    if packet.pts is not None:
                        end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        return pictures_s if end_s > self._claimed_s - CLAIM_TOLERANCE_S else self._claimed_s


def probe(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Return what a video is. Raises as `Video` does."""
    with Video(path, limits=limits) as video:
        return video.info


def _claimed_duration_s(container: av.container.InputContainer, stream: av.video.VideoStream) -> float:
    """Return how long the head of a file says that it lasts, in seconds; 0 where it does not say, or FFmpeg reckons it."""
    names = set(container.format.name.split(","))
    if names & UNTIMED_CONTAINERS or container.format.flags & TS_DISCONT:
        return 0.0
    if "avi" in names and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (container.duration or 0) / av.time_base)
