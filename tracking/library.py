"""What a notebook asks of this package: a video in, annotations out, and their file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tracking.atomic import write_whole
from tracking.engines.local import DetectorEngine, MotionEngine
from tracking.formats import video_intelligence
from tracking.local.weights import locate
from tracking.model import Annotations, Segment
from tracking.video.file import DEFAULT_LIMITS, Limits


def track(
    video: str | Path,
    *,
    engine: Literal["yolox", "motion"] = "yolox",
    model: str | Path = "tiny",
    segment: tuple[float, float] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Annotations:
    """
    Follow every object in `video`, from the second `segment[0]` to `segment[1]` or in all of it.

    `model` is a detector's file or the name of a published one, which is fetched once. "motion" needs none; it follows what
    moves before a fixed camera, and names nothing. Raises `VideoError`, `ModelError`, `EngineError`.
    """
    stretch = None if segment is None else Segment(*segment)
    limits = limits.for_segment(stretch)
    follows = MotionEngine(limits=limits) if engine == "motion" else DetectorEngine(locate(model), limits=limits)
    return follows.track(Path(video), segment=stretch)


def read(path: str | Path) -> Annotations:
    """Return what an annotation file holds, ours or Google's, in either spelling. Raises `AnnotationError`."""
    return video_intelligence.read(Path(path))


def save(annotations: Annotations, path: str | Path) -> None:
    """Write an annotation file, in place of one that is there. Raises `StorageError`."""
    write_whole(Path(path), video_intelligence.write(annotations))
