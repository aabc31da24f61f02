"""An export format: the labels of a video, most frequent first, one to a line."""

from __future__ import annotations

from collections import Counter

from tracking.formats.base import FORMATS, Exported, ExportFormat


def write(exported: Exported) -> bytes:
    """Return the labels, each with its number of objects."""
    counted = Counter(track.label for track in exported.annotations.tracks)
    return "".join(f"{number} {label}\n" for label, number in counted.most_common()).encode()


FORMATS.register(
    ExportFormat(key="labels", title="labels", description="how many objects of each label", suffix=".labels.txt", write=write)
)
