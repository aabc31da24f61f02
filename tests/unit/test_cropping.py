"""The crop tags of Matroska files, read from bytes that anybody may have made."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.video.cropping import Crop, read_crop


def element(identity: int, content: bytes) -> bytes:
    """One EBML element with a size of eight bytes."""
    return identity.to_bytes((identity.bit_length() + 7) // 8) + (len(content) | 1 << 56).to_bytes(8) + content


def number(identity: int, value: int) -> bytes:
    return element(identity, value.to_bytes(2))


def matroska(*tracks: bytes) -> bytes:
    entries = b"".join(element(0xAE, track) for track in tracks)
    return element(0x1A45DFA3, b"") + element(0x18538067, element(0x1549A966, b"\x00" * 9) + element(0x1654AE6B, entries))


def video(**numbers: int) -> bytes:
    names = {"width": 0xB0, "height": 0xBA, "shown_width": 0x54B0, "shown_height": 0x54BA}
    names |= {"bottom": 0x54AA, "top": 0x54BB, "left": 0x54CC, "right": 0x54DD}
    return element(0xE0, b"".join(number(names[name], value) for name, value in numbers.items()))


def crop_of(data: bytes, folder: Path, *, track: int = 0, size: tuple[int, int] = (160, 120)) -> Crop | None:
    path = folder / "clip.mkv"
    path.write_bytes(data)
    return read_crop(path, track=track, size=size)


def test_the_tags_of_the_right_track_are_read(tmp_path: Path) -> None:
    data = matroska(video(width=64, height=48), video(width=160, height=120, top=10, bottom=20, left=4, right=6))
    assert crop_of(data, tmp_path, track=1) == Crop(4, 10, 6, 20)
    assert crop_of(data, tmp_path, track=0, size=(64, 48)) is None
    assert crop_of(data, tmp_path, track=5) is None


def test_a_display_size_of_the_whole_picture_says_nothing_of_pixels(tmp_path: Path) -> None:
    whole = video(width=160, height=120, top=30, bottom=30, shown_width=160, shown_height=120)
    wide = video(width=160, height=120, top=30, bottom=30, shown_width=320, shown_height=60)
    assert crop_of(matroska(whole), tmp_path) == Crop(0, 30, 0, 30, names_whole=True)
    assert crop_of(matroska(wide), tmp_path) == Crop(0, 30, 0, 30)


def test_tags_that_leave_nothing_or_are_of_another_picture_are_passed_over(tmp_path: Path) -> None:
    assert crop_of(matroska(video(width=160, height=120, top=60, bottom=60)), tmp_path) is None
    assert crop_of(matroska(video(width=320, height=120, top=10)), tmp_path) is None


@given(
    data=st.one_of(st.binary(max_size=300), st.binary(max_size=40).map(lambda tail: matroska(tail))), cut=st.integers(0, 300)
)
def test_any_bytes_have_an_answer(data: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    crop_of(data[:cut] if cut < len(data) else data, tmp_path_factory.getbasetemp())
