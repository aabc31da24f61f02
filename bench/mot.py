"""
Sequences with known truth for measuring association: MOTChallenge files, detections made from truth, and the score of a result.

Boxes are pixels, left, top, width, height, as the files have them; frames count from 1. The files are found beside the
checkout, as in `tests/shared_data.py`; nothing of them is kept here. HOTA, CLEAR and identity scores are `trackers.eval`'s.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from trackers.eval import evaluate_mot_sequence

MOT = Path(__file__).resolve().parents[2] / "shared" / "data" / "mot"

PEDESTRIAN = 1
"""The one scored class of MOTChallenge."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clip:
    """
    What an association is fed, and the truth.

    `frames` (F,) are the frames that were looked at, `times` (F,) their seconds. `detections` and `truth` are (N, 6):
    frame, score or object, left, top, width, height; both hold every frame of the video, also those not looked at.
    """

    name: str
    width: int
    height: int
    frame_rate: float
    frames: NDArray[np.intp]
    times: Floats
    detections: Floats
    truth: Floats

    def every(self, step: int) -> Clip:
        """The same clip, looked at every `step`-th frame."""
        return self._looked_at(np.arange(0, self.frames.size, step), f"{self.frame_rate / step:.1f} Hz")

    def irregular(self, seed: int) -> Clip:
        """The same clip with one to five frames between two looks, as a busy machine would leave them."""
        steps = np.random.default_rng(seed).integers(1, 6, self.frames.size).cumsum() - 1
        return self._looked_at(steps[steps < self.frames.size], "irregular")

    def _looked_at(self, chosen: NDArray[np.intp], label: str) -> Clip:
        return replace(self, name=f"{self.name} {label}", frames=self.frames[chosen], times=self.times[chosen])


class Score(NamedTuple):
    """HOTA, MOTA and IDF1 in percent, identity switches as a count."""

    hota: float
    mota: float
    idf1: float
    switches: float


def stadtmitte() -> Clip | None:
    """TUD-Stadtmitte with SORT's Faster R-CNN detections: 179 frames of 640x480 at 25 Hz; None where the files are absent."""
    truth_path, detections_path = MOT / "TUD-Stadtmitte.gt.txt", MOT / "TUD-Stadtmitte.det.txt"
    if not (truth_path.exists() and detections_path.exists()):
        return None
    truth = _rows(truth_path)[:, :6]
    detections = _rows(detections_path)[:, [0, 6, 2, 3, 4, 5]]
    frames = np.arange(1, int(truth[:, 0].max()) + 1)
    return Clip("TUD-Stadtmitte", 640, 480, 25.0, frames, (frames - 1) / 25.0, detections, truth)


def made_from_truth(sequence: str, *, seed: int) -> Clip | None:
    """
    A MOT17 sequence (1920x1080, 30 Hz) with detections made from its truth; None where the file is absent.

    The model of a detector: it finds nobody of whom less than 10 % is visible, 95 % of those seen by half or more, and
    linearly between; its scores follow visibility; its errors are 4 % of the box in place and 5 % in size, double that for the
    nearly hidden, half of the variance lasting about a third of a second; one person in fifty gets a second, shifted box; one
    stray box comes per frame, and now and then one that stays for half a second.
    """
    path = MOT / f"{sequence}.gt.txt"
    if not path.exists():
        return None
    rows = _rows(path)
    rows = rows[(rows[:, 6] == 1) & (rows[:, 7] == PEDESTRIAN)]
    rows = rows[np.lexsort((rows[:, 0], rows[:, 1]))]
    rng = np.random.default_rng(seed)
    frame, box, visible = rows[:, 0], rows[:, 2:6], rows[:, 8]

    steady = _drifting(rng, rows[:, 1], memory=np.exp(-1 / 10.0))
    error = np.sqrt(0.5) * (steady + rng.standard_normal((len(rows), 4))) * (2.0 - visible)[:, None]
    found = rng.random(len(rows)) < 0.95 * np.clip((visible - 0.1) / 0.4, 0.0, 1.0)
    score = np.clip(0.35 + 0.55 * visible + 0.12 * rng.standard_normal(len(rows)), 0.05, 0.99)
    size = box[:, 2:] * np.exp(0.05 * error[:, 2:])
    center = box[:, :2] + box[:, 2:] / 2 + 0.04 * error[:, :2] * box[:, 2:]
    seen = np.column_stack([frame, score, center - size / 2, size])[found]

    doubled = seen[rng.random(len(seen)) < 0.02]
    doubled[:, 1] *= 0.6
    doubled[:, 2:4] += doubled[:, 4:] * rng.uniform(-0.4, 0.4, (len(doubled), 2))

    last = int(frame.max())
    stray_frames = np.arange(1, last + 1)
    lasting = np.flatnonzero(rng.random(last) < 0.01) + 1
    places = np.concatenate([np.arange(stray_frames.size), np.repeat(stray_frames.size + np.arange(lasting.size), 15)])
    stray_at = np.concatenate([stray_frames, (lasting[:, None] + np.arange(15)).ravel()])
    like = box[rng.integers(0, len(box), stray_frames.size + lasting.size)]
    corner = rng.uniform((0, 0), (1920, 1080), (len(like), 2)) - like[:, 2:] / 2
    stray_box = np.column_stack([corner, like[:, 2:]])[places] * (1 + 0.02 * rng.standard_normal((len(places), 4)))
    stray_score = np.clip(0.3 + 0.12 * rng.standard_normal(len(places)), 0.05, 0.99)
    stray = np.column_stack([stray_at, stray_score, stray_box])[stray_at <= last]

    frames = np.arange(1, last + 1)
    detections = np.concatenate([seen, doubled, stray])
    detections = detections[np.argsort(detections[:, 0], kind="stable")]
    return Clip(f"{sequence} #{seed}", 1920, 1080, 30.0, frames, (frames - 1) / 30.0, detections, rows[:, :6])


