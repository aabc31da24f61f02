"""
Recordings made by script: every container and codec that FFmpeg can write here, and what becomes of them outside.

Each picture differs from every other, so that one that is missing, doubled or in a wrong place is seen. Times are seconds from
the first picture.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips import ENCODINGS

SIZE = (64, 48)
NTSC = Fraction(30000, 1001)

# The muxer's name where it is not the ending.
MUXERS = {
    "mkv": "matroska",
    "ts": "mpegts",
    "m2ts": "mpegts",
    "mpg": "mpeg",
    "m2v": "mpeg2video",
    "fmp4": "mp4",
    "mpjpeg": "mpjpeg",
}
MUXER_OPTIONS = {"fmp4": {"movflags": "frag_keyframe+empty_moov"}, "m2ts": {"mpegts_m2ts_mode": "1"}}
# Containers that bear no clock: pictures come evenly at the rate that FFmpeg assumes where the stream names none.
WITHOUT_RATE = {"mjpeg", "mpjpeg", "h263"}
STRICT = {"strict": "experimental"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a recording is made: `ending` chooses the container, `change` what happens to the file afterwards."""

    ending: str
    codec: str
    fps: Fraction = Fraction(25)
    gop: int = 12
    b_frames: int = 0
    count: int = 50
    times_ms: tuple[int, ...] = ()
    change: str = ""
    options: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for reports and files."""
        parts = [self.codec, f"gop{self.gop}", f"b{self.b_frames}", f"{float(self.fps):.4g}fps", self.change]
        parts += ["uneven"] if self.times_ms else []
        return "-".join(part for part in parts if part) + f".{self.ending}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file and when its pictures are shown; None where the file itself leaves that open."""

    path: Path
    times_s: tuple[float, ...] | None


