"""A table of all objects: one row for each track, with the seconds in which it is seen first and last."""

from __future__ import annotations

from tracking.formats.base import FORMATS, Exported, ExportFormat
from tracking.formats.tables import csv_bytes

HEADER = ("track", "label", "entity_id", "confidence", "first_s", "last_s", "seconds", "boxes")


def write(exported: Exported) -> bytes:
    """Return the table, in the order of the annotations."""
    rows = (
        (
            track.track_id,
            track.label,
            track.entity_id,
            round(track.confidence, 4),
            round(track.segment.start_s, 3),
            round(track.segment.end_s, 3),
            round(track.duration_s, 3),
            len(track),
        )
        for track in exported.annotations.tracks
    )
    return csv_bytes(HEADER, rows)


FORMATS.register(
    ExportFormat(
        key="objects-csv",
        title="table of objects",
        description="one row for each object: label, confidence, first and last second",
        suffix=".objects.csv",
        write=write,
    )
)
