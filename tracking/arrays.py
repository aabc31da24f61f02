"""
Annotations as plain arrays: columns for a data frame, and the fields of supervision's `Detections`, both ways.

Neither pandas nor supervision is needed for it, nor imported: `pandas.DataFrame(columns(found))` and
`supervision.Detections(**detections(found, time_s=1.5, size=(1280, 720)))` are written by who has them, and what comes back is
read by its names. Boxes in columns are fractions of the upright picture, those of detections its pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracking.model import Annotations, Track

EDGES = ("left", "top", "right", "bottom")


class Detected(Protocol):
    """What is read of supervision's `Detections`: N boxes in pixels, and what belongs to each; None where it is not known."""

    @property
    def xyxy(self) -> NDArray[Any]: ...

    @property
    def confidence(self) -> NDArray[Any] | None: ...

    @property
    def class_id(self) -> NDArray[Any] | None: ...

    @property
    def tracker_id(self) -> NDArray[Any] | None: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


def columns(annotations: Annotations) -> dict[str, NDArray[Any]]:
    """
    Return one column for each property of a box, all of one length, in order of tracks, then of time.

    `track`, `label`, `entity_id` and `confidence` are the track's; `seconds` and the four edges the box's.
    """
    tracks = annotations.tracks
    lengths = [len(track) for track in tracks]

    def of_track(values: list[Any], dtype: Any) -> NDArray[Any]:
        return np.repeat(np.array(values, dtype), lengths) if tracks else np.array([], dtype)

    boxes = np.concatenate([track.boxes for track in tracks]) if tracks else np.zeros((0, 4), np.float32)
    return {
        "track": of_track([track.track_id for track in tracks], np.int64),
        "label": of_track([track.label for track in tracks], object),
        "entity_id": of_track([track.entity_id for track in tracks], object),
        "confidence": of_track([track.confidence for track in tracks], np.float64),
        "seconds": np.concatenate([track.times for track in tracks]) if tracks else np.zeros(0),
        **{edge: boxes[:, number] for number, edge in enumerate(EDGES)},
    }


def from_columns(table: Mapping[str, ArrayLike] | Any) -> Annotations:
    """
    Return the annotations of a table: a data frame, or a mapping from names to columns, such as `columns` gives.

    `track`, `seconds` and the four edges have to be there; labels are "object" and confidences 1 where they are not. Rows may
    be in any order. Raises `KeyError` for a column that is missing, `ValueError` for numbers that can't be.
    """
    who = np.asarray(table["track"])
    times = np.asarray(table["seconds"], np.float64)
    boxes = np.stack([np.asarray(table[edge], np.float32) for edge in EDGES], axis=-1)
    labels = np.asarray(table["label"], object) if "label" in table else np.full(who.shape, "object", object)
    entities = np.asarray(table["entity_id"], object) if "entity_id" in table else np.full(who.shape, "", object)
    confidences = np.asarray(table["confidence"], np.float64) if "confidence" in table else np.ones(who.shape)
    if who.ndim != 1 or not who.shape == times.shape == labels.shape == entities.shape == confidences.shape == boxes.shape[:1]:
        raise ValueError("columns must be of one length")
    tracks = []
    for number, name in enumerate(np.unique(who)):
        rows = np.flatnonzero(who == name)
        rows = rows[np.argsort(times[rows], kind="stable")]
        best = rows[int(np.argmax(confidences[rows]))]
        track_id = int(name) if isinstance(name, np.integer) else number
        tracks.append(
            Track(track_id, str(labels[best]), float(confidences[best]), times[rows], boxes[rows], str(entities[best]))
        )
    return Annotations(tuple(tracks))


def detections(annotations: Annotations, *, time_s: float, size: tuple[int, int]) -> dict[str, Any]:
    """
    Return the arguments of supervision's `Detections` for the objects that are there at one moment, in pixels of `size`.

    Boxes between two observations lie on a straight line; before its first and behind its last one an object is not there.
    A class is its label's place among all labels of the annotations in alphabetical order, and `data["class_name"]` the label.
    """
    classes = {label: number for number, label in enumerate(sorted({track.label for track in annotations.tracks}))}
    there = [track for track in annotations.tracks if track.segment.start_s <= time_s <= track.segment.end_s]
    boxes = [track.boxes_at(time_s)[0] * np.array([*size, *size], np.float32) for track in there]
    return {
        "xyxy": np.array(boxes, np.float32).reshape(-1, 4),
        "confidence": np.array([track.confidence for track in there], np.float32),
        "class_id": np.array([classes[track.label] for track in there], np.int64),
        "tracker_id": np.array([track.track_id for track in there], np.int64),
        "data": {"class_name": np.array([track.label for track in there], np.str_)},
    }


def from_detections(moments: Iterable[tuple[float, Detected]], *, size: tuple[int, int]) -> Annotations:
    """
    Return the annotations of what a tracker gave: each moment in seconds with its `Detections`, in pixels of `size`.

    Labels are `data["class_name"]`, else the class's number. Raises `ValueError` for detections that nobody followed, which
    have no `tracker_id`.
    """
    rows: dict[str, list[Any]] = {name: [] for name in ("track", "label", "confidence", "seconds", *EDGES)}
    for time_s, found in moments:
        number = len(found.xyxy)
        if not number:
            continue
        if found.tracker_id is None:
            raise ValueError("detections need a tracker_id: they have to be followed first")
        classes = np.arange(number) * 0 if found.class_id is None else found.class_id
        labels = found.data.get("class_name", classes)
        rows["track"] += np.asarray(found.tracker_id).tolist()
        rows["label"] += [str(label) for label in labels]
        rows["confidence"] += [1.0] * number if found.confidence is None else np.asarray(found.confidence, np.float64).tolist()
        rows["seconds"] += [float(time_s)] * number
        for edge, values in zip(EDGES, (np.asarray(found.xyxy, np.float64) / [*size, *size]).T.tolist(), strict=True):
            rows[edge] += values
    return from_columns({**rows, "track": np.array(rows["track"], np.int64)})
