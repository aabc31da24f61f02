"""
COCO for videos: one JSON file with the frames as images, and the fields by which videos are told apart.

`videos`, `tracks`, `video_id`, `frame_index` and `track_id` are those of TAO (Dave et al., 2020; the annotation format at
github.com/TAO-Dataset/tao), `frame_id` and `instance_id` the same numbers as COCO-VID has them (mmtracking), so that both
read it; all of them count frames from 0, and the ids of images, annotations, categories and videos from 1. Images are
the frames on which something was seen: of others nobody said that they are empty. Boxes are left, top, width, height in pixels,
cut at the picture's edge; `score` is the track's confidence.

The files that the images name are those of the format `yolo`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from tracking.errors import AnnotationError
from tracking.formats import pieces
from tracking.formats.base import FORMATS, Exported, ExportFormat, Footage, plain_label
from tracking.formats.foreign import Gathered, Sighting, bytes_of
from tracking.formats.video_intelligence import json_faults
from tracking.formats.yolo import picture_name
from tracking.model import Annotations

VIDEO_ID = 1
LONG_LISTS = ("images", "annotations")
MAX_IMAGES = 2_500_000
LAST_DIGITS = re.compile(r"(\d{1,9})\Z")

Json = Any  # what a JSON parser gives; its shape is what this module checks


def write(exported: Exported) -> bytes:
    """Return the JSON document."""
    footage = exported.footage
    width, height = footage.size
    labels = exported.labels()
    categories = {label: number for number, label in enumerate(labels, 1)}
    boxes: list[bytes] = []  # of each track; as Python objects those of an hour would take gigabytes
    number = 0
    tracks: list[Json] = []
    shown: set[int] = set()
    for track in exported.annotations.tracks:
        seen = exported.on_frames(track).inside()
        kind = categories[plain_label(track)]
        tracks.append({"id": track.track_id, "category_id": kind, "video_id": VIDEO_ID, "score": round(track.confidence, 4)})
        shown.update(seen.frames.tolist())
        of_all = {
            "video_id": VIDEO_ID,
            "track_id": track.track_id,
            "instance_id": track.track_id,
            "category_id": kind,
            "segmentation": [],
            "iscrowd": 0,
            "score": round(track.confidence, 4),
        }
        found = [
            {"id": each, "image_id": frame + 1, "bbox": box, "area": round(box[2] * box[3], 2), **of_all}
            for each, frame, box in zip(
                itertools.count(number + 1), seen.frames.tolist(), seen.rectangles(footage.size).tolist(), strict=False
            )
        ]
        number += len(found)
        if found:
            boxes.append(orjson.dumps(found)[1:-1])
    images = [
        {
            "id": frame + 1,
            "video_id": VIDEO_ID,
            "file_name": picture_name(footage, frame),
            "width": width,
            "height": height,
            "frame_index": frame,
            "frame_id": frame,
            "time_s": round(float(footage.frame_times[frame]), 6),
        }
        for frame in sorted(shown)
    ]
    video = {
        "id": VIDEO_ID,
        "name": footage.name,
        "width": width,
        "height": height,
        "fps": footage.info.frame_rate,
        "length": footage.frame_times.size,
    }
    document = {
        "info": {"description": f"Tracks of {footage.name}, by Tracklet", "version": "1.0"},
        "licenses": [],
        "videos": [video],
        "categories": [{"id": number, "name": label} for label, number in categories.items()],
        "images": images,
        "tracks": tracks,
        "annotations": orjson.Fragment(b"[" + b",".join(boxes) + b"]"),
    }
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class _Image:
    """One image: the frame that it is, and its size in pixels."""

    frame: float
    size: tuple[float, float]


def read(path: Path, footage: Footage) -> Annotations:
    """
    Return the tracks of the video in a COCO file.

    Of a file with several videos that of this name is taken. An image's frame is its `frame_index` or `frame_id`, else the
    number at the end of its file's name; an annotation's object is its `track_id`, `instance_id` or the attribute `track_id`.
    Raises `AnnotationError`.
    """
    with json_faults():
        document, long_lists = pieces.load(pieces.utf8(bytes_of(path)), long_lists=LONG_LISTS)
        if not isinstance(document, dict) or "annotations" not in document or "images" not in document:
            raise AnnotationError(place="annotations", problem="missing")
        video = _video(document, footage)
        labels = {
            str(_field(kind, at, "id")): str(_field(kind, at, "name"))
            for at, kind in _items(document, "categories", long_lists)
        }
        images: dict[str, _Image] = {}
        for at, image in _items(document, "images", long_lists):
            if video is None or image.get("video_id") == video:
                if len(images) == MAX_IMAGES:
                    raise AnnotationError(place="file", problem="too many values", limit=MAX_IMAGES)
                images[str(_field(image, at, "id"))] = _image(image, at, footage)
        gathered = Gathered(footage)
        for at, annotation in _items(document, "annotations", long_lists):
            found = images.get(str(_field(annotation, at, "image_id")))
            if found is not None:
                label = labels.get(str(annotation.get("category_id")), "")
                gathered.take(_sighting(annotation, at, found, label), at, size=found.size)
    return gathered.annotations()


def _items(
    document: Mapping[str, Json], key: str, long_lists: Mapping[str, pieces.LongList]
) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield each object of a list with its place. Raises `AnnotationError` and the faults of `pieces`."""
    values = document.get(key, [])
    found = long_lists.get(values) if isinstance(values, str) else None
    if found is None and not isinstance(values, list):
        raise AnnotationError(place=key, problem="no list")
    number = 0
    for piece in [values] if found is None else found.pieces():
        for value in piece:
            if not isinstance(value, dict):
                raise AnnotationError(place=f"{key}[{number}]", problem="no object")
            yield f"{key}[{number}]", value
            number += 1


