"""The clips that other tests trust: decoded as PyAV gives them and turned upright here, they show what their truth says."""

import itertools
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from tests import clips
from tests.clips import Clip, draw_clip

TOLERANCE = 24  # levels of 0..255 in the middle of a shape: coding noise and halved chroma


def decoded(clip: Clip) -> list[tuple[float, NDArray[np.uint8]]]:
    """Time from the first frame and upright RGB picture of each frame, in the order of decoding."""
    with av.open(str(clip.path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    start = min(float(frame.time or 0) for frame in frames)
    pictures = []
    for frame in frames:
        matrix = 1 if frame.colorspace == clips.MATRIX_BT709 else 5
        rgb = frame.to_ndarray(format="rgb24", src_colorspace=matrix, dst_color_range=ColorRange.JPEG)
        upright = np.rot90(rgb, (frame.rotation // 90) % 4)
        resized = cv2.resize(np.ascontiguousarray(upright), clip.size, interpolation=cv2.INTER_LINEAR)
        pictures.append((float(frame.time or 0) - start, np.asarray(resized, np.uint8)))
    return pictures


def assert_shows_its_truth(clip: Clip) -> None:
    width, height = clip.size
    pictures = decoded(clip)
    assert [time_s for time_s, _ in pictures] == pytest.approx(clip.times_s, abs=0.002)
    for time_s, picture in pictures:
        for mover in clip.scene.movers:
            box = clip.box(mover.name, time_s)
            assert box is not None
            x, y = int((box.left + box.right) / 2 * width), int((box.top + box.bottom) / 2 * height)
            middle = picture[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))
            assert middle == pytest.approx(mover.colour, abs=TOLERANCE), (mover.name, time_s)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("portrait", clips.portrait_clip),
        ("odd sizes", clips.odd_sized_clip),
        ("10-bit HEVC", clips.hevc_10_bit_clip),
        ("variable rate", clips.variable_rate_clip),
        ("no duration", clips.no_duration_clip),
        ("phone", clips.phone_clip),
    ],
)
def test_an_awkward_clip_shows_its_truth(name: str, make: object, tmp_path: Path) -> None:
    assert callable(make), name
    assert_shows_its_truth(make(tmp_path))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_rotated_clip_is_upright_once_its_note_is_followed(rotation: int, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "a.mp4", size=(120, 160), rotation=rotation)  # type: ignore[arg-type]  # pytest hands over int
    with av.open(str(clip.path)) as container:
        assert next(container.decode(video=0)).rotation % 360 == rotation
    assert_shows_its_truth(clip)


def test_late_first_frames_b_frames_open_gops_and_squeezed_pixels_keep_the_truth(tmp_path: Path) -> None:
    assert_shows_its_truth(draw_clip(tmp_path / "a.mp4", start_offset_s=2.0, b_frames=3, open_gop=True, audio=True))
    assert_shows_its_truth(draw_clip(tmp_path / "b.mkv", sample_aspect_ratio=Fraction(4, 3), fps=Fraction(30000, 1001)))
    assert_shows_its_truth(draw_clip(tmp_path / "c.mkv", codec="libsvtav1"))


def test_colour_tags_say_how_to_read_the_colours(tmp_path: Path) -> None:
    assert_shows_its_truth(draw_clip(tmp_path / "a.mp4", colour="bt709"))
    assert_shows_its_truth(draw_clip(tmp_path / "b.mp4", colour="bt601", full_range=True))
    hdr = draw_clip(tmp_path / "c.mp4", codec="libx265", pix_fmt="yuv420p10le", colour="bt2020-pq")
    with av.open(str(hdr.path)) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_trc, frame.format.name) == (9, 16, "yuv420p10le")


@pytest.mark.parametrize(("colour", "code"), [("bt2020-pq", 0.58), ("bt2020-hlg", 0.75)])
def test_the_white_of_ordinary_video_has_its_reference_level_in_hdr(colour: clips.ColourTags, code: float) -> None:
    white = np.full((1, 1, 3), 255, np.uint8)
    assert clips._to_hdr(white, colour).ravel() / 65_535 == pytest.approx([code] * 3, abs=0.005)  # ITU-R BT.2408, table 1


def test_broken_files_are_broken_in_their_own_way(tmp_path: Path) -> None:
    read: list[av.VideoFrame] = []
    truncated = clips.truncated_clip(tmp_path)
    with av.open(str(truncated.path)) as container:
        frames = container.decode(video=0)
        with pytest.raises(av.error.InvalidDataError):
            read.extend(frames)
    assert 0 < len(read) < len(truncated.times_s)
    for path in (clips.text_as_video(tmp_path), clips.empty_file(tmp_path)):
        with pytest.raises(av.error.InvalidDataError):
            av.open(str(path))
    with av.open(str(clips.audio_only(tmp_path))) as container:
        assert not container.streams.video
    with av.open(str(clips.no_duration_clip(tmp_path).path)) as container:
        assert container.duration is None
        assert container.streams.video[0].duration is None
    assert decoded(clips.one_pixel_clip(tmp_path))[0][1].shape == (1, 1, 3)
    assert decoded(clips.extreme_shape_clip(tmp_path))[0][1].shape == (200, 8000, 3)


def test_an_avi_with_b_frames_has_timestamps_out_of_order(tmp_path: Path) -> None:
    clip = clips.avi_with_b_frames_clip(tmp_path)
    with av.open(str(clip.path)) as container:
        stamps = [frame.pts or 0 for frame in container.decode(video=0)]
    assert len(stamps) == len(clip.times_s)
    assert stamps != sorted(stamps)


def test_the_truth_of_a_clip_is_a_track_per_mover(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "a.mp4")
    annotations = clip.annotations()
    assert [track.label for track in annotations.tracks] == ["blue", "red", "green"]
    assert len(annotations.tracks[0]) == len(clip.times_s) == 20
    assert annotations.tracks[1].box_at(1.0) == pytest.approx(clip.box("red", 1.0), abs=1e-6)


def test_a_cut_changes_the_background(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "a.mp4", clips.Scene(cuts=(1.0,)))
    pictures = [picture.astype(np.float64) for _, picture in decoded(clip)]
    jumps = [np.abs(after - before).mean() for before, after in itertools.pairwise(pictures)]
    assert int(np.argmax(jumps)) == 9
    assert len(clip.annotations().shots) == 2
