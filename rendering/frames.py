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

NeedT = TypeVar("NeedT")

Progress = Callable[[float], None]
CancelCheck = Callable[[], bool]


def no_progress(_: float) -> None:
    """For callers that do not show any."""


def never_cancelled() -> bool:
    """For callers that cannot stop."""
    return False


def needed_frames(
    video: Video, needs: Sequence[tuple[float, NeedT]], *, progress: Progress, cancelled: CancelCheck
) -> Iterator[tuple[Frame, list[NeedT]]]:
    """
    Decode each frame that `needs` (time, for what) ask for, once, and give it with everything that it is for.

    What one frame is for comes in the order of their times, equal times in the order given. `progress` goes from 0 to 1; raises
    `Cancelled` soon after `cancelled` says so.
    """
    order = sorted(range(len(needs)), key=lambda place: needs[place][0])
    times = np.array([needs[place][0] for place in order])
    for due, frame in video.frames_at(times):
        if cancelled():
            raise Cancelled
        yield frame, [needs[order[place]][1] for place in due.tolist()]
        progress((int(due[-1]) + 1) / len(needs))


def part_of(progress: Progress, done: float, share: float, total: float) -> Progress:
    """Return the progress of a part: that of the whole while `share` of `total` is under way and `done` is done."""
    return lambda fraction: progress((done + fraction * share) / total)


@contextmanager
def opencv_in_this_thread() -> Iterator[None]:
    """OpenCV without threads of its own: for the small pictures here they wait, spinning, for as long as they work."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
