"""
Every way to pictures gives exactly those that were asked for, in every container: on recordings that the tests make.

`make torture` does the same over many more recordings; the shared files on which it was wrong once are here, too.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.clips import draw_clip
from tests.shared_data import shared_case
from tests.torture.passes import TOLERANCE_S, faults, full_decode
from tests.torture.recordings import Recipe, recipes, record, small_product
from tracking.engines.base import never_cancelled, no_progress
from tracking.engines.local import MotionEngine
from tracking.errors import NotAVideo, VideoTooLong
from tracking.local.detectors.base import Detections
from tracking.local.following import follow
from tracking.model import Segment
from tracking.sources.download import local_file
from tracking.video.file import TIME_TOLERANCE_S, DecodeDamage, Limits, Video
from tracking.video.shape import UPRIGHT


@pytest.mark.parametrize("recipe", small_product(), ids=lambda recipe: recipe.name)
def test_each_pass_gives_what_a_full_decode_gives(recipe: Recipe, tmp_path: Path) -> None:
    assert faults(record(recipe, tmp_path)) == []


def test_the_larger_run_has_each_recording_once() -> None:
    names = Counter(recipe.name for recipe in recipes())
    assert len(names) >= 100
    assert set(names.values()) == {1}


@dataclass(frozen=True)
class Whole:
    """A recording and all that a full decode gives."""

    video: Video
    times: list[float]
    pictures: list[NDArray[np.uint8]]


@pytest.fixture(scope="module", params=["long-gop.ts", "short-gop.ts", "field.mpg", "plain.avi", "plain.mkv", "plain.mp4"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    kind, _, ending = request.param.partition(".")
    codec = "mpeg2video" if ending == "mpg" else "libx264"
    recipe = Recipe(ending, codec, gop={"long-gop": 500, "short-gop": 6}.get(kind, 15), b_frames=2, count=90)
    path = record(recipe, tmp_path_factory.mktemp("whole")).path
    video = Video(path)
    return Whole(video, [frame.time_s for frame in video.frames()], full_decode(path, video)[0])


@given(start_s=st.floats(0, 3.5), length_s=st.floats(0, 2.0))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stretch_is_that_stretch_of_a_full_decode(start_s: float, length_s: float, whole: Whole) -> None:
    end_s = start_s + length_s
    wanted = [n for n, t in enumerate(whole.times) if start_s - TIME_TOLERANCE_S <= t <= end_s + TIME_TOLERANCE_S]
    if not wanted:
        return
    given_frames = list(whole.video.frames(segment=Segment(start_s, end_s)))
    assert [frame.time_s for frame in given_frames] == [whole.times[n] for n in wanted]
    for frame, number in zip(given_frames, wanted, strict=True):
        assert np.array_equal(frame.pixels(), whole.pictures[number])


# File, pictures, seconds between them, length.
CASES = [
    ("segment-long-gop.ts", 300, 0.04, 12.0),
    ("motion-two-shots-long-gop.ts", 200, 0.04, 8.0),
    ("b-frames-without-pts.ts", 100, 0.04, 4.0),
    ("h264-b-frames.asf", 100, 0.04, 4.0),
    ("two-recordings-joined-by-cat.ts", 100, 0.04, 4.0),
    ("clock-jumps-5000s-ahead.ts", 100, 0.04, 4.0),
    ("nominal-60fps-really-20.mkv", 80, 0.05, 4.0),
    ("crop-tags-top-bottom-30.mkv", 100, 0.04, 4.0),
    ("dahua-cctv.dav", 100, 0.04, 4.0),
    ("one-picture-a-second-20s.mp4", 20, 1.0, 20.0),
]


@pytest.mark.parametrize(("name", "count", "step_s", "length_s"), CASES)
def test_a_real_odd_file_has_all_its_pictures_evenly(name: str, count: int, step_s: float, length_s: float) -> None:
    with Video(shared_case(f"video/{name}")) as video:
        times = [frame.time_s for frame in video.frames()]
        assert times == pytest.approx(np.arange(count) * step_s, abs=TOLERANCE_S)
        assert len(list(video.frames(rate_hz=30))) == count
        assert video.info.duration_s == pytest.approx(length_s, abs=0.01)
        assert (video.info.frame_count, video.loss) == (count, None)


def test_a_stretch_of_a_real_transport_stream_with_one_key_frame_is_whole() -> None:
    with Video(shared_case("video/segment-long-gop.ts")) as video:
        times = [frame.time_s for frame in video.frames(segment=Segment(2.0, 4.99))]
    assert times == pytest.approx(np.arange(50, 125) * 0.04)


def test_a_null_frame_of_an_avi_shows_the_frame_before_for_longer() -> None:
    with Video(shared_case("video/every-third-frame-dropped.avi")) as video:
        times = [frame.time_s for frame in video.frames()]
        assert times == pytest.approx([n / 25 for n in range(100) if n % 3 != 2])
        assert video.info.duration_s == pytest.approx(4.0)


def test_what_is_garbage_from_a_damaged_key_frame_to_the_next_is_left_out_and_told() -> None:
    with Video(shared_case("video/key-frame-damaged.mp4")) as video:
        times = [frame.time_s for frame in video.frames()]
        assert times == pytest.approx([n / 25 for n in range(100) if not 50 <= n < 75])
        assert video.loss
        assert (video.loss.frames_lost, video.loss.is_cut_short) == (25, False)
        assert [tuple(stretch) for stretch in video.loss.lost] == [pytest.approx((2.0, 3.0))]
        assert {frame.time_s for _, frame in video.frames_at(np.linspace(1.9, 3.1, 40))} <= set(times)


def test_a_file_whose_writing_broke_off_tells_so() -> None:
    with Video(shared_case("video/power-lost-half-written.avi")) as video:
        assert len(list(video.frames())) == 51
        assert video.loss == DecodeDamage(2.0, 4.0, True, 0, (), 1)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "webm"])
def test_a_cut_file_with_sound_is_told_and_a_whole_one_whose_sound_goes_on_is_not(ending: str, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / f"clip.{ending}", audio=True, codec="libvpx" if ending == "webm" else "libx264")
    with Video(clip.path) as video:
        list(video.frames())
        assert video.loss is None
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[: len(data) * 6 // 10])
    with Video(clip.path) as video:
        last_s = [frame.time_s for frame in video.frames()][-1]
        assert video.loss
        assert video.loss.is_cut_short
        assert (video.loss.decoded_s, video.loss.expected_s) == pytest.approx((last_s, 2.0), abs=0.03)


def test_damage_outside_of_a_stretch_is_not_told() -> None:
    with Video(shared_case("video/key-frame-damaged.mp4")) as video:
        assert len(list(video.frames(segment=Segment(0.0, 1.5)))) == 38
        assert video.loss is None
    with Video(shared_case("video/power-lost-half-written.avi")) as video:
        list(video.frames(segment=Segment(0.0, 1.0)))
        assert video.loss is None


def test_pictures_that_the_decoder_drops_in_silence_are_told(tmp_path: Path) -> None:
    path = record(Recipe("mkv", "libx265", gop=12, b_frames=2), tmp_path).path
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        key = next(bytes(packet) for packet in packets[6:] if packet.is_keyframe)
    data = path.read_bytes()
    path.write_bytes(data.replace(key, bytes(len(key))))
    with Video(path) as video:
        times = [frame.time_s for frame in video.frames()]
        assert video.loss
        assert video.loss.frames_lost == 50 - len(times) > 0
        for stretch in video.loss.lost:
            assert not any(stretch.start_s <= time < stretch.end_s - 1e-6 for time in times)


def circle_shape(picture: NDArray[np.uint8]) -> float:
    """How wide the green disc is by its height."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    _, _, stats, _ = cv2.connectedComponentsWithStats(((green > red + 60) & (green > blue + 40)).astype(np.uint8))
    largest = max(stats[1:], key=lambda part: part[cv2.CC_STAT_AREA])
    return float(largest[cv2.CC_STAT_WIDTH] / largest[cv2.CC_STAT_HEIGHT])


