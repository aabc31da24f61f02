"""The motion detector on drawn pictures: what counts as moving, and what does not."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.clips import background
from tracking.local.detectors.base import Detector
from tracking.local.motion import MotionDetector, moving_share, score

Pixels = NDArray[np.uint8]
SIZE = (320, 240)
PLACE = background(SIZE, seed=3)


def as_detector(detector: Detector) -> Detector:
    """Holds `MotionDetector` to the port when types are checked."""
    return detector


def with_box(left: int, top: int, width: int, height: int, *, colour: tuple[int, int, int] = (210, 60, 40)) -> Pixels:
    picture = PLACE.copy()
    picture[top : top + height, left : left + width] = colour
    return picture


def noisy(picture: Pixels, seed: int, *, sigma: float = 6.0) -> Pixels:
    noise = np.random.default_rng(seed).normal(0.0, sigma, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def overlap(box: NDArray[np.float32], left: int, top: int, width: int, height: int) -> float:
    a = box * (SIZE * 2)
    b = np.array([left, top, left + width, top + height])
    shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


@pytest.fixture(scope="module")
def detector() -> MotionDetector:
    """Learned while a box crosses from left to right, by a camera with noise."""
    return MotionDetector.learn([noisy(with_box(8 * n, 90, 40, 70), n) for n in range(34)])


def test_an_object_has_one_box_and_a_high_score(detector: MotionDetector) -> None:
    found = as_detector(detector).detect(noisy(with_box(150, 120, 36, 60), 99))
    assert len(found) == 1
    assert overlap(found.boxes[0], 150, 120, 36, 60) > 0.85
    assert found.scores[0] > 0.9
    assert detector.labels[int(found.classes[0])] == "moving object"


def test_an_empty_place_has_nothing_in_it_though_objects_passed_while_it_was_learned(detector: MotionDetector) -> None:
    assert len(detector.detect(noisy(PLACE, 99))) == 0


def test_a_picture_of_another_size_gives_the_same_fractions(detector: MotionDetector) -> None:
    small = with_box(150, 120, 36, 60)
    large = np.asarray(cv2.resize(small, (960, 720), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert detector.detect(large).boxes == pytest.approx(detector.detect(small).boxes, abs=0.01)


@pytest.mark.parametrize("gain", [0.75, 0.9, 1.15])
def test_a_change_of_light_is_no_object_and_hides_none(detector: MotionDetector, gain: float) -> None:
    def lit(picture: Pixels) -> Pixels:
        return np.asarray(np.clip(picture * gain, 0, 255), np.uint8)

    assert len(detector.detect(lit(PLACE))) == 0
    found = detector.detect(lit(with_box(60, 40, 40, 50)))
    assert len(found) == 1
    assert overlap(found.boxes[0], 60, 40, 40, 50) > 0.8


def test_a_shadow_is_left_out_of_the_box(detector: MotionDetector) -> None:
    picture = with_box(150, 60, 40, 80)
    picture[136:150, 185:280] = (picture[136:150, 185:280] * 0.65).astype(np.uint8)
    found = detector.detect(picture)
    assert len(found) == 1
    assert overlap(found.boxes[0], 150, 60, 40, 80) > 0.85


def test_a_pixel_that_varies_by_itself_must_differ_more() -> None:
    restless = [PLACE.copy() for _ in range(40)]
    for seed, picture in enumerate(restless):
        patch = np.random.default_rng(seed).integers(0, 2, (60, 60, 1)) * 90
        picture[20:80, 20:80] = np.clip(picture[20:80, 20:80].astype(int) + patch - 45, 0, 255)
    detector = MotionDetector.learn(restless)
    assert detector.threshold[30:70, 30:70].mean() > 1.3 * detector.threshold[120:, 120:].mean()


def test_an_object_in_two_parts_is_one(detector: MotionDetector) -> None:
    """Legs of the colour of the ground leave a person in pieces."""
    picture = with_box(150, 80, 30, 80)
    picture[118:121] = PLACE[118:121]
    found = detector.detect(picture)
    assert len(found) == 1
    assert overlap(found.boxes[0], 150, 80, 30, 80) > 0.85


def test_two_objects_apart_are_two(detector: MotionDetector) -> None:
    picture = with_box(60, 80, 30, 80)
    picture[80:160, 102:132] = (40, 60, 200)
    assert len(detector.detect(picture)) == 2


def test_a_person_who_stands_still_for_less_than_half_of_the_shot_is_seen_all_the_time() -> None:
    places = [*range(0, 160, 10), *[160] * 14, *range(160, 280, 10)]
    pictures = [with_box(left, 90, 24, 70) for left in places]
    detector = MotionDetector.learn(pictures)
    for left, picture in zip(places, pictures, strict=True):
        found = detector.detect(picture)
        assert len(found) == 1
        assert overlap(found.boxes[0], left, 90, 24, 70) > 0.8


def test_specks_are_no_objects(detector: MotionDetector) -> None:
    assert len(detector.detect(with_box(100, 100, 5, 5))) == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (641, 2), (5, 5)])
def test_any_size_of_picture_is_taken(size: tuple[int, int]) -> None:
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    detector = MotionDetector.learn([picture] * 3)
    assert len(detector.detect(picture)) == 0


def test_the_working_size_is_bounded_and_keeps_the_shape() -> None:
    assert MotionDetector.picture_size(1920, 1080) == (640, 360)
    assert MotionDetector.picture_size(320, 240) == (320, 240)
    assert MotionDetector.picture_size(8000, 200) == (640, 16)
    assert MotionDetector.picture_size(10, 8000) == (1, 640)


def test_samples_must_be_pictures_of_one_size() -> None:
    with pytest.raises(ValueError, match="one size"):
        MotionDetector.learn([])
    with pytest.raises(ValueError, match="one size"):
        MotionDetector.learn([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])


@given(st.floats(0.5, 8.0), st.floats(0.0, 2.0), st.floats(1e-6, 1.0), st.floats(0.0, 1.0))
def test_a_clearer_or_larger_blob_never_scores_less(clearness: float, clearer: float, area: float, larger: float) -> None:
    assert 0.0 < score(clearness, area) < 1.0
    assert score(clearness + clearer, area) >= score(clearness, area)
    assert score(clearness, area + larger) >= score(clearness, area)


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 270), st.integers(10, 170))
def test_wherever_an_object_is_its_box_is_there(detector: MotionDetector, left: int, top: int) -> None:
    found = detector.detect(with_box(left, top, 40, 60))
    assert len(found) == 1
    assert overlap(found.boxes[0], left, top, 40, 60) > 0.85


def panned(step_px: float) -> list[Pixels]:
    wide = background((720, 300), seed=8)
    return [np.ascontiguousarray(wide[30:270, 40 + round(n * step_px) :][:, :320]) for n in range(12)]


def test_a_camera_that_pans_moves_everything_and_a_fixed_one_little() -> None:
    assert moving_share(pairwise(panned(3))) > 0.9
    walking = [noisy(with_box(10 * n, 60, 60, 120), n, sigma=2.0) for n in range(12)]
    assert moving_share(pairwise(walking)) < 0.5


def test_a_blank_wall_says_nothing_about_the_camera() -> None:
    blank = np.full((240, 320, 3), 128, np.uint8)
    assert moving_share([(blank, blank)]) == 0.0
    assert moving_share([]) == 0.0
