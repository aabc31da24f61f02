"""
How close rendering comes to its limit: `python -m bench.rendering [--quick]`.

Draws its own clip (1080p, 30 fps, long groups of pictures, 2 minutes) into the temporary folder, once, and measures in one run,
each in a process of its own:

- ours: the summary, then the GIFs, of 10, 50 and 200 objects, with whole pictures and with windows that follow small objects;
- a: decoding only what both passes need; b: compressing (LZW) only the frames that were written;
- c: a plain renderer that seeks for every picture and saves with Pillow's defaults, on 10 objects, scaled up, in turn;
- looks: SSIM, PSNR and flicker of the pictures in the GIFs, before and after the palette;
- memory with videos of 2, 10 and 60 minutes (the clip repeated, without encoding).

`--real VIDEO ANNOTATIONS` measures a real annotation file over a real video instead. Times are CPU seconds of the process and
its threads, the middle one of three runs of each in turn; ratios are what counts. All random numbers have fixed seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.plain import PlainRenderer
from bench.quality import quality_of_ours
from rendering.gif.animation import plan_of
from rendering.gif.container import compressed
from rendering.kinds.base import Drawing
from rendering.kinds.gifs import draw_gifs
from rendering.kinds.summary import draw_summary
from rendering.naming import animation_name
from rendering.selection import Selected, Selection, select
from tracking.formats import video_intelligence
from tracking.model import Annotations, Track
from tracking.video.file import Video

FOLDER = Path(tempfile.gettempdir()) / "tracklet-bench-rendering"
WIDTH, HEIGHT, RATE = 1920, 1080, 30
OBJECTS = 200
RUNS = 3
PLAIN_OBJECTS = 10
SEED = 7


# --- the clip and its objects -------------------------------------------------------------------------------------------------


def tracks(duration_s: float, count: int = OBJECTS, *, inflated: float = 1.0) -> list[Track]:
    """`count` objects of 1 to 10 s at 10 Hz on straight paths; `inflated` boxes are larger than what is drawn."""
    rng = np.random.default_rng(SEED)
    found = []
    for number in range(count):
        length = rng.uniform(1, 10)
        start = rng.uniform(0, duration_s - length)
        times = start + np.arange(int(length * 10) + 1) / 10
        size = np.array([0.05, 0.11]) * rng.uniform(0.7, 1.6)
        centres = rng.uniform(0.1, 0.9, 2) + np.outer(times - start, rng.uniform(-0.035, 0.035, 2))
        half = size * inflated / 2
        boxes = np.concatenate([centres - half, centres + half], axis=1)
        label = ["person", "car", "dog", "bicycle"][number % 4]
        found.append(Track(number, label, float(rng.uniform(0.71, 0.99)), times, boxes.astype(np.float32)))
    return found


def background() -> NDArray[np.uint8]:
    """Something like a scene: soft large shapes under fine texture, (H, W, 3) RGB."""
    rng = np.random.default_rng(SEED)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells, strength in ((4, 50.0), (12, 30.0), (60, 18.0), (300, 10.0)):
        noise = rng.normal(0, 1, (cells * 9 // 16 + 1, cells, 3)).astype(np.float32)
        noise = noise.mean(axis=2, keepdims=True) * 1.2 + noise * 0.08
        picture += np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32) * strength
    return np.clip(picture + 118, 0, 255).astype(np.uint8)


def draw_clip(path: Path, duration_s: float) -> None:
    """The background with every object as a textured patch, and the slight noise of a sensor."""
    rng = np.random.default_rng(SEED)
    base = av.VideoFrame.from_ndarray(background(), format="rgb24").reformat(format="yuv420p").to_ndarray()
    movers = tracks(duration_s, round(OBJECTS * duration_s / 120))
    patches = [rng.integers(30, 226, (12, 6), np.uint8) for _ in movers]
    chroma = rng.integers(96, 160, (len(movers), 2))
    noise = rng.integers(-2, 3, (8, HEIGHT, WIDTH)).astype(np.int8)
    aside = path.with_suffix(".part.mp4")
    with av.open(str(aside), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "22"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 250
        for number in range(int(duration_s * RATE)):
            planes = base.copy()
            luma = planes[:HEIGHT]
            blue = planes[HEIGHT : HEIGHT + HEIGHT // 4].reshape(HEIGHT // 2, WIDTH // 2)
            red = planes[HEIGHT + HEIGHT // 4 :].reshape(HEIGHT // 2, WIDTH // 2)
            for mover, patch, tint in zip(movers, patches, chroma, strict=True):
                time_s = number / RATE
                if mover.times[0] <= time_s <= mover.times[-1]:
                    box = np.clip(np.array(mover.box_at(time_s)), 0, 1) * [WIDTH, HEIGHT, WIDTH, HEIGHT]
                    left, top, right, bottom = (int(edge) // 2 * 2 for edge in box)
                    if right > left and bottom > top:
                        luma[top:bottom, left:right] = cv2.resize(patch, (right - left, bottom - top))
                        blue[top // 2 : bottom // 2, left // 2 : right // 2] = tint[0]
                        red[top // 2 : bottom // 2, left // 2 : right // 2] = tint[1]
            luma[:] = cv2.add(luma, noise[number % 8], dtype=cv2.CV_8U)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    aside.rename(path)


def repeat_clip(source: Path, path: Path, times: int) -> None:
    """`source` so many times in a row, packet by packet."""
    aside = path.with_suffix(".part.mp4")
    with av.open(str(aside), "w") as target:
        with av.open(str(source)) as first:
            stream = target.add_stream_from_template(first.streams.video[0])
        offset = 0
        for _ in range(times):
            with av.open(str(source)) as container:
                end = 0
                for packet in container.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    end = max(end, packet.pts + (packet.duration or 0))
                    packet.dts += offset
                    packet.pts += offset
                    packet.stream = stream
                    target.mux(packet)
                offset += end
    aside.rename(path)


# --- what is measured, each in a process of its own -------------------------------------------------------------------------


class Meter:
    """CPU and wall seconds of what happens inside."""

    def __enter__(self) -> Meter:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu


def chosen(case: dict[str, Any]) -> Selected:
    """The objects of one case, in our own order."""
    if case.get("annotations"):
        return select(video_intelligence.read(Path(case["annotations"]).read_bytes()), Selection())
    found = tracks(case["duration_s"], case["count"], inflated=case["inflated"])
    return select(Annotations(tuple(found)), Selection(min_frames=1))


def measure_ours(case: dict[str, Any]) -> dict[str, Any]:
    """Summary and GIFs into the case's folder."""
    selected, out, video = chosen(case), Path(case["out"]), Path(case["video"])
    drawing = Drawing(video, "clip.mp4", Annotations(), selected, out)
    with Meter() as summary:
        pages = draw_summary(drawing)
    with Meter() as gifs:
        made = draw_gifs(drawing)
    sizes = np.array([one.size_bytes for one in made])
    return {
        "objects": len(selected.shown),
        "summary": [summary.cpu_s, summary.wall_s],
        "gifs": [gifs.cpu_s, gifs.wall_s],
        "pages": len(pages),
        "bytes": [float(np.median(sizes)), float(np.percentile(sizes, 90)), float(sizes.max())],
        "whole": sum(is_whole(case, selected)),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def is_whole(case: dict[str, Any], selected: Selected) -> list[bool]:
    with Video(Path(case["video"])) as video:
        size, rate = (video.info.width, video.info.height), video.info.frame_rate
    return [plan_of(one, size, rate).view.is_whole for one in selected.shown]


def measure_decoding(case: dict[str, Any]) -> dict[str, Any]:
    """(a) Only decoding, for both passes."""
    selected = chosen(case)
    with Video(Path(case["video"])) as video:
        size, rate = (video.info.width, video.info.height), video.info.frame_rate
        moments = [moment.time_s for one in selected.shown for moment in one.moments]
        times = [plan_of(one, size, rate).times_s for one in selected.shown]
        cpu, frames = [], 0
        for wanted in (np.array(moments), np.concatenate(times)):
            with Meter() as meter:
                frames += sum(1 for _ in video.frames_at(np.sort(wanted)))
            cpu.append(meter.cpu_s)
    return {"summary_cpu": cpu[0], "gifs_cpu": cpu[1], "frames": frames}


def measure_compression(case: dict[str, Any]) -> dict[str, Any]:
    """(b) Only LZW, of the frames in the files that were written."""
    cpu, frames = 0.0, 0
    for path in sorted(Path(case["out"]).glob("*.gif")):
        pictures = list(frames_of(path.read_bytes()))
        with Meter() as meter:
            for picture in pictures:
                compressed(picture)
        cpu += meter.cpu_s
        frames += len(pictures)
    return {"cpu": cpu, "frames": frames}


def measure_looks(case: dict[str, Any]) -> dict[str, Any]:
    """SSIM, PSNR and flicker of every GIF that was not made smaller, against what it shows before the palette."""
    selected, out = chosen(case), Path(case["out"])
    with Video(Path(case["video"])) as video:
        shown = selected.shown[: case["count"]]
        measured = [quality_of_ours(video, one, out / animation_name("clip.mp4", one)) for one in shown]
    found = [quality for quality in measured if quality]
    means = np.array([quality.ssim for quality in found])
    return {
        "gifs": len(found),
        "ssim": [float(np.median(means)), float(means.min()), min(quality.least_ssim for quality in found)],
        "psnr": float(np.median([quality.psnr_db for quality in found])),
        "flicker": float(np.median([quality.flicker for quality in found])),
    }


def frames_of(data: bytes) -> Iterator[NDArray[np.uint8]]:
    """The rectangles of indices as they are stored in a GIF."""
    at = 13 + 768
    while data[at] != 0x3B:
        if data[at] == 0x21:
            at = after_blocks(data, at + 2)
            continue
        width, height = (int.from_bytes(data[at + i : at + i + 2], "little") for i in (5, 7))
        at += 10 + (768 if data[at + 9] & 0x80 else 0)
        end = after_blocks(data, at + 1)
        yield np.asarray(Image.frombytes("L", (width, height), data[at + 1 : end], "gif", 8, 0, -1))
        at = end


def after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def measure_plain_summary(case: dict[str, Any]) -> dict[str, Any]:
    """(c) The plain renderer's summary of the first objects."""
    tracks = [one.track for one in chosen(case).shown[:PLAIN_OBJECTS]]
    with Meter() as meter:
        PlainRenderer(Path(case["video"])).summary(tracks, Path(case["out"]) / "plain.jpeg")
    return {"wall": meter.wall_s / len(tracks)}


def measure_plain_gifs(case: dict[str, Any]) -> dict[str, Any]:
    """(c) The plain renderer's GIFs of the first objects, at equal pixels."""
    shown, video = chosen(case).shown[:PLAIN_OBJECTS], Path(case["video"])
    with Video(video) as opened:
        plans = [plan_of(one, (opened.info.width, opened.info.height), opened.info.frame_rate) for one in shown]
    plain = PlainRenderer(video)
    with Meter() as meter:
        for plan in plans:
            plain.animation(plan.shown.track, plan.times_s, plan.view.size, Path(case["out"]) / "plain.gif")
    return {"wall": meter.wall_s / len(plans)}


MEASURES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ours": measure_ours,
    "decoding": measure_decoding,
    "compression": measure_compression,
    "looks": measure_looks,
    "plain_summary": measure_plain_summary,
    "plain_gifs": measure_plain_gifs,
}