def test_crop_tags_cut_and_circles_stay_circles() -> None:
    with Video(shared_case("video/crop-tags-top-bottom-30.mkv")) as video:
        assert (video.info.width, video.info.height) == (160, 60)
        frame = next(iter(video.frames()))
        assert frame.pixels().shape == (60, 160, 3)
        assert circle_shape(frame.pixels((640, 240))) == pytest.approx(1.0, abs=0.1)
        with av.open(str(shared_case("video/crop-tags-top-bottom-30.mkv"))) as container:
            whole = video.framing.pixels(next(container.decode(video=0)), UPRIGHT, (160, 60), "rgb")
        assert np.array_equal(frame.pixels((160, 60)), whole)


def test_a_recording_that_turns_midway_is_put_into_the_frame_whole(tmp_path: Path) -> None:
    wide = draw_clip(tmp_path / "wide.ts", size=(160, 120), b_frames=2)
    tall = draw_clip(tmp_path / "tall.ts", size=(120, 160), b_frames=2)
    path = tmp_path / "turned.ts"
    path.write_bytes(wide.path.read_bytes() + tall.path.read_bytes())
    with Video(path) as video:
        frames = list(video.frames())
        assert [frame.time_s for frame in frames] == pytest.approx(np.arange(40) / 10)
        assert (video.info.width, video.info.height) == (160, 120)
        later = frames[30].pixels((320, 240))
        alone = next(iter(frame for frame in Video(tall.path).frames() if frame.time_s == pytest.approx(1.0)))
    assert later.shape == (240, 320, 3)
    assert not later[:, :70].any()
    assert not later[:, 250:].any()
    inside = alone.pixels((180, 240)).astype(int)
    assert np.abs(later[:, 70:250].astype(int) - inside).mean() < 2


