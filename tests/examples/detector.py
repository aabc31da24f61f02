"""A detector family whose networks say in their metadata that they are of it, and give one row for each object."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.local.class_names import own_labels
from tracking.local.detectors.base import FAMILIES, Detections, DetectorFamily
from tracking.local.network import Network

CLASSES = 2


class BlobDetector:
    """One network of the family: (1, 3, H, W) in, rows (N, 6) of left, top, right, bottom, score and class out."""

    def __init__(self, network: Network) -> None:
        sides = network.inputs[0].sides[2:]
        if len(sides) != 2 or None in sides:
            raise network.refused()
        self._network = network
        self._height, self._width = (int(side or 0) for side in sides)
        self.labels = own_labels(network, CLASSES)

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size of the network's input: pictures are squeezed into it."""
        return self._width, self._height

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Return the boxes in a picture; see `Detector`."""
        fitted = np.asarray(cv2.resize(pixels, (self._width, self._height)), np.float32)
        rows = self._network.run({self._network.inputs[0].name: fitted.transpose(2, 0, 1)[None] / 255})[0]
        return Detections(boxes=rows[:, :4], scores=rows[:, 4], classes=rows[:, 5].astype(np.intp))


def recognises(network: Network) -> bool:
    """Return whether a network says that it is of this family."""
    return network.metadata.get("family") == "blobs"


FAMILIES.register(DetectorFamily(key="blobs", title="Blobs", recognises=recognises, load=BlobDetector))
