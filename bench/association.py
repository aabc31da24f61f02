"""
How good and how quick association is, beside every tracker of the `trackers` library, on the same detections in one run.

    python -m bench.association             the table of docs/association.md
    python -m bench.association --vary      ours alone, with each constant 20 % lower and higher

Each library tracker is run with its own thresholds and with those found best for such detections (activation 0.4, high
0.35), each with time stamps and with a frame rate, raw and ("+i") with gaps filled linearly up to the larger of 15 frames and
4 looks; what is shown is the setting that did best on the group. Ours has one setting, and leaves out tracks below 0.4, as
their activation does. All is scored at the frames that were looked at. CPU time is this thread's, for all looks and what
follows the last one.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import numpy as np
import supervision
from numpy.typing import NDArray
from trackers import BoTSORTTracker, ByteTrackTracker, CBIoUTracker, OCSORTTracker, SORTTracker

from bench.mot import Clip, Score, interpolated, made_from_truth, score, stadtmitte
from tracking.local.association import Associator
from tracking.local.detectors.base import Detections

Floats = NDArray[np.float64]
Groups = dict[str, list[Clip]]
Table = dict[str, tuple[Score, float]]
"""A tracker's score and its CPU milliseconds a look."""

LEAST_CONFIDENCE = 0.4


class Tracker(Protocol):
    """What the library's trackers have in common."""

    def update(
        self, detections: supervision.Detections, frame: None = None, timestamp: float | None = None
    ) -> supervision.Detections: ...


MakeTracker = Callable[[float], Tracker]
SEEDS = 3
FAMILIES = ("TUD", "MOT17")

PARAMETERS = {
    "linking": ("SURE_SCORE", "FIRST_SCORE", "BUFFER", "LEAST_OVERLAP", "CLEAR_LEAD", "COASTING_S"),
    "motion_model": ("BOX_ERROR", "VELOCITY_CHANGE", "FIRST_VELOCITY", "EXTENT_CHANGE"),
    "observations": ("LEAST_EVIDENCE",),
    "stitching": ("LONGEST_GAPS_S", "SEEN_AGAIN", "EDGE_COST", "TAIL", "EXTENT_ERROR"),
}


class Run(NamedTuple):
    """Tracks (N, 6: frame, track, left, top, width, height) and the CPU milliseconds they cost for each look."""

    tracks: Floats
    cost_ms: float


