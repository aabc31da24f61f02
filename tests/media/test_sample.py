"""The sample clip: what the first run shows, and where its truth says everything is."""

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from sample import SAMPLE_NAME, sample_clip, sample_truth, story
from sample.pen import Pen, smooth
from tracking.model import Annotations, Track


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_clip(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def truth() -> Annotations:
    return sample_truth()


def test_the_clip_is_small_and_as_long_as_its_truth(clip: Path, truth: Annotations) -> None:
    assert clip.stat().st_size < 1_500_000
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.codec_context.name) == (640, 360, "h264")
        count = sum(1 for packet in container.demux(stream) if packet.size)
    assert truth.segment is not None
    assert count == round(truth.segment.duration_s * story.FRAME_RATE_HZ)


def test_the_clip_is_drawn_once_and_leaves_nothing_else_behind(clip: Path) -> None:
    before = clip.stat()
    assert sample_clip(clip.parent) == clip
    assert clip.stat() == before
    assert [path.name for path in clip.parent.iterdir()] == [SAMPLE_NAME]


def test_the_same_frame_is_drawn_the_same_every_time() -> None:
    first, again = (hashlib.sha256(story.draw_frame(170).tobytes()).hexdigest() for _ in range(2))
    assert first == again


def test_the_street_has_walkers_cars_and_a_dog_and_the_second_shot_is_elsewhere(truth: Annotations) -> None:
    cut_s = truth.shots[0].end_s
    street = [track.label for track in truth.tracks if track.times[0] < cut_s]
    park = {track.label for track in truth.tracks if track.times[0] >= cut_s}
    assert (street.count("person"), street.count("car"), street.count("dog")) == (4, 2, 1)
    assert park == {"person", "bicycle", "dog", "duck"}
    assert all((track.times[-1] < cut_s) == (track.times[0] < cut_s) for track in truth.tracks)
    last, first = (story.draw_frame(round(cut_s * story.FRAME_RATE_HZ) + step).astype(int) for step in (-1, 0))
    assert np.abs(first - last).mean() > 30


def test_every_object_is_seen_long_enough_and_large_enough(truth: Annotations) -> None:
    for track in truth.tracks:
        assert track.duration_s > 2.0, track.label
        assert track.boxes.min() >= 0.0
        assert track.boxes.max() <= 1.0
        areas = np.prod(track.boxes[:, 2:] - track.boxes[:, :2], axis=1)
        assert np.median(areas) > 0.002, track.label


def test_one_walker_passes_behind_another(truth: Annotations) -> None:
    woman, man = truth.tracks[0], truth.tracks[2]
    shared = np.intersect1d(woman.times, man.times)
    a, b = woman.boxes_at(shared), man.boxes_at(shared)
    overlap = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    widths = np.minimum(a[:, 2] - a[:, 0], b[:, 2] - b[:, 0])
    assert (overlap / widths).max() > 0.9
    assert overlap[0] < 0
    assert overlap[-1] < 0


def test_the_true_boxes_hold_what_moves(truth: Annotations) -> None:
    """Every picture element that differs from the empty backdrop lies in a box, but for the soft shadows below the feet."""
    for number in (40, 110, 190, 230):
        time_s = number / story.FRAME_RATE_HZ
        shot = 0 if time_s < truth.shots[0].end_s else 1
        empty = story.backdrop_of(shot).picture[::2, ::2].astype(int)
        changed = np.abs(story.draw_frame(number).astype(int) - empty).max(axis=2) > 90
        boxed = np.zeros_like(changed)
        for track in _present(truth, time_s):
            left, top, right, bottom = track.boxes_at(time_s)[0] * (640, 360, 640, 360)
            boxed[max(int(top) - 1, 0) : int(bottom) + 5, max(int(left) - 2, 0) : int(right) + 3] = True
            box = np.s_[round(float(top)) : round(float(bottom)), round(float(left)) : round(float(right))]
            assert changed[box].mean() > 0.1, (track.label, time_s)
        assert (changed & ~boxed).mean() < 0.0005, number


def test_a_pen_without_a_canvas_measures_what_it_would_draw() -> None:
    pen = Pen()
    pen.placed(100, 200, 10).box(-1, 0, 2, 3, (0, 0, 0))
    pen.placed(100, 200, 10, -1).limb([(0, 0), (-4, 0)], 2, (0, 0, 0))
    assert pen.extent.as_box((100, 100)) == pytest.approx((0.9, 1.7, 1.5, 2.1))


def test_a_point_given_twice_is_a_corner_of_a_curve() -> None:
    square = [(x, y) for x, y in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)) for _ in range(2)]
    outline = smooth(square)
    assert outline.min() >= -1e-9
    assert outline.max() <= 1.0 + 1e-9
    assert len(smooth(square[::2])) == len(outline) / 2


def _present(truth: Annotations, time_s: float) -> list[Track]:
    return [track for track in truth.tracks if np.isclose(track.times, time_s).any()]
