"""
What boxes cost: `python -m bench.annotated_video [VIDEO ANNOTATIONS]...`.

Measures in one run, in turn, each in a process of its own: the video with boxes as we write it, and the same frames decoded and
encoded with the same settings and nothing drawn. Without arguments it draws its own clip: 1080p, 30 fps, 20 s, some 34 objects.
Times are CPU seconds of the process and its threads, the middle one of three runs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import av
from av.video.reformatter import VideoReformatter

from bench.rendering import Meter, draw_clip, tracks
from bench.report import Table
from rendering.kinds.base import RenderOptions
from rendering.kinds.video import shown_size
from rendering.render import render
from rendering.selection import Selection
from rendering.video.writer import VideoWriter
from tracking.formats import video_intelligence
from tracking.model import Annotations
from tracking.video.file import ANY_LENGTH, Video

FOLDER = Path(tempfile.gettempdir()) / "tracklet-bench-annotated-video"
OWN_S = 20.0
RUNS = 3


def with_boxes(video: Path, annotations: Path | None, out: Path) -> None:
    """Write the video with boxes."""
    given = video_intelligence.read(annotations) if annotations else Annotations(tuple(tracks(OWN_S, 34)))
    options = RenderOptions(Selection() if annotations else Selection(min_frames=1))
    render(video, given, out, name="boxes", options=options, make=["video"])


def without_boxes(video: Path, annotations: Path | None, out: Path) -> None:
    """Decode all frames, and encode them as they are."""
    with Video(video, limits=ANY_LENGTH) as opened:
        size, rate, matrix = shown_size(opened.info.width, opened.info.height), opened.info.frame_rate, opened.framing.matrix
    scaler = VideoReformatter()
    with av.open(str(video)) as container, VideoWriter(out / "plain", size, rate=rate, matrix=matrix, sound=None) as writer:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for number, frame in enumerate(container.decode(stream)):
            picture = scaler.reformat(frame, width=size[0], height=size[1], format="yuv420p")
            picture.pict_type = 0
            writer.add(picture, number / rate, 1 / rate)
        writer.finish(0.0)


def main() -> None:
    """Measure one in a child, or all in turn."""
    FOLDER.mkdir(exist_ok=True)
    if len(sys.argv) > 1 and sys.argv[1] in {"with", "without"}:
        work = with_boxes if sys.argv[1] == "with" else without_boxes
        with Meter() as meter:
            work(Path(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3] else None, FOLDER)
        print(meter.cpu_s)
        return
    cases = [(Path(sys.argv[at]), sys.argv[at + 1]) for at in range(1, len(sys.argv) - 1, 2)]
    if not cases:
        clip = FOLDER / "clip.mp4"
        if not clip.exists():
            draw_clip(clip, OWN_S)
        cases = [(clip, "")]
    table = Table("Video with boxes", ("clip", "size", "frames", "with cpu s", "without cpu s", "ratio"))
    for video, given in cases:
        taken: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(RUNS):
            for what, seconds in taken.items():
                command = [sys.executable, "-m", "bench.annotated_video", what, str(video), given]
                seconds.append(float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
        info = Video(video, limits=ANY_LENGTH).info
        ours, plain = statistics.median(taken["with"]), statistics.median(taken["without"])
        size = f"{info.width} x {info.height}"
        table.add(video.name, size, f"{info.frame_count:,}", f"{ours:.2f}", f"{plain:.2f}", f"{ours / plain:.2f}")
    print(table)


if __name__ == "__main__":
    main()
