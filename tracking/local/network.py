"""A network in ONNX form, opened: what goes in, what comes out, what it says of itself; and the detector that it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Its official builds report to their maker by default, and read this when they are loaded. Nothing leaves this machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime
from numpy.typing import NDArray

from tracking.errors import ModelError, ModelFault
from tracking.local.detectors.base import FAMILIES, Detector, DetectorFamily


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output: its name, its kind such as "tensor(float)", and its sides, None for one that is left open."""

    name: str
    kind: str
    sides: tuple[int | None, ...]


class Network:
    """
    One network, loaded. Safe to run from several threads; each run uses `threads` threads of its own.

    Raises `ModelError` for a file that is not there or no network.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.name = path.name
        self._session = _session(path, threads)
        self.inputs = tuple(_tensor(each) for each in self._session.get_inputs())
        self.outputs = tuple(_tensor(each) for each in self._session.get_outputs())
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
        """Return all outputs, in their order, as float32."""
        return [np.asarray(output, np.float32) for output in self._session.run(None, dict(feeds))]

    def refused(self, detail: str = "") -> ModelError:
        """Return the error for a network of a shape that nobody can use; `detail` is for the log."""
        return ModelError(self.name, ModelFault.SHAPE, detail or f"{self.inputs} {self.outputs}"[:500])


def open_detector(path: Path, *, threads: int = 1) -> Detector:
    """Return the detector in a file. Raises `ModelError` for a file that is none, or of no family that we know."""
    network = Network(path, threads=threads)
    return _family(network).load(network)


def family_of(path: Path) -> DetectorFamily:
    """Return the family of the network in a file. Raises `ModelError`."""
    return _family(Network(path))


def model_key(path: Path) -> str:
    """Return what tells one model file from another in a run key: the beginning of its SHA-256. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def _family(network: Network) -> DetectorFamily:
    for family in FAMILIES.values():
        if family.recognises(network):
            return family
    raise network.refused()


def _tensor(described: onnxruntime.NodeArg) -> Tensor:
    return Tensor(described.name, described.type, tuple(side if isinstance(side, int) else None for side in described.shape))


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the core from the decoder beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    if not path.is_file():
        raise ModelError(model=path.name, problem=ModelFault.MISSING)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors share no other base
        raise ModelError(model=path.name, problem=ModelFault.UNREADABLE) from error
