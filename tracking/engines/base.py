"""
The two kinds of engine: video in, annotations out.

A direct engine works in this process (or a child of it) until it is done. A remote one is started, gives back a handle that
survives a restart of ours, and is asked from time to time; the waiting belongs to the job, not to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NewType, Protocol

from tracking.errors import TrackletError
from tracking.model import Annotations, EngineWarning, Segment

GOOGLE_RETIRES: Final = date(2027, 9, 14)
"""
The day on which the Video Intelligence API is shut down; deprecated since 2026-09-14.

Source: docs.cloud.google.com/video-intelligence/docs/deprecations
"""


class EngineName(StrEnum):
    """What `--engine` and `TRACKLET_ENGINE` accept."""

    AUTO = "auto"
    YOLOX = "yolox"
    MOTION = "motion"
    GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an engine is: `done_s` of `total_s` seconds of video; `total_s` is 0 when the video does not say."""

    done_s: float
    total_s: float

    @property
    def fraction(self) -> float:
        """0..1; 0 while the total is unknown."""
        return min(self.done_s / self.total_s, 1.0) if self.total_s > 0 else 0.0


ProgressCallback = Callable[[Progress], None]
CancelCheck = Callable[[], bool]


def no_progress(_: Progress) -> None:
    """For callers that do not show any."""


def never_cancelled() -> bool:
    """For callers that cannot stop."""
    return False


class DirectEngine(Protocol):
    """An engine that works here and now."""

    @property
    def name(self) -> EngineName: ...

    @property
    def run_key(self) -> str:
        """What else decides the result (model, version): equal keys and bytes give equal annotations."""
        ...

    def track(
        self,
        video: Path,
        *,
        segment: Segment | None = None,
        progress: ProgressCallback = no_progress,
        cancelled: CancelCheck = never_cancelled,
    ) -> Annotations:
        """
        Follow every object in `video`.

        Calls `progress` a few times a second and asks `cancelled` between frames. Raises `VideoError`, `EngineError`, or
        `Cancelled`.
        """
        ...


Handle = NewType("Handle", str)


@dataclass(frozen=True, slots=True)
class RemoteState:
    """
    Where a remote run is: `percent` 0..100; `problems` are the parts that failed in a run that is done.

    One that `is_out_of_quota` has ended without a result; the same may be started again when the quota has filled.
    """

    percent: int
    done: bool
    problems: tuple[EngineWarning, ...] = ()
    is_out_of_quota: bool = False


class RemoteEngine(Protocol):
    """
    An engine that works elsewhere. Each call is sent once: whether to try again is the job's to decide.

    `EngineUnavailable` means that asking again may help, unless it is final; after `start` its reason "unanswered" means that
    the run may have begun all the same. Any other error is final for this run.
    """

    @property
    def name(self) -> EngineName: ...

    @property
    def run_key(self) -> str:
        """What else decides the result (model, version): equal keys and bytes give equal annotations."""
        ...

    async def start(self, video: str | Path, *, annotations_uri: str = "", segment: Segment | None = None) -> Handle:
        """
        Ask for tracking of `video`: an object's URI, or a small file that travels inside of the request.

        The annotations are written to `annotations_uri`; where that is "", `annotations` gives them. Raises `InputError` or
        `EngineError`.
        """
        ...

    async def find(self, video_uri: str, *, since: datetime) -> Sequence[Handle]:
        """
        Return the runs over an object that began at `since` or later, by this machine's clock: one of them may be a start of
        ours whose answer was lost.

        Raises `EngineError` where the service does not tell.
        """
        ...

    async def poll(self, handle: Handle) -> RemoteState:
        """Return where the run is. Raises `Cancelled`, `InputError` or `EngineError`."""
        ...

    def failure(self, code: int, message: str, *, video_uri: str) -> TrackletError:
        """Return the error that `poll` would raise for a run whose annotation file says that it failed."""
        ...

    async def annotations(self, handle: Handle) -> Annotations:
        """Return what a run found that is done, for one that had no place to write to. Raises as `poll` does."""
        ...

    async def cancel(self, handle: Handle) -> None:
        """Stop the run; nothing happens when it is over or unknown. Raises `EngineUnavailable`."""
        ...