def main() -> None:
    """Print the table, or the variations."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--vary", action="store_true", help="ours alone, each constant 20 %% lower and higher")
    arguments.add_argument("--seeds", type=int, default=SEEDS, help="how many sets of made detections")
    chosen = arguments.parse_args()
    warnings.simplefilter("ignore")  # the trackers' advice about thresholds
    groups = _groups(chosen.seeds)
    if not groups:
        print("The MOTChallenge files are not on this machine, so there is nothing to measure.")
    elif chosen.vary:
        _print_variations(groups)
    else:
        print("HOTA / MOTA / IDF1 / switches, CPU with C-BIoU = 1")
        for family in FAMILIES:
            members = {name: clips for name, clips in groups.items() if name.startswith(family)}
            if members:
                _print_table({name: _compare(clips) for name, clips in members.items()})


def _groups(seeds: int) -> Groups:
    """The clips by what they measure."""
    groups: Groups = {}
    town = stadtmitte()
    if town is not None:
        for variant in (town, town.every(2), town.every(3), town.irregular(1)):
            groups[variant.name] = [variant]
    for seed in range(1, seeds + 1):
        for sequence in ("MOT17-09", "MOT17-11"):
            clip = made_from_truth(sequence, seed=seed)
            if clip is not None:
                for label, variant in (("30 Hz", clip), ("10 Hz", clip.every(3)), ("irregular", clip.irregular(seed))):
                    groups.setdefault(f"MOT17-09 and -11, {seeds} seeds, {label}", []).append(variant)
    return groups


def ours(clip: Clip) -> Run:
    """Our association."""
    looks = [_look(clip, frame) for frame in clip.frames.tolist()]
    scale = np.array([clip.width, clip.height] * 2)
    frame_at = dict(zip(clip.times.tolist(), clip.frames.tolist(), strict=True))
    associator = Associator(aspect=clip.width / clip.height)
    begin = time.thread_time()
    for time_s, (boxes, scores) in zip(clip.times.tolist(), looks, strict=True):
        found = Detections((boxes / scale).astype(np.float32), scores.astype(np.float32), np.zeros(len(scores), np.intp))
        associator.update(time_s, found)
    tracks = associator.finish()
    spent = time.thread_time() - begin
    rows = [np.empty((0, 6))]
    for number, track in enumerate(tracks):
        if track.confidence >= LEAST_CONFIDENCE:
            corners = track.boxes.astype(np.float64) * scale
            frames = [frame_at[time_s] for time_s in track.times.tolist()]
            rows.append(_rows(np.array(frames), np.full(len(frames), number), corners))
    return Run(np.concatenate(rows), 1000 * spent / len(looks))


def library(clip: Clip, make: MakeTracker, *, time_stamps: bool) -> Run:
    """A tracker of the library, made by `make` for its frame rate."""
    looks = [_look(clip, frame) for frame in clip.frames.tolist()]
    rate = 1.0 / float(np.median(np.diff(clip.times)))
    rows = [np.empty((0, 6))]
    tracker = make(rate)
    begin = time.thread_time()
    for frame, time_s, (boxes, scores) in zip(clip.frames.tolist(), clip.times.tolist(), looks, strict=True):
        found = supervision.Detections(boxes, confidence=scores, class_id=np.zeros(len(scores), np.intp))
        kept = tracker.update(found, timestamp=time_s if time_stamps else None)
        if len(kept) and kept.tracker_id is not None:
            known = kept.tracker_id >= 0
            numbers = kept.tracker_id[known].astype(np.intp)
            rows.append(_rows(np.full(len(numbers), frame), numbers, kept.xyxy[known].astype(np.float64)))
    spent = time.thread_time() - begin
    return Run(np.concatenate(rows), 1000 * spent / len(looks))


def _competitors() -> list[tuple[str, MakeTracker]]:
    """Each library tracker, made for a frame rate, in each of its two settings of thresholds."""
    return [
        ("SORT", lambda rate: SORTTracker(frame_rate=rate)),
        ("SORT", lambda rate: SORTTracker(frame_rate=rate, track_activation_threshold=0.4)),
        ("ByteTrack", lambda rate: ByteTrackTracker(frame_rate=rate)),
        (
            "ByteTrack",
            lambda rate: ByteTrackTracker(frame_rate=rate, track_activation_threshold=0.4, high_conf_det_threshold=0.35),
        ),
        ("OC-SORT", lambda rate: OCSORTTracker(frame_rate=rate)),
        ("OC-SORT", lambda rate: OCSORTTracker(frame_rate=rate, high_conf_det_threshold=0.35)),
        ("BoT-SORT", lambda rate: BoTSORTTracker(frame_rate=rate, enable_cmc=False)),
        (
            "BoT-SORT",
            lambda rate: BoTSORTTracker(
                frame_rate=rate, enable_cmc=False, track_activation_threshold=0.4, high_conf_det_threshold=0.35
            ),
        ),
        ("C-BIoU", lambda rate: CBIoUTracker(frame_rate=rate)),
        ("C-BIoU", lambda rate: CBIoUTracker(frame_rate=rate, track_activation_threshold=0.4, high_conf_det_threshold=0.35)),
    ]


def _compare(clips: list[Clip]) -> Table:
    """Every tracker on one group of clips, each by its best setting."""
    best: Table = {}
    for label, make in _competitors():
        for time_stamps in (False, True):
            runs = [library(clip, make, time_stamps=time_stamps) for clip in clips]
            cost_ms = float(np.mean([run.cost_ms for run in runs]))
            filled = [_filled(clip, run.tracks) for clip, run in zip(clips, runs, strict=True)]
            for key, tracks in ((label, [run.tracks for run in runs]), (f"{label} +i", filled)):
                result = _mean([score(clip, rows) for clip, rows in zip(clips, tracks, strict=True)])
                if key not in best or result.hota > best[key][0].hota:
                    best[key] = result, cost_ms
    runs = [ours(clip) for clip in clips]
    result = _mean([score(clip, run.tracks) for clip, run in zip(clips, runs, strict=True)])
    best["Tracklet"] = result, float(np.mean([run.cost_ms for run in runs]))
    return best


def _print_table(columns: dict[str, Table]) -> None:
    """Trackers down, groups across; in a cell HOTA / MOTA / IDF1 / switches, CPU."""
    print("\n| | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for tracker in next(iter(columns.values())):
        cells = []
        for table in columns.values():
            row, cost_ms = table[tracker]
            unit_ms = table["C-BIoU"][1]
            cells.append(f"{row.hota:.1f} / {row.mota:.1f} / {row.idf1:.1f} / {row.switches:.0f}, {cost_ms / unit_ms:.1f}")
        print(f"| {tracker} | " + " | ".join(cells) + " |")


def _print_variations(groups: Groups) -> None:
    print("| constant | value | HOTA, TUD | HOTA, MOT17 |\n|---|---|---|---|")
    print(f"| (as it is) | | {_summary(groups)} |", flush=True)
    for module, names in PARAMETERS.items():
        for name in names:
            now = getattr(sys.modules[f"tracking.local.{module}"], name)
            for factor in (0.8, 1.2):
                value = tuple(factor * part for part in now) if isinstance(now, tuple) else factor * now
                with _constant(name, value):
                    shown = f"times {factor}" if isinstance(value, tuple) else f"{value:.3g}"
                    print(f"| {name} | {shown} | {_summary(groups)} |", flush=True)


@contextmanager
def _constant(name: str, value: object) -> Iterator[None]:
    """A constant with another value wherever it is known."""
    modules = [module for key, module in sys.modules.items() if key.startswith("tracking.local.") and hasattr(module, name)]
    before = getattr(modules[0], name)
    for module in modules:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module in modules:
            setattr(module, name, before)


def _summary(groups: Groups) -> str:
    means = []
    for family in FAMILIES:
        clips = [clip for name, group in groups.items() if name.startswith(family) for clip in group]
        means.append(_mean([score(clip, ours(clip).tracks) for clip in clips]).hota)
    return " | ".join(f"{hota:.1f}" for hota in means)


def _look(clip: Clip, frame: int) -> tuple[Floats, Floats]:
    """What was detected in one frame: corners (N, 4) in pixels and scores (N,)."""
    rows = clip.detections[clip.detections[:, 0] == frame]
    return np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1), rows[:, 1]


def _rows(frames: NDArray[np.intp], tracks: NDArray[np.intp], corners: Floats) -> Floats:
    return np.column_stack([frames, tracks, corners[:, :2], corners[:, 2:] - corners[:, :2]])


def _filled(clip: Clip, tracks: Floats) -> Floats:
    return interpolated(tracks, clip.frames, limit=max(15.0, 4.0 * float(np.median(np.diff(clip.frames)))))


def _mean(scores: list[Score]) -> Score:
    return Score(*np.mean(scores, axis=0).tolist()) if scores else Score(*[float("nan")] * 4)


if __name__ == "__main__":
    main()
