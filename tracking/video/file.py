"""
Video files: what they are, and their pictures, upright and in time order.

Decoding is PyAV's. A frame's time is its presentation time in seconds from the first displayed frame, never its number: phone
videos have no constant rate. Pictures are converted only when asked for, at the size asked for, so that one decode can feed
a detector, a shot finder and a renderer. Which pictures are needed is the caller's business; `packets.py` knows how to reach
them with little decoding, `colour.py` what their numbers mean.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, cast

import av
import av.error
import av.video
import numpy as np
from av.buffer import Buffer
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
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
from tracking.model import Segment
from tracking.mp4_tables import TooManyBoxesError, read_claims
from tracking.video.colour import Converter
from tracking.video.packets import MAX_PACKETS, FrameDecoder, PacketIndex

# Media containers only: FFmpeg would also open playlists and scripts, which name other files and hosts to read.
CONTAINERS = (
    "3dostr,aac,aiff,amr,asf,asf_o,av1,avi,caf,dv,flac,flv,gif,gxf,h261,h263,h264,hevc,ivf,live_flv,m4v,matroska,webm,mjpeg,"
    "mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,swf,vc1,vc1test,vvc,w64,wav,wtv,yuv4mpegpipe"
)

# Containers whose presentation times are missing or wrong (AVI with B-frames counts 1, 4, 3, 5, 2): there frames are counted.
UNTIMED_CONTAINERS = {"avi", "h261", "h263", "h264", "hevc", "m4v", "mpegvideo", "mjpeg", "vc1", "vvc", "obu", "av1"}

# Two clocks that both round: WebM's milliseconds and an annotation's nanoseconds may differ by this for the same frame.
TIME_TOLERANCE_S = 0.002

# Headers and packets may differ by a few frames in whole files; half a second is missing only where a file was cut.
CLAIM_TOLERANCE_S = 0.5

MAX_FRAME_RATE = 1000
MAX_PIXELS = 8192 * 8192
MAX_SIDE_PX = 32768  # FFmpeg's scaler and Pillow's JPEG both stop somewhere above


@dataclass(frozen=True, slots=True)
class Limits:
    """What a video may cost; the defaults are those of the service (`TRACKLET_MAX_VIDEO_...`)."""

    max_bytes: int = 1 << 30
    max_seconds: float = 3600.0
    max_pixels: int = MAX_PIXELS


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """
    What a video is.

    `width` and `height` are of the upright picture with square pixels. `duration_s` is the time until the last frame ends, 0
    when the file does not say and has no frame index. `frame_rate` is the average, 0 when unknown. `rotation` says how far
    the stored picture is turned counter-clockwise to be upright: 0, 90, 180 or 270; `mirrored` that it is flipped, too.
    `frame_count` is the file's own claim or None.
    """

    width: int
    height: int
    duration_s: float
    frame_rate: float
    codec: str
    rotation: int
    mirrored: bool
    frame_count: int | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DecodeDamage:
    """What of a damaged file did not decode: good until `decoded_s` of `expected_s` seconds; single frames were lost before."""

    decoded_s: float
    expected_s: float
    frames_lost: int


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture becomes upright: transposed first, then flipped."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """The nearest quarter turn of the frame's display matrix (ISO/IEC 14496-12, 6.2.2: rows a b u, c d v, x y w)."""
        try:
            side_data = cast("Mapping[SideDataType, Buffer]", frame.side_data)  # what it is, against its stub
            matrix = np.frombuffer(bytes(side_data[SideDataType.DISPLAYMATRIX]), np.int32)
        except KeyError:
            return cls()
        if matrix.size != 9:
            return cls()
        a, b, _, c, d = matrix[:5].astype(float)
        if max(abs(a), abs(d)) >= max(abs(b), abs(c)):
            return cls(flip_x=bool(a < 0), flip_y=bool(d < 0))
        return cls(transpose=True, flip_x=bool(c < 0), flip_y=bool(b < 0))

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise, leaving out a mirror."""
        if not self.transpose:
            return 180 if self.flip_y else 0
        return 270 if not self.flip_y else 90

    @property
    def mirrored(self) -> bool:
        return (self.transpose + self.flip_x + self.flip_y) % 2 == 1

    def upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A stored (H, W, 3) picture, turned."""
        if self.transpose:
            pixels = pixels.swapaxes(0, 1)
        return np.ascontiguousarray(pixels[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1])