def _field(found: Mapping[str, Json], place: str, key: str) -> Json:
    """Return a field that has to be there: a number or a text. Raises `AnnotationError`."""
    value = found.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise AnnotationError(place=f"{place}.{key}", problem="missing")
    return value


def _video(document: Mapping[str, Json], footage: Footage) -> Json:
    """Return the id of this video, None where the file tells of one video only. Raises `AnnotationError`."""
    videos = [video for _, video in _items(document, "videos", {})]
    if len(videos) < 2:
        return None
    stem = PurePosixPath(footage.name).stem
    for video in videos:
        name = video.get("name", video.get("file_name", ""))
        if isinstance(name, str) and (PurePosixPath(name).name in {footage.name, stem}):
            return _field(video, "videos", "id")
    raise AnnotationError(place="videos", problem="other videos")


def _image(image: Mapping[str, Json], place: str, footage: Footage) -> _Image:
    frame = next((image[key] for key in ("frame_index", "frame_id") if key in image), None)
    if frame is None:
        name = image.get("file_name")
        digits = LAST_DIGITS.search(PurePosixPath(name).stem[-20:]) if isinstance(name, str) else None
        if not digits:
            raise AnnotationError(place=f"{place}.frame_index", problem="missing")
        frame = int(digits[1])
    sides = []
    for key, own in (("width", footage.info.width), ("height", footage.info.height)):
        side = image.get(key, own)
        if not (_is_number(side) and 1 <= side <= 1e6):
            raise AnnotationError(place=f"{place}.{key}", problem="out of range")
        sides.append(float(side))
    if not _is_number(frame):
        raise AnnotationError(place=f"{place}.frame_index", problem="no number")
    return _Image(float(frame), (sides[0], sides[1]))


def _sighting(annotation: Mapping[str, Json], place: str, image: _Image, label: str) -> Sighting:
    who = annotation.get("track_id", annotation.get("instance_id"))
    attributes = annotation.get("attributes")
    if who is None and isinstance(attributes, dict):
        who = attributes.get("track_id")
    if isinstance(who, bool) or not isinstance(who, int | str):
        raise AnnotationError(place=f"{place}.track_id", problem="no track")
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(edge) and abs(edge) < 1e9 for edge in box):
        raise AnnotationError(place=f"{place}.bbox", problem="no box")
    left, top, width, height = map(float, box)
    score = annotation.get("score", 1.0)
    return Sighting(
        who=str(who),
        label=label,
        confidence=float(score) if _is_number(score) and 0 <= score <= 1 else 1.0,
        frame=image.frame,
        box=(left, top, left + width, top + height),
    )


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


FORMATS.register(
    ExportFormat(
        key="coco",
        title="COCO",
        description="one JSON with frames as images, and fields for videos and tracks",
        suffix=".coco.json",
        write=write,
        read=read,
    )
)
