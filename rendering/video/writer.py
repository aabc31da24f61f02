"""
Writing a video: pictures as H.264, each shown at its own time, and the sound of the first one.

The file is MP4 with its index in front, so that it plays while it loads. Sound that MP4 players know is taken as it is, other
is encoded anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from tracking.video.sound import Sound

TICK = Fraction(1, 90_000)
QUALITY = "21"  # x264's crf: to the eye as good as what was filmed
PRESET = "veryfast"
MOST_THREADS = 4
COPIED_SOUND = {"aac", "mp3"}
SOUND_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}  # ISO/IEC 14496-3, table 1.18, below 64 kHz
SOUND_RATE = 48_000
SOUND_BITS = 128_000
AAC_SAMPLES = 1024  # of a packet


class VideoWriter:
    """
    Writes one file; a context manager. Pictures of `size` come in order of time.

    Raises FFmpeg's errors, which are `OSError`s where the disk is the cause.
    """

    def __init__(self, path: Path, size: tuple[int, int], *, rate: float, matrix: Colorspace, sound: Sound | None) -> None:
        self._file = av.open(str(path), "w", format="mp4", container_options={"movflags": "+faststart"})
        shown = Fraction(rate).limit_denominator(1001) if rate > 0 else Fraction(25)
        self._pictures: VideoStream = self._file.add_stream("libx264", rate=shown)
        self._pictures.width, self._pictures.height = size
        self._pictures.pix_fmt = "yuv420p"
        context = self._pictures.codec_context
        context.time_base = TICK
        context.options = {"crf": QUALITY, "preset": PRESET}
        context.thread_count = min(os.cpu_count() or 1, MOST_THREADS)
        context.colorspace, context.color_range = int(matrix), int(ColorRange.MPEG)
        if matrix == Colorspace.ITU709:
            context.color_primaries, context.color_trc = 1, 1  # H.273: BT.709
        self._sound = _SoundTrack(self._file, sound) if sound else None
        self._lasts: dict[int, int] = {}
        self._last_tick = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, picture: av.VideoFrame, time_s: float, lasts_s: float) -> None:
        """Show `picture` at `time_s`, for `lasts_s` seconds should it be the last one."""
        tick = max(round(time_s / TICK), self._last_tick + 1)
        self._last_tick = tick
        self._lasts[tick] = max(round(lasts_s / TICK), 1)
        picture.pts, picture.time_base = tick, TICK
        self._write(self._pictures.encode(picture))

    def finish(self, end_s: float) -> None:
        """Write what is still on its way, of the sound that up to `end_s`; without it the file is not whole."""
        self._write(self._pictures.encode(None))
        if self._sound:
            self._sound.write_to(end_s)

    def _write(self, packets: list[av.Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._lasts.pop(packet.pts, 1)
                if self._sound:
                    self._sound.write_to(float(packet.pts * TICK))
            self._file.mux(packet)


class _SoundTrack:
    """The sound of a file that is being written."""

    def __init__(self, file: av.container.OutputContainer, sound: Sound) -> None:
        is_copied = sound.codec in COPIED_SOUND
        self._file = file
        self._packets = _copied(file, sound) if is_copied else _encoded(file, sound)
        self._next: tuple[av.Packet[AudioStream], float] | None = None

    def write_to(self, time_s: float) -> None:
        """Write all sound up to `time_s`."""
        while True:
            self._next = self._next or next(self._packets, None)
            if self._next is None or self._next[1] > time_s:
                return
            self._file.mux(self._next[0])
            self._next = None


def _copied(file: av.container.OutputContainer, sound: Sound) -> Iterator[tuple[av.Packet[AudioStream], float]]:
    stream = file.add_stream_from_template(sound.stream)

    def packets() -> Iterator[tuple[av.Packet[AudioStream], float]]:
        for packet, time_s in sound.packets():
            packet.stream = stream
            yield packet, time_s

    return packets()


def _encoded(file: av.container.OutputContainer, sound: Sound) -> Iterator[tuple[av.Packet[AudioStream], float]]:
    known = sound.stream.rate
    rate = known if known in SOUND_RATES else SOUND_RATE
    stream: AudioStream = file.add_stream("aac", rate=rate)
    stream.bit_rate = SOUND_BITS
    stream.layout = "mono" if sound.stream.channels == 1 else "stereo"
    resampler = av.AudioResampler("fltp", stream.layout, rate, frame_size=AAC_SAMPLES)

    def frames() -> Iterator[AudioFrame | None]:
        for frame, _ in sound.frames():
            yield from resampler.resample(frame)
        yield from resampler.resample(None)
        yield None

    def packets() -> Iterator[tuple[av.Packet[AudioStream], float]]:
        for frame in frames():
            for packet in stream.encode(frame):
                yield packet, float((packet.pts or 0) * packet.time_base)

    return packets()
