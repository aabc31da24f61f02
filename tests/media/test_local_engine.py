"""The local engines on drawn clips whose truth is known: objects are followed, cuts and times respected, a stop is a stop."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from tests.clips import GREEN, RED, Clip, Mover, Scene, draw_clip
from tests.shared_data import shared_data
from tests.tiny_yolox import tiny_yolox
from tracking.engines.base import Progress
from tracking.engines.local import DATA_LOSS, FAILED_PRECONDITION, DetectorEngine, MotionEngine
from tracking.errors import Cancelled, EngineRefused, NotAVideo, SegmentOutside
from tracking.model import Annotations, Segment, Track

NAMES = "['red', 'green']"
TWO = (
    Mover("red", RED, (0.14, 0.19), ((0.0, 0.25, 0.35), (4.0, 0.75, 0.35))),
    Mover("green", GREEN, (0.14, 0.19), ((0.0, 0.75, 0.7), (4.0, 0.25, 0.7))),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DetectorEngine:
    folder = tmp_path_factory.mktemp("model")
    return DetectorEngine(tiny_yolox(folder / "tiny.onnx", side=160, box=(80, 80), names=NAMES))


def clip_of(path: Path, *, cuts: tuple[float, ...] = (), **more: object) -> Clip:
    return draw_clip(path, Scene(TWO, cuts=cuts), size=(160, 120), duration_s=4.0, fps=25, **more)  # type: ignore[arg-type]


def distance_px(track: Track, clip: Clip) -> float:
    """Largest distance between the middles of a track's boxes and of the true ones, in pixels."""
    width, height = clip.size
    worst = 0.0
    for time_s, box in track.observations:
        true = clip.box(track.label, time_s)
        assert true
        dx = (box.left + box.right - true.left - true.right) / 2 * width
        dy = (box.top + box.bottom - true.top - true.bottom) / 2 * height
        worst = max(worst, float(np.hypot(dx, dy)))
    return worst


def long_tracks(found: Annotations) -> list[Track]:
    return [track for track in found.tracks if len(track) >= 10]


def test_each_object_is_one_track_that_stays_on_it(engine: DetectorEngine, tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "clip.mp4")
    found = engine.track(clip.path)
    tracks = long_tracks(found)
    assert sorted(track.label for track in tracks) == ["green", "red"]
    for track in tracks:
        assert track.duration_s > 3.0
        assert distance_px(track, clip) < 10  # the tiny network's cells are 8 pixels wide
    assert [track.track_id for track in found.tracks] == list(range(len(found.tracks)))
    (shot,) = found.shots
    assert shot == pytest.approx((0.0, 4.0))


def test_boxes_come_about_ten_times_a_second(engine: DetectorEngine, tmp_path: Path) -> None:
    found = engine.track(clip_of(tmp_path / "clip.mp4").path)
    steps = np.diff(long_tracks(found)[0].times)
    assert 0.07 < np.median(steps) < 0.13


def test_no_track_crosses_a_cut_and_the_shots_lie_between_the_cuts(engine: DetectorEngine, tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "clip.mp4", cuts=(1.32, 2.68))
    found = engine.track(clip.path)
    assert [shot.start_s for shot in found.shots] == pytest.approx([0.0, 1.32, 2.68], abs=0.03)
    assert len(long_tracks(found)) >= 2
    for track, cut in itertools.product(found.tracks, (1.32, 2.68)):
        assert not track.segment.start_s < cut - 0.03 < cut + 0.03 < track.segment.end_s


def test_times_are_those_of_the_frames_at_a_variable_rate(engine: DetectorEngine, tmp_path: Path) -> None:
    times = [n / 30 for n in range(60)] + [2.5 + n / 12 for n in range(18)]
    clip = clip_of(tmp_path / "clip.mp4", times_s=times)
    for track in long_tracks(engine.track(clip.path)):
        assert all(np.abs(np.array(times) - time_s).min() < 0.002 for time_s in track.times)
        assert distance_px(track, clip) < 12


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_boxes_are_of_the_upright_picture(engine: DetectorEngine, rotation: int, tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "clip.mp4", rotation=rotation)
    tracks = long_tracks(engine.track(clip.path))
    assert sorted(track.label for track in tracks) == ["green", "red"]
    assert all(distance_px(track, clip) < 10 for track in tracks)


def test_a_segment_is_tracked_alone_with_times_of_the_whole_video(engine: DetectorEngine, tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "clip.mp4")
    found = engine.track(clip.path, segment=Segment(1.0, 3.0))
    assert found.segment == Segment(1.0, 3.0)
    for track in long_tracks(found):
        assert track.segment.start_s > 0.99
        assert track.segment.end_s < 3.01
        assert distance_px(track, clip) < 10


def test_a_segment_after_the_end_is_refused(engine: DetectorEngine, tmp_path: Path) -> None:
    with pytest.raises(SegmentOutside):
        engine.track(clip_of(tmp_path / "clip.mp4").path, segment=Segment(10.0, 20.0))


def test_two_runs_give_the_same(engine: DetectorEngine, tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "clip.mp4")
    assert engine.track(clip.path) == engine.track(clip.path)


