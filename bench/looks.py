"""
The pictures and figures of docs/looks.md: the plain renderer beside ours, on clips drawn here: `make looks`.

Every file goes into `docs/media/looks`; the table of figures is printed, to be copied into the page. Where the real test videos
are beside the checkout and a model is there, their summaries are drawn as well, before and after, full and 360 px wide, into
the temporary folder (the first pages alone: `python -m bench.looks --summaries`): they are to be looked at, and not ours to
publish. Each of them lies there with a list of what its numbers are.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.local_engine import model
from bench.plain import PlainRenderer
from bench.quality import STILL_LEVELS, Quality, gif_pictures, mark, quality_of, quality_of_ours
from bench.rendering import repeat_clip
from bench.report import Table
from bot.texts.wording import STANDING_STILL
from rendering.colours import INK, LABEL_COLOURS
from rendering.fonts import Typeface
from rendering.gif.animation import Animation, Plan, cut_out, plan_of
from rendering.kinds.base import RenderOptions
from rendering.overlay import blend, time_span
from rendering.render import Rendered, render
from rendering.selection import Selection, select
from sample import sample_clip, sample_truth, story
from tests.clips import ColourTags, Mover, Scene, draw_clip
from tests.colour_vision import VISIONS, seen_by
from tests.shared_data import SHARED_DATA
from tracking.engines.local import DetectorEngine
from tracking.formats import video_intelligence
from tracking.model import Annotations, Track
from tracking.video.file import Video

MEDIA = Path(__file__).resolve().parents[1] / "docs/media/looks"
REAL_MEDIA = Path(tempfile.gettempdir()) / "tracklet-looks"
REAL_VIDEOS = {
    "crowd": "people-crowd.mp4",
    "plaza": "pedestrians-plaza.mp4",
    "traffic": "traffic-overhead.mp4",
    "horses": "horses.mp4",
    "car-park": "car-park.mp4",
    "bikes": "bikes-with-cuts.mp4",
}
THUMBNAIL_PX = 360
ALL = RenderOptions(Selection(min_confidence=0.0, min_frames=1), standing_still=STANDING_STILL)
USUAL = RenderOptions(standing_still=STANDING_STILL)

# Slack shows a picture 360 px wide, on screens with two pixels for one.
SUMMARY_WIDTH_PX = 720
BEFORE_SIZE = 360, 203
FLICKER_GAIN = 16


class Street(Scene):
    """The sample clip's first shot, for encodings that the sample itself does not have."""

    def draw(self, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
        picture = story.draw_frame(round(time_s * story.FRAME_RATE_HZ))
        return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[:, :, ::-1], np.uint8)