@pytest.mark.parametrize(("sei", "turned"), [("flip=vertical", np.flipud), ("rotate=180", lambda picture: picture[::-1, ::-1])])
def test_what_a_stream_says_of_its_orientation_midway_holds_until_it_says_another(
    sei: str, turned: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], tmp_path: Path
) -> None:
    """A mirror changes no angle, and only the key frame bears what it says for all of its group."""
    clip = draw_clip(tmp_path / "clip.ts", gop=100, b_frames=2)
    with av.open(str(clip.path)) as source, av.open(str(tmp_path / "turned.ts"), "w", format="mpegts") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        filtering = BitStreamFilterContext(f"h264_metadata=display_orientation=insert:{sei}", stream, copied)
        for packet in [*(packet for packet in source.demux(stream) if packet.size), None]:
            for filtered in filtering.filter(packet):
                filtered.stream = copied
                target.mux(filtered)
    path = tmp_path / "both.ts"
    path.write_bytes(clip.path.read_bytes() + (tmp_path / "turned.ts").read_bytes() + clip.path.read_bytes())
    with Video(path) as video:
        frames = [frame.pixels() for frame in video.frames()]
        assert len(frames) == 60
        for number in range(20):
            assert np.array_equal(frames[20 + number], turned(frames[number]))
            assert np.array_equal(frames[40 + number], frames[number])
        for places, frame in video.frames_at([2.5, 4.5]):
            assert np.array_equal(frame.pixels(), frames[25 + 20 * int(places[0])])


def test_a_smaller_picture_of_the_same_shape_fills_the_frame(tmp_path: Path) -> None:
    large = draw_clip(tmp_path / "large.ts", size=(160, 120))
    small = draw_clip(tmp_path / "small.ts", size=(80, 60))
    path = tmp_path / "both.ts"
    path.write_bytes(large.path.read_bytes() + small.path.read_bytes())
    with Video(path) as video:
        last = list(video.frames())[-1].pixels()
    assert last.shape == (120, 160, 3)
    assert last[:, :8].any()
    assert last[:, -8:].any()


def test_bare_motion_jpeg_is_a_video_and_a_single_jpeg_of_that_name_is_none(tmp_path: Path) -> None:
    path = record(Recipe("mjpeg", "mjpeg"), tmp_path).path
    assert local_file(path).path == path
    with Video(path) as video:
        assert len(list(video.frames())) == video.info.frame_count == 50
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\xff\xd8\xff", 2)])
    with pytest.raises(NotAVideo):
        Video(path)


def test_of_a_long_video_a_stretch_within_the_limit_is_enough() -> None:
    path = shared_case("video/lasts-71-minutes.mp4")
    with pytest.raises(VideoTooLong) as caught:
        Video(path)
    assert caught.value.duration_s == pytest.approx(71 * 60, rel=0.02)
    stretch = Segment(10.0, 30.0)
    with Video(path, limits=Limits().for_segment(stretch)) as video:
        assert [frame.time_s for frame in video.frames(segment=stretch)] == pytest.approx([10.0, 20.0, 30.0])


def test_the_motion_engine_finds_in_a_transport_stream_what_it_finds_in_the_same_stream_as_mp4(tmp_path: Path) -> None:
    path = shared_case("video/motion-two-shots-long-gop.ts")
    with av.open(str(path)) as source, av.open(str(tmp_path / "same.mp4"), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copied
                target.mux(packet)
    found, same = (MotionEngine().track(one) for one in (path, tmp_path / "same.mp4"))
    assert len(found.shots) == 2
    assert len(found.tracks) == len(same.tracks) > 0
    for one, other in zip(found.tracks, same.tracks, strict=True):
        assert one.times == pytest.approx(other.times, abs=TOLERANCE_S)
        assert np.array_equal(one.boxes, other.boxes)


class StillDetector:
    """One thing at one place in every picture."""

    labels = ("thing",)

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        return width, height

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        return Detections(np.array([[0.3, 0.3, 0.6, 0.6]], np.float32), np.array([0.75], np.float32), np.array([0]))


@pytest.mark.parametrize(
    ("name", "count"), [("one-picture-a-second-20s", 20), ("two-pictures-a-second-20s-for-comparison", 40)]
)
def test_what_stands_still_in_every_picture_of_a_slow_video_is_one_object(name: str, count: int) -> None:
    with Video(shared_case(f"video/{name}.mp4")) as video:
        tracks, _ = follow(video, StillDetector(), progress=no_progress, cancelled=never_cancelled)
    assert [(track.times.size, track.confidence > 0.7) for track in tracks] == [(count, True)]
