"""Damage that decoders conceal, or do not see: what it spoils is left out and told, and what is whole is not."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.damage import packets_of, with_hole
from tests.torture.recordings import MUXERS, Recipe, record
from tracking.errors import NotAVideo
from tracking.model import Segment
from tracking.video.damage import Inspector
from tracking.video.file import Video

COUNT, GOP = 60, 20
PICTURE_S = 1 / 25


def without_packet(path: Path, number: int) -> Path:
    """Return a copy of a recording in which one packet is missing, as from a network that lost it."""
    copy = path.with_name(f"without-{path.name}")
    ending = path.suffix[1:]
    with av.open(str(path)) as source, av.open(str(copy), "w", format=MUXERS.get(ending, ending)) as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for place, packet in enumerate(packet for packet in source.demux(stream) if packet.size):
            if place != number:
                packet.stream = copied
                target.mux(packet)
    return copy


def lost_of(video: Video) -> Iterator[tuple[int, int]]:
    """The numbers of the pictures that are left out: the first, and the one behind the last."""
    assert video.loss
    for stretch in video.loss.lost:
        yield round(stretch.start_s / PICTURE_S), round(stretch.end_s / PICTURE_S)


# Every picture is another one: without this each would be coded by itself.
NO_SCENES = {"x264-params": "scenecut=0"}


@pytest.mark.parametrize(
    ("ending", "codec", "number", "lost"),
    [
        ("mkv", "libx265", GOP, (GOP, 2 * GOP)),
        ("mp4", "libx265", GOP + 5, (GOP + 5, 2 * GOP)),
        ("avi", "libx264", GOP, (GOP, 2 * GOP)),
        ("mp4", "libx264", GOP + 5, (GOP + 5, 2 * GOP)),
        ("webm", "libvpx", GOP, (GOP, 2 * GOP)),
        ("webm", "libvpx-vp9", GOP, (GOP, 2 * GOP)),
        ("webm", "libvpx-vp9", GOP + 5, (GOP + 5, 2 * GOP)),
        ("avi", "mjpeg", 7, (7, 8)),
    ],
)
def test_a_hole_in_a_picture_spoils_what_refers_to_it_and_is_told(
    ending: str, codec: str, number: int, lost: tuple[int, int], tmp_path: Path
) -> None:
    path = record(Recipe(ending, codec, gop=GOP, count=COUNT, options=NO_SCENES if codec == "libx264" else {}), tmp_path).path
    with Video(path) as video:
        whole = {frame.time_s: frame.pixels() for frame in video.frames()}
        assert (len(whole), video.loss) == (COUNT, None)
    with_hole(path, number)
    with Video(path) as video:
        shown = {frame.time_s: frame.pixels() for frame in video.frames()}
        assert list(lost_of(video)) == [lost]
        assert video.loss
        assert video.loss.frames_lost == lost[1] - lost[0] == COUNT - len(shown)
        assert all(np.array_equal(picture, whole[time_s]) for time_s, picture in shown.items())
        at = [(lost[0] - 1) * PICTURE_S, lost[0] * PICTURE_S, (lost[1] - 1) * PICTURE_S]
        assert [frame.time_s for _, frame in video.frames_at(at)] == pytest.approx([at[0], lost[1] * PICTURE_S])


@pytest.mark.parametrize(
    ("ending", "number", "first"), [("mp4", GOP + 5, GOP + 6), ("mkv", GOP, GOP + 1), ("ts", GOP, GOP + 1)]
)
def test_a_reference_that_is_missing_is_missed(ending: str, number: int, first: int, tmp_path: Path) -> None:
    path = record(Recipe(ending, "libx264", gop=GOP, count=COUNT, options=NO_SCENES), tmp_path).path
    with Video(without_packet(path, number)) as video:
        assert len(list(video.frames())) == COUNT - (2 * GOP - number)
        assert list(lost_of(video)) == [(first, 2 * GOP)]


def test_pictures_that_are_shown_before_a_damaged_one_which_they_refer_to_are_left_out(tmp_path: Path) -> None:
    path = record(Recipe("mkv", "mpeg2video", gop=12, b_frames=2, count=COUNT), tmp_path).path
    with Video(path) as video:
        whole = {frame.time_s: frame.pixels() for frame in video.frames()}
    with av.open(str(path)) as container:
        keys = [number for number, packet in enumerate(container.demux(video=0)) if packet.size and packet.is_keyframe]
    with_hole(path, keys[2])
    with Video(path) as video:
        shown = {frame.time_s: frame.pixels() for frame in video.frames()}
        assert video.loss
        assert 11 <= video.loss.frames_lost == COUNT - len(shown) < 20
        assert all(np.array_equal(picture, whole[time_s]) for time_s, picture in shown.items())


def test_an_error_of_av1_belongs_to_the_picture_that_did_not_come(tmp_path: Path) -> None:
    path = record(Recipe("mp4", "libsvtav1", gop=GOP, count=COUNT), tmp_path).path
    with Video(path) as video:
        whole = {frame.time_s: frame.pixels() for frame in video.frames()}
    data, packet = path.read_bytes(), packets_of(path)[GOP]
    path.write_bytes(data.replace(packet, packet[: len(packet) // 3] + bytes(len(packet) - len(packet) // 3)))
    with Video(path) as video:
        shown = {frame.time_s: frame.pixels() for frame in video.frames()}
        assert video.loss
        assert len(shown) + video.loss.frames_lost == COUNT
        assert all(np.array_equal(picture, whole[time_s]) for time_s, picture in shown.items())


def test_errors_in_a_jpeg_are_told_unless_all_have_them(tmp_path: Path) -> None:
    path = record(Recipe("avi", "mjpeg", gop=GOP, count=COUNT), tmp_path).path
    data, packets = path.read_bytes(), packets_of(path)

    def spoil(numbers: range) -> None:
        spoilt = data
        for number in numbers:
            packet = packets[number]
            place = len(packet) * 2 // 3
            spoilt = spoilt.replace(packet, packet[:place] + b"\xff\x00" * 20 + packet[place + 40 :])
        path.write_bytes(spoilt)

    spoil(range(30, 31))
    with Video(path) as video:
        assert len(list(video.frames())) == COUNT - 1
        assert list(lost_of(video)) == [(30, 31)]
    spoil(range(COUNT))
    with Video(path) as video:
        assert len(list(video.frames())) == COUNT
        assert video.loss is None


def test_damage_beyond_the_end_of_a_stretch_is_not_told(tmp_path: Path) -> None:
    path = record(Recipe("mkv", "libx265", gop=GOP, count=COUNT), tmp_path).path
    with_hole(path, GOP)
    with Video(path) as video:
        last_s = (GOP - 1) * PICTURE_S
        assert len(list(video.frames(segment=Segment(0.0, last_s)))) == GOP
        assert video.loss is None


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg", "av1"])
def test_padding_is_no_hole(codec: str) -> None:
    end = {"mjpeg": b"\xff\xd9"}.get(codec, b"\x80")
    inspector = Inspector(codec, b"")
    assert not inspector.has_hole(b"\1\2\3" + end + bytes(500))
    if codec in {"h264", "hevc"}:
        assert not inspector.has_hole(b"\1\2\3\x80" + bytes(500) + b"\1\x65\1")
        assert inspector.has_hole(b"\1\2\3\x80" + bytes(500) + b"\2\x65\1")


def test_a_coder_that_pads_every_packet_is_not_called_damaged(tmp_path: Path) -> None:
    path = record(Recipe("mp4", "libx265", gop=GOP, count=COUNT), tmp_path).path
    padded = tmp_path / "padded.mp4"
    with av.open(str(path)) as source, av.open(str(padded), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in (packet for packet in source.demux(stream) if packet.size):
            data = bytes(packet)
            unit = data[4 : 4 + int.from_bytes(data[:4])]
            again = av.Packet((len(unit) + 200).to_bytes(4) + unit + bytes(200) + data[4 + len(unit) :])
            again.pts, again.dts, again.time_base, again.is_keyframe = (
                packet.pts,
                packet.dts,
                packet.time_base,
                packet.is_keyframe,
            )
            again.stream = copied
            target.mux(again)
    with Video(padded) as video:
        assert len(list(video.frames())) == COUNT
        assert video.loss is None


@pytest.mark.parametrize("count", [0, 1, 5, 60])
def test_any_bytes_may_be_looked_at(count: int) -> None:
    chance = np.random.default_rng(count)
    for _ in range(200):
        extradata, data = (chance.integers(0, 4, size, np.uint8).tobytes() for size in (count, 3 * count))
        for codec in ("h264", "hevc", "mjpeg"):
            inspector = Inspector(codec, b"\1" * (count > 1) + extradata)
            inspector.has_hole(data)
            inspector.lacks_reference(b"\0\0\1" + data)


def test_a_recording_whose_index_was_never_written_is_told_as_one(tmp_path: Path) -> None:
    path = record(Recipe("mp4", "libx264", gop=GOP, count=COUNT), tmp_path).path
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    with pytest.raises(NotAVideo) as caught:
        Video(path)
    assert caught.value.lacks_index
    path.write_bytes(data[20:400])
    with pytest.raises(NotAVideo) as caught:
        Video(path)
    assert not caught.value.lacks_index
