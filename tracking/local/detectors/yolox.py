"""
YOLOX: boxes with a label in one picture.

Takes any export of the family: the input's size and the number of classes are the file's own, coordinates may come raw or
decoded, class names may be in its metadata ("names"), else they are COCO's where there are 80. Suppression looks across
classes, for one object must not come as a car and a truck; which label is right is voted later, over the whole track.

Source of the network's contract: the YOLOX repository, demo/ONNXRuntime and yolox/utils/demo_utils.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.errors import ModelError
from tracking.local.class_names import own_labels
from tracking.local.detectors.base import FAMILIES, Detections, DetectorFamily, PublishedModel

if TYPE_CHECKING:
    from tracking.local.network import Network

STRIDES = (8, 16, 32)
PADDING = 114  # the grey around pictures in training
DEFAULT_SIDE_PX = 416  # where the export leaves its size open
MIN_SCORE = 0.1  # weak boxes may still continue a track; association decides
MAX_OVERLAP = 0.5  # intersection over union from which two boxes are one object
MAX_DETECTIONS = 300
RAW_COORDINATES_BELOW = 32.0  # raw centres are offsets within a cell, decoded ones reach the picture's far side


class YoloxDetector:
    """
    One network of the family; `labels` are its classes' names where the file's own do not count.

    Raises `ModelError` for a network that is none.
    """

    def __init__(self, network: Network, *, labels: Sequence[str] | None = None) -> None:
        self._network = network
        self._input, (self._width, self._height) = _examined(network)
        cells = [_cells(self._width, self._height, stride) for stride in STRIDES]
        self._centres = np.concatenate([centres for centres, _ in cells])
        self._strides = np.concatenate([strides for _, strides in cells])
        probe = self._run(np.full((self._height, self._width, 3), PADDING, np.uint8))
        if probe.ndim != 3 or probe.shape[1] != len(self._centres) or probe.shape[2] < 6:
            raise network.refused(str(probe.shape))
        self._decoded = float(probe[0, :, :2].max()) > RAW_COORDINATES_BELOW
        self._labels = tuple(labels) if labels else own_labels(network, probe.shape[2] - 5)
        if len(self._labels) != probe.shape[2] - 5:
            raise network.refused(f"{probe.shape[2] - 5} classes, {len(self._labels)} names")

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the largest size of its shape that fits into the network's input; small pictures grow as in training."""
        scale = min(self._width / width, self._height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Return boxes from a score of 0.1 on, best first, at most 300; see `Detector`."""
        height, width = pixels.shape[:2]
        size = self.picture_size(width, height)
        if size != (width, height):
            interpolation = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)
        found = self._run(pixels)[0]
        scores = found[:, 4] * found[:, 5:].max(axis=1)
        kept = np.flatnonzero(scores >= MIN_SCORE)
        if not kept.size:
            return Detections.none()
        found, scores = found[kept], np.minimum(scores[kept], 1.0)
        centres, sides = found[:, :2], found[:, 2:4]
        if not self._decoded:
            centres = (centres + self._centres[kept]) * self._strides[kept]
            sides = np.exp(np.minimum(sides, 10.0)) * self._strides[kept]
        corners = np.hstack([centres - sides / 2, centres + sides / 2]).astype(np.float32)
        best = _suppressed(corners, scores)
        return Detections(
            boxes=(corners[best] / np.array([size[0], size[1]] * 2, np.float32)).astype(np.float32),
            scores=scores[best].astype(np.float32),
            classes=found[best, 5:].argmax(axis=1).astype(np.intp),
        )

    def _run(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's rows (1, N, 5 + classes) for a picture that fits into its input."""
        height, width = pixels.shape[:2]
        planes = np.full((1, 3, self._height, self._width), PADDING, np.float32)
        planes[0, :, :height, :width] = pixels.transpose(2, 0, 1)
        return self._network.run({self._input: planes})[0]


def recognises(network: Network) -> bool:
    """Return whether a network has the family's form: one picture in, and a row out for each cell of the three scales."""
    try:
        _, (width, height) = _examined(network)
    except ModelError:
        return False
    sides = network.outputs[0].sides
    cells = sum((width // stride) * (height // stride) for stride in STRIDES)
    is_open = None in network.inputs[0].sides[2:]
    return len(sides) == 3 and (is_open or sides[1] in {None, cells}) and (sides[2] is None or sides[2] >= 6)


def _examined(network: Network) -> tuple[str, tuple[int, int]]:
    """Return the input's name and size (width, height). Raises `ModelError`."""
    inputs = network.inputs
    sides = inputs[0].sides if inputs else ()
    if len(inputs) != 1 or not network.outputs or len(sides) != 4 or sides[1] != 3 or inputs[0].kind != "tensor(float)":
        raise network.refused()
    height, width = (DEFAULT_SIDE_PX if side is None else side for side in sides[2:])
    if not all(0 < side <= 4096 and side % max(STRIDES) == 0 for side in (width, height)):
        raise network.refused()
    return inputs[0].name, (width, height)


def _cells(width: int, height: int, stride: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cells of one scale, row by row: their places (N, 2) in cells, and their stride (N, 1) in pixels."""
    rows, columns = np.mgrid[: height // stride, : width // stride]
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
    return centres, np.full((len(centres), 1), stride, np.float32)


def _suppressed(corners: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the rows that stay when of two boxes that overlap too much the weaker goes, whatever their classes; best first."""
    boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, MAX_OVERLAP)
    return np.asarray(kept, np.intp).reshape(-1)[:MAX_DETECTIONS]


RELEASE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"

FAMILIES.register(
    DetectorFamily(
        key="yolox",
        title="YOLOX",
        recognises=recognises,
        load=YoloxDetector,
        published={
            "nano": PublishedModel(
                f"{RELEASE}yolox_nano.onnx", 3_659_407, "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d"
            ),
            "tiny": PublishedModel(
                f"{RELEASE}yolox_tiny.onnx", 20_219_662, "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7"
            ),
            "s": PublishedModel(
                f"{RELEASE}yolox_s.onnx", 35_858_002, "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063"
            ),
        },
    )
)
