"""
A table of all boxes: one row for each observation.

Seconds count from the first frame that is shown, frames from 0. `left` to `bottom` are fractions of the upright picture,
`x` to `height` its pixels; both may leave the picture with the object.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tracking.formats.base import FORMATS, Exported, ExportFormat
from tracking.formats.tables import csv_bytes

HEADER = (
    *("track", "label", "entity_id", "confidence", "seconds", "frame"),
    *("left", "top", "right", "bottom", "x", "y", "width", "height"),
)


def write(exported: Exported) -> bytes:
    """Return the table, in order of tracks, then of time."""
    return csv_bytes(HEADER, _rows(exported))


def _rows(exported: Exported) -> Iterator[tuple[object, ...]]:
    sides = np.array(exported.footage.size * 2)
    for track in exported.annotations.tracks:
        who = (track.track_id, track.label, track.entity_id, round(track.confidence, 4))
        boxes = track.boxes.astype(np.float64)
        pixels = boxes * sides
        pixels[:, 2:] -= pixels[:, :2]
        columns = (
            np.round(track.times, 6).tolist(),
            exported.footage.frames_of(track.times).tolist(),
            np.round(boxes, 6).tolist(),
            np.round(pixels, 2).tolist(),
        )
        for seconds, frame, box, rectangle in zip(*columns, strict=True):
            yield (*who, seconds, frame, *box, *rectangle)


FORMATS.register(
    ExportFormat(
        key="csv",
        title="table of boxes",
        description="one row for each box: track, label, seconds, frame, edges",
        suffix=".csv",
        write=write,
    )
)