class Shelf(Scene):
    """Bottles that stand on two shelves, and others that a belt carries past below."""

    def draw(self, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
        picture = np.empty((size[1], size[0], 3), np.uint8)
        picture[:] = np.linspace(226, 186, size[1], dtype=np.uint8)[:, None, None]
        for top, colour in ((0.36, (150, 112, 78)), (0.68, (150, 112, 78)), (0.955, (70, 74, 82))):
            picture[round(top * size[1]) : round((top + 0.03) * size[1])] = colour
        for mover in self.movers:
            if box := mover.box_at(time_s):
                draw_bottle(picture, mover.colour, (np.array(box) * [*size, *size]).round().astype(int).tolist())
        return picture


def bottles() -> Shelf:
    """Return fourteen bottles on shelves and four on the belt, in the colours of glass."""
    glass = (28, 96, 62), (120, 66, 28), (58, 110, 150), (150, 150, 120), (92, 32, 50)
    movers = []
    for number in range(14):
        x, y = 0.09 + 0.137 * (number % 7), (0.36, 0.68)[number // 7] - 0.11
        movers.append(Mover(f"bottle {number}", glass[number * 3 % 5], (0.034 + 0.006 * (number % 3), 0.22), ((0.0, x, y),)))
    for number in range(4):
        start = -0.1 - 0.24 * number
        path = (0.0, start, 0.84), (6.0, start + 1.1, 0.84)
        movers.append(Mover(f"bottle {14 + number}", glass[number], (0.05, 0.22), path))
    return Shelf(tuple(movers))


def draw_bottle(picture: NDArray[np.uint8], colour: tuple[int, int, int], box: list[int]) -> None:
    """Draw a bottle that fills `box`: cap, neck, shoulders, body and a paper label."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top

    def part(x0: float, y0: float, x1: float, y1: float, tone: tuple[int, ...]) -> None:
        corners = (
            (round(left + x0 * width), round(top + y0 * height)),
            (round(left + x1 * width) - 1, round(top + y1 * height) - 1),
        )
        cv2.rectangle(picture, *corners, tone, cv2.FILLED)

    shoulder = (left + width // 2, round(top + 0.45 * height)), (width // 2, round(0.14 * height))
    cv2.ellipse(picture, *shoulder, 0, 180, 360, colour, cv2.FILLED, cv2.LINE_AA)
    part(0.36, 0.06, 0.64, 0.4, colour)
    part(0.0, 0.45, 1.0, 1.0, colour)
    part(0.33, 0.0, 0.67, 0.08, (40, 40, 44))
    part(0.0, 0.58, 1.0, 0.84, (238, 234, 222))
    part(0.12, 0.5, 0.2, 0.96, tuple(min(255, level + 60) for level in colour))


def bottle_clip(folder: Path) -> tuple[Path, Annotations]:
    """Draw the bottles; every object is called a bottle."""
    clip = draw_clip(folder / "bottles.mp4", bottles(), size=(1280, 720), duration_s=6.0, gop=60)
    found = clip.annotations()
    return clip.path, replace(found, tracks=tuple(replace(track, label="bottle") for track in found.tracks))


def portrait_clip(source: Path, folder: Path) -> tuple[Path, Annotations]:
    """Cut the middle of the sample clip out, as a phone held upright would have filmed it."""
    with Video(source) as video:
        size, rate = (video.info.width, video.info.height), video.info.frame_rate
        width = size[1] * 9 // 16 // 2 * 2
        left = (size[0] - width) // 2
        path = folder / "portrait.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=round(rate), options={"crf": "16"})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, size[1], "yuv420p"
            for _, frame in video.frames_at(np.arange(0.0, video.info.duration_s, 1 / rate)):
                part = np.ascontiguousarray(frame.pixels()[:, left : left + width])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
            container.mux(stream.encode(None))
    moved, scale = np.float32(left / size[0]), np.float32(size[0] / width)
    tracks = []
    for track in sample_truth().tracks:
        boxes = track.boxes.copy()
        boxes[:, ::2] = (boxes[:, ::2] - moved) * scale
        inside = np.clip(boxes, 0, 1)
        kept = inside[:, 2] - inside[:, 0] > 0.4 * (boxes[:, 2] - boxes[:, 0])
        if kept.sum() >= 10:
            tracks.append(replace(track, times=track.times[kept], boxes=boxes[kept]))
    return path, replace(sample_truth(), tracks=tuple(tracks))


def main() -> None:
    """Make all pictures anew, or with `--summaries` only those of the first pages."""
    if sys.argv[1:] == ["--summaries"]:
        with tempfile.TemporaryDirectory() as folder:
            drawn_summaries(sample_clip(Path(folder)), Path(folder))
        real_summaries()
        return
    shutil.rmtree(MEDIA, ignore_errors=True)
    MEDIA.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        clip = sample_clip(Path(folder))
        rendered = render(clip, sample_truth(), Path(folder) / "out", name=clip.name, options=ALL)
        plain = PlainRenderer(clip)
        summaries(plain, rendered, "summary")
        drawn_summaries(clip, Path(folder))
        parts = thirds(sample_truth())
        many = render(clip, parts, Path(folder) / "many", name=clip.name, options=ALL, make=["summary"])
        summaries(plain, many, "many")
        with Video(clip) as video:
            views = [(one, plan_in(video, one)) for one in rendered.animations if one.frame_count > 1]
            one, plan = min(((one, plan) for one, plan in views if plan.view.glides), key=lambda view: view[0].size_bytes)
            shutil.copyfile(one.path, MEDIA / "object-after.gif")
            plain.animation(one.object.track, plan.times_s, BEFORE_SIZE, MEDIA / "object-before.gif")
            palettes(video, *next((one, plan) for one, plan in views if not plan.view.glides), Path(folder))
            print(figures(video, plain, rendered, Path(folder)))
        for colour in ("bt709", "bt2020-pq", "bt2020-hlg"):
            colours(Path(folder), colour)
    visions()
    real_summaries()


def thirds(annotations: Annotations) -> Annotations:
    """Return three objects for each, which have it in the first, the second and the last third of its time."""
    parts: list[Track] = []
    for track in annotations.tracks:
        for times, boxes in zip(np.array_split(track.times, 3), np.array_split(track.boxes, 3), strict=True):
            parts.append(replace(track, track_id=len(parts), times=times, boxes=boxes))
    return replace(annotations, tracks=tuple(parts))


def drawn_summaries(sample: Path, folder: Path) -> None:
    """Draw the summaries of the bottles and of the portrait clip, for the page and beside those of the real clips."""
    for name, (path, found) in {"bottles": bottle_clip(folder), "portrait": portrait_clip(sample, folder)}.items():
        drawn = render(path, found, folder / name, name=path.name, options=USUAL, make=["summary"])
        summaries(PlainRenderer(path), drawn, name)
        both_sizes(name, path, drawn)


def real_summaries() -> None:
    """Draw the first page of every real clip that is there, by the plain renderer and by ours."""
    path, folder = model(), SHARED_DATA / "videos"
    many = SHARED_DATA / "annotations/output-uri-775-objects.json"
    cases = {
        name: (folder / file, DetectorEngine(path).track(folder / file))
        for name, file in REAL_VIDEOS.items()
        if path and (folder / file).exists()
    }
    with tempfile.TemporaryDirectory() as workplace:
        if many.exists() and "crowd" in cases:
            read, crowd = video_intelligence.read(many), cases["crowd"][0]
            with Video(crowd) as opened:
                repeats = int(read.end_s / opened.info.duration_s) + 1
            longer = Path(workplace) / "775-objects.mp4"
            repeat_clip(crowd, longer, repeats)
            cases["775-objects"] = longer, read
        for name, (video, found) in cases.items():
            options = USUAL if select(found, Selection()).shown else ALL
            drawn = render(video, found, Path(workplace) / name, name=video.name, options=options, make=["summary"])
            both_sizes(name, video, drawn)
    print(f"The summaries of {len(cases)} real clips are in {REAL_MEDIA}." if cases else "No real clip is on this machine.")


def both_sizes(name: str, video: Path, drawn: Rendered) -> None:
    """Write a clip's first page before and after, at full size and as a thumbnail, and what its numbers are."""
    REAL_MEDIA.mkdir(parents=True, exist_ok=True)
    objects = drawn.pages[0].objects
    PlainRenderer(video).summary([one.track for one in objects], REAL_MEDIA / f"{name}-before.png")
    with Image.open(drawn.pages[0].path) as page:
        page.save(REAL_MEDIA / f"{name}-after.png")
    for when in ("before", "after"):
        with Image.open(REAL_MEDIA / f"{name}-{when}.png") as page:
            small = page.resize((THUMBNAIL_PX, round(page.height * THUMBNAIL_PX / page.width)), Image.Resampling.LANCZOS)
            small.save(REAL_MEDIA / f"{name}-{when}-360.png")
    told = [
        f"{one.number}\t{one.track.label}\t{time_span(one.track.segment)}\tbest at {one.moments[0].time_s:.1f} s"
        for one in objects
    ]
    (REAL_MEDIA / f"{name}.txt").write_text("\n".join(told) + "\n", "utf-8")


def plan_in(video: Video, animation: Animation) -> Plan:
    return plan_of(animation.object, (video.info.width, video.info.height), video.info.frame_rate)


def summaries(plain: PlainRenderer, rendered: Rendered, name: str) -> None:
    """Draw both first pages at the size at which Slack shows them."""
    before = MEDIA / f"{name}-before.jpeg"
    plain.summary([one.track for one in rendered.pages[0].objects], before)
    for path, target in ((before, before), (rendered.pages[0].path, MEDIA / f"{name}-after.jpeg")):
        with Image.open(path) as page:
            size = SUMMARY_WIDTH_PX, round(page.height * SUMMARY_WIDTH_PX / page.width)
            page.resize(size, Image.Resampling.LANCZOS).save(target, quality=88)


def figures(video: Video, plain: PlainRenderer, rendered: Rendered, folder: Path) -> str:
    """Bytes and quality of all GIFs of the sample clip, each against what its frames were before they got a palette."""
    rows: list[tuple[str, Sequence[int], Sequence[Quality]]] = []
    ours = [quality_of_ours(video, one.object, one.path) for one in rendered.animations]
    rows.append(("ours", [one.size_bytes for one in rendered.animations], [quality for quality in ours if quality]))
    sizes, qualities = [], []
    path = folder / "plain.gif"
    for one in rendered.animations:
        plan = plan_in(video, one)
        drawn = plain.animation(one.object.track, plan.times_s, plan.view.size, path)
        sizes.append(path.stat().st_size)
        shown = [picture for _, picture in gif_pictures(path, plan.view.size)]
        qualities.append(quality_of(shown, [np.asarray(picture) for picture in drawn]) if len(shown) == len(drawn) else None)
    rows.insert(0, ("plain", sizes, [quality for quality in qualities if quality]))
    headings = ("renderer", "median MB", "largest MB", "median SSIM", "worst frame's", "PSNR dB", "flicker, levels")
    table = Table("GIFs of the sample clip", headings)
    for name, bytes_, found in rows:
        numbers = np.array([(one.ssim, one.least_ssim, one.psnr_db, one.flicker) for one in found])
        ssim, _, psnr_db, flicker = np.median(numbers, axis=0)
        megabytes = np.array(bytes_) / 1e6
        table.add(
            f"{name} ({len(found)})",
            f"{np.median(megabytes):.2f}",
            f"{megabytes.max():.2f}",
            f"{ssim:.3f}",
            f"{numbers[:, 1].min():.3f}",
            f"{psnr_db:.1f}",
            f"{flicker:.2f}",
        )
    return str(table)


def palettes(video: Video, animation: Animation, plan: Plan, folder: Path) -> None:
    """A part of a frame enlarged, and below it what flickers where nothing moves: the video, Pillow's GIF of it, ours."""
    size, window = plan.view.size, plan.view.windows[0]
    times_s = plan.times_s[plan.opening : plan.opening + 2]
    truth = [cut_out(frame.pixels(), window, size) for _, frame in video.frames_at(times_s)]
    path = folder / "palette.gif"
    first, second = (Image.fromarray(picture) for picture in truth)
    first.save(path, save_all=True, append_images=[second], duration=100)
    boxes = np.zeros((size[1], size[0], 3), np.uint8)
    for time_s in times_s:
        mark(boxes, animation.object, float(time_s), window, (video.info.width, video.info.height))
    drawn = boxes.any(axis=2)
    tiles = []
    for before, after in (truth, *([picture for _, picture in gif_pictures(p, size)[:2]] for p in (path, animation.path))):
        part = np.repeat(np.repeat(after[20:110, 20:180], 2, axis=0), 2, axis=1)
        still = (cv2.absdiff(truth[0], truth[1]).max(axis=2) <= STILL_LEVELS) & ~drawn
        change = np.minimum(cv2.absdiff(before, after).max(axis=2).astype(np.int64) * FLICKER_GAIN, 255) * still
        flicker = np.asarray(cv2.resize(change.astype(np.uint8), (320, 200), interpolation=cv2.INTER_AREA), np.uint8)
        tiles += [
            np.concatenate([part, np.repeat(flicker[:, :, None], 3, axis=2)], axis=0),
            np.full((380, 8, 3), 255, np.uint8),
        ]
    Image.fromarray(np.concatenate(tiles[:-1], axis=1)).save(MEDIA / "palette.png", optimize=True)


def colours(folder: Path, tags: ColourTags) -> None:
    """What was drawn, what PyAV gives as it comes, and what our GIF shows, of one picture in another colour space."""
    wide = tags.startswith("bt2020")
    scene = Street((Mover("street", (0, 0, 0), (0.9, 0.9), ((0.0, 0.5, 0.5),)),))
    how = {"codec": "libx265", "pix_fmt": "yuv420p10le"} if wide else {}
    clip = draw_clip(folder / f"{tags}.mp4", scene, size=(640, 360), duration_s=0.5, colour=tags, **how)  # type: ignore[arg-type]
    rendered = render(clip.path, Annotations((clip.track("street"),)), folder / tags, name=clip.path.name, options=ALL)
    with Video(clip.path) as video:
        plan = plan_in(video, rendered.animations[0])
    size, time_s = plan.view.size, float(plan.times_s[plan.opening])
    with av.open(str(clip.path)) as container:
        decoded = next(frame for frame in container.decode(video=0) if frame.time > time_s - 0.01)
        before = decoded.to_ndarray(format="rgb24", width=size[0], height=size[1]).astype(np.uint8)
    drawn = np.asarray(cv2.resize(clip.picture(time_s), size, interpolation=cv2.INTER_AREA), np.uint8)
    after = gif_pictures(rendered.animations[0].path, size)[0][1]
    inner = slice(size[1] // 10, -size[1] // 10), slice(size[0] // 10, -size[0] // 10)
    for name, picture in (("plain", before), ("ours", after)):
        off = picture[inner].astype(float) - drawn[inner]
        print(f"{tags}, {name}: off by {np.abs(off).mean():.1f} levels in the mean, {off.mean():+.1f} in brightness")
    half = [cv2.resize(np.ascontiguousarray(one), (320, 180), interpolation=cv2.INTER_AREA) for one in (drawn, before, after)]
    gap = np.full((180, 8, 3), 255, np.uint8)
    row = np.concatenate([half[0], gap, half[1], gap, half[2]], axis=1)
    Image.fromarray(row.astype(np.uint8)).save(MEDIA / f"colours-{tags}.jpeg", quality=90, subsampling=0)


def visions() -> None:
    """The label colours as four kinds of eyes see them, as lines on the dark of captions."""
    typeface = Typeface()
    canvas = np.empty((4 * 44 + 8, 720, 3), np.uint8)
    canvas[:] = INK
    for row, vision in enumerate(VISIONS):
        blend(canvas, typeface.coverage(vision, 22, weight=500), (12, 44 * row + 10), LABEL_COLOURS[3]._replace(blue=240))
        for column, colour in enumerate(seen_by(vision, np.array(LABEL_COLOURS))):
            canvas[44 * row + 10 : 44 * row + 42, 180 + 76 * column : 244 + 76 * column] = colour
    Image.fromarray(canvas).save(MEDIA / "visions.png", optimize=True)


if __name__ == "__main__":
    main()
