"""
What an export format is: a name by which the command line asks for it, and a function that writes its file.

Nothing else knows the formats one by one, so that a new one is a new module in this folder (docs/extending.md). The form in
which engines and renderers speak to each other is `video_intelligence.py`; the others are for other people's tools.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.model import Annotations
from tracking.registry import Registry
from tracking.video.file import TIME_TOLERANCE_S, VideoInfo


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """Annotations, and the video that they are of; `frame_times` (M,) are the seconds of its frames in the order shown."""

    annotations: Annotations
    info: VideoInfo
    frame_times: NDArray[np.float64]

    def frames_of(self, times_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the number, from 0, of the frame on the screen at each of `times_s` (N,), the first or last outside."""
        numbers = np.searchsorted(self.frame_times, times_s + TIME_TOLERANCE_S, side="right") - 1
        return np.clip(numbers, 0, self.frame_times.size - 1)


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """
    One format.

    `title` is what people call it, `description` what its file holds, for help texts. `suffix` is what its file's name has
    behind the video's.
    """

    key: str
    title: str
    description: str
    suffix: str
    write: Callable[[Exported], bytes]


FORMATS: Registry[ExportFormat] = Registry("tracking.formats")
