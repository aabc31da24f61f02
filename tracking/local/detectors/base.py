"""
The port between the local engine and whatever finds boxes in one picture, and the families of networks that do.

Boxes are fractions of the upright picture, left, top, right, bottom; they may leave 0..1 with the object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from tracking.registry import Registry

if TYPE_CHECKING:
    from tracking.local.network import Network


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
        """Return the detections of a picture with nothing in it."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))


class Detector(Protocol):
    """Finds boxes in one picture; may be asked from several threads at once."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each class index."""
        ...

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size (width, height) at which it would like a picture of this size: more only costs time."""
        ...

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Return the boxes in an upright picture, (H, W, 3) uint8 in BGR order, of any size."""
        ...


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A file of a release, and what it must be; the sha256 is ours where a release names no checksums."""

    url: str
    size_bytes: int
    sha256: str

    @property
    def file(self) -> str:
        """Its name in the cache."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class DetectorFamily:
    """
    Networks of one design.

    `title` is what people call it. `recognises` tells its exports from others by inputs, outputs and metadata; where two
    families do, the first in the order of keys has it. `load` makes a detector of one, and raises `ModelError` where it is none
    after all. `published` are the models that `--model` and `TRACKLET_MODEL` take by name, the quickest first.
    """

    key: str
    title: str
    recognises: Callable[[Network], bool]
    load: Callable[[Network], Detector]
    published: Mapping[str, PublishedModel] = field(default_factory=dict)


FAMILIES: Registry[DetectorFamily] = Registry("tracking.local.detectors")


def published_models() -> dict[str, PublishedModel]:
    """Return the models of all families that can be had by name."""
    return {name: model for family in FAMILIES.values() for name, model in family.published.items()}
