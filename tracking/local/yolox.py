"""
YOLOX on ONNX Runtime: boxes with a label in one picture.

Takes any export of the family: the input's size and the number of classes are the file's own, coordinates may come raw or
decoded, class names may be in its metadata ("names"), else they are COCO's where there are 80. Suppression looks across
classes, for one object must not come as a car and a truck; which label is right is voted later, over the whole track.

Source of the network's contract: the YOLOX repository, demo/ONNXRuntime and yolox/utils/demo_utils.py.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

# Its official builds report to their maker by default, and read this when they are loaded. Nothing leaves this machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime
from numpy.typing import NDArray

from tracking.errors import ModelError, ModelFault
from tracking.local import coco
from tracking.local.detector import Detections

STRIDES = (8, 16, 32)
PADDING = 114  # the grey around pictures in training
DEFAULT_SIDE_PX = 416  # where the export leaves its size open
MIN_SCORE = 0.1  # weak boxes may still continue a track; association decides
MAX_OVERLAP = 0.5  # intersection over union from which two boxes are one object
MAX_DETECTIONS = 300
RAW_COORDINATES_BELOW = 32.0  # raw centres are offsets within a cell, decoded ones reach the picture's far side


class YoloxDetector:
    """
    One network, loaded. Safe to ask from several threads; each question uses `threads` threads of its own.

    Raises `ModelError` for a file that is no such network.
    """

    def __init__(self, model: Path, *, labels: Sequence[str] | None = None, threads: int = 1) -> None:
        self._session = _session(model, threads)
        self._input, (self._width, self._height) = self._examined(model)
        cells = [_cells(self._width, self._height, stride) for stride in STRIDES]
        self._centres = np.concatenate([centres for centres, _ in cells])
        self._strides = np.concatenate([strides for _, strides in cells])
        probe = self._run(np.full((self._height, self._width, 3), PADDING, np.uint8), model)
        self._decoded = float(probe[:, :2].max()) > RAW_COORDINATES_BELOW
        self._labels = tuple(labels) if labels else self._own_labels(probe.shape[1] - 5)
        if len(self._labels) != probe.shape[1] - 5:
            raise ModelError(
                model=model.name, problem=ModelFault.SHAPE, detail=f"{probe.shape[1] - 5} classes, {len(self._labels)} names"
            )

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """The largest of the picture's shape that fits into the network's input; small pictures grow as in training."""
        scale = min(self._width / width, self._height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Boxes from a score of 0.1 on, best first, at most 300; see `Detector`."""
        height, width = pixels.shape[:2]
        size = self.picture_size(width, height)
        if size != (width, height):
            interpolation = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)
        found = self._run(pixels)
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

    def _examined(self, model: Path) -> tuple[str, tuple[int, int]]:
        """The input's name and size (width, height)."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = inputs[0].shape if inputs else []
        if len(inputs) != 1 or len(outputs) < 1 or len(shape) != 4 or shape[1] != 3 or inputs[0].type != "tensor(float)":
            raise ModelError(model=model.name, problem=ModelFault.SHAPE, detail=str(shape))
        height, width = (side if isinstance(side, int) else DEFAULT_SIDE_PX for side in shape[2:])
        if not all(0 < side <= 4096 and side % max(STRIDES) == 0 for side in (width, height)):
            raise ModelError(model=model.name, problem=ModelFault.SHAPE, detail=str(shape))
        return inputs[0].name, (width, height)

    def _own_labels(self, count: int) -> tuple[str, ...]:
        names = self._session.get_modelmeta().custom_metadata_map.get("names", "")
        try:
            listed = ast.literal_eval(names) if names else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            listed = None
        if isinstance(listed, dict):
            listed = [listed[key] for key in sorted(listed)]
        if isinstance(listed, list | tuple) and len(listed) == count:
            return tuple(str(name) for name in listed)
        return coco.LABELS if count == len(coco.LABELS) else tuple(f"class {number}" for number in range(count))

    def _run(self, pixels: NDArray[np.uint8], model: Path | None = None) -> NDArray[np.float32]:
        """The network's rows (N, 5 + classes) for a picture that fits into its input."""
        height, width = pixels.shape[:2]
        planes = np.full((1, 3, self._height, self._width), PADDING, np.float32)
        planes[0, :, :height, :width] = pixels.transpose(2, 0, 1)
        found: NDArray[np.float32] = np.asarray(self._session.run(None, {self._input: planes})[0], np.float32)
        if model and (found.ndim != 3 or found.shape[1] != len(self._centres) or found.shape[2] < 6):
            raise ModelError(model=model.name, problem=ModelFault.SHAPE, detail=str(found.shape))
        rows: NDArray[np.float32] = found[0]
        return rows


def model_key(model: Path) -> str:
    """What tells one model file from another in a run key: the beginning of its SHA-256."""
    with model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def _session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the core from the decoder beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    if not model.is_file():
        raise ModelError(model=model.name, problem=ModelFault.MISSING)
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors share no other base
        raise ModelError(model=model.name, problem=ModelFault.UNREADABLE) from error


def _cells(width: int, height: int, stride: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The cells of one scale, row by row: their places (N, 2) in cells, and their stride (N, 1) in pixels."""
    rows, columns = np.mgrid[: height // stride, : width // stride]
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
    return centres, np.full((len(centres), 1), stride, np.float32)


def _suppressed(corners: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The rows that stay when of two boxes that overlap too much the weaker goes, whatever their classes; best first."""
    boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), 0.0, MAX_OVERLAP)
    return np.asarray(kept, np.intp).reshape(-1)[:MAX_DETECTIONS]
