"""
The port between the local engine and whatever finds boxes in one picture.

Boxes are fractions of the upright picture, left, top, right, bottom; they may leave 0..1 with the object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector found in one picture: `boxes` (N, 4), `scores` (N,) in 0..1, `classes` (N,) indexes of its labels."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.intp]

    def __len__(self) -> int:
        return int(self.scores.size)

    @classmethod
    def none(cls) -> Detections:
        """A picture with nothing in it."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))


class Detector(Protocol):
    """Finds boxes in one picture; may be asked from several threads at once."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each class index."""
        ...

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """The size (width, height) at which it would like a picture of this size: more only costs time."""
        ...

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Boxes in an upright picture, (H, W, 3) uint8 in BGR order, of any size."""
        ...