def test_boxes_are_written_inside_of_the_picture(engine: DetectorEngine, tmp_path: Path) -> None:
    leaving = Mover("red", RED, (0.3, 0.4), ((0.0, 0.5, 0.5), (2.0, 1.1, 0.5)))
    clip = draw_clip(tmp_path / "clip.mp4", Scene((leaving,)), fps=20)
    for track in engine.track(clip.path).tracks:
        assert track.boxes.min() >= 0.0
        assert track.boxes.max() <= 1.0


def test_progress_rises_to_the_whole(engine: DetectorEngine, tmp_path: Path) -> None:
    told: list[Progress] = []
    engine.track(clip_of(tmp_path / "clip.mp4").path, progress=told.append)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 20


def test_a_stop_between_two_frames_ends_the_work(engine: DetectorEngine, tmp_path: Path) -> None:
    told: list[Progress] = []
    with pytest.raises(Cancelled):
        engine.track(clip_of(tmp_path / "clip.mp4").path, progress=told.append, cancelled=lambda: len(told) >= 3)
    assert len(told) == 3


def test_the_loss_of_a_truncated_file_is_told_beside_what_was_found(engine: DetectorEngine, tmp_path: Path) -> None:
    found = engine.track(clips.truncated_clip(tmp_path).path)
    assert [problem.code for problem in found.problems] == [DATA_LOSS]


def test_a_file_that_is_no_video_is_refused(engine: DetectorEngine, tmp_path: Path) -> None:
    for run in (engine, MotionEngine()):
        with pytest.raises(NotAVideo):
            run.track(clips.text_as_video(tmp_path))


def test_one_pixel_is_an_honest_nothing(engine: DetectorEngine, tmp_path: Path) -> None:
    clip = clips.one_pixel_clip(tmp_path)
    assert engine.track(clip.path).tracks == ()
    assert MotionEngine().track(clip.path).tracks == ()


def test_motion_follows_what_moves_before_a_fixed_camera(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene(TWO, noise=2.0), size=(320, 240), duration_s=4.0, fps=15)
    tracks = long_tracks(MotionEngine().track(clip.path))
    assert {track.label for track in tracks} == {"moving object"}
    assert len(tracks) == 2
    for track in tracks:
        name = "red" if track.boxes[:, 3].mean() < 0.6 else "green"
        middle = (track.boxes[:, 0] + track.boxes[:, 2]) / 2
        true = [clip.box(name, time_s) for time_s in track.times]
        assert np.abs(middle - [(box.left + box.right) / 2 for box in true if box]).max() < 0.06


def test_motion_refuses_a_moving_camera_instead_of_inventing_objects(tmp_path: Path) -> None:
    with pytest.raises(EngineRefused) as caught:
        MotionEngine().track(panned(tmp_path / "pan.mp4"))
    assert caught.value.reason == "moving-camera"


def panned(path: Path, *, still_until_s: float = 0.0) -> Path:
    """A textured wall that slides by; until `still_until_s` another one, that does not, with an object before it."""
    wide, still = clips.background((960, 240), seed=3), Scene((TWO[0],), seed=9)

    class Pan(Scene):
        def draw(self, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
            if time_s < still_until_s:
                return still.draw(time_s, size)
            left = round(time_s * 100)
            return np.ascontiguousarray(wide[: size[1], left : left + size[0]])

    draw_clip(path, Pan(), size=(320, 240), duration_s=6.0, fps=15)
    return path


def test_motion_leaves_out_the_shot_with_a_moving_camera_and_says_so(tmp_path: Path) -> None:
    found = MotionEngine().track(panned(tmp_path / "pan.mp4", still_until_s=3.0))
    assert [problem.code for problem in found.problems] == [FAILED_PRECONDITION]
    assert len(found.shots) == 2
    assert all(track.segment.end_s < 3.0 for track in found.tracks)


@pytest.mark.parametrize(
    ("video", "label", "least"),
    [("horses.mp4", "horse", 3), ("traffic-overhead.mp4", "car", 8), ("people-crowd.mp4", "person", 8)],
)
def test_the_real_detector_finds_what_a_real_clip_shows(video: str, label: str, least: int) -> None:
    found = DetectorEngine(shared_data("models/yolox_nano.onnx")).track(shared_data(f"videos/{video}"))
    kept = [track for track in found.tracks if track.label == label and len(track) >= 10 and track.confidence >= 0.7]
    assert len(kept) >= least


def test_in_the_real_clip_with_cuts_no_track_crosses_one() -> None:
    found = DetectorEngine(shared_data("models/yolox_nano.onnx")).track(shared_data("videos/bikes-with-cuts.mp4"))
    cuts = [frame / 25 for frame in (30, 76, 137, 187, 242)]
    assert [shot.start_s for shot in found.shots[1:]] == pytest.approx(cuts, abs=0.01)
    for track, cut in itertools.product(found.tracks, cuts):
        assert not track.segment.start_s < cut - 0.01 <= track.segment.end_s


def test_motion_refuses_the_real_clip_with_a_moving_camera() -> None:
    with pytest.raises(EngineRefused):
        MotionEngine().track(shared_data("videos/horses.mp4"))
