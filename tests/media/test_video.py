"""Reading videos: upright, by presentation time, and only what was asked for, on clips whose truth is known."""

import gc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import clips
from tests.clips import Clip, draw_clip
from tests.shared_data import shared_data
from tracking.errors import NotAVideo, SegmentOutside, VideoDamaged, VideoTooLarge, VideoTooLong
from tracking.model import Segment
from tracking.video.file import Frame, Limits, Video, probe

COLOUR_TOLERANCE = 26  # levels of 0..255: coding noise, and chroma of half the size
HDR_TOLERANCE = 38  # its few levels in the dark become many on a normal screen

AWKWARD: dict[str, Callable[[Path], Clip]] = {
    "plain": lambda folder: draw_clip(folder / "plain.mp4"),
    "29.97 with B-frames": lambda folder: draw_clip(folder / "b.mp4", fps=Fraction(30000, 1001), b_frames=3, gop=12),
    "open group of pictures": lambda folder: draw_clip(folder / "open.mp4", b_frames=3, gop=8, open_gop=True, fps=25),
    "HEVC, open group": lambda folder: draw_clip(folder / "h.mp4", codec="libx265", b_frames=3, gop=8, open_gop=True),
    "10-bit HEVC": clips.hevc_10_bit_clip,
    "VP8": lambda folder: draw_clip(folder / "vp8.webm", codec="libvpx"),
    "VP9": lambda folder: draw_clip(folder / "vp9.mkv", codec="libvpx-vp9"),
    "AV1": lambda folder: draw_clip(folder / "av1.mkv", codec="libsvtav1"),
    "MPEG transport stream": lambda folder: draw_clip(folder / "s.ts", b_frames=2, gop=7),
    "first picture late": lambda folder: draw_clip(folder / "late.mp4", start_offset_s=2.0, b_frames=2),
    "variable rate": clips.variable_rate_clip,
    "no duration": clips.no_duration_clip,
    "AVI with B-frames": clips.avi_with_b_frames_clip,
    "turned 90": lambda folder: clips.phone_clip(folder, 90),
    "turned 180": lambda folder: clips.phone_clip(folder, 180),
    "turned 270": lambda folder: clips.phone_clip(folder, 270),
    "portrait": clips.portrait_clip,
    "odd size": clips.odd_sized_clip,
    "wide pixels": lambda folder: draw_clip(folder / "wide.mp4", sample_aspect_ratio=Fraction(4, 3)),
    "with sound": lambda folder: draw_clip(folder / "sound.mp4", audio=True),
    "full range, BT.709": lambda folder: draw_clip(folder / "full.mp4", colour="bt709", full_range=True),
    "HDR, PQ": lambda folder: draw_clip(folder / "pq.mp4", codec="libx265", pix_fmt="yuv420p10le", colour="bt2020-pq"),
    "HDR, HLG": lambda folder: draw_clip(folder / "hlg.mp4", codec="libx265", pix_fmt="yuv420p10le", colour="bt2020-hlg"),
}


@pytest.fixture(scope="module", params=AWKWARD)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return AWKWARD[request.param](tmp_path_factory.mktemp("clips"))


def assert_shows_truth(clip: Clip, frame: Frame, time_s: float) -> None:
    """Every object's middle has its colour in the upright picture."""
    width, height = clip.size
    picture = frame.pixels((width, height))
    assert picture.shape == (height, width, 3)
    for mover in clip.scene.movers:
        box = clip.box(mover.name, time_s)
        assert box
        x, y = int((box.left + box.right) / 2 * width), int((box.top + box.bottom) / 2 * height)
        middle = picture[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))
        tolerance = HDR_TOLERANCE if clip.path.stem in {"pq", "hlg"} else COLOUR_TOLERANCE
        assert middle == pytest.approx(mover.colour, abs=tolerance), mover.name


def test_every_frame_comes_upright_at_its_time(clip: Clip) -> None:
    with Video(clip.path) as video:
        assert (video.info.width, video.info.height) == pytest.approx(clip.size, abs=1)
        assert video.info.duration_s == pytest.approx(clip.duration_s, abs=0.11)
        frames = list(video.frames())
        assert [frame.time_s for frame in frames] == pytest.approx(clip.times_s, abs=0.002)
        for frame, time_s in zip(frames, clip.times_s, strict=True):
            assert_shows_truth(clip, frame, time_s)
        assert video.loss is None