def picture(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """The picture of this number, unlike any other, (H, W, 3) RGB."""
    coarse = np.random.default_rng(number).integers(40, 216, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def record(recipe: Recipe, folder: Path) -> Recording:
    """Make a recording in `folder`."""
    path = folder / recipe.name
    if recipe.ending == "dav":
        stream = folder / f"{recipe.name}.ts"
        _encoded(replace(recipe, ending="ts"), stream)
        as_dhav(stream, path, recipe.fps)
    else:
        _encoded(recipe, path)
    rate = Fraction(25) if recipe.ending in WITHOUT_RATE else recipe.fps
    times = tuple(time / 1000 for time in recipe.times_ms) or tuple(float(n / rate) for n in range(recipe.count))
    match recipe.change:
        case "joined":
            path.write_bytes(path.read_bytes() * 2)
            times = tuple(float(n / rate) for n in range(2 * recipe.count))
        case "clock-jumps":
            _rewrapped(path, recipe, shift_s=5000)
        case "wild-times":
            _rewrapped(path, recipe, shift_s=300, only_shown=True)
        case "beheaded":
            data = path.read_bytes()
            start = len(data) * 2 // 5
            path.write_bytes(data[start - start % 188 :])
            return Recording(path, None)
    if recipe.codec == "mpeg1video":
        return Recording(path, None)  # FFmpeg's muxer gives two of its pictures one time
    return Recording(path, times)


def _encoded(recipe: Recipe, path: Path) -> None:
    encoding = ENCODINGS.get(recipe.codec)
    options = dict(encoding.options) if encoding else {}
    if encoding and encoding.params:
        options[encoding.params_key] = ":".join(encoding.params)
    muxer = MUXERS.get(recipe.ending, recipe.ending)
    container_options = {**MUXER_OPTIONS.get(recipe.ending, {}), **STRICT}
    with av.open(str(path), "w", format=muxer, container_options=container_options) as container:
        stream = container.add_stream(recipe.codec, rate=recipe.fps, options={**options, **STRICT, **recipe.options})
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.time_base = Fraction(1, 1000) if recipe.times_ms else 1 / recipe.fps
        context.width, context.height = (704, 576) if recipe.codec in {"h263"} else SIZE
        context.pix_fmt = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(recipe.codec, "yuv420p")
        context.gop_size, context.max_b_frames = recipe.gop, recipe.b_frames
        context.thread_count = 1
        for number in range(len(recipe.times_ms) or recipe.count):
            drawn = picture(number, (context.width, context.height))
            frame = av.VideoFrame.from_ndarray(drawn, "rgb24").reformat(format=context.pix_fmt)
            frame.pts = recipe.times_ms[number] if recipe.times_ms else number
            frame.time_base = context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def as_dhav(source: Path, path: Path, fps: Fraction) -> None:
    """
    The H.264 packets of a transport stream as Dahua's recorders write them.

    A packet has a head (kind, number, length, date, milliseconds), two extensions (codec and rate, size in eights) and a tail;
    its time is that of recording, in the order of decoding. After FFmpeg's `libavformat/dhav.c`.
    """
    date = 24 << 26 | 1 << 22 | 2 << 17 | 3 << 12 | 4 << 6  # 2024-01-02 03:04:00
    with av.open(str(source)) as container, path.open("wb") as file:
        stream = container.streams.video[0]
        extensions = bytes([0x81, 0, 2, round(fps), 0x80, 0, stream.width // 8, stream.height // 8])
        for number, packet in enumerate(packet for packet in container.demux(stream) if packet.size):
            data = bytes(packet)
            seconds, milliseconds = divmod(round(1000 * number / fps), 1000)
            length = 24 + len(extensions) + len(data) + 8
            kind = 0xFD if packet.is_keyframe else 0xFC
            file.write(b"DHAV" + struct.pack("<BBBBIIIHBB", kind, 0, 0, 0, number, length, date + seconds, milliseconds, 8, 0))
            file.write(extensions + data + b"dhav" + struct.pack("<I", length))


def _rewrapped(path: Path, recipe: Recipe, *, shift_s: int, only_shown: bool = False) -> None:
    """The same packets, those of the second half with a clock `shift_s` ahead, or two of them with a time of showing so far."""
    aside = path.with_name(f"aside-{path.name}")
    path.replace(aside)
    with av.open(str(aside)) as source, av.open(str(path), "w", format=MUXERS.get(recipe.ending, recipe.ending)) as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        seam = keys[len(keys) // 2]
        for number, packet in enumerate(packets):
            shift = int(shift_s / packet.time_base)
            if only_shown:
                packet.pts = (packet.pts or 0) + (shift if seam < number <= seam + 2 else 0)
            elif number >= seam:
                packet.pts, packet.dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
            packet.stream = copied
            target.mux(packet)
    aside.unlink()


def recipes() -> Iterator[Recipe]:
    """All of them, each with a name of its own."""
    for ending in ("mp4", "fmp4", "mov", "mkv", "ts", "m2ts", "mpg", "vob", "flv", "avi", "asf", "nut", "h264"):
        yield Recipe(ending, "libx264", b_frames=0, gop=8)
        yield Recipe(ending, "libx264", b_frames=3, gop=12, fps=NTSC)
        yield Recipe(ending, "libx264", b_frames=2, gop=50)
    for ending, b_frames in itertools.product(("mpg", "vob", "ts", "avi", "mxf", "mkv", "mov", "m2v"), (0, 2)):
        yield Recipe(ending, "mpeg2video", b_frames=b_frames, gop=9)
    for ending, b_frames in itertools.product(("avi", "mp4", "mkv", "ts", "asf", "nut"), (0, 2)):
        yield Recipe(ending, "mpeg4", b_frames=b_frames, gop=10)
    for ending in ("mp4", "mkv", "ts", "hevc"):
        yield Recipe(ending, "libx265", b_frames=3, gop=10)
        open_gop = {"x265-params": "log-level=none:pools=none:frame-threads=1:open-gop=1"}
        yield Recipe(ending, "libx265", b_frames=2, gop=7, fps=NTSC, options=open_gop)
    for ending in ("mp4", "mkv", "ts"):
        yield Recipe(ending, "libx264", b_frames=3, gop=9, fps=Fraction(24), options={"x264-params": "open-gop=1:bframes=3"})
        yield Recipe(ending, "libx264", b_frames=2, gop=500, fps=Fraction(60), options={"x264-params": "intra-refresh=1"})
    for ending, codec in (
        ("webm", "libvpx"),
        ("ivf", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("ivf", "libvpx-vp9"),
        ("mkv", "libvpx-vp9"),
        ("mp4", "libsvtav1"),
        ("webm", "libsvtav1"),
        ("obu", "libsvtav1"),
        ("mkv", "ffv1"),
        ("mov", "prores_ks"),
        ("avi", "mjpeg"),
        ("mov", "mjpeg"),
        ("mjpeg", "mjpeg"),
        ("mpjpeg", "mjpeg"),
        ("asf", "wmv2"),
        ("avi", "msmpeg4"),
        ("flv", "flv"),
        ("3gp", "h263"),
        ("rm", "rv10"),
        ("mpg", "mpeg1video"),
        ("m4v", "mpeg4"),
    ):
        yield Recipe(ending, codec)
    for b_frames in (0, 2):
        yield Recipe("dav", "libx264", gop=12, b_frames=b_frames)
    altref = {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "good", "b": "200k"}
    yield Recipe("webm", "libvpx", gop=40, options=altref, fps=NTSC)
    uneven = tuple(np.cumsum(np.random.default_rng(5).integers(20, 400, 40)).tolist())
    uneven = tuple(time - uneven[0] for time in uneven)
    for ending in ("mp4", "mkv", "ts", "flv", "nut"):
        yield Recipe(ending, "libx264", b_frames=2, gop=11, times_ms=uneven, fps=Fraction(25))
    for ending, fps in (("mp4", Fraction(1, 10)), ("mkv", Fraction(1)), ("avi", Fraction(2)), ("mp4", Fraction(120))):
        yield Recipe(ending, "libx264", b_frames=2, gop=6, fps=fps, count=24)
    for ending, codec in (
        ("ts", "libx264"),
        ("mpg", "mpeg2video"),
        ("ts", "mpeg2video"),
        ("h264", "libx264"),
        ("m2v", "mpeg2video"),
    ):
        for gop in (10, 60):
            yield Recipe(ending, codec, b_frames=2, gop=gop, change="joined")
    for ending, codec in (
        ("mkv", "libx264"),
        ("webm", "libvpx"),
        ("avi", "mpeg4"),
        ("avi", "mjpeg"),
        ("mjpeg", "mjpeg"),
        ("m4v", "mpeg4"),
        ("hevc", "libx265"),
        ("obu", "libsvtav1"),
        ("dav", "libx264"),
    ):
        yield Recipe(ending, codec, gop=10, change="joined")
    for ending in ("mp4", "mkv", "ts", "flv", "mov"):
        yield Recipe(ending, "libx264", gop=10, change="wild-times")
    for ending in ("mp4", "mkv", "ts"):
        yield Recipe(ending, "libx264", gop=13, b_frames=2, options={"x264-params": "tff=1"})
    yield Recipe("mpg", "mpeg2video", gop=13, b_frames=2, options={"flags": "+ilme+ildct"})
    for gop in (6, 25):
        yield Recipe("ts", "libx264", b_frames=2, gop=gop, change="clock-jumps")
        yield Recipe("ts", "libx264", b_frames=2, gop=gop, change="beheaded")
        yield Recipe("ts", "mpeg2video", b_frames=2, gop=gop, change="beheaded")


def small_product() -> list[Recipe]:
    """A few of them for the tests: each kind of container, of order and of change once."""
    wanted = {
        "libx264-gop12-b3-29.97fps.mp4",
        "libx264-gop50-b2-25fps.mkv",
        "libx264-gop50-b2-25fps.ts",
        "libx264-gop12-b3-29.97fps.ts",
        "libx264-gop12-b3-29.97fps.avi",
        "libx264-gop12-b3-29.97fps.asf",
        "libx264-gop12-b3-29.97fps.flv",
        "libx264-gop12-b3-29.97fps.h264",
        "mpeg2video-gop9-b2-25fps.mpg",
        "mpeg2video-gop9-b2-25fps.vob",
        "mpeg2video-gop9-b2-25fps.mxf",
        "mpeg4-gop10-b2-25fps.avi",
        "libx265-gop7-b2-29.97fps.ts",
        "libvpx-gop40-b0-29.97fps.webm",
        "mjpeg-gop12-b0-25fps.mpjpeg",
        "libx264-gop12-b2-25fps.dav",
        "libx264-gop11-b2-25fps-uneven.ts",
        "libx264-gop6-b2-0.1fps.mp4",
        "libx264-gop10-b2-25fps-joined.ts",
        "mpeg2video-gop10-b2-25fps-joined.mpg",
        "libx264-gop6-b2-25fps-clock-jumps.ts",
        "libx264-gop25-b2-25fps-beheaded.ts",
    }
    found = [recipe for recipe in recipes() if recipe.name in wanted]
    assert len(found) == len(wanted), wanted - {recipe.name for recipe in found}
    return [replace(recipe, count=min(recipe.count, 50)) for recipe in found]
