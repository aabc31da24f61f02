"""
The engines that need no service: a detector for everything it knows, motion for fixed cameras where there is no detector.

Both detect about ten times a second, associate within each shot and give each track one label; `tracking/local/` has the
parts. Made to run in a child process: no state is left behind, memory does not grow with the video.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from tracking.engines.base import CancelCheck, EngineName, Progress, ProgressCallback, never_cancelled, no_progress
from tracking.errors import Cancelled, EngineRefusal, EngineRefused
from tracking.local import coco
from tracking.local.association import AssociatedTrack
from tracking.local.detectors.base import Detector
from tracking.local.following import follow
from tracking.local.motion import LABELS as MOTION_LABELS
from tracking.local.motion import STILL_CAMERA_SHARE, MotionDetector, moving_share
from tracking.local.network import model_key, open_detector
from tracking.local.shots import RATE_HZ, ShotFinder
from tracking.model import Annotations, EngineWarning, ProblemKind, Segment, Track
from tracking.video.file import DATA_LOSS as DATA_LOSS
from tracking.video.file import DEFAULT_LIMITS, Limits, Video

LEAST_CONFIDENCE = 0.25  # weaker tracks are noise; from here on they are written, so that near misses can be told

# google.rpc.Code
FAILED_PRECONDITION = 9

BACKGROUND_PICTURES = 40
CAMERA_PAIR_EVERY_S = 0.5
CAMERA_SIZE = (320, 180)


class DetectorEngine:
    """
    The local engine proper: `model` is a network of one of the families in `tracking/local/detectors/`.

    Raises `ModelError` for any other file, on first use.
    """

    name = EngineName.YOLOX

    def __init__(self, model: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._model = model
        self._limits = limits

    @cached_property
    def _detector(self) -> Detector:
        return open_detector(self._model)

    @property
    def run_key(self) -> str:
        return f"{self.name}-{model_key(self._model)}"

    def track(
        self,
        video: Path,
        *,
        segment: Segment | None = None,
        progress: ProgressCallback = no_progress,
        cancelled: CancelCheck = never_cancelled,
    ) -> Annotations:
        """See `DirectEngine.track`."""
        detector = self._detector
        with Video(video, limits=self._limits) as opened:
            found, shots = follow(opened, detector, segment=segment, progress=progress, cancelled=cancelled)
            problems = opened.loss.problems if opened.loss else ()
        tracks = _tracks(found, detector.labels)
        return Annotations(tracks, tuple(shots), segment=Segment(shots[0].start_s, shots[-1].end_s), problems=problems)


class MotionEngine:
    """
    The engine that needs no model: whatever moves before a fixed camera, as "moving object".

    Where the camera moves in every shot it refuses; where it moves in some, these are left out and named as problems.
    """

    name = EngineName.MOTION
    run_key = "motion-1"

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def track(
        self,
        video: Path,
        *,
        segment: Segment | None = None,
        progress: ProgressCallback = no_progress,
        cancelled: CancelCheck = never_cancelled,
    ) -> Annotations:
        """See `DirectEngine.track`. Raises `EngineRefused` ("moving-camera") where the camera never stands still."""

        def half(share_done: float) -> ProgressCallback:
            return lambda done: progress(Progress(share_done * done.total_s + done.done_s / 2, done.total_s))

        with Video(video, limits=self._limits) as opened:
            shots, shares = _shots_and_shares(opened, segment, half(0.0), cancelled)
            lost = opened.loss.problems if opened.loss else ()  # of the pass over all
            whole = Segment(shots[0].start_s, shots[-1].end_s)
            still = [shot for shot, share in zip(shots, shares, strict=True) if share < STILL_CAMERA_SHARE]
            if not still:
                raise EngineRefused(engine=self.name, reason=EngineRefusal.MOVING_CAMERA)
            found: list[AssociatedTrack] = []
            for shot in still:
                before_s = shot.start_s - whole.start_s

                def within(done: Progress, before_s: float = before_s) -> None:
                    half(0.5)(Progress(before_s + done.done_s, whole.duration_s))

                detector = _learned(opened, shot)
                found += follow(
                    opened, detector, segment=_inside(shot), find_shots=False, progress=within, cancelled=cancelled
                )[0]
            moving = [shot for shot in shots if shot not in still]
            problems = lost + tuple(
                EngineWarning(
                    FAILED_PRECONDITION,
                    f"the camera moves from {shot.start_s:.1f} s to {shot.end_s:.1f} s",
                    ProblemKind.CAMERA_MOVES,
                    *shot,
                )
                for shot in moving
            )
        return Annotations(_tracks(found, MOTION_LABELS), tuple(shots), segment=whole, problems=problems)


def _shots_and_shares(
    video: Video, segment: Segment | None, progress: ProgressCallback, cancelled: CancelCheck
) -> tuple[list[Segment], list[float]]:
    """Return the shots of `segment`, and for each the share of the picture that moves from one frame to the next, 0..1."""
    info = video.info
    start_s, end_s = segment or Segment(0.0, info.duration_s)
    finder = ShotFinder()
    cuts: list[float] = []
    shares: list[tuple[float, float]] = []
    before: NDArray[np.uint8] | None = None
    time_s = start_s
    due_s = start_s
    for frame in video.frames(segment=segment, rate_hz=RATE_HZ):
        if cancelled():
            raise Cancelled
        time_s = frame.time_s
        cuts += finder.add(time_s, frame.pixels(ShotFinder.picture_size(info.width, info.height), order="bgr"))
        if time_s >= due_s:
            # This picture and the next make a pair.
            if before is None:
                before = frame.pixels(CAMERA_SIZE, order="bgr")
            else:
                shares.append((time_s, moving_share([(before, frame.pixels(CAMERA_SIZE, order="bgr"))])))
                before = None
                due_s = time_s + CAMERA_PAIR_EVERY_S
        progress(Progress(time_s - start_s, max(end_s, time_s) - start_s))
    edges = [start_s, *(cut for cut in cuts if start_s < cut < time_s), max(min(end_s, info.duration_s or end_s), time_s)]
    shots = [Segment(start, end) for start, end in itertools.pairwise(edges)]
    return shots, [
        median([share for at, share in shares if shot.start_s < at <= shot.end_s and at not in cuts] or [0.0]) for shot in shots
    ]


def _learned(video: Video, shot: Segment) -> MotionDetector:
    """Return the background of one shot, from pictures spread over it."""
    size = MotionDetector.picture_size(video.info.width, video.info.height)
    times = np.linspace(shot.start_s, _inside(shot).end_s, BACKGROUND_PICTURES)
    return MotionDetector.learn([frame.pixels(size, order="bgr") for _, frame in video.frames_at(times)])


def _inside(shot: Segment) -> Segment:
    """Return a shot without the picture at its end, which is the first of the next."""
    return Segment(shot.start_s, max(shot.start_s, shot.end_s - 0.005))


def _tracks(found: Sequence[AssociatedTrack], labels: Sequence[str]) -> tuple[Track, ...]:
    """Tracks as they are written: clipped to the picture, in order of their start, numbered."""
    tracks: list[Track] = []
    for track in sorted(found, key=lambda track: (float(track.times[0]), -track.confidence)):
        boxes = np.clip(track.boxes, 0.0, 1.0)
        seen = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        if track.confidence < LEAST_CONFIDENCE or not seen.any():
            continue
        label = labels[track.class_index]
        tracks.append(
            Track(
                track_id=len(tracks),
                label=label,
                confidence=min(round(track.confidence, 4), 1.0),
                times=np.round(track.times[seen], 6),
                boxes=boxes[seen],
                entity_id=coco.ENTITY_IDS.get(label, ""),
                language_code="en-US",
            )
        )
    return tuple(tracks)
