"""The video with boxes: the same pictures, times and sound, boxes in place, and nothing to be seen where it is blurred."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from rendering.kinds.base import RenderOptions
from rendering.kinds.video import shown_size
from rendering.presence import Presence
from rendering.render import render
from rendering.selection import Selection
from rendering.video.blur import Blur
from rendering.video.planes import Canvas, in_planes
from tests.clips import GREEN, RED, Clip, ColourTags, Mover, Scene, draw_clip, variable_rate_clip
from tracking.errors import Cancelled, StorageError
from tracking.model import Annotations, BoundingBox, Segment, Track
from tracking.video.file import Video

ALL = Selection(min_confidence=0.0, min_frames=1)
NOBODY = Annotations(())
WALK = Mover("walker", RED, (0.2, 0.4), ((0.0, 0.3, 0.5), (2.0, 0.7, 0.5)))
BESIDE = Mover("bench", GREEN, (0.12, 0.2), ((0.0, 0.85, 0.8),))


def written(clip: Clip | Path, annotations: Annotations, out: Path, *, blur: Blur | None = None) -> Path:
    path = clip if isinstance(clip, Path) else clip.path
    result = render(path, annotations, out, name=path.name, options=RenderOptions(ALL, blur=blur), make=["video"])
    (picture,) = result.pictures["video"]
    assert picture.path.name == f"{path.name}.{'blurred' if blur else 'annotated'}.mp4"
    return picture.path


def pictures(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    return [(frame.time_s, frame.pixels()) for frame in Video(path).frames()]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(
    ("colour", "full_range"), [("", False), ("", True), ("bt601", False), ("bt709", True), ("bt2020-pq", False)]
)
def test_what_is_filmed_looks_as_it_did(
    colour: ColourTags, full_range: bool, rotation: Literal[0, 90, 180, 270], tmp_path: Path
) -> None:
    hdr = colour.startswith("bt2020")
    pix_fmt, codec = ("yuv420p10le", "libx265") if hdr else ("", "libx264")
    clip = draw_clip(
        tmp_path / "clip.mp4",
        rotation=rotation,
        colour=colour,
        full_range=full_range,
        duration_s=0.5,
        codec=codec,
        pix_fmt=pix_fmt,
    )
    found = pictures(written(clip, NOBODY, tmp_path / "out"))
    asked = pictures(clip.path)
    assert [time_s for time_s, _ in found] == pytest.approx([time_s for time_s, _ in asked], abs=1e-4)
    for (_, new), (_, old) in zip(found, asked, strict=True):
        assert new.shape == old.shape
        assert np.abs(new.astype(int) - old).mean() < 5


def late_transport_stream(folder: Path) -> Clip:
    return draw_clip(folder / "late.ts", start_offset_s=5.0, b_frames=2)


@pytest.mark.parametrize("make", [variable_rate_clip, late_transport_stream])
def test_each_picture_keeps_its_time(make: Callable[[Path], Clip], tmp_path: Path) -> None:
    clip = make(tmp_path)
    video, asked = Video(written(clip, clip.annotations(), tmp_path / "out")), Video(clip.path)
    assert video.frame_times() == pytest.approx(asked.frame_times(), abs=1e-4)
    assert video.info.duration_s == pytest.approx(asked.info.duration_s, abs=0.02)


def test_boxes_lie_around_their_objects_and_move_between_observations(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240), fps=20)
    seen = clip.track("walker")
    rare = Track(0, "walker", 0.9, seen.times[::10], seen.boxes[::10])  # twice a second
    (shown,) = render(
        clip.path, Annotations((rare,)), tmp_path / "a", name="clip.mp4", options=RenderOptions(ALL), make=[]
    ).selected.shown
    for time_s, picture in pictures(written(clip, Annotations((rare,)), tmp_path / "out")):
        if time_s > rare.times[-1]:
            continue
        box = WALK.box_at(time_s)
        assert box is not None
        is_line = np.abs(picture.astype(int) - np.array(shown.colour)).max(axis=2) < 70
        middle = round((box.top + box.bottom) / 2 * 240)
        columns = np.flatnonzero(is_line[middle - 20 : middle + 20].all(axis=0))
        assert columns.size
        assert abs(columns[0] - box.left * 320) <= 3
        assert abs(columns[-1] + 1 - box.right * 320) <= 3


def test_no_box_stands_where_an_object_was_away(tmp_path: Path) -> None:
    box = np.array([[0.1, 0.1, 0.3, 0.3]] * 8, np.float32)
    track = Track(0, "cat", 0.9, np.array([0.0, 0.1, 0.2, 0.3, 4.0, 4.1, 4.2, 4.3]), box)
    presence = Presence([track])
    assert [len(list(presence.at(time_s))) for time_s in (-0.2, 0.15, 0.3, 2.0, 4.0, 4.35, 5.0)] == [0, 1, 1, 0, 1, 1, 0]
    assert len(list(Presence([track], beside_s=0.5, bridges_gaps=True).at(2.0))) == 1


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "aac"), (".webm", "opus"), (".mkv", "aac")])
def test_the_sound_stays_and_goes_with_the_pictures(suffix: str, codec: str, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / f"clip{suffix}", audio=True, codec="libvpx" if suffix == ".webm" else "libx264", duration_s=3.0)
    before, after = heard(clip.path), heard(written(clip, clip.annotations(), tmp_path / "out"))
    assert before.codec == codec
    assert after.codec == "aac"
    assert after.start_s == pytest.approx(before.start_s, abs=0.05)
    assert after.seconds == pytest.approx(before.seconds, abs=0.15)
    assert after.loudness == pytest.approx(before.loudness, rel=0.1)
    assert after.loudness > 0


class Heard:
    """What a player would play."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            (stream,) = container.streams.audio
            self.codec = stream.codec_context.codec.canonical_name
            parts = list(container.decode(stream))
        self.start_s = float((parts[0].pts or 0) * (parts[0].time_base or 0))
        sound = np.concatenate([part.to_ndarray().astype(np.float64).ravel() for part in parts if part.format.name == "fltp"])
        self.seconds = sound.size / parts[0].sample_rate / len(parts[0].layout.channels)
        self.loudness = float(np.sqrt((sound**2).mean()))


