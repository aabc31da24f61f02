"""
Pictures of drawn clips, of which the truth is known: where the object is, which colour it has, and when.

The GIFs are read back by Pillow, as a viewer would, and looked at pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from rendering.gif.animation import Animation, Plan, frame_step_s, plan_of
from rendering.gif.encoder import MAX_BYTES
from rendering.gif.viewport import MAX_ENLARGEMENT
from rendering.kinds.base import Drawing, RenderOptions
from rendering.kinds.gifs import draw_gifs
from rendering.kinds.summary import draw_summary
from rendering.pages.cells import LARGE_ENOUGH_PX, View
from rendering.pages.layout import LINE_PX, PageLayout
from rendering.pages.summary import SummaryPage, page_layout
from rendering.render import Rendered, render
from rendering.selection import Selection, select
from tests.clips import Clip, ColourTags, Mover, Scene, draw_clip
from tracking.errors import Cancelled, NotAVideo, VideoError
from tracking.model import Annotations, Segment, Track
from tracking.video.file import Video

ALL = RenderOptions(Selection(min_confidence=0.0, min_frames=1))


def rendered(clip: Clip, annotations: Annotations | None = None, options: RenderOptions = ALL) -> Rendered:
    return render(clip.path, annotations or clip.annotations(), clip.path.parent / "out", name=clip.path.name, options=options)


def frames_of(animation: Animation) -> list[tuple[NDArray[np.uint8], float]]:
    """Each frame's RGB picture and its start in the file in seconds."""
    found, start_ms = [], 0
    with Image.open(animation.path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append((np.asarray(image.convert("RGB")), start_ms / 1000))
            start_ms += int(image.info.get("duration", 0))
    return found


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def planned(clip: Clip, animation: Animation) -> Plan:
    with Video(clip.path) as video:
        return plan_of(animation.object, (video.info.width, video.info.height), video.info.frame_rate)


def timed(plan: Plan, animation: Animation) -> list[tuple[NDArray[np.uint8], int]]:
    """Each frame of the file, and which frame of the plan it is."""
    found = frames_of(animation)
    numbers = plan.frames_at(np.round([start_s * 100 for _, start_s in found]).astype(np.int64))
    assert len(set(numbers.tolist())) == len(found)
    return [(picture, int(number)) for (picture, _), number in zip(found, numbers, strict=True)]


def line_extent(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the pixels that have exactly this colour."""
    rows, columns = np.nonzero((picture == np.array(colour, np.uint8)).all(axis=2))
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def assert_box_on_object(clip: Clip, animation: Animation, name: str) -> None:
    """In every frame the line lies within 2 px (and what the source's pixels leave open) of the object's true edges."""
    plan = planned(clip, animation)
    width, height = plan.view.size
    scene_times = np.array(clip.times_s)
    for picture, place in timed(plan, animation):
        window = plan.view.windows[place]
        shown_s = scene_times[max(int(np.searchsorted(scene_times, plan.times_s[place] + 0.002, side="right")) - 1, 0)]
        truth = clip.box(name, float(shown_s))
        assert truth is not None
        scale = np.array([width, height] * 2) / np.tile(window[2:] - window[:2], 2)
        expected = (np.array(truth) * [*clip.size, *clip.size] - np.tile(window[:2], 2)) * scale
        expected = np.clip(expected, 0, [width, height, width, height])
        found = np.array(line_extent(picture[:height, :width], animation.object.colour))
        assert np.abs(found - expected).max() <= 2.51, (place, found, expected)


WALK = Mover("walker", (208, 40, 36), (0.3, 0.4), ((0.0, 0.25, 0.4), (2.0, 0.7, 0.6)))
SMALL = Mover("bird", (40, 72, 208), (0.06, 0.08), ((0.0, 0.2, 0.3), (2.0, 0.8, 0.6)))

Drawer = Callable[[Path], Clip]


def drawn(scene: Scene, size: tuple[int, int], **how: object) -> Drawer:
    return lambda folder: draw_clip(folder / f"clip{how.pop('suffix', '.mp4')}", scene, size=size, **how)  # type: ignore[arg-type]  # as given


CLIPS: dict[str, Drawer] = {
    "plain": drawn(Scene((WALK,)), (320, 240), fps=10),
    "at 30 fps": drawn(Scene((WALK,)), (320, 240), fps=30, gop=30, b_frames=2),
    "at 29.97 fps": drawn(Scene((WALK,)), (320, 240), fps=Fraction(30000, 1001)),
    "variable rate": drawn(Scene((WALK,)), (320, 240), times_s=(0, 0.1, 0.15, 0.4, 0.5, 0.9, 1.0, 1.05, 1.3, 1.6, 1.7, 1.9)),
    "rotated": drawn(Scene((WALK,)), (240, 320), rotation=90),
    "upside down": drawn(Scene((WALK,)), (320, 240), rotation=180),
    "late start": drawn(Scene((WALK,)), (320, 240), start_offset_s=2.0),
    "portrait": drawn(Scene((WALK,)), (180, 320)),
    "odd size": drawn(Scene((WALK,)), (321, 243)),
    "large": drawn(Scene((WALK,)), (1280, 720), fps=10),
}


@pytest.mark.parametrize("kind", CLIPS)
def test_the_box_lies_on_the_object_in_every_frame(kind: str, tmp_path: Path) -> None:
    clip = CLIPS[kind](tmp_path)
    (animation,) = rendered(clip).animations
    assert_box_on_object(clip, animation, "walker")


@pytest.mark.parametrize("size", [(640, 360), (1280, 720)])
def test_the_box_lies_on_a_small_object_in_its_window(size: tuple[int, int], tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((SMALL,)), size=size)
    (animation,) = rendered(clip).animations
    assert not planned(clip, animation).view.is_whole
    assert_box_on_object(clip, animation, "bird")


def test_colours_survive_the_palette(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240))
    (animation,) = rendered(clip).animations
    plan = planned(clip, animation)
    for picture, place in timed(plan, animation):
        truth = clip.box("walker", float(plan.times_s[place]))
        assert truth is not None
        x = int((truth.left + truth.right) / 2 * plan.view.size[0])
        y = int((truth.top + truth.bottom) / 2 * plan.view.size[1])
        middle = picture[y - 5 : y + 5, x - 5 : x + 5].reshape(-1, 3).mean(axis=0)
        assert np.abs(middle - clip.colour("walker")).max() <= 14


@pytest.mark.parametrize("fps", [10, 12.5, 24, 25, Fraction(30000, 1001), 60])
def test_delays_add_up_to_real_time(fps: float, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(160, 120), fps=fps)
    (animation,) = rendered(clip).animations
    with Image.open(animation.path) as image:
        delays = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            delays.append(int(image.info["duration"]))
        assert image.info["loop"] == 0
    assert sum(delays) / 1000 == pytest.approx(clip.track("walker").duration_s, abs=0.011)
    assert min(delays) >= 1000 * frame_step_s(float(fps)) - 10, "no frame is shorter than the others"
    assert animation.duration_s == pytest.approx(sum(delays) / 1000)


def test_a_gif_begins_with_the_moment_in_which_its_object_is_seen_best(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240), fps=24)
    track = clip.track("walker")
    # Large around 1.2 s only; before and after it is cut off by the edge of the picture.
    boxes = np.where((np.abs(track.times - 1.2) < 0.2)[:, None], track.boxes, np.array([-0.1, 0.1, 0.1, 0.3], np.float32))
    (animation,) = rendered(clip, Annotations((Track(0, "walker", 0.9, track.times, boxes),))).animations
    plan = planned(clip, animation)
    first, number = timed(plan, animation)[0]
    assert number == plan.opening
    assert abs(plan.times_s[number] - 1.2) < 0.2
    assert line_extent(first[: plan.view.size[1]], animation.object.colour)[0] > 80
    with Image.open(animation.path) as image:
        delays = [image.info["duration"] for number in range(image.n_frames) if image.seek(number) is None]  # type: ignore[attr-defined, func-returns-value]
    assert min(delays) >= 120
    assert sum(delays) / 1000 == pytest.approx(track.duration_s, abs=0.011)


def test_a_loop_does_not_begin_just_before_its_jump(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240), duration_s=4)
    track = clip.track("walker")
    growing = np.interp(track.times, [0, 4], [0.1, 0.9])
    boxes = np.stack([0.5 - growing / 2, 0.5 - growing / 2, 0.5 + growing / 2, 0.5 + growing / 2], axis=1).astype(np.float32)
    for times, latest_s in ((track.times, track.times[-1] - 1.0), (track.times / 4, track.times[-1] / 6)):
        (animation,) = rendered(clip, Annotations((Track(0, "walker", 0.9, times, boxes),))).animations
        assert planned(clip, animation).times_s[planned(clip, animation).opening] == pytest.approx(latest_s, abs=0.11)


def test_a_long_track_becomes_six_seconds(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(160, 120), duration_s=9)
    (animation,) = rendered(clip).animations
    assert animation.duration_s == pytest.approx(6.0)


def test_noise_that_no_gif_can_hold_still_ends_below_the_limit(tmp_path: Path) -> None:
    # Every pixel of every frame is new: the worst case for size. A patch's brightness says which frame it is.
    path = tmp_path / "noise.mp4"
    clip = draw_clip(path, Scene((WALK,)), size=(480, 360), duration_s=0.1)
    _draw_noise(path, np.random.default_rng(1))
    times = np.arange(60) / 10
    boxes = np.tile(np.array([0.05, 0.05, 0.95, 0.95], np.float32), (60, 1))
    boxes[:, 2] -= np.abs(times - 4.6).astype(np.float32) / 20
    (animation,) = rendered(clip, Annotations((Track(0, "noise", 0.9, times, boxes),))).animations
    assert animation.size_bytes <= MAX_BYTES
    assert animation.size_bytes == animation.path.stat().st_size
    assert size_of(animation.path) == (animation.width, animation.height)
    assert animation.duration_s < 6.0, "this file had to be made shorter"
    frames = [int(picture[animation.height // 2 - 40, animation.width // 2].mean()) // 4 for picture, _ in frames_of(animation)]
    assert abs(frames[0] - 46) <= 4, "it still begins with the best moment"
    assert min(frames) >= 16


def _draw_noise(path: Path, rng: np.random.Generator) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, options={"qmin": "1", "qmax": "2"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for number in range(60):
            cells = rng.integers(0, 256, (180, 240, 3), np.uint8)
            cells[50:110, 90:150] = 4 * number + 2
            picture = np.asarray(cv2.resize(cells, (480, 360), interpolation=cv2.INTER_NEAREST), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def test_the_summary_shows_every_object_inside_its_limits(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", size=(180, 320))
    found = clip.annotations().tracks
    many = tuple(Track(n, f"thing {n % 3}", 0.9, found[n % 3].times, np.roll(found[n % 3].boxes, n, axis=0)) for n in range(30))
    result = rendered(clip, Annotations(many))
    assert [page.path.name for page in result.pages] == [
        "clip.mp4.summary_pct0_fr1.jpeg",
        "clip.mp4.summary_pct0_fr1_p2.jpeg",
    ]
    assert [one.number for page in result.pages for one in page.objects] == list(range(1, 31))
    for page in result.pages:
        assert page.width <= 1920
        assert page.height <= 1440
        assert size_of(page.path) == (page.width, page.height)


def a_crowd(count: int, size: tuple[float, float] = (0.03, 0.1), *, still: int = 0) -> Scene:
    """Boxes in rows from edge to edge, some of them standing at the edge of the picture; the last `still` never move."""
    movers = []
    across, down = size[0] / 2, size[1] / 2
    for number in range(count):
        x = across + 0.005 + (0.99 - size[0]) * (number % 8) / 7
        y = down + 0.01 + (0.98 - size[1]) * (number // 8) / max((count - 1) // 8, 1)
        colour = (220, 60 + 6 * number, 40) if number % 2 else (40, 60 + 6 * number, 220)
        way = 0.0 if number >= count - still else 0.08 if still else 0.004
        moved = x + (way if x < 0.5 else -way)
        movers.append(Mover(f"one {number}", colour, size, ((0.0, x, y), (2.0, moved, y))))
    return Scene(tuple(movers))


@dataclass(frozen=True)
class PageCase:
    """What a page of the summary is made of: the video's size, the objects', how many, how many of them stand, and labels."""

    frame: tuple[int, int]
    size: tuple[float, float]
    count: int
    still: int = 0
    labels: tuple[str, ...] = ()


PAGES = {
    "24 people": PageCase((640, 360), (0.03, 0.14), 24),
    "24 cars": PageCase((640, 360), (0.08, 0.06), 24),
    "24 specks": PageCase((640, 360), (0.02, 0.03), 24),
    "16 of two labels": PageCase((640, 360), (0.04, 0.1), 16, labels=("car 1", "person 2")),
    "15, six of them standing": PageCase((640, 360), (0.05, 0.12), 15, still=6, labels=("H 1",)),
    "24 upright": PageCase((360, 640), (0.06, 0.1), 24),
    "9 wide ones": PageCase((640, 360), (0.11, 0.05), 9),
    "5 people": PageCase((640, 360), (0.03, 0.1), 5),
    "3 large ones": PageCase((640, 360), (0.12, 0.3), 3),
    "one": PageCase((360, 640), (0.1, 0.1), 1),
}


@dataclass(frozen=True, eq=False)
class DrawnPage:
    """A page, its division, and its pixels as they are in the file."""

    case: PageCase
    clip: Clip
    page: SummaryPage
    layout: PageLayout
    pixels: NDArray[np.int_]


@pytest.fixture(scope="module", params=PAGES)
def drawn_page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DrawnPage:
    """Each of `PAGES`, drawn once for all tests of it."""
    case, folder = PAGES[request.param], tmp_path_factory.mktemp("page")
    clip = draw_clip(folder / "clip.mp4", a_crowd(case.count, case.size, still=case.still), size=case.frame, fps=5)
    found = clip.annotations()
    labels = case.labels or [track.label for track in found.tracks]
    tracks = [replace(track, label=labels[number % len(labels)]) for number, track in enumerate(found.tracks)]
    options = replace(ALL, standing_still="at rest")
    result = render(clip.path, replace(found, tracks=tuple(tracks)), folder, name="clip.mp4", options=options, make=["summary"])
    (page,) = result.pages
    layout = page_layout(page.objects, case.frame, standing_still="at rest")
    assert (page.width, page.height) == layout.size
    return DrawnPage(case, clip, page, layout, np.asarray(Image.open(page.path)).astype(int))


def test_each_cell_shows_its_object_in_the_middle_and_nothing_covers_it(drawn_page: DrawnPage) -> None:
    case, layout, objects = drawn_page.case, drawn_page.layout, drawn_page.page.objects
    assert len({one.group for one in objects}) == (2 if len(case.labels) == 2 or case.still else 1)
    across, down = layout.picture
    for shown, (x, y) in zip(objects, layout.corners, strict=True):
        cell = drawn_page.pixels[y : y + down, x : x + across]
        is_object = np.abs(cell - drawn_page.clip.scene.movers[shown.track.track_id].colour).max(axis=2) < 40
        covered = []
        for moment in shown.moments:
            view = View.of(moment.box.clipped(), case.frame, layout.picture, large_px=LARGE_ENOUGH_PX * layout.scale)
            inside = view.pixels_of(moment.box)
            assert inside is not None
            left, top, right, bottom = inside
            assert across / 4 <= (left + right) / 2 <= across * 3 / 4
            assert down / 4 <= (top + bottom) / 2 <= down * 3 / 4
            filled = max((bottom - top) / down, (right - left) / across)
            side = (moment.box.area * case.frame[0] * case.frame[1]) ** 0.5 * view.gain / layout.scale
            assert 0.5 <= filled <= 0.91 or view.gain == MAX_ENLARGEMENT or side >= LARGE_ENOUGH_PX * 0.99
            edge = max((right - left) // 6, 6), max((bottom - top) // 6, 6)
            covered.append(is_object[top + edge[1] : bottom - edge[1], left + edge[0] : right - edge[0]].mean())
        assert max(covered) > 0.97, "the object is where one of its moments says, and all of it is seen"


def test_the_pages_of_these_tests_have_different_shapes() -> None:
    shapes = set()
    for case in PAGES.values():
        found = Clip(Path(), a_crowd(case.count, case.size), case.frame, (0.0, 1.0, 2.0), 2.0).annotations()
        picture = page_layout(select(found, ALL.selection).shown, case.frame).picture
        shapes.add(round(picture[0] / picture[1], 1))
    assert len(shapes) >= 4


def test_number_and_label_have_their_height_on_the_page_as_slack_shows_it(drawn_page: DrawnPage) -> None:
    page, layout, pixels = drawn_page.page, drawn_page.layout, drawn_page.pixels
    shown = 360 / max(layout.size)
    slack = 1 / layout.scale
    for one, (x, y) in zip(page.objects, layout.corners, strict=True):
        top = y + layout.picture[1]
        line = pixels[top : top + round(LINE_PX * layout.scale), x : x + layout.picture[0]]
        is_chip = np.abs(line - one.colour).max(axis=2) < 60
        columns = np.flatnonzero(is_chip.sum(axis=0) > line.shape[0] / 2)
        chip = line[:, columns[0] : columns[-1] + 1].max(axis=2)
        # Its digits are dark, and so are its rounded corners: away from these, dark rows with the colour above and below.
        middle = chip[:, chip.shape[1] // 5 : chip.shape[1] * 4 // 5]
        lit = np.flatnonzero((middle > 140).all(axis=1))
        digits = np.flatnonzero((middle < 90).any(axis=1))
        digits = digits[(digits > lit[0]) & (digits < lit[-1])]
        label = line[:, columns[-1] + round(3 * layout.scale) :].min(axis=2)
        letters = np.flatnonzero((label > 200).any(axis=1))
        assert (digits[-1] - digits[0] + 1) * shown >= 9 - slack, one.number
        assert (letters[-1] - letters[0] + 1) * shown >= 9 - slack, one.number


def test_a_speck_has_its_box_and_no_enlarged_view_beside_it(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(640, 360))
    times = np.arange(20) / 10
    speck = Track(0, "speck", 0.9, times, np.tile(np.array([0.5, 0.5, 0.503, 0.505], np.float32), (20, 1)))
    (page,) = rendered(clip, Annotations((speck,))).pages
    layout = page_layout(page.objects, (640, 360))
    x, y = layout.corners[0]
    cell = np.asarray(Image.open(page.path)).astype(int)[y : y + layout.picture[1], x : x + layout.picture[0]]
    is_line = np.abs(cell - np.array(page.objects[0].colour)).max(axis=2) < 60
    rows, columns = np.flatnonzero(is_line[: layout.picture[1] * 2 // 3].any(axis=1)), np.flatnonzero(is_line.any(axis=0))
    assert rows.size
    assert columns.size
    middle = is_line[layout.picture[1] // 3 : layout.picture[1] * 2 // 3, layout.picture[0] // 3 : layout.picture[0] * 2 // 3]
    assert middle.any()


def test_one_page_of_the_summary_can_be_had_alone(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    track = clip.track("red" if any(m.name == "red" for m in clip.scene.movers) else clip.scene.movers[0].name)
    many = Annotations(tuple(Track(n, "thing", 0.9, track.times, track.boxes) for n in range(50)))
    selected = select(many, ALL.selection)
    pages = draw_summary(Drawing(clip.path, "clip.mp4", many, selected, tmp_path / "out", ALL), pages=range(2, 9))
    assert [page.path.name for page in pages] == ["clip.mp4.summary_pct0_fr1_p3.jpeg"]
    assert [one.number for one in pages[0].objects] == [49, 50]


def test_a_single_sighting_becomes_a_still_of_its_moment(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240))
    whole = clip.track("walker")
    once = Track(0, "walker", 0.9, whole.times[7:8], whole.boxes[7:8])
    (animation,) = rendered(clip, Annotations((once,))).animations
    assert (animation.frame_count, animation.duration_s) == (1, 0.0)
    assert_box_on_object(clip, animation, "walker")


def test_annotations_longer_than_the_video_end_with_it(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240))
    track = clip.track("walker")
    longer = Track(0, "walker", 0.9, track.times * 4, track.boxes)
    after = Track(1, "ghost", 0.9, track.times + 20, track.boxes)
    result = rendered(clip, Annotations((longer, after)))
    assert [one.object.track.label for one in result.animations] == ["walker"]
    assert result.animations[0].duration_s <= clip.duration_s + 0.01


def test_nothing_that_passes_means_nothing_is_drawn(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    result = rendered(clip, options=RenderOptions(Selection(min_frames=1000)))
    assert (result.pages, result.animations) == ((), ())
    assert result.selected.near_misses
    assert not (tmp_path / "out").exists()


def test_cancelling_leaves_no_half_written_file(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", fps=30)
    asked = iter(range(10_000))
    with pytest.raises(Cancelled):
        render(
            clip.path, clip.annotations(), tmp_path / "out", name="clip.mp4", options=ALL, cancelled=lambda: next(asked) > 12
        )
    for path in (tmp_path / "out").glob("*"):
        with Image.open(path) as image:
            image.verify()
    assert not list((tmp_path / "out").glob(".*"))


def test_progress_rises_to_one_and_the_summary_comes_first(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    seen: list[float] = []
    files_at: list[list[str]] = []

    def progress(done: float) -> None:
        seen.append(done)
        files_at.append(sorted(path.suffix for path in (tmp_path / "out").glob("clip*")))

    render(clip.path, clip.annotations(), tmp_path / "out", name="clip.mp4", options=ALL, progress=progress)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    summary_at = files_at.index([".jpeg"])
    assert 0 < seen[summary_at] < 0.5
    assert files_at[-1].count(".gif") > 0


def test_what_is_no_video_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(NotAVideo):
        render(path, Annotations(), tmp_path / "out", name="clip.mp4", options=ALL)
    assert not (tmp_path / "out").exists()


COLOURS: dict[ColourTags, tuple[str, str]] = {
    "bt601": ("libx264", "yuv420p"),
    "bt709": ("libx264", "yuv420p"),
    "bt2020-pq": ("libx265", "yuv420p10le"),
    "bt2020-hlg": ("libx265", "yuv420p10le"),
}


@pytest.mark.parametrize("tags", COLOURS)
def test_summary_and_gif_show_the_colours_that_were_filmed(tags: ColourTags, tmp_path: Path) -> None:
    codec, pix_fmt = COLOURS[tags]
    movers = (WALK, Mover("wall", (60, 150, 90), (0.3, 0.3), ((0.0, 0.2, 0.8),)))
    clip = draw_clip(tmp_path / "clip.mp4", Scene(movers), size=(640, 360), codec=codec, pix_fmt=pix_fmt, colour=tags)
    result = rendered(clip)
    tolerance = 10 if tags.startswith("bt2020") else 5
    for animation in result.animations:
        name = animation.object.track.label
        plan = planned(clip, animation)
        for picture, place in timed(plan, animation):
            window = plan.view.windows[place]
            truth = clip.box(name, float(plan.times_s[place]))
            assert truth is not None
            centre = np.array([truth.left + truth.right, truth.top + truth.bottom]) / 2 * clip.size
            x, y = ((centre - window[:2]) / (window[2:] - window[:2]) * plan.view.size).astype(int)
            middle = picture[y - 5 : y + 5, x - 5 : x + 5].reshape(-1, 3).mean(axis=0)
            assert middle == pytest.approx(clip.colour(name), abs=tolerance), place
    page = np.asarray(Image.open(result.pages[0].path))
    for mover in movers:
        near = np.abs(page.astype(int) - mover.colour).max(axis=2) <= tolerance
        assert near.mean() > 0.01, mover.name


def test_the_thousand_that_are_shown_of_five_thousand_objects_stay_inside_the_limits(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((SMALL,)), size=(160, 90))
    rng = np.random.default_rng(5)
    times = np.arange(12) / 10
    corners = rng.uniform(0, 0.9, (5000, 1, 2)) + np.zeros((1, 12, 1))
    boxes = np.concatenate([corners, corners + rng.uniform(0.01, 0.1, (5000, 1, 2))], axis=2).astype(np.float32)
    many = Annotations(tuple(Track(n, f"thing {n % 30}", 0.9, times, boxes[n]) for n in range(5000)))
    selected = select(many, ALL.selection, duration_s=clip.duration_s)
    assert (len(selected.shown), selected.left_out) == (1000, 4000)
    out = tmp_path / "out"
    pages = draw_summary(Drawing(clip.path, "clip.mp4", many, selected, out, ALL), pages=range(39, 300))
    assert [len(page.objects) for page in pages] == [24, 24, 16]
    assert all(page.width <= 1920 and page.height <= 1440 for page in pages)
    gifs = draw_gifs(Drawing(clip.path, "clip.mp4", many, selected, out, ALL), shown=selected.shown[-60:])
    assert [gif.object.number for gif in gifs] == list(range(941, 1001))
    assert all(max(gif.width, gif.height) <= 480 and gif.size_bytes <= MAX_BYTES for gif in gifs)
    assert len({gif.path for gif in gifs}) == 60


@pytest.mark.parametrize("size", [(8000, 200), (200, 8000), (2000, 50), (50, 2000), (1, 1), (2, 2), (17, 9)])
def test_extreme_shapes_stay_inside_the_limits(size: tuple[int, int], tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mkv", Scene((WALK,)), size=size, codec="ffv1", pix_fmt="bgr0", duration_s=0.6)
    result = rendered(clip)
    assert len(result.animations) == len(result.pages) == 1
    assert max(result.animations[0].width, result.animations[0].height) <= 480
    assert result.pages[0].width <= 1920
    assert result.pages[0].height <= 1440


edge = st.floats(-3, 4, width=32)
strange_tracks = st.lists(
    st.builds(
        lambda label, confidence, start, steps, boxes: Track(
            0,
            label,
            confidence,
            start + np.cumsum(np.resize(np.array(steps), len(boxes))),
            np.array(boxes, np.float32),
        ),
        label=st.text(max_size=30),
        confidence=st.floats(0, 1),
        start=st.floats(-1, 3),
        steps=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
        boxes=st.lists(st.tuples(edge, edge, edge, edge), min_size=1, max_size=12),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return draw_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", size=(160, 90))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tracks=strange_tracks)
def test_no_annotations_however_strange_crash_or_exceed_the_bounds(
    small_clip: Clip, tracks: list[Track], tmp_path: Path
) -> None:
    result = render(small_clip.path, Annotations(tuple(tracks)), tmp_path, name="clip.mp4", options=ALL)
    for animation in result.animations:
        assert max(animation.width, animation.height) <= 480
        assert animation.size_bytes <= MAX_BYTES
        assert animation.duration_s <= 6.0
        assert animation.path.parent == tmp_path
    for page in result.pages:
        assert page.width <= 1920
        assert page.height <= 1440


def test_a_damaged_video_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4", Scene((WALK,)), size=(320, 240), fps=30, gop=30)
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[: int(len(data) * 0.7)])
    try:
        result = rendered(clip)
    except VideoError:
        pytest.fail("the first frames are whole")
    assert result.pages


def test_gifs_of_some_objects_can_be_had_alone(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "clip.mp4")
    selected = select(clip.annotations(), ALL.selection)
    drawing = Drawing(clip.path, "clip.mp4", clip.annotations(), selected, tmp_path / "out", ALL)
    found = draw_gifs(drawing, shown=selected.shown[1:2])
    assert [one.object.number for one in found] == [2]
    assert found[0].path.name.startswith("clip.mp4.001_")
    assert Segment(0, 1).duration_s == 1