def test_frames_at_any_times_are_those_of_a_full_decode(clip: Clip) -> None:
    wanted = np.sort(np.random.default_rng(7).uniform(-0.3, clip.duration_s + 0.3, 9))
    with Video(clip.path) as video:
        every = {round(frame.time_s, 4): frame.pixels() for frame in video.frames()}
        times = np.array(sorted(every))
        served = []
        for places, frame in video.frames_at(wanted):
            assert np.array_equal(frame.pixels(), every[round(frame.time_s, 4)])
            for place in places:
                shown = times[max(np.searchsorted(times, wanted[place] + 0.002, side="right") - 1, 0)]
                assert frame.time_s == pytest.approx(shown, abs=1e-3)
                served.append(int(place))
    assert served == list(range(len(wanted)))


# A width that is no multiple of 16: FFmpeg's quickest way into planes would leave its last columns unwritten.
@pytest.mark.parametrize("size", [(568, 320), (284, 160), (240, 136), (101, 57)])
@pytest.mark.parametrize("stored", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "nv12"])
def test_pictures_of_any_size_have_the_colours_of_the_whole(stored: str, size: tuple[int, int], tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", size=(568, 320), duration_s=0.1, colour="bt709", pix_fmt=stored)
    with Video(clip.path) as video:
        (frame,) = video.frames()
        picture = frame.pixels(size)
    truth = np.asarray(cv2.resize(clip.picture(0.0), size, interpolation=cv2.INTER_AREA), float)
    off = picture - truth
    assert np.abs(off.mean(axis=(0, 1))).max() < 1.6
    assert np.abs(off).mean() < 2.5


def test_a_frame_is_given_once_for_all_times_that_show_it(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    with Video(clip.path) as video:
        served = [(places.tolist(), round(frame.time_s, 3)) for places, frame in video.frames_at([0.5, 0.52, 0.59, 1.0, 9.0])]
    assert served == [([0, 1, 2], 0.5), ([3], 1.0), ([4], 1.9)]


def test_a_segment_holds_its_frames_and_no_others(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", gop=7, b_frames=2)
    with Video(clip.path) as video:
        times = [frame.time_s for frame in video.frames(segment=Segment(0.45, 1.1))]
    assert times == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1])


def test_a_segment_beyond_the_end_is_refused_with_the_video_s_length(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    with Video(clip.path) as video, pytest.raises(SegmentOutside) as caught:
        list(video.frames(segment=Segment(5.0, 6.0)))
    assert caught.value.duration_s == pytest.approx(2.0)


@pytest.mark.parametrize("fps", [24, 25, Fraction(30000, 1001), 60])
def test_sampling_takes_the_first_frame_at_or_after_each_tick(fps: Fraction | int, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", fps=fps, b_frames=3, gop=30)
    with Video(clip.path) as video:
        taken = [frame.time_s for frame in video.frames(rate_hz=10)]
    every = np.array(clip.times_s)
    expected = [every[every >= tick / 10 - 0.002][0] for tick in range(20) if (every >= tick / 10 - 0.002).any()]
    assert taken == pytest.approx(expected, abs=0.002)


@given(times=st.lists(st.floats(-1, 4), min_size=1, max_size=20))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_wanted_time_is_served_once_and_in_order(times: list[float], clip: Clip) -> None:
    with Video(clip.path) as video:
        given_frames = list(video.frames_at(sorted(times)))
    assert np.concatenate([places for places, _ in given_frames]).tolist() == list(range(len(times)))
    assert [frame.time_s for _, frame in given_frames] == sorted({frame.time_s for _, frame in given_frames})


def test_of_a_truncated_file_what_decodes_is_used_and_the_loss_is_told(tmp_path: Path) -> None:
    clip = clips.truncated_clip(tmp_path)
    with Video(clip.path) as video:
        frames = list(video.frames())
        assert 1 <= len(frames) < len(clip.times_s)
        assert video.loss
        assert video.loss.decoded_s == pytest.approx(frames[-1].time_s)
        assert video.loss.expected_s == pytest.approx(2.0, abs=0.11)
        for frame in frames:
            assert_shows_truth(clip, frame, frame.time_s)


def test_times_after_the_end_of_a_truncated_file_are_served_by_its_last_good_frame(tmp_path: Path) -> None:
    clip = clips.truncated_clip(tmp_path)
    with Video(clip.path) as video:
        last_s = [frame.time_s for frame in video.frames()][-1]
        served = [(places.tolist(), frame.time_s) for places, frame in video.frames_at([0.0, 1.8, 1.9])]
    assert served == [([0], 0.0), ([1, 2], pytest.approx(last_s, abs=0.11))]


@pytest.mark.parametrize(
    ("make", "media"),
    [
        (clips.audio_only, "audio"),
        (clips.text_as_video, ""),
        (clips.empty_file, "empty"),
        (lambda folder: folder / "nowhere.mp4", "missing"),
        (lambda folder: folder, "missing"),
    ],
)
def test_what_is_no_video_is_refused_for_what_it_is(make: Callable[[Path], Path], media: str, tmp_path: Path) -> None:
    with pytest.raises(NotAVideo) as caught:
        probe(make(tmp_path))
    assert caught.value.media == media


def test_a_playlist_that_names_other_files_is_not_opened(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "secret.ts")
    playlist = tmp_path / "playlist.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{clip.path.name}\n#EXT-X-ENDLIST\n")
    script = tmp_path / "script.mp4"
    script.write_text(f"ffconcat version 1.0\nfile {clip.path.name}\n")
    for path in (playlist, script):
        with pytest.raises(NotAVideo):
            probe(path)


def test_a_still_picture_is_not_a_video(tmp_path: Path) -> None:
    with pytest.raises((NotAVideo, VideoDamaged)):
        probe(clips.still_image(tmp_path))


def test_limits_name_what_was_too_much(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    with pytest.raises(VideoTooLarge) as caught:
        probe(clip.path, limits=Limits(max_bytes=100))
    assert (caught.value.unit, caught.value.limit) == ("bytes", 100)
    with pytest.raises(VideoTooLarge) as caught:
        probe(clip.path, limits=Limits(max_pixels=100))
    assert (caught.value.unit, caught.value.size) == ("pixels", 160 * 120)
    with pytest.raises(VideoTooLong) as too_long:
        probe(clip.path, limits=Limits(max_seconds=1))
    assert too_long.value.duration_s == pytest.approx(2.0)


def test_a_live_recording_longer_than_the_limit_is_noticed_without_a_duration(tmp_path: Path) -> None:
    with pytest.raises(VideoTooLong):
        probe(clips.no_duration_clip(tmp_path).path, limits=Limits(max_seconds=1))


def test_one_pixel_and_extreme_shapes_decode(tmp_path: Path) -> None:
    for clip in (clips.one_pixel_clip(tmp_path), clips.extreme_shape_clip(tmp_path)):
        with Video(clip.path) as video:
            frame = next(iter(video.frames()))
            assert frame.pixels().shape == (clip.size[1], clip.size[0], 3)


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [
        ("av1.mkv", (640, 360), 125),
        ("no-duration.webm", (1280, 720), 74),
        ("rotated-90.mov", (320, 568), 3),
        ("phone-rotated-180-vfr.mp4", (1280, 720), 25),
        ("hevc-10bit.mp4", (200, 200), 30),
        ("variable frame rate.mov", (640, 480), 123),
        ("one-pixel.mp4", (1, 1), 5),
    ],
)
def test_a_real_awkward_file_decodes_whole(name: str, size: tuple[int, int], frames: int) -> None:
    with Video(shared_data(f"videos/{name}")) as video:
        assert (video.info.width, video.info.height) == size
        assert sum(1 for _ in video.frames()) == frames
        assert video.loss is None


def test_the_real_truncated_file_gives_its_good_frames() -> None:
    with Video(shared_data("videos/truncated-28-of-50-frames.mp4")) as video:
        assert 28 <= sum(1 for _ in video.frames()) <= 30
        assert video.loss


@pytest.mark.parametrize(("name", "media"), [("broken.mp4", ""), ("audio-only.mp3", "audio")])
def test_a_real_file_that_is_no_video_is_refused(name: str, media: str) -> None:
    with pytest.raises(NotAVideo) as caught:
        probe(shared_data(f"videos/{name}"))
    assert caught.value.media == media


def test_a_picture_goes_when_nobody_holds_it_any_more(tmp_path: Path) -> None:
    """Without waiting for cycles to be collected: of a large video that would be gigabytes."""
    clip = draw_clip(tmp_path / "clip.mp4", rotation=90)
    gc.collect()
    gc.disable()
    try:
        with Video(clip.path) as video:
            for _, frame in video.frames_at(clip.times_s):
                frame.pixels()
            alive = sum(isinstance(each, av.VideoFrame) for each in gc.get_objects())
    finally:
        gc.enable()
    assert alive <= 3