heard = Heard


def test_a_part_that_was_looked_at_is_written_alone_and_begins_at_0(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", audio=True, duration_s=4.0)
    video = written(clip, clip.annotations().within(Segment(1.0, 2.0)), tmp_path / "out")
    assert Video(video).frame_times() == pytest.approx(np.arange(11) / 10, abs=1e-4)
    assert heard(video).seconds == pytest.approx(1.0, abs=0.1)


def test_who_is_blurred_is_blurred_whenever_in_sight_and_others_are_not(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK, BESIDE)), size=(320, 240))
    seen = clip.track("walker")
    # Noticed late, lost early, and far too unsure to be shown.
    unsure = Track(0, "Walker", 0.05, seen.times[4:-4], seen.boxes[4:-4])
    annotations = Annotations((unsure, clip.track("bench")))
    options = RenderOptions(Selection(min_confidence=0.5, min_frames=1), blur=Blur(labels=("walker",)))
    (picture,) = render(clip.path, annotations, tmp_path / "out", name="clip.mp4", options=options, make=["video"]).pictures[
        "video"
    ]
    for time_s, pixels in pictures(picture.path):
        walker, bench = WALK.box_at(time_s), BESIDE.box_at(time_s)
        assert walker is not None
        assert bench is not None
        assert not is_sharp(pixels, walker)
        assert is_sharp(pixels, bench)


def is_sharp(pixels: NDArray[np.uint8], box: BoundingBox) -> bool:
    """Whether one of the upright edges of a box is a step of brightness."""
    height, width = pixels.shape[:2]
    rows = pixels[round((box.top + 0.05) * height) : round((box.bottom - 0.05) * height)].astype(int).mean(axis=(0, 2))
    x = round(box.left * width)
    return bool(np.abs(np.diff(rows[max(x - 3, 0) : x + 4])).max() > 25)


