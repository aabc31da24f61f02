"""
The local engine against its own detector: what decoding, shots and association add to preprocessing and inference.

The detector alone gets the same pictures, decoded before and held in memory, on as many threads as the engine uses.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.report import Table
from tests.shared_data import SHARED_DATA
from tracking.engines.local import DetectorEngine, MotionEngine
from tracking.errors import EngineRefused
from tracking.local.following import DETECTION_RATE_HZ, SLOW_VIDEO_HZ, cores
from tracking.local.network import open_detector
from tracking.model import Segment
from tracking.video.file import Video

VIDEOS = ("pedestrians-plaza.mp4", "traffic-overhead.mp4", "people-crowd.mp4", "horses.mp4")
LONGEST = Segment(0.0, 30.0)  # of each: the pictures for the detector alone are held in memory
RUNS = 3


def model() -> Path | None:
    """The detector to measure with: TRACKLET_MODEL, or the one beside the test videos."""
    path = Path(os.environ.get("TRACKLET_MODEL") or SHARED_DATA / "models/yolox_nano.onnx")
    return path if path.is_file() else None


def main() -> None:
    """Measures, and prints a table; a sentence where there is no model or no video."""
    path = model()
    videos = [SHARED_DATA / "videos" / name for name in VIDEOS if (SHARED_DATA / "videos" / name).exists()]
    if not path or not videos:
        print("The local engine was not measured: set TRACKLET_MODEL, and put the test videos beside the checkout.")
        return
    table = Table(
        f"Local engine, {path.name}, {cores()} cores, the first {LONGEST.end_s:.0f} s of each",
        ("video", "real-time factor", "times the detector alone", "CPU s per s of video", "motion engine, real-time factor"),
    )
    for video in videos:
        with Video(video) as opened:
            length_s = min(LONGEST.end_s, opened.info.duration_s)
        engine_s, cpu_s, alone_s, motion_s = [], [], [], []
        for _run in range(RUNS):
            alone_s.append(detector_alone_s(path, video))
            started, cpu = time.perf_counter(), time.process_time()
            DetectorEngine(path).track(video, segment=LONGEST)
            engine_s.append(time.perf_counter() - started)
            cpu_s.append(time.process_time() - cpu)
            motion_s.append(motion_wall_s(video))
        table.add(
            video.name,
            f"{statistics.median(engine_s) / length_s:.2f}",
            f"{statistics.median(e / a for e, a in zip(engine_s, alone_s, strict=True)):.2f}",
            f"{statistics.median(cpu_s) / length_s:.2f}",
            f"{statistics.median(motion_s) / length_s:.2f}" if motion_s[0] else "refused: the camera moves",
        )
    table.add("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", "", "", "")
    print(table)


def detector_alone_s(path: Path, video: Path) -> float:
    """Wall seconds of preprocessing and inference alone, the network loaded and the pictures decoded before."""
    detector = open_detector(path)
    with Video(video) as opened:
        info = opened.info
        size = detector.picture_size(info.width, info.height)
        rate_hz = DETECTION_RATE_HZ if info.frame_rate > SLOW_VIDEO_HZ else None
        pictures = [frame.pixels(size, order="bgr") for frame in opened.frames(segment=LONGEST, rate_hz=rate_hz)]
    with ThreadPoolExecutor(cores()) as pool:
        started = time.perf_counter()
        list(pool.map(detector.detect, pictures))
        return time.perf_counter() - started


def motion_wall_s(video: Path) -> float:
    """Wall seconds of the motion engine, 0 where it refuses the video."""
    started = time.perf_counter()
    try:
        MotionEngine().track(video, segment=LONGEST)
    except EngineRefused:
        return 0.0
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