def in_child(measure: str, case: dict[str, Any]) -> dict[str, Any]:
    """One measure in a fresh process, so that peak memory is its own."""
    command = [sys.executable, "-m", "bench.rendering", "--child", measure, json.dumps(case)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@dataclass(frozen=True, slots=True)
class Row:
    """Ours, the CPU seconds of a and b, and the wall seconds of c's summary for each object."""

    ours: dict[str, Any]
    a: float
    b: float
    plain_summary: float


def in_turn(case: dict[str, Any], *, runs: int) -> Row:
    """One after the other, `runs` times: the middle of each."""
    ours, a, b, plain = [], [], [], []
    for _ in range(runs):
        ours.append(in_child("ours", case))
        limit = in_child("decoding", case)
        a.append(limit["summary_cpu"] + limit["gifs_cpu"])
        b.append(in_child("compression", case)["cpu"])
        plain.append(in_child("plain_summary", case)["wall"])
    ours.sort(key=lambda result: result["summary"][0] + result["gifs"][0])
    middle = runs // 2
    return Row(ours[middle], sorted(a)[middle], sorted(b)[middle], sorted(plain)[middle])


# --- the report ---------------------------------------------------------------------------------------------------------------


COLUMNS = (
    "shown",
    "objects",
    "summary wall s",
    "summary cpu s",
    "GIFs wall s",
    "GIFs cpu s",
    "a cpu s",
    "b cpu s",
    "cpu / (a + b)",
    "peak MB",
    "GIF MB: median, p90, max",
)


def report(*, quick: bool) -> None:
    duration_s = 20 if quick else 120
    counts = (10, 30) if quick else (10, 50, 200)
    FOLDER.mkdir(exist_ok=True)
    clip = FOLDER / f"clip-{duration_s}s-3.mp4"
    if not clip.exists():
        print(f"drawing {clip.name} ...", file=sys.stderr)
        draw_clip(clip, duration_s)
    out = FOLDER / "out"
    print(
        f"{os.cpu_count()} cores, 1920x1080, {duration_s} s, 30 fps. a: decoding for both passes, b: LZW of what was written.\n"
    )
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    rows: dict[tuple[str, int], Row] = {}
    looks: dict[str, dict[str, Any]] = {}
    for shown, inflated in (("whole", 6.0), ("windows", 1.0)):
        for count in counts:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            case = {"video": str(clip), "out": str(out), "duration_s": duration_s, "count": count, "inflated": inflated}
            rows[shown, count] = in_turn(case, runs=1 if quick else RUNS)
            if count == counts[0]:
                looks[shown] = in_child("looks", case)
            print_row(shown, rows[shown, count])
    for shown, measured in looks.items():
        print_looks(shown, measured)
    case = {"video": str(clip), "out": str(out), "duration_s": duration_s, "count": counts[-1], "inflated": 6.0}
    plain_gifs = in_child("plain_gifs", case)["wall"]
    print(f"\nThe plain renderer needs {plain_gifs:.0f} s for a GIF, by the first {PLAIN_OBJECTS} objects.")
    for (shown, count), row in rows.items():
        faster = row.plain_summary * count / row.ours["summary"][1]
        print(
            f"Ours, {shown}, {count} objects: {faster:.0f}x as fast for the summary ({row.plain_summary:.2f} s an object), "
            f"{plain_gifs * count / row.ours['gifs'][1]:.0f}x for the GIFs."
        )
    print("\n| video | peak MB, 200 objects |\n|---|---|")
    for repeats in (1, 3) if quick else (1, 5, 30):
        longer = FOLDER / f"clip-{duration_s}s-3-x{repeats}.mp4"
        if not longer.exists():
            repeat_clip(clip, longer, repeats)
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        length = duration_s * repeats
        case = {"video": str(longer), "out": str(out), "duration_s": length, "count": OBJECTS, "inflated": 1.0}
        print(f"| {length / 60:.1f} min | {in_child('ours', case)['peak_mb']:.0f} |")
    shutil.rmtree(out, ignore_errors=True)


def print_row(shown: str, row: Row) -> None:
    result, a, b = row.ours, row.a, row.b
    (summary_cpu, summary_wall), (gifs_cpu, gifs_wall) = result["summary"], result["gifs"]
    cells = [f"{shown} ({result['whole']} of {result['objects']} whole)", str(result["objects"])]
    cells += [f"{seconds:.1f}" for seconds in (summary_wall, summary_cpu, gifs_wall, gifs_cpu, a, b)]
    cells += [f"{(summary_cpu + gifs_cpu) / (a + b):.2f}", f"{result['peak_mb']:.0f}"]
    cells.append(", ".join(f"{size / 1e6:.2f}" for size in result["bytes"]))
    print(f"| {' | '.join(cells)} |", flush=True)


def print_looks(shown: str, measured: dict[str, Any]) -> None:
    median, worst, frame = measured["ssim"]
    print(
        f"\n{shown}: SSIM median {median:.3f}, worst GIF {worst:.3f}, worst frame {frame:.3f}; PSNR {measured['psnr']:.1f} dB; "
        f"flicker {measured['flicker']:.2f} levels ({measured['gifs']} GIFs)"
    )


def report_real(video: Path, annotations: Path) -> None:
    """A real annotation file over a real video, repeated until it is long enough."""
    read = video_intelligence.read(annotations.read_bytes())
    with Video(video) as opened:
        repeats = max(1, int(read.end_s / opened.info.duration_s) + 1)
    FOLDER.mkdir(exist_ok=True)
    longer, out = FOLDER / "real.mp4", FOLDER / "out"
    repeat_clip(video, longer, repeats)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    case = {"video": str(longer), "out": str(out), "annotations": str(annotations), "count": 40}
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    print_row("real", in_turn(case, runs=RUNS))
    print_looks("real", in_child("looks", case))
    longer.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description="How close rendering comes to its limit.")
    parser.add_argument("--quick", action="store_true", help="20 s of video and 10 and 30 objects")
    parser.add_argument("--child", nargs=2, metavar=("MEASURE", "CASE"), help=argparse.SUPPRESS)
    parser.add_argument("--real", nargs=2, type=Path, metavar=("VIDEO", "ANNOTATIONS"), help="a real file over a real video")
    arguments = parser.parse_args()
    if arguments.real:
        report_real(*arguments.real)
    elif arguments.child:
        measure, case = arguments.child
        print(json.dumps(MEASURES[measure](json.loads(case))))
    else:
        report(quick=arguments.quick)


if __name__ == "__main__":
    main()
