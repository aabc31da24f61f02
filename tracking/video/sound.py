"""The sound that goes with a video's pictures, by the same clock: seconds from the first shown picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream


@dataclass(frozen=True, slots=True)
class Sound:
    """
    The sound of an open file, to be read once: as packets, or decoded.

    `start` is the time by the file's clock, in seconds, with which it begins; what is heard before is left out.
    """

    container: av.container.InputContainer
    stream: AudioStream
    start: Fraction

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec."""
        return self.stream.codec_context.codec.canonical_name

    def packets(self) -> Iterator[tuple[av.Packet[AudioStream], float]]:
        """Yield the packets with their times in seconds from `start`, by which their own clocks go as well."""
        offset = round(self.start / (self.stream.time_base or Fraction(1, 1000)))
        with contextlib.suppress(av.error.InvalidDataError):  # a damaged end: what was read before is good
            for packet in self.container.demux(self.stream):
                if packet.pts is None or packet.dts is None or packet.pts < offset:
                    continue
                packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
                yield packet, float(packet.pts * packet.time_base)

    def frames(self) -> Iterator[tuple[AudioFrame, float]]:
        """Yield the decoded sound with its times in seconds; what does not decode is left out."""
        for packet, _ in self.packets():
            with contextlib.suppress(av.error.InvalidDataError):
                for frame in self.stream.decode(packet):
                    if frame.pts is not None:
                        yield frame, float(frame.pts * (frame.time_base or 0))