class FrameSampler:
    """Which of many frames to take: the first at or after each tick of `rate_hz` from `start_s` on; all, where it is None."""

    def __init__(self, rate_hz: float | None, *, start_s: float = 0.0) -> None:
        self._rate_hz = rate_hz
        self._start_s = start_s
        self._due_s = start_s - TIME_TOLERANCE_S

    def is_due(self, time_s: float) -> bool:
        """Whether to take the frame of this time; asked in time order."""
        if time_s < self._due_s:
            return False
        if self._rate_hz:
            self._due_s = self._start_s + (self._passed(time_s, self._rate_hz) + 1) / self._rate_hz - TIME_TOLERANCE_S
        return True

    def may_be_due(self, time_s: float, duration_s: float) -> bool:
        """Whether a frame that follows another after `duration_s` is due; rather too often than too seldom. Any order."""
        rate = self._rate_hz
        return not rate or self._passed(time_s, rate) > self._passed(time_s - 1.05 * duration_s, rate)

    def _passed(self, time_s: float, rate_hz: float) -> int:
        return math.floor((time_s - self._start_s + TIME_TOLERANCE_S) * rate_hz)


class Frame:
    """One decoded picture: its time in seconds, and its pixels on demand."""

    __slots__ = ("_decoded", "_video", "time_s")

    def __init__(self, decoded: av.VideoFrame, time_s: float, video: Video) -> None:
        self._decoded = decoded
        self._video = video
        self.time_s = time_s

    def pixels(self, size: tuple[int, int] | None = None, *, order: Literal["rgb", "bgr"] = "rgb") -> NDArray[np.uint8]:
        """
        The upright picture as (height, width, 3) uint8, contiguous; `size` is (width, height), by default the video's own.

        Colour matrix, range and HDR are handled; scaling down averages areas.
        """
        width, height = size or (self._video.info.width, self._video.info.height)
        orientation = self._video.orientation
        stored = (height, width) if orientation.transpose else (width, height)
        return orientation.upright(self._video.converter.pixels(self._decoded, stored, order))


