"""
Where a video cuts from one shot to the next.

PySceneDetect decides, by how much a picture differs from the one before against how much its neighbours do; this module
feeds it one picture after the other and keeps to seconds.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

SIDE_PX = 256  # enough to tell one scene from another; four times as fast as 512
RATE_HZ = 30.0  # below some 15 pictures a second fast motion hides a cut (measured: one of five was lost at 10)
NOMINAL_FPS = 25.0  # the library counts frames and wants a rate to name them by; it decides nothing


class ShotFinder:
    """
    Finds cuts as pictures come in.

    A cut is known a few pictures after it was shown: `certain_until_s` is the time until which all cuts are known.
    """

    def __init__(self) -> None:
        self._detector = AdaptiveDetector(min_scene_len=1)
        self._count = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=self._detector.event_buffer_length + 2)
        self.certain_until_s = -np.inf

    def add(self, time_s: float, pixels: NDArray[np.uint8]) -> list[float]:
        """
        Return one picture, (H, W, 3) uint8 in BGR order, all of one size, times rising: the cuts that it made certain.

        A cut is given as the time of the first picture after it.
        """
        self._recent.append((self._count, time_s))
        found = self._detector.process_frame(FrameTimecode(self._count, fps=NOMINAL_FPS), pixels)
        self._count += 1
        times = dict(self._recent)
        cuts = [times[cut.frame_num] for cut in found if cut.frame_num in times]
        if len(self._recent) == self._recent.maxlen:
            self.certain_until_s = self._recent[1][1]
        return cuts

    @staticmethod
    def picture_size(width: int, height: int) -> tuple[int, int]:
        """Return the size (width, height) at which to give pictures of this size."""
        scale = min(1.0, SIDE_PX / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))
