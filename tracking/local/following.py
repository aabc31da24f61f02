"""
From pictures to tracks: one decode feeds the shot finder and the detector, and association follows behind.

Detection is what costs, so it runs on all cores beside the decoder, a bounded number of pictures ahead of association; the
order stays. No track crosses a cut.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tracking.engines.base import CancelCheck, Progress, ProgressCallback
from tracking.errors import Cancelled
from tracking.local.association import AssociatedTrack, Associator
from tracking.local.detectors.base import Detections, Detector
from tracking.local.shots import RATE_HZ, ShotFinder
from tracking.model import Segment
from tracking.video.file import FrameSampler, Video

# Pictures a second that are looked at: fewer lose fast objects, more only cost time (docs/association.md).
DETECTION_RATE_HZ = 10.0
SLOW_VIDEO_HZ = 13.0  # a video that is hardly faster is looked at whole: an even step is worth more than the exact rate
AHEAD = 4  # pictures in work for each core


def follow(
    video: Video,
    detector: Detector,
    *,
    segment: Segment | None = None,
    find_shots: bool = True,
    progress: ProgressCallback,
    cancelled: CancelCheck,
) -> tuple[list[AssociatedTrack], list[Segment]]:
    """
    Return the tracks of `segment` (default: all), and the shots it has; with `find_shots` False it is one shot.

    Raises `VideoError`, or `Cancelled` within one frame of `cancelled` saying so.
    """
    info = video.info
    start_s, end_s = segment or Segment(0.0, info.duration_s)
    rate_hz = DETECTION_RATE_HZ if info.frame_rate > SLOW_VIDEO_HZ or not info.frame_rate else None
    finder = ShotFinder() if find_shots else None
    shot_tracks = _ShotTracks(info.width / info.height)
    ticks = FrameSampler(rate_hz, start_s=start_s)
    size = detector.picture_size(info.width, info.height)
    time_s = start_s
    with DetectionQueue(detector.detect) as queue:
        for frame in video.frames(segment=segment, rate_hz=RATE_HZ if finder else rate_hz):
            if cancelled():
                raise Cancelled
            time_s = frame.time_s
            if finder:
                for cut_s in finder.add(time_s, frame.pixels(ShotFinder.picture_size(info.width, info.height), order="bgr")):
                    shot_tracks.cut(cut_s)
            if ticks.is_due(time_s):
                queue.put(time_s, frame.pixels(size, order="bgr"))
                progress(Progress(time_s - start_s, max(end_s, time_s) - start_s))
            for found in queue.done(until_s=finder.certain_until_s if finder else time_s):
                shot_tracks.add(*found)
        for found in queue.rest():
            if cancelled():
                raise Cancelled
            shot_tracks.add(*found)
    progress(Progress(max(end_s, time_s) - start_s, max(end_s, time_s) - start_s))
    last_s = time_s if video.loss else max(min(end_s, info.duration_s or end_s), time_s)
    return shot_tracks.finished(Segment(start_s, last_s))


class DetectionQueue:
    """
    Pictures in, detections out in the same order; the detectors work beside the caller, one a core.

    A context manager: on leaving, what is not done is dropped.
    """

    def __init__(self, detect: Callable[[NDArray[np.uint8]], Detections]) -> None:
        self._detect = detect
        self._workers = cores()
        self._waiting: deque[tuple[float, Future[Detections]]] = deque()

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="detector")
        self._stack.callback(pool.shutdown, cancel_futures=True)
        self._pool = pool
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def put(self, time_s: float, pixels: NDArray[np.uint8]) -> None:
        """Hands a picture over; waits while too many are in work."""
        if len(self._waiting) >= AHEAD * self._workers:
            self._waiting[len(self._waiting) - AHEAD * self._workers][1].result()
        self._waiting.append((time_s, self._pool.submit(self._detect, pixels)))

    def done(self, *, until_s: float) -> Iterator[tuple[float, Detections]]:
        """Yield what is finished, up to and including `until_s`; waits for nothing."""
        while self._waiting and self._waiting[0][0] <= until_s and self._waiting[0][1].done():
            time_s, future = self._waiting.popleft()
            yield time_s, future.result()

    def rest(self) -> Iterator[tuple[float, Detections]]:
        """Everything that was put in, waited for."""
        while self._waiting:
            time_s, future = self._waiting.popleft()
            yield time_s, future.result()


class _ShotTracks:
    """Association with a new beginning at each cut."""

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._associator = Associator(aspect=aspect)
        self._tracks: list[AssociatedTrack] = []
        self._cuts: list[float] = []
        self._passed = 0

    def cut(self, time_s: float) -> None:
        """A shot begins at `time_s`."""
        self._cuts.append(time_s)

    def add(self, time_s: float, found: Detections) -> None:
        """The next picture's detections; all cuts before it must be known."""
        while self._passed < len(self._cuts) and self._cuts[self._passed] <= time_s:
            self._passed += 1
            self._tracks += self._associator.finish()
            self._associator = Associator(aspect=self._aspect)
        self._associator.update(time_s, found)

    def finished(self, whole: Segment) -> tuple[list[AssociatedTrack], list[Segment]]:
        """Return all tracks, and the shots between the cuts."""
        self._tracks += self._associator.finish()
        edges = [whole.start_s, *(cut for cut in self._cuts if whole.start_s < cut < whole.end_s), whole.end_s]
        return self._tracks, [Segment(start, end) for start, end in itertools.pairwise(edges)]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
