"""The GIF writer: what Pillow reads back is what was put in."""

from __future__ import annotations

import io
import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from rendering.gif.container import GifBuilder

# Not a plain ramp of greys, which Pillow would read as a picture without a palette.
PALETTE = np.stack([np.arange(256), np.full(256, 7), np.full(256, 9)], axis=1).astype(np.uint8)
INVERSE = PALETTE[::-1].copy()


def read(data: bytes) -> list[tuple[NDArray[np.uint8], int]]:
    """Pictures and delays in ms, as a viewer shows them."""
    image = Image.open(io.BytesIO(data))
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        found.append((np.asarray(image.convert("RGB"))[..., 0], int(image.info.get("duration", 0))))
    return found


frame = st.integers(0, 2**32 - 1)


@settings(max_examples=40)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seeds=st.lists(
        st.tuples(frame, st.sampled_from([0.0, 0.01, 1.0]), st.integers(0, 1), st.integers(2, 90)), min_size=1, max_size=8
    ),
    opening=st.integers(0, 7),
)
def test_pictures_and_times_survive_with_whichever_frame_the_loop_begins(
    size: tuple[int, int], seeds: list[tuple[int, float, int, int]], opening: int
) -> None:
    width, height = size
    builder = GifBuilder(width, height)
    picture = np.zeros((height, width), np.uint8)
    expected, start, opening_cs = [], 0, 0
    for number, (seed, share, palette, delay) in enumerate(seeds):
        rng = np.random.default_rng(seed)
        changed = rng.random((height, width)) < share
        picture = np.where(changed, rng.integers(0, 255, (height, width), np.uint8), picture)
        builder.add(picture, start, palette=palette, opens=number == opening)
        opening_cs = start if number == opening else opening_cs
        expected.append(((PALETTE, INVERSE)[palette][picture][..., 0], start))
        start += delay
    data = builder.file([PALETTE, INVERSE], end_cs=start)
    shown = read(data)
    ends = np.cumsum([delay for _, delay in shown]) / 10
    for wanted, at in expected:
        picture_then = shown[int(np.searchsorted(ends, (at - opening_cs) % start, side="right"))][0]
        assert np.array_equal(picture_then, wanted)
    if len(shown) > 1:
        assert ends[-1] == start
        assert Image.open(io.BytesIO(data)).info["loop"] == 0
    again = list(builder.frames())
    assert len(again) == builder.frame_count
    assert all(np.array_equal(a[0], b) for a, b in zip(again[-1:], [picture], strict=True))


def test_a_loop_that_begins_in_its_middle_is_as_small_and_begins_with_a_whole_picture() -> None:
    texture = np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)
    files = []
    for opening in (0, 30):
        builder = GifBuilder(200, 200)
        for start in range(0, 60, 10):
            picture = texture.copy()
            picture[20:40, 20 + start : 40 + start] = 7
            builder.add(picture, start, opens=start == opening)
        files.append(builder.file([PALETTE], end_cs=60))
    assert len(files[1]) < 1.02 * len(files[0])
    for data in files:
        # What follows the last frame must cover all of it: some players keep the old picture when a loop begins again.
        assert np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[..., 3].min() == 255
    pictures = [[picture for picture, _ in read(data)] for data in files]
    assert all(np.array_equal(a, b) for a, b in zip(pictures[1], pictures[0][3:] + pictures[0][:3], strict=True))


def test_a_picture_in_which_nothing_changed_costs_nothing() -> None:
    builder = GifBuilder(50, 50)
    picture = np.random.default_rng(0).integers(0, 255, (50, 50), np.uint8)
    for start in range(0, 100, 10):
        builder.add(picture, start)
    assert builder.frame_count == 1
    assert [delay for _, delay in read(builder.file([PALETTE], end_cs=100))] in ([1000], [0])


def test_a_small_change_costs_little() -> None:
    builder = GifBuilder(200, 200)
    picture = np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)
    builder.add(picture, 0)
    whole = builder.size_bytes
    for start in range(10, 60, 10):
        picture = picture.copy()
        picture[20:30, 20 + start : 30 + start] = 7
        builder.add(picture, start)
    assert builder.size_bytes - whole < whole / 10
    assert all(a < b for a, b in itertools.pairwise([0, whole, builder.size_bytes]))
