"""
MOTChallenge: a sequence's folder with `gt/gt.txt`, `gt/labels.txt`, `det/det.txt` and `seqinfo.ini`.

One line for each box: frame, object, left, top, width, height, a mark, class, visibility. Frames, objects and pixels count from
1, as motchallenge.net/instructions has it ("All frame numbers, target IDs and bounding boxes are 1-based"), so that frame 1 is
the first one shown and the picture's corner is (1, 1). Boxes may leave the picture, as those of the benchmark do (Milan et al.,
MOT16, 2016, section 3.2). In `det.txt` objects are -1 and the mark is the track's confidence; in `gt.txt` it is 1: counts.

Classes are the benchmark's own numbers where it has one (1 is a person), further ones behind them; `labels.txt` has their names
in that order, as CVAT reads it. The rate in `seqinfo.ini` is a whole number, which is what tools expect; times are the video's.
"""

from __future__ import annotations

import configparser
import math
from pathlib import Path

from tracking.errors import AnnotationError
from tracking.formats.base import FORMATS, Exported, ExportFormat, Files, Footage, plain_label
from tracking.formats.foreign import Gathered, Sighting, text_lines, text_of
from tracking.model import Annotations

# Milan et al., MOT16, table 2, under the names that detectors give to the first ones; 13 is MOT20's.
CLASSES = (
    *("person", "person on vehicle", "car", "bicycle", "motorcycle", "non motorized vehicle", "static person", "distractor"),
    *("occluder", "occluder on the ground", "occluder full", "reflection", "crowd"),
)
MAX_LABELS = 10_000
MAX_SMALL_BYTES = 1 << 20


def write(exported: Exported) -> Files:
    """Yield the files of the folder, `seqinfo.ini` last."""
    classes = [*CLASSES, *(label for label in exported.labels() if label not in CLASSES)]
    numbers = {label: number for number, label in enumerate(classes, 1)}
    truth: list[tuple[int, int, bytes]] = []
    detections: list[tuple[int, int, bytes]] = []
    for track in exported.annotations.tracks:
        seen = exported.on_frames(track)
        who, kind = track.track_id + 1, numbers[plain_label(track)]
        for frame, (left, top, width, height) in zip(
            (seen.frames + 1).tolist(), seen.rectangles(exported.footage.size).tolist(), strict=True
        ):
            box = f"{left + 1:.2f},{top + 1:.2f},{width:.2f},{height:.2f}"
            truth.append((frame, who, f"{frame},{who},{box},1,{kind},1\n".encode()))
            detections.append((frame, who, f"{frame},-1,{box},{track.confidence:.4f},-1,-1,-1\n".encode()))
    yield "gt/gt.txt", _lines(truth)
    yield "gt/labels.txt", "".join(f"{label}\n" for label in classes).encode()
    yield "det/det.txt", _lines(detections)
    yield "seqinfo.ini", _sequence(exported.footage)


def read(path: Path, footage: Footage) -> Annotations:
    """
    Return the tracks of a `gt.txt`, or of a tracker's results, in `path`.

    `labels.txt` beside it names the classes; without it they are those of the benchmark. A `seqinfo.ini` above says of which
    size the pictures were, else it is the video's. Rows that are marked with 0 do not count. Raises `AnnotationError`.
    """
    labels = _labels(path.with_name("labels.txt"))
    folder = path.absolute().parent
    size = _size(folder.with_name("seqinfo.ini"), footage) if folder.name in {"gt", "det"} else footage.size
    gathered = Gathered(footage)
    for place, line in text_lines(path):
        if line.strip():
            sighting = _sighting(line, place, labels)
            if sighting is not None:
                gathered.take(sighting, place, size=size)
    return gathered.annotations()


def _lines(rows: list[tuple[int, int, bytes]]) -> bytes:
    """Return the lines in order of frames, then of objects."""
    rows.sort()
    return b"".join([line for *_, line in rows])


def _sequence(footage: Footage) -> bytes:
    rate = max(1, round(footage.info.frame_rate))
    facts = {
        "name": footage.name,
        "imDir": "img1",
        "frameRate": rate,
        "seqLength": footage.frame_times.size,
        "imWidth": footage.info.width,
        "imHeight": footage.info.height,
        "imExt": ".jpg",
    }
    return "".join(["[Sequence]\n", *(f"{key}={value}\n" for key, value in facts.items())]).encode()


def _labels(path: Path) -> tuple[str, ...]:
    text = text_of(path, limit=MAX_SMALL_BYTES, is_optional=True)
    return tuple(line.strip() for line in text.splitlines()[:MAX_LABELS]) or CLASSES


def _size(path: Path, footage: Footage) -> tuple[float, float]:
    """Return width and height of the pictures that the boxes are of. Raises `AnnotationError`."""
    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read_string(text_of(path, limit=MAX_SMALL_BYTES, is_optional=True))
        if not found.has_section("Sequence"):
            return footage.size
        width, height = (float(found.get("Sequence", key)) for key in ("imWidth", "imHeight"))
    except (configparser.Error, ValueError) as error:
        raise AnnotationError(place=path.name, problem="unreadable") from error
    if not (1 <= width <= 1e6 and 1 <= height <= 1e6):
        raise AnnotationError(place=path.name, problem="out of range")
    return width, height


def _sighting(line: str, place: str, labels: tuple[str, ...]) -> Sighting | None:
    """Return what a line says; None where it does not count. Raises `AnnotationError`."""
    parts = line.replace(",", " ").split()
    if len(parts) < 6:
        raise AnnotationError(place=place, problem="missing")
    try:
        numbers = [float(part) for part in parts[:9]]
    except ValueError as error:
        raise AnnotationError(place=place, problem="no number") from error
    if not all(map(math.isfinite, numbers)):
        raise AnnotationError(place=place, problem="out of range")
    frame, who, left, top, width, height, *rest = numbers
    mark = rest[0] if rest else 1.0
    if mark == 0:
        return None
    if who < 0:
        raise AnnotationError(place=place, problem="no track")
    # Nine columns are a ground truth with classes; with ten the eighth is a place in the world.
    kind = rest[1] if len(parts) == 9 else 0.0
    label = labels[int(kind) - 1] if 1 <= kind <= len(labels) and kind.is_integer() else ""
    return Sighting(
        who=str(int(who)) if who.is_integer() else str(who),
        label=label or "object",
        confidence=mark if 0 < mark <= 1 else 1.0,  # what has none is taken as it is
        frame=frame - 1,
        box=(left - 1, top - 1, left - 1 + width, top - 1 + height),
    )


FORMATS.register(
    ExportFormat(
        key="mot",
        title="MOTChallenge",
        description="a sequence's folder with gt.txt, det.txt and seqinfo.ini",
        suffix=".mot",
        write=write,
        read=read,
    )
)