def test_all_but_one_are_blurred(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK, BESIDE)), size=(320, 240))
    annotations = clip.annotations()
    shown = render(clip.path, annotations, tmp_path, name="clip.mp4", options=RenderOptions(ALL), make=[]).selected.shown
    number = next(one.number for one in shown if one.track.label == "bench")
    blur = Blur(numbers=(number,), is_all_but=True)
    assert [track.label for track in blur.among(annotations.tracks, shown)] == ["walker"]
    assert len(Blur(is_all_but=True).among(annotations.tracks, shown)) == 2
    assert Blur(labels=("nobody",)).among(annotations.tracks, shown) == []


def test_where_nothing_is_what_was_to_be_blurred_there_is_no_video_to_give_away(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)))
    options = RenderOptions(ALL, blur=Blur(labels=("cow",)))
    result = render(clip.path, clip.annotations(), tmp_path / "out", name="clip.mp4", options=options, make=["video"])
    assert result.pictures["video"] == ()
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize("size", [(40, 80), (80, 33), (6, 4), (1, 1)])
def test_of_what_is_blurred_only_a_few_means_are_left(size: tuple[int, int]) -> None:
    canvas = Canvas(av.VideoFrame(160, 120, "yuv420p"))
    for plane in canvas.planes:
        plane[:] = np.random.default_rng(1).integers(0, 256, plane.shape)
    before = [plane.copy() for plane in canvas.planes]
    canvas.coarsen((20, 10, 20 + size[0], 10 + size[1]), 5)
    for plane, old, scale in zip(canvas.planes, before, (1, 2, 2), strict=True):
        changed = np.zeros(plane.shape, bool)
        changed[10 // scale : (11 + size[1]) // scale, 20 // scale : (21 + size[0]) // scale] = True
        assert (plane == old)[~changed].all()
        inside = plane[10 // scale : (11 + size[1]) // scale, 20 // scale : (21 + size[0]) // scale].astype(float)
        # What is woven from five rows and columns of means has rank five; of the noise nothing but rounding is left beyond.
        assert (np.linalg.svd(inside, compute_uv=False)[5:] < 0.3 * sum(np.sqrt(inside.shape))).all()


def test_colours_in_planes_are_those_of_the_standard() -> None:
    # ITU-R BT.709-6, table 4: white, black, and the peaks of the differences.
    wanted = {
        (255, 255, 255): (235, 128, 128),
        (0, 0, 0): (16, 128, 128),
        (0, 0, 255): (32, 240, 118),
        (255, 0, 0): (63, 102, 240),
    }
    for colour, planes in wanted.items():
        assert np.rint(in_planes(np.array(colour, np.float32), Colorspace.ITU709)).tolist() == list(planes)


@pytest.mark.parametrize(
    ("size", "wanted"), [((640, 480), (640, 480)), ((3840, 2160), (1920, 1080)), ((1, 1), (2, 2)), ((721, 405), (720, 404))]
)
def test_sizes_are_even_and_no_larger_than_a_screen(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert shown_size(*size) == wanted


def test_cancelled_or_not_written_leaves_no_file(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        render(clip.path, clip.annotations(), out, name="clip.mp4", make=["video"], cancelled=lambda: True)
    assert list(out.iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        render(clip.path, clip.annotations(), tmp_path / "file", name="clip.mp4", make=["video"])


def test_the_index_stands_in_front(tmp_path: Path) -> None:
    data = io.BytesIO(written(draw_clip(tmp_path / "clip.mp4"), NOBODY, tmp_path / "out").read_bytes()).getvalue()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(io.BytesIO(data)) as container:
        (stream,) = container.streams.video
        assert stream.codec_context.codec.canonical_name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(10)
