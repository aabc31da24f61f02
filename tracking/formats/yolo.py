"""
YOLO: a folder with `data.yaml` and `labels/`, one text file for each frame on which something was seen.

Lines are class, centre x, centre y, width, height, as fractions of the upright picture, cut at its edge: what lies outside
makes Ultralytics leave out the whole picture. Classes count from 0, in alphabetical order, and have their names in
`data.yaml`. Files are named after the video and the frame, counted from 0. Tracks have no place in the format.

`images/` has the pictures of the same names where they are asked for (`--images`); without them the folder is ready for
pictures that `ffmpeg -fps_mode passthrough -start_number 0` makes (docs/exports.md). Source of the form: Ultralytics, "Object
Detection Datasets Overview".
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import orjson

from tracking.formats.base import FORMATS, Exported, ExportFormat, Files, Footage, plain_label

FRACTION_DIGITS = 6


def picture_name(footage: Footage, frame: int, *, suffix: str = ".jpg") -> str:
    """Return the name of the picture, or of another file, of one frame, counted from 0."""
    return f"{footage.name}.{frame:06d}{suffix}"


def write(exported: Exported) -> Files:
    """Yield the labels, then the pictures if they are asked for, `data.yaml` last."""
    footage = exported.footage
    labels = exported.labels()
    numbers = {label: number for number, label in enumerate(labels)}
    lines: defaultdict[int, list[str]] = defaultdict(list)
    for track in exported.annotations.tracks:
        seen = exported.on_frames(track).inside()
        sides = seen.boxes[:, 2:] - seen.boxes[:, :2]
        rows = np.round(np.hstack([seen.boxes[:, :2] + sides / 2, sides]), FRACTION_DIGITS)
        for frame, row in zip(seen.frames.tolist(), rows.tolist(), strict=True):
            lines[frame].append(" ".join([str(numbers[plain_label(track)]), *(f"{value:.6f}" for value in row)]))
    frames = sorted(lines)
    for frame in frames:
        yield f"labels/{picture_name(footage, frame, suffix='.txt')}", "".join(f"{line}\n" for line in lines[frame]).encode()
    if exported.pictures:
        for frame, picture in exported.pictures(np.array(frames, np.intp)):
            yield f"images/{picture_name(footage, frame)}", picture
    yield "data.yaml", _data(labels)


def _data(labels: list[str]) -> bytes:
    """
    Return the YAML by which training begins; a text in JSON is one in YAML, too.

    It has no `path`: without one, folders are beside the file itself.
    """
    names = [f"  {number}: {orjson.dumps(label).decode()}" for number, label in enumerate(labels)]
    return "\n".join(["train: images", "val: images", *(["names:", *names] if names else ["names: {}"]), ""]).encode()


FORMATS.register(
    ExportFormat(
        key="yolo",
        title="YOLO",
        description="a folder with a text for each frame, and data.yaml",
        suffix=".yolo",
        write=write,
    )
)
