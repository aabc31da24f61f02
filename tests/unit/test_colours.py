"""Label colours: told apart by everyone."""

from __future__ import annotations

import numpy as np
import pytest

from rendering.colours import INK, LABEL_COLOURS, colours_of
from tests.colour_vision import VISIONS, lab, least_distance, seen_by

JUST_NOTICEABLE = 2.3


@pytest.mark.parametrize("vision", VISIONS)
def test_label_colours_keep_apart_for_every_kind_of_eye(vision: str) -> None:
    assert least_distance(seen_by(vision, np.array(LABEL_COLOURS))) > 5 * JUST_NOTICEABLE


@pytest.mark.parametrize("vision", VISIONS)
def test_label_colours_stand_out_from_the_dark_of_captions(vision: str) -> None:
    seen = seen_by(vision, np.array([INK, *LABEL_COLOURS]))
    assert (lab(seen)[1:, 0] - lab(seen)[0, 0]).min() > 30


def test_the_measure_knows_a_pair_that_some_eyes_cannot_tell_apart() -> None:
    pair = np.array([(150, 130, 40), (190, 110, 40)])
    assert least_distance(seen_by("deuteranope", pair)) < least_distance(pair) / 2


def test_a_label_keeps_its_colour_and_the_first_seven_differ() -> None:
    labels = [f"label {number % 9}" for number in range(20)]
    found = colours_of(labels)
    assert len(found) == 9
    assert len({found[f"label {number}"] for number in range(7)}) == 7
