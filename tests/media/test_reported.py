"""Conditions from public reports of neighbouring projects, each on a file that is made here."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.torture.recordings import Recipe, picture, record
from tracking.model import Segment
from tracking.video.file import Video

RATE = 25


def packets_of(path: Path) -> list[tuple[bytes, bool]]:
    with av.open(str(path)) as container:
        return [(bytes(packet), packet.is_keyframe) for packet in container.demux(video=0) if packet.size]


def write_packets(path: Path, template: Path, packets: list[tuple[bytes, bool]]) -> None:
    """Write packets one after the other, as a stream like that of `template`."""
    with av.open(str(template)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, (data, is_key) in enumerate(packets):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.time_base, packet.is_keyframe, packet.stream = Fraction(1, RATE), is_key, stream
            target.mux(packet)


def shown_by(path: Path) -> list[NDArray[np.uint8]]:
    """All pictures, evenly, without damage; single ones are the same."""
    with Video(path) as video:
        frames = [(frame.time_s, frame.pixels()) for frame in video.frames()]
        assert [time_s for time_s, _ in frames] == pytest.approx(np.arange(len(frames)) / RATE)
        assert video.loss is None
        last_s = frames[-1][0]
        for _, frame in video.frames_at([last_s / 2, last_s]):
            assert np.array_equal(frame.pixels(), frames[round(frame.time_s * RATE)][1])
        part = [frame.pixels() for frame in video.frames(segment=Segment(last_s - 0.1, last_s))]
        assert all(np.array_equal(one, other) for one, (_, other) in zip(part[::-1], frames[::-1], strict=False))
    return [pixels for _, pixels in frames]


def test_a_camera_whose_first_picture_has_another_pixel_format(tmp_path: Path) -> None:
    """agentmorris/MegaDetector issue 237: colours of all later pictures were wrong, or the program crashed."""
    packets = []
    for pixel_format in ("yuvj422p", "yuvj420p"):
        path = tmp_path / f"{pixel_format}.avi"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mjpeg", rate=RATE, options={"qmin": "2", "qmax": "2"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
            for number in range(20):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24").reformat(format=pixel_format)))
            container.mux(stream.encode(None))
        packets.append(packets_of(path))
    mixed = tmp_path / "mixed.avi"
    write_packets(mixed, tmp_path / "yuvj422p.avi", packets[0][:1] + packets[1][1:])
    pictures = shown_by(mixed)
    assert len(pictures) == 20
    for number, shown in enumerate(pictures):
        assert np.abs(shown.astype(int) - picture(number)).mean() < 6


def test_a_palette_outlives_a_seek(tmp_path: Path) -> None:
    """PyAV-Org/PyAV issue 1987: pictures were black after a seek."""
    path = tmp_path / "palette.avi"
    levels = np.arange(256, dtype=np.uint8)
    palette = np.stack([np.full(256, 255, np.uint8), levels, levels[::-1], np.full(256, 90, np.uint8)], axis=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("msrle", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        for number in range(200):
            indices = np.ascontiguousarray(picture(number)[..., 0])
            frame = av.VideoFrame.from_ndarray((indices, palette), format="pal8")  # type: ignore[arg-type]  # against its stub
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(shown_by(path)) == 200
    assert shown_by(path)[-1].any()


def test_two_pictures_in_one_packet_of_an_old_avi(tmp_path: Path) -> None:
    """DivX's packed bitstream: a B-frame lies in the packet of the picture that is shown behind it, and a stub in its place."""
    plain = record(Recipe("avi", "mpeg4", b_frames=1, gop=12), tmp_path).path
    wanted = shown_by(plain)
    marker, start = b"\0\0\1\xb2DivX503b1393p", b"\0\0\1\xb6"
    source = [(data.replace(start, marker + start, 1) if key else data, key) for data, key in packets_of(plain)]
    is_b = [data[data.index(start) + 4] >> 6 == 2 for data, _ in source]
    packed: list[tuple[bytes, bool]] = []
    for number, (data, key) in enumerate(source):
        if is_b[number]:
            packed.append((start + b"\x7f", False))
        else:
            behind = source[number + 1][0] if number + 1 < len(source) and is_b[number + 1] else b""
            packed.append((data + behind, key))
    path = tmp_path / "packed.avi"
    write_packets(path, plain, packed)
    shown = shown_by(path)
    assert len(shown) == len(wanted)
    assert all(np.array_equal(one, other) for one, other in zip(shown, wanted, strict=True))


def test_an_avi_without_its_index(tmp_path: Path) -> None:
    path = record(Recipe("avi", "mpeg4", gop=12), tmp_path).path
    wanted = shown_by(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"idx1")])
    assert len(shown_by(path)) == len(wanted) == 50
