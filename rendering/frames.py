"""
The pictures that a pass needs, in time order, each decoded once for everyone who needs it.

Which pictures these are is said as times in seconds, in any order; a time past the end of the video gets its last picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import cv2
import numpy as np

from tracking.errors import Cancelled
from tracking.video.file import Frame, Video

WantT = TypeVar("WantT")

Progress = Callable[[float], None]
CancelCheck = Callable[[], bool]


def no_progress(_: float) -> None:
    """For callers that do not show any."""


def never_cancelled() -> bool:
    """For callers that cannot stop."""
    return False


def needed_frames(
    video: Video, wants: Sequence[tuple[float, WantT]], *, progress: Progress, cancelled: CancelCheck
) -> Iterator[tuple[Frame, list[WantT]]]:
    """
    Each frame that some of `wants` (time, what it is wanted for) asks for, with all that it serves.

    Wants of one frame come in the order of their times, equal times in the order given. `progress` goes from 0 to 1; raises
    `Cancelled` soon after `cancelled` says so.
    """
    order = sorted(range(len(wants)), key=lambda place: wants[place][0])
    times = np.array([wants[place][0] for place in order])
    for served, frame in video.frames_at(times):
        if cancelled():
            raise Cancelled
        yield frame, [wants[order[place]][1] for place in served.tolist()]
        progress((int(served[-1]) + 1) / len(wants))


@contextmanager
def opencv_in_this_thread() -> Iterator[None]:
    """OpenCV without threads of its own: for the small pictures here they wait, spinning, for as long as they work."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