class Video:
    """
    A video file; a context manager, for one thread at a time. Each pass over it opens it anew.

    Raises `NotAVideo`, `VideoDamaged`, `VideoTooLarge` or `VideoTooLong`, and `MemoryError` where the process may take no more
    memory. `loss` is set when decoding met damage: what came
    before was good.
    """

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = path
        self._limits = limits
        self._name = file_name(path)
        self._index: PacketIndex | None = None
        self._first_pts: int | None = None
        self._frame_rate: Fraction | None = None
        self._claimed_s = 0.0
        self.converter = Converter()
        self.loss: DecodeDamage | None = None
        size_bytes = self._checked_size()
        self._check_claims()
        self.info = self._examined(size_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was learned of the file; frames that were taken stay good."""
        self._index = None

    def frames(self, *, segment: Segment | None = None, rate_hz: float | None = None) -> Iterator[Frame]:
        """
        Every frame of `segment` (default: all) in time order, or with `rate_hz` the first frame at or after each tick.

        Times still count from the first frame of the video. Frames that nothing refers to and nobody asked for are not
        decoded. Raises `VideoTooLong` when a video lasts longer than it said and than the limit, `SegmentOutside` when
        the segment holds no frame.
        """
        start_s, end_s = segment or Segment(0.0, math.inf)
        rate = rate_hz if rate_hz and (not self.info.frame_rate or rate_hz < self.info.frame_rate) else None
        ticks = FrameSampler(rate, start_s=start_s)
        given = False
        time_s = 0.0
        with self._decoder() as decoder:
            for frame, time_s in decoder.timed_frames(ticks.may_be_due if rate else None, start_s=start_s):
                if time_s > self._limits.max_seconds:
                    raise VideoTooLong(duration_s=time_s, limit_s=self._limits.max_seconds)
                if time_s > end_s + TIME_TOLERANCE_S:
                    break
                if not ticks.is_due(time_s):
                    continue
                given = True
                yield Frame(frame, time_s, self)
            else:
                self._report_loss(decoder, time_s)
                if not self._frame_rate and decoder.read_until_s < self._claimed_s - CLAIM_TOLERANCE_S:
                    self.loss = DecodeDamage(time_s, self._claimed_s, decoder.frames_lost)
        if segment and not given:
            raise SegmentOutside(start_s=start_s, end_s=end_s, duration_s=self.info.duration_s)

    def frames_at(self, times_s: ArrayLike) -> Iterator[tuple[NDArray[np.intp], Frame]]:
        """
        The frames shown at `times_s` (K,), sorted seconds: each needed frame once, with the positions in `times_s` it serves.

        Times before the first and after the last frame are served by these. Only the needed groups of pictures are read and
        decoded. A frame that does not decode is replaced by the next one that does, at the end by the one before; where
        none does, its positions are not served and `loss` says so.
        """
        times = np.asarray(times_s, np.float64)
        if not times.size:
            return
        if (np.diff(times) < 0).any():
            raise ValueError("times must be sorted")
        index = self._packet_index()
        shown = index.shown_at(times, tolerance_s=TIME_TOLERANCE_S)
        numbers, starts = np.unique(shown, return_index=True)
        served = np.split(np.arange(times.size), starts[1:])
        with self._decoder() as decoder:
            for place, frame, time_s in decoder.frames_by_number(index, numbers):
                yield np.concatenate([served[p] for p in place]), Frame(frame, time_s, self)
            self._report_loss(decoder, self.info.duration_s)

    def frame_times(self) -> NDArray[np.float64]:
        """Return the seconds of all frames, (M,), in the order in which they are shown, without decoding. Raises as `Video`."""
        return self._packet_index().times

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
            raise NotAVideo(name=self._name) from error
        try:
            return container, self._picture_stream(container)
        except BaseException:
            container.close()
            raise

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
        stream.thread_type = "SLICE" if stream.codec_context.codec.canonical_name == "vp9" else "AUTO"
        return stream

    def _check_picture(self, width: int, height: int) -> None:
        if width * height > self._limits.max_pixels or max(width, height) > MAX_SIDE_PX:
            raise VideoTooLarge(size=width * height, limit=self._limits.max_pixels, unit="pixels")

    def _examined(self, size_bytes: int) -> VideoInfo:
        """What the file says of itself, and what its first frame shows."""
        container, stream = self._opened()
        with container:
            rate = stream.average_rate or stream.guessed_rate
            if UNTIMED_CONTAINERS & set(container.format.name.split(",")):
                self._frame_rate = rate or Fraction(25)
            duration_s = _claimed_duration_s(container, stream)
            self._claimed_s = duration_s if stream.duration else 0.0
            frame_count = stream.frames or None
            codec = stream.codec_context.codec.canonical_name
            shape = stream.sample_aspect_ratio
        first = self._first_frame()
        self.orientation = Orientation.of(first)
        self._first_pts = first.pts if first.pts is not None else first.dts or 0
        if not duration_s:
            duration_s = self._packet_index().duration_s
            frame_count = len(self._packet_index())
        if duration_s > self._limits.max_seconds:
            raise VideoTooLong(duration_s=duration_s, limit_s=self._limits.max_seconds)
        width, height = square_pixels(first.width, first.height, shape)
        return VideoInfo(
            width=height if self.orientation.transpose else width,
            height=width if self.orientation.transpose else height,
            duration_s=duration_s,
            frame_rate=float(rate) if rate and 0 < rate <= MAX_FRAME_RATE else 0.0,
            codec=codec,
            rotation=self.orientation.rotation,
            mirrored=self.orientation.mirrored,
            frame_count=frame_count,
            size_bytes=size_bytes,
        )

    def _first_frame(self) -> av.VideoFrame:
        with self._decoder() as decoder:
            for frame, _ in decoder.timed_frames():
                self._check_picture(frame.width, frame.height)
                return frame
        raise VideoDamaged(name=self._name)

    def _decoder(self) -> FrameDecoder:
        return FrameDecoder(self._opened, first_pts=self._first_pts, frame_rate=self._frame_rate)

    def _packet_index(self) -> PacketIndex:
        if self._index is None:
            self._index = PacketIndex.read(
                self._opened,
                first_pts=self._first_pts or 0,
                frame_rate=self._frame_rate,
                limit_s=self._limits.max_seconds,
            )
            if not len(self._index):
                raise VideoDamaged(name=self._name)
        return self._index

    def _report_loss(self, decoder: FrameDecoder, decoded_s: float) -> None:
        if decoder.frames_lost or decoder.cut_short:
            self.loss = DecodeDamage(decoded_s, max(self.info.duration_s, decoded_s), decoder.frames_lost)


def probe(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """What a video is; decodes its first frame. Raises as `Video` does."""
    with Video(path, limits=limits) as video:
        return video.info


def square_pixels(width: int, height: int, sample_aspect_ratio: Fraction | None) -> tuple[int, int]:
    """The size at which a stored picture has square pixels: the short way is stretched, nothing is lost. Pixels."""
    shape = sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 8) <= shape <= 8:
        return width, height
    if shape > 1:
        return max(1, round(width * shape)), height
    return width, max(1, round(height / shape))


def _claimed_duration_s(container: av.container.InputContainer, stream: av.video.VideoStream) -> float:
    """Seconds, 0 where the file does not say; a claim below 0 counts as none."""
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (container.duration or 0) / av.time_base)
