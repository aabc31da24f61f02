"""
Small video clips with known truth, drawn by the tests themselves.

A `Scene` is coloured shapes on known paths over a textured background; `draw_clip` encodes it through PyAV with whatever
makes a file awkward (rotation, a variable frame rate, a late first picture, HDR ...), and `Clip` remembers where everything
is. Times are seconds from the first displayed frame. Boxes are fractions of the upright picture with square pixels, and so is
`size`: the stored picture is derived from it (turned back by `rotation`, squeezed by `sample_aspect_ratio`).
"""

from __future__ import annotations

import io
import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc
from numpy.typing import NDArray

from tracking.model import Annotations, BoundingBox, Segment, Track

Colour = tuple[int, int, int]  # red, green, blue
RED: Colour = (208, 40, 36)
GREEN: Colour = (40, 168, 64)
BLUE: Colour = (40, 72, 208)
YELLOW: Colour = (228, 196, 40)
WHITE: Colour = (236, 236, 236)
BLACK: Colour = (20, 20, 20)

SUBPIXEL_BITS = 4
os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder otherwise tells its settings on stderr
ColourTags = Literal["", "bt601", "bt709", "bt2020-pq", "bt2020-hlg"]


ALWAYS = Segment(0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Mover:
    """
    A shape of one colour that moves in straight lines.

    `path` is (time, centre x, centre y) in rising time, `size` width and height, all as fractions of the frame. Before the
    first and after the last point it stands still; it is there only within `visible`.
    """

    name: str
    colour: Colour
    size: tuple[float, float]
    path: tuple[tuple[float, float, float], ...]
    shape: Literal["box", "disc"] = "box"
    visible: Segment = ALWAYS

    def box_at(self, time_s: float) -> BoundingBox | None:
        """Where it is, or None while it is not in the scene; the box may leave the picture."""
        if not self.visible.start_s <= time_s <= self.visible.end_s:
            return None
        times, xs, ys = zip(*self.path, strict=True)
        x, y = float(np.interp(time_s, times, xs)), float(np.interp(time_s, times, ys))
        width, height = self.size
        return BoundingBox(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


@dataclass(frozen=True, slots=True)
class Scene:
    """Shapes, later ones in front of earlier ones, over a background that changes at each of `cuts` (seconds)."""

    movers: tuple[Mover, ...] = ()
    cuts: tuple[float, ...] = ()
    seed: int = 0
    noise: float = 0.0  # standard deviation of the camera noise, in levels of 0..255

    def shot_at(self, time_s: float) -> int:
        return sum(time_s >= cut for cut in self.cuts)

    def draw(self, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The upright picture at one time, (height, width, 3) RGB."""
        picture = background(size, seed=self.seed + 100 * self.shot_at(time_s))
        for mover in self.movers:
            box = mover.box_at(time_s)
            if box is not None:
                _draw_shape(picture, mover, box)
        if self.noise:
            generator = np.random.default_rng([self.seed, round(time_s * 1e6)])
            noisy = picture + generator.normal(0.0, self.noise, picture.shape)
            picture = np.clip(noisy, 0, 255).astype(np.uint8)
        return picture


def crossing_scene(duration_s: float = 2.0) -> Scene:
    """A red box goes right and a green disc goes left, past each other at different heights; a blue box stands still."""
    return Scene(
        (
            Mover("blue", BLUE, (0.15, 0.2), ((0.0, 0.5, 0.8),)),
            Mover("red", RED, (0.2, 0.25), ((0.0, 0.15, 0.3), (duration_s, 0.85, 0.3))),
            Mover("green", GREEN, (0.15, 0.2), ((0.0, 0.85, 0.55), (duration_s, 0.15, 0.55)), "disc"),
        )
    )


def background(size: tuple[int, int], *, seed: int = 0) -> NDArray[np.uint8]:
    """A grey texture with corners enough for optical flow, (height, width, 3) RGB; the same for the same size and seed."""
    width, height = size
    generator = np.random.default_rng(seed)
    coarse = generator.integers(70, 180, (max(2, height // 12), max(2, width // 12), 3)).astype(np.float32)
    grey = 0.75 * coarse.mean(axis=2, keepdims=True) + 0.25 * coarse
    texture = cv2.resize(grey, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(texture, 0, 255), np.uint8)


def _draw_shape(picture: NDArray[np.uint8], mover: Mover, box: BoundingBox) -> None:
    """Blend the shape with the share of each pixel that it covers."""
    height, width = picture.shape[:2]
    if mover.shape == "box":
        columns = _coverage(box.left * width, box.right * width, width)
        rows = _coverage(box.top * height, box.bottom * height, height)
        cover = rows[:, None] * columns[None, :]
    else:
        scale = 1 << SUBPIXEL_BITS
        mask = np.zeros((height, width), np.uint8)
        centre = ((box.left + box.right) / 2 * width - 0.5, (box.top + box.bottom) / 2 * height - 0.5)
        cv2.ellipse(
            mask,
            (round(centre[0] * scale), round(centre[1] * scale)),
            (round(box.width * width / 2 * scale), round(box.height * height / 2 * scale)),
            0,
            0,
            360,
            255,
            cv2.FILLED,
            cv2.LINE_AA,
            SUBPIXEL_BITS,
        )
        cover = mask.astype(np.float64) / 255
    picture[:] = np.rint(picture + cover[..., None] * (np.array(mover.colour, np.float64) - picture))


def _coverage(start: float, end: float, length: int) -> NDArray[np.float64]:
    """How much of each of `length` unit cells lies between `start` and `end`."""
    cells = np.arange(length, dtype=np.float64)
    return np.asarray(np.clip(np.minimum(end, cells + 1) - np.maximum(start, cells), 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Clip:
    """A file and the truth about it: `times_s` are the frames' times, `size` is the upright width and height."""

    path: Path
    scene: Scene
    size: tuple[int, int]
    times_s: tuple[float, ...]
    duration_s: float
    rotation: int = 0

    def box(self, name: str, time_s: float) -> BoundingBox | None:
        """True box of the mover called `name`, None while it is not there."""
        return self._mover(name).box_at(time_s)

    def colour(self, name: str) -> Colour:
        return self._mover(name).colour

    def picture(self, time_s: float) -> NDArray[np.uint8]:
        """The upright picture as it was before encoding, (height, width, 3) RGB."""
        return self.scene.draw(time_s, self.size)

    def track(self, name: str, *, confidence: float = 0.9) -> Track:
        """The mover's true track: one observation per frame in which it is there."""
        mover = self._mover(name)
        seen = [(time_s, box) for time_s in self.times_s if (box := mover.box_at(time_s)) is not None]
        times, boxes = zip(*seen, strict=True)
        track_id = self.scene.movers.index(mover)
        return Track(track_id, name, confidence, np.array(times, np.float64), np.array(boxes, np.float32))

    def annotations(self) -> Annotations:
        """What a perfect engine would say."""
        edges = (0.0, *self.scene.cuts, self.duration_s)
        shots = tuple(Segment(start, end) for start, end in itertools.pairwise(edges))
        tracks = tuple(self.track(mover.name) for mover in self.scene.movers)
        return Annotations(tracks, shots, str(self.path), Segment(0.0, self.duration_s))

    def _mover(self, name: str) -> Mover:
        return next(mover for mover in self.scene.movers if mover.name == name)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a codec is told to be quick and quiet."""

    options: dict[str, str] = field(default_factory=dict)
    params_key: str = ""  # the option that holds the codec's own parameters
    params: tuple[str, ...] = ()


QUIET_X265 = ("log-level=none", "pools=none", "frame-threads=1")
ENCODINGS = {
    "libx264": Encoding({"preset": "veryfast", "crf": "16"}, "x264-params"),
    "libx265": Encoding({"preset": "ultrafast", "crf": "16"}, "x265-params", QUIET_X265),
    "libvpx": Encoding({"deadline": "realtime", "cpu-used": "8", "crf": "10", "b": "1M"}),
    "libvpx-vp9": Encoding({"deadline": "realtime", "cpu-used": "8", "crf": "16", "b": "0"}),
    "libsvtav1": Encoding({"preset": "8", "crf": "8"}, "svtav1-params", ("lp=1",)),
    "mpeg4": Encoding({"qmin": "2", "qmax": "3"}),
    "ffv1": Encoding(),
}


def draw_clip(
    path: Path,
    scene: Scene | None = None,
    *,
    size: tuple[int, int] = (160, 120),
    fps: Fraction | float = 10,
    times_s: Sequence[float] | None = None,
    duration_s: float = 2.0,
    codec: str = "libx264",
    pix_fmt: str = "",
    gop: int = 10,
    b_frames: int = 0,
    open_gop: bool = False,
    rotation: Literal[0, 90, 180, 270] = 0,
    start_offset_s: float = 0.0,
    sample_aspect_ratio: Fraction = Fraction(1),
    colour: ColourTags = "",
    full_range: bool = False,
    audio: bool = False,
    live: bool = False,
) -> Clip:
    """
    Encode `scene` (by default `crossing_scene`) into `path`, whose ending chooses the container.

    Frames come at `fps` for `duration_s`, or at `times_s`, which starts with 0. `rotation` is how far the stored picture must
    be turned counter-clockwise to be upright. `start_offset_s` delays the first timestamp. `live` writes as to a pipe: the
    file says no duration. `pix_fmt` defaults to what the codec takes at that size.
    """
    scene = scene or crossing_scene(duration_s)
    rate = Fraction(fps).limit_denominator(1001)
    times = tuple(times_s) if times_s is not None else tuple(float(n / rate) for n in range(math.ceil(duration_s * rate)))
    clip_end_s = times[-1] + (times[-1] - times[-2] if times_s is not None and len(times) > 1 else float(1 / rate))
    stored = _stored_size(size, rotation, sample_aspect_ratio)
    pix_fmt = pix_fmt or ("yuv420p" if stored[0] % 2 == stored[1] % 2 == 0 or codec.startswith("libvpx") else "yuv444p")
    encoding = ENCODINGS[codec]
    params = (*encoding.params, *(("open-gop=1",) if open_gop else ()))
    options = dict(encoding.options) | ({encoding.params_key: ":".join(params)} if params else {})

    target: io.RawIOBase | str = _Pipe(path) if live else str(path)
    container_options = {"live": "1"} if live else {"movflags": "faststart"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(target, "w", format=_container(path) if live else None, container_options=container_options) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        # AVI counts frames; everything else gets a clock fine enough for any rate.
        context.time_base = 1 / rate if path.suffix == ".avi" else Fraction(1, 90_000)
        context.width, context.height = stored
        context.pix_fmt = pix_fmt
        context.gop_size = gop
        context.max_b_frames = b_frames
        context.thread_count = 1
        context.sample_aspect_ratio = sample_aspect_ratio
        _tag(context, colour, full_range=full_range)
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48_000) if audio else None
        for time_s in times:
            picture = scene.draw(time_s, size)
            picture = np.ascontiguousarray(np.rot90(picture, -(rotation // 90)))
            if picture.shape[1::-1] != stored:
                picture = np.asarray(cv2.resize(picture, stored, interpolation=cv2.INTER_AREA), np.uint8)
            frame = _frame(picture, pix_fmt, colour, full_range=full_range)
            frame.pts = round((time_s + start_offset_s) / context.time_base)
            frame.time_base = context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            assert isinstance(sound, av.AudioStream)
            _write_tone(container, sound, clip_end_s)
    return Clip(path, scene, size, times, clip_end_s, rotation)


def _stored_size(size: tuple[int, int], rotation: int, sample_aspect_ratio: Fraction) -> tuple[int, int]:
    width, height = size if rotation % 180 == 0 else size[::-1]
    return round(width / sample_aspect_ratio), height


def _container(path: Path) -> str:
    return {".mkv": "matroska", ".webm": "webm", ".ts": "mpegts"}.get(path.suffix, path.suffix[1:])


class _Pipe(io.RawIOBase):
    """A file that can't be sought in, so that a muxer can't go back to fill in the duration."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb")

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: bytes) -> int:  # type: ignore[override]  # PyAV hands over bytes only
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        super().close()


# The names of ITU-T H.273, as the numbers that FFmpeg knows them by.
MATRIX_BT601, MATRIX_BT709, MATRIX_BT2020 = 6, 1, 9


def _tag(context: av.VideoCodecContext, colour: ColourTags, *, full_range: bool) -> None:
    """Write the colour description into the stream; nothing when `colour` is ""."""
    if colour == "bt601":
        context.color_primaries, context.color_trc = ColorPrimaries.SMPTE170M, ColorTrc.SMPTE170M
        context.colorspace = MATRIX_BT601
    elif colour == "bt709":
        context.color_primaries, context.color_trc, context.colorspace = ColorPrimaries.BT709, ColorTrc.BT709, MATRIX_BT709
    elif colour:
        context.color_primaries, context.colorspace = ColorPrimaries.BT2020, MATRIX_BT2020
        context.color_trc = ColorTrc.SMPTE2084 if colour == "bt2020-pq" else ColorTrc.ARIB_STD_B67
    if colour or full_range:
        context.color_range = ColorRange.JPEG if full_range else ColorRange.MPEG


def _frame(rgb: NDArray[np.uint8], pix_fmt: str, colour: ColourTags, *, full_range: bool) -> av.VideoFrame:
    """The picture in the stream's own colours; untagged ones are BT.601, as decoders assume for small pictures."""
    if colour.startswith("bt2020"):
        frame = av.VideoFrame.from_ndarray(_to_hdr(rgb, colour), "rgb48le")
        matrix = MATRIX_BT2020
    else:
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
        matrix = MATRIX_BT709 if colour == "bt709" else MATRIX_BT601
    range_ = ColorRange.JPEG if full_range else ColorRange.MPEG
    return frame.reformat(format=pix_fmt, dst_colorspace=matrix, src_color_range=ColorRange.JPEG, dst_color_range=range_)


SDR_WHITE_NITS = 203.0  # ITU-R BT.2408: where the white of ordinary video lies in an HDR picture
BT709_TO_BT2020 = np.array(  # ITU-R BT.2087
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)


def _to_hdr(rgb: NDArray[np.uint8], colour: ColourTags) -> NDArray[np.uint16]:
    """The picture as HDR code values (16 bits) whose proper display looks like `rgb`."""
    encoded = rgb.astype(np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    wide = np.clip(linear @ BT709_TO_BT2020.T, 0.0, 1.0)
    if colour == "bt2020-pq":  # SMPTE ST 2084
        powered = (wide * SDR_WHITE_NITS / 10_000) ** 0.1593017578125
        code = ((0.8359375 + 18.8515625 * powered) / (1 + 18.6875 * powered)) ** 78.84375
    else:  # ITU-R BT.2100 HLG, on a display of 1000 nits: the inverse of its system gamma, then its curve
        display = wide * SDR_WHITE_NITS / 1000
        luminance = np.maximum(display @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
        scene = display * luminance ** ((1 - 1.2) / 1.2)
        low = np.sqrt(3 * scene)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        code = np.where(scene <= 1 / 12, low, high)
    return np.asarray(np.rint(np.clip(code, 0.0, 1.0) * 65_535), np.uint16)


def _write_tone(container: av.container.OutputContainer, stream: av.AudioStream, duration_s: float) -> None:
    rate = 48_000
    samples = np.arange(round(duration_s * rate))
    tone = (0.2 * np.sin(2 * math.pi * 440 * samples / rate)).astype(np.float32)
    chunk = 960
    for start in range(0, tone.size - chunk + 1, chunk):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + chunk], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


# Awkward files, each made in `folder`.


def truncated_clip(folder: Path, *, keep: float = 0.6) -> Clip:
    """An MP4 whose index says more than the file holds: the first frames decode, then the bytes end."""
    clip = draw_clip(folder / "truncated.mp4", Scene(crossing_scene().movers, noise=8.0))
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[: int(len(data) * keep)])
    return clip


def audio_only(folder: Path) -> Path:
    """A good media file with no picture in it."""
    path = folder / "audio-only.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48_000)
        assert isinstance(sound, av.AudioStream)
        _write_tone(container, sound, 1.0)
    return path


def text_as_video(folder: Path) -> Path:
    """Text that calls itself a video."""
    path = folder / "text.mp4"
    path.write_text("This is not a video.\n" * 20, encoding="utf-8")
    return path


def empty_file(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.write_bytes(b"")
    return path


def still_image(folder: Path) -> Path:
    """A picture that calls itself a video."""
    path = folder / "still.mp4"
    ok, png = cv2.imencode(".png", background((64, 48)))
    assert ok
    path.write_bytes(png.tobytes())
    return path


def one_pixel_clip(folder: Path) -> Clip:
    """A picture of 1 × 1."""
    return draw_clip(folder / "one-pixel.mp4", Scene(), size=(1, 1), duration_s=0.5)


def odd_sized_clip(folder: Path) -> Clip:
    """Width and height odd, so that halved chroma does not fit."""
    return draw_clip(folder / "odd.mp4", size=(161, 121))


def portrait_clip(folder: Path) -> Clip:
    """Stored upright, taller than wide."""
    return draw_clip(folder / "portrait.mp4", size=(120, 214))


def phone_clip(folder: Path, rotation: Literal[90, 180, 270] = 270) -> Clip:
    """What a phone writes: the sensor's landscape and a note that says how to turn it."""
    return draw_clip(folder / f"phone-{rotation}.mp4", size=(120, 160) if rotation % 180 else (160, 120), rotation=rotation)


def hevc_10_bit_clip(folder: Path) -> Clip:
    return draw_clip(folder / "hevc-10-bit.mp4", codec="libx265", pix_fmt="yuv420p10le")


def variable_rate_clip(folder: Path) -> Clip:
    """30 pictures a second for one second, then 10 a second, with a pause of half a second between them."""
    times = [n / 30 for n in range(30)] + [1.5 + n / 10 for n in range(10)]
    return draw_clip(folder / "variable-rate.mp4", crossing_scene(2.5), times_s=times)


def no_duration_clip(folder: Path) -> Clip:
    """WebM as a live source writes it: neither the file nor the stream says how long it is."""
    return draw_clip(folder / "no-duration.webm", codec="libvpx-vp9", live=True)


def avi_with_b_frames_clip(folder: Path) -> Clip:
    """AVI holds no presentation times, so B-frames come with timestamps out of order."""
    return draw_clip(folder / "b-frames.avi", b_frames=2)


def extreme_shape_clip(folder: Path) -> Clip:
    """Forty times as wide as high."""
    return draw_clip(folder / "extreme.mp4", Scene(), size=(8000, 200), duration_s=0.1)