def score(clip: Clip, tracks: Floats) -> Score:
    """
    How good `tracks` (N, 6: frame, track, left, top, width, height) are, at the frames that were looked at.

    Raises what `trackers.eval` raises; no tracks at all score 0.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, rows in (("truth", clip.truth), ("tracks", tracks)):
            kept = rows[np.isin(rows[:, 0], clip.frames)]
            if not len(kept):
                return Score(0.0, 0.0, 0.0, 0.0)
            ones = np.ones((len(kept), 3))
            renumbered = np.searchsorted(clip.frames, kept[:, 0]) + 1
            paths.append(Path(folder) / f"{name}.txt")
            np.savetxt(paths[-1], np.column_stack([renumbered, kept[:, 1:], ones]), fmt="%.10g", delimiter=",")
        result = evaluate_mot_sequence(paths[0], paths[1], metrics=["CLEAR", "HOTA", "Identity"])
    assert result.HOTA is not None
    assert result.CLEAR is not None
    assert result.Identity is not None
    return Score(100 * result.HOTA.HOTA, 100 * result.CLEAR.MOTA, 100 * result.Identity.IDF1, float(result.CLEAR.IDSW))


def interpolated(tracks: Floats, frames: NDArray[np.intp], *, limit: float) -> Floats:
    """`tracks` with linear steps at those of `frames` that lie in gaps of at most `limit` frames."""
    parts = []
    for track in np.unique(tracks[:, 1]):
        rows = tracks[tracks[:, 1] == track]
        rows = rows[np.argsort(rows[:, 0])]
        wanted = frames[(frames >= rows[0, 0]) & (frames <= rows[-1, 0])]
        after = np.searchsorted(rows[:, 0], wanted)
        before = np.maximum(np.searchsorted(rows[:, 0], wanted, side="right") - 1, 0)
        wanted = wanted[rows[after, 0] - rows[before, 0] <= limit]
        boxes = [np.interp(wanted, rows[:, 0], rows[:, column]) for column in range(2, 6)]
        parts.append(np.column_stack([wanted, np.full(wanted.size, track), *boxes]))
    return np.concatenate(parts) if parts else tracks


def _rows(path: Path) -> Floats:
    return np.loadtxt(path, delimiter=",", ndmin=2)


def _drifting(rng: np.random.Generator, objects: Floats, *, memory: float) -> Floats:
    """Unit-variance noise (N, 4) that drifts within each object's run of rows, forgetting `1 - memory` per row."""
    noise = rng.standard_normal((len(objects), 4))
    for row in range(1, len(objects)):
        if objects[row] == objects[row - 1]:
            noise[row] = memory * noise[row - 1] + np.sqrt(1 - memory**2) * noise[row]
    return noise
