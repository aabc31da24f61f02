"""
The pictures and figures of docs/looks.md: the plain renderer beside ours, on clips drawn here: `make looks`.

Every file goes into `docs/media/looks`; the table of figures is printed, to be copied into the page. Where the real test videos
are beside the checkout and a model is there, their summaries are drawn as well, before and after, full and 360 px wide, into
the temporary folder: they are to be looked at, and not ours to publish.
"""

from __future__ import annotations

import shutil
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
from rendering.colours import INK, LABEL_COLOURS
from rendering.fonts import Typeface
from rendering.gif.animation import Animation, Plan, cut_out, plan_of
from rendering.kinds.base import RenderOptions
from rendering.overlay import blend
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
REAL_VIDEOS = (
    "people-crowd.mp4",
    "pedestrians-plaza.mp4",
    "traffic-overhead.mp4",
    "bikes-with-cuts.mp4",
    "horses.mp4",
    "car-park.mp4",
    "rotated-90.mov",
)
ALL = RenderOptions(Selection(min_confidence=0.0, min_frames=1))

# Slack shows a picture 360 px wide, on screens with two pixels for one.
SUMMARY_WIDTH_PX = 720
BEFORE_SIZE = 360, 203
FLICKER_GAIN = 16


class Street(Scene):
    """The sample clip's first shot, for encodings that the sample itself does not have."""

    def draw(self, time_s: float, size: tuple[int, int]) -> NDArray[np.uint8]:
        picture = story.draw_frame(round(time_s * story.FRAME_RATE_HZ))
        return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[:, :, ::-1], np.uint8)


def main() -> None:
    """Make all pictures anew."""
    shutil.rmtree(MEDIA, ignore_errors=True)
    MEDIA.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        clip = sample_clip(Path(folder))
        rendered = render(clip, sample_truth(), Path(folder) / "out", name=clip.name, options=ALL)
        plain = PlainRenderer(clip)
        summaries(plain, rendered, "summary")
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


def real_summaries() -> None:
    """Draw the first page of every real clip that is there, by the plain renderer and by ours."""
    path, videos = model(), [SHARED_DATA / "videos" / name for name in REAL_VIDEOS]
    many = SHARED_DATA / "annotations/output-uri-775-objects.json"
    cases = [(video, DetectorEngine(path).track(video)) for video in videos if path and video.exists()]
    if many.exists() and videos[0].exists():
        read = video_intelligence.read(many)
        with Video(videos[0]) as opened:
            repeats = int(read.end_s / opened.info.duration_s) + 1
        REAL_MEDIA.mkdir(parents=True, exist_ok=True)
        longer = REAL_MEDIA / "775-objects.mp4"
        repeat_clip(videos[0], longer, repeats)
        cases.append((longer, read))
    for video, found in cases:
        options = RenderOptions() if select(found, Selection()).shown else ALL
        drawn = render(video, found, REAL_MEDIA / video.stem, name=video.name, options=options, make=["summary"])
        if drawn.pages:
            shown = [one.track for one in drawn.pages[0].objects]
            PlainRenderer(video).summary(shown, REAL_MEDIA / f"{video.stem}-before.png")
            with Image.open(drawn.pages[0].path) as page:
                page.save(REAL_MEDIA / f"{video.stem}-after.png")
            for when in ("before", "after"):
                with Image.open(REAL_MEDIA / f"{video.stem}-{when}.png") as page:
                    small = page.resize((360, round(page.height * 360 / page.width)), Image.Resampling.LANCZOS)
                    small.save(REAL_MEDIA / f"{video.stem}-{when}-360.png")
    print(f"The summaries of {len(cases)} real clips are in {REAL_MEDIA}." if cases else "No real clip is on this machine.")


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
