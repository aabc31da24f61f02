"""Palettes: near to the picture, exact where they can be, and no noise between frames."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from rendering.gif.palette import FIRST_COLOURS, HOLD, PICTURE_COLOURS, Quantiser
from tests.clips import background


def shown(quantiser: Quantiser, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`picture` as a viewer of the GIF would see it."""
    indices = quantiser.indices(picture)
    assert indices.max() < PICTURE_COLOURS
    result: NDArray[np.uint8] = quantiser.palettes[quantiser.palette][indices]
    return result


def error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(((a.astype(float) - b) ** 2).mean())


def test_few_colours_are_exact() -> None:
    rng = np.random.default_rng(3)
    levels = np.arange(4, 256, 60)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3).astype(np.uint8)
    picture = colours[rng.integers(0, len(colours), (60, 80))].repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(shown(Quantiser(), picture), picture)


@pytest.mark.parametrize("seed", range(4))
def test_a_palette_is_nearer_to_the_picture_than_median_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hues = np.asarray(
        cv2.resize(rng.integers(0, 256, (4, 6, 3), np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC), np.uint8
    )
    picture = (hues // 2 + background((320, 180), seed=seed) // 2).astype(np.uint8)
    theirs = np.asarray(
        Image.fromarray(picture).quantize(FIRST_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    )
    assert error(shown(Quantiser(), picture), picture) < 0.8 * error(theirs, picture)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    spread=st.integers(1, 255),
)
def test_any_picture_gets_a_palette(seed: int, size: tuple[int, int], spread: int) -> None:
    rng = np.random.default_rng(seed)
    quantiser = Quantiser()
    for _ in range(3):
        picture = rng.integers(0, spread + 1, (*size, 3)).astype(np.uint8)
        assert shown(quantiser, picture).shape == picture.shape
    assert all(0 < len(palette) <= PICTURE_COLOURS for palette in quantiser.palettes)


def test_noise_below_the_hold_changes_nothing_and_more_does() -> None:
    picture = background((160, 90))
    quantiser = Quantiser()
    first = quantiser.indices(picture)
    step = HOLD[:3].astype(np.uint8)
    assert np.array_equal(quantiser.indices(picture + step), first)
    assert not np.array_equal(quantiser.indices(picture + 4 * step), first)
