"""
The Video Intelligence API's JSON: the form in which every engine writes and every renderer reads.

Both spellings are read, and mixtures: snake_case as the service writes to `output_uri`, camelCase as REST answers, bare, as a
whole operation, or as the many answers of a stream. Numbers that are zero are left out by the service, times come as
{"seconds", "nanos"} or "1.5s", objects may stand in any of several results, unknown fields are ignored but for those of a
time. What is written is the snake_case form, which Google's own `AnnotateVideoResponse` reads back equal.

Source of the shape: google/cloud/videointelligence/v1/video_intelligence.proto. Its own parser is not used for reading: one
unknown field breaks it, camelCase gives it an empty result, and it is far slower (docs/performance.md).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tracking.errors import AnnotationError, AnnotationRunFailed
from tracking.formats import pieces
from tracking.model import Annotations, EngineWarning, ProblemKind, Segment, Track
from tracking.sources.sniffing import SNIFFED_BYTES, first_tag

# An hour of a crowded street is some 50 MB; what these bounds let pass at most, such as 69 people ten times a second for an
# hour, is some 480 MB. Above them a file is made to exhaust memory, or nobody could look at what it shows.
MAX_BYTES = 512 * 1024 * 1024
MAX_OBJECTS = 200_000
MAX_BOXES = 2_500_000
MAX_TIME_S = 1e6
MAX_EDGE = 10.0  # frames; real boxes stay within -0.6..1.3, and one in pixels has edges in the hundreds
MAX_PIXELS = 1e5
MAX_LABEL_CHARACTERS = 1000

MAX_PROBLEMS = 100
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
ERROR_DOMAIN = "tracklet"

NANOS = 1_000_000_000
# Protobuf's JSON writes a Duration as a decimal with a final "s".
DURATION = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?s")

PROTO_TIME_KEYS = frozenset({"seconds", "nanos"})
TIME_KEYS = PROTO_TIME_KEYS | {"microseconds"}
"""The third is what Python's own durations have, and what is written by way of them."""

LONG_LISTS = ("object_annotations", "objectAnnotations")

OTHER_KINDS = {
    "labels": ("segment_label", "shot_label", "frame_label", "segment_presence_label", "shot_presence_label"),
    "persons": ("person_detection",),
    "faces": ("face_detection", "face"),
    "texts": ("text",),
    "logos": ("logo_recognition",),
}
"""What a file may hold in place of objects, by the beginnings of the keys in `VideoAnnotationResults`."""

Json = Any  # what a JSON parser gives; its shape is what this module checks
Parts = list[tuple[NDArray[np.float64], NDArray[np.float32]]]


@dataclass(slots=True)
class _Row:
    """One object while its file is read: what is known of it, and its times and boxes as they came."""

    label: str
    confidence: float
    entity_id: str
    language_code: str
    parts: Parts = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Objects:
    """The objects of one result, a part of them at a time."""

    values: Json
    long_lists: Mapping[str, pieces.LongList]
    place: str

    def parts(self) -> Iterator[list[tuple[str, dict[str, Json]]]]:
        """Yield each object with its place. Raises `AnnotationError`."""
        found = self.long_lists.get(self.values) if isinstance(self.values, str) else None
        if found is None:
            yield list(_items(self.values, self.place))
            return
        number = 0
        with json_faults():
            for piece in found.pieces():
                yield list(_items(piece, self.place, first=number))
                number += len(piece)


@dataclass(slots=True)
class _Budget:
    """How much of a file was read; above the bounds it says so."""

    objects: int = 0
    boxes: int = 0

    def take(self, objects: int, boxes: int) -> None:
        """Raise `AnnotationError`."""
        self.objects += objects
        self.boxes += boxes
        for count, limit, problem in (
            (self.objects, MAX_OBJECTS, "too many objects"),
            (self.boxes, MAX_BOXES, "too many boxes"),
        ):
            if count > limit:
                raise AnnotationError(place="file", problem=problem, limit=limit)


@dataclass(slots=True)
class _Reading:
    """What was read of a file so far; `streamed` are the objects of the streaming form, by their ids."""

    rows: list[_Row] = field(default_factory=list)
    streamed: dict[str, _Row] = field(default_factory=dict)
    budget: _Budget = field(default_factory=_Budget)
    shots: list[Segment] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    problems: list[EngineWarning] = field(default_factory=list)
    input_uri: str = ""
    results: int = 0
    failed: list[tuple[str, EngineWarning]] = field(default_factory=list)
    others: dict[str, None] = field(default_factory=dict)
    has_objects: bool = False

    def take(self, place: str, result: dict[str, Json], long_lists: Mapping[str, pieces.LongList]) -> None:
        """Read one result. Raises `AnnotationError`."""
        self.results += 1
        uri = _pick(result, "input_uri", "inputUri")
        self.input_uri = self.input_uri or (uri if isinstance(uri, str) else "")
        if isinstance(result.get("segment"), dict):
            self.segments.append(_segment(result["segment"], f"{place}.segment"))
        self.shots += _shots(result, place)
        problems = _problems(result.get("error"))
        self.problems += problems
        objects = _pick(result, "object_annotations", "objectAnnotations")
        self.has_objects |= objects is not None
        if problems and objects is None:
            self.failed.append((f"{place}.error", problems[0]))
        if objects is None:
            self.others |= dict.fromkeys(_other_kinds(result))
        found = _Objects(objects, long_lists, f"{place}.object_annotations")
        self.rows += _rows(found, self.budget, self.streamed)

    def annotations(self) -> Annotations:
        """Return what was read. Raises `AnnotationError` for a file that holds other things, or the errors of a failed run."""
        if self.failed and len(self.failed) == self.results:
            place, problem = self.failed[0]
            raise AnnotationRunFailed(place=place, problem=problem.message, code=problem.code)
        if self.others and not self.has_objects:
            raise AnnotationError(place="annotation_results", problem=f"holds {', '.join(self.others)}")
        tracks = [_track(row, number) for number, row in enumerate(row for row in self.rows if row.parts)]
        segments = self.segments
        segment = Segment(min(s.start_s for s in segments), max(s.end_s for s in segments)) if segments else None
        return Annotations(tuple(tracks), tuple(self.shots), self.input_uri, segment, tuple(self.problems))


def read(source: Path | bytes) -> Annotations:
    """
    Return annotations from a file or its bytes: one answer, or those of a stream, in a list or one after the other.

    Boxes and times are kept as they are; observations are put in time order and a second one at the same time is dropped, as
    are observations without a box and objects without observations. Tracks are numbered in the file's order, from 0. Raises
    `AnnotationError`, which names the place of the fault; also for a file of other things than objects, and for more than
    `MAX_BYTES`, `MAX_OBJECTS` or `MAX_BOXES`, or millions of values outside of the objects or in one of them, before such a
    file costs more than some 300 MB beside its bytes. Raises `AnnotationRunFailed` where each result is an error.
    """
    reading = _Reading()
    is_answered = False
    with json_faults():
        for place, answer, long_lists in _answers(_data(source)):
            results = _results(answer, place)
            is_answered |= results is not None
            if isinstance(results, EngineWarning):
                reading.results += 1
                reading.problems.append(results)
                reading.failed.append((f"{place}error", results))
                continue
            for at, result in _items(results, f"{place}annotation_results"):
                reading.take(at, result, long_lists)
    if not is_answered:
        raise AnnotationError(place="annotation_results", problem="missing")
    return reading.annotations()


def failure_in(content: bytes) -> AnnotationRunFailed | None:
    """Return the failure that an annotation file tells of, None for one with results or with a fault of its own."""
    try:
        read(content)
    except AnnotationRunFailed as failed:
        return failed
    except AnnotationError:
        return None
    return None


def write(annotations: Annotations) -> bytes:
    """
    Return the snake_case form, all objects in one result, zeros left out as the service does.

    Boxes and confidences are single precision, as in the API, in the shortest decimals that read back equal; times are whole
    nanoseconds.
    """
    result: dict[str, Json] = {}
    if annotations.input_uri:
        result["input_uri"] = annotations.input_uri
    if annotations.segment:
        result["segment"] = _segment_json(annotations.segment)
    if annotations.shots:
        result["shot_annotations"] = [_segment_json(shot) for shot in annotations.shots]
    result["object_annotations"] = [_object_json(track) for track in annotations.tracks]
    if annotations.problems:
        result["error"] = _error_json(annotations.problems)
    return orjson.dumps({"annotation_results": [result]}, option=orjson.OPT_APPEND_NEWLINE)


def _data(source: Path | bytes) -> bytes:
    """Return the file's text in UTF-8. Raises `AnnotationError`."""
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > MAX_BYTES:
            raise AnnotationError(place="file", problem="too large", limit=MAX_BYTES)
        data = source if isinstance(source, bytes) else _bytes(source)
    except OSError as error:
        assert isinstance(source, Path)  # bytes are not opened
        problem = "no file" if isinstance(error, FileNotFoundError | NotADirectoryError) else "unreadable"
        raise AnnotationError(place=source.name, problem=problem) from error
    if other := _other_file(data):
        raise AnnotationError(place="line 1, column 1", problem=other)
    return pieces.utf8(data)


def _other_file(data: bytes) -> str:
    """Return what a file is by its first bytes that is no text of annotations, "" where nothing says it."""
    if not data.strip():
        return "empty"
    if data.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"7z\xbc\xaf", b"\xfd7zXZ")):
        return "compressed"
    if data.startswith(b"version https://git-lfs."):
        return "pointer"
    if first_tag(data[:SNIFFED_BYTES]):
        return "markup"
    return ""


def _bytes(path: Path) -> bytes:
    """Return the file's bytes; one that grew beyond the limit meanwhile, or has no size, is read no further."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise AnnotationError(place="file", problem="too large", limit=MAX_BYTES)
    return data


def _answers(data: bytes) -> Iterator[tuple[str, Json, Mapping[str, pieces.LongList]]]:
    """Return each answer with its place, "" where it is the only one; the faults are those of `pieces`."""
    if pieces.is_list(data):
        number = 0
        for number, answer in enumerate(pieces.elements(data), 1):
            yield f"[{number - 1}].", answer, {}
        if not number:
            raise AnnotationError(place="file", problem="no object")
        return
    try:
        answer, long_lists = pieces.load(data, long_lists=LONG_LISTS)
    except (pieces.NotJsonError, pieces.TooManyValuesError):
        number = -1
        for number, answer in enumerate(pieces.documents(data)):
            yield f"answer {number + 1}: ", answer, {}
        if number < 0:
            raise
    else:
        yield "", answer, long_lists


@contextmanager
def json_faults() -> Iterator[None]:
    """Turn the faults of `pieces` into ours."""
    try:
        yield
    except pieces.NotJsonError as error:
        raise AnnotationError(place=f"line {error.line}, column {error.column}", problem="no JSON") from error
    except pieces.EncodingError as error:
        raise AnnotationError(place="file", problem="encoding") from error
    except pieces.TooManyValuesError as error:
        raise AnnotationError(place="file", problem="too many values", limit=pieces.MAX_PART_CONTAINERS) from error


def _results(document: Json, place: str) -> Json:
    """
    Return the results of an answer, out of an operation where it is wrapped in one, the error that it is instead, or None.

    One result that stands alone, as in the streaming form of REST or saved by itself, becomes a list. Raises `AnnotationError`.
    """
    if not isinstance(document, dict):
        raise AnnotationError(place=place.rstrip(". :") or "file", problem="no object")
    results = _pick(document, "annotation_results", "annotationResults")
    if results is not None:
        return [results] if isinstance(results, dict) else results
    if _pick(document, "object_annotations", "objectAnnotations") is not None:
        return [document]
    if problems := _problems(document.get("error")):
        return problems[0]
    response = document.get("response")
    if isinstance(response, dict):
        return _results({key: response[key] for key in response if key != "response"}, place)
    if "name" in document and not document.get("done"):
        raise AnnotationError(place=f"{place}done", problem="unfinished")
    if place and not document:
        return None  # a stream may say nothing for a while
    raise AnnotationError(place=f"{place}annotation_results", problem="missing")


def _other_kinds(result: dict[str, Json]) -> Iterator[str]:
    """Return what a result holds beside objects, in words."""
    for kind, beginnings in OTHER_KINDS.items():
        for beginning in beginnings:
            snake = f"{beginning}_annotations"
            first, *others = snake.split("_")
            if _pick(result, snake, first + "".join(map(str.title, others))):
                yield kind
                break


def _rows(objects: _Objects, budget: _Budget, streamed: dict[str, _Row]) -> Iterator[_Row]:
    """
    Yield the objects of one result, in the file's order, some of them perhaps without a box.

    In the streaming form each entry holds one observation, and a track id holds them together (proto: `track_info`); what is
    known of the object is what its most confident observation says.
    """
    for found in objects.parts():
        times, boxes, ends = _arrays(found)
        budget.take(len(found), times.size)
        for (at, each), start, end in zip(found, [0, *ends], ends, strict=False):
            track_id = _pick(each, "track_id", "trackId")
            is_streamed = track_id is not None and "segment" not in each
            row = streamed.get(str(track_id)) if is_streamed else None
            if row is None:
                if start == end and not is_streamed:
                    continue
                row = _row(each, at)
                if is_streamed:
                    streamed[str(track_id)] = row
                yield row
            elif is_streamed:
                _improve(row, _row(each, at))
            if end > start:
                row.parts.append((times[start:end], boxes[start:end]))


def _arrays(found: list[tuple[str, dict[str, Json]]]) -> tuple[NDArray[np.float64], NDArray[np.float32], list[int]]:
    """
    Times (N,) and boxes (N, 4) of all objects together, and where each object's end.

    Numbers are gathered first and become arrays at once, of which each track keeps a part: many short tracks would
    otherwise cost more in small arrays than in reading.
    """
    nanos: list[Json] = []
    edges: list[Json] = []
    ends = [_gather(at, each, nanos, edges) for at, each in found]
    # Of text, nested values and huge numbers NumPy makes arrays of another kind, or none.
    times = np.asarray(nanos)
    try:
        boxes = np.asarray(edges)
    except ValueError:
        boxes = np.asarray("ragged")
    if nanos and (times.dtype.kind != "i" or boxes.dtype.kind not in "fiub" or boxes.ndim != 1 or not _in_range(times, boxes)):
        raise next(fault for at, each in found if (fault := _first_fault(each.get("frames") or [], at)))
    times = times / NANOS
    boxes = boxes.astype(np.float32).reshape(-1, 4)
    times.setflags(write=False)
    boxes.setflags(write=False)
    return times, boxes, ends


def _in_range(nanos: NDArray[Any], edges: NDArray[Any]) -> bool:
    return bool(nanos.min() >= 0 and nanos.max() <= MAX_TIME_S * NANOS and edges.max() <= MAX_EDGE and edges.min() >= -MAX_EDGE)


def _gather(place: str, found: dict[str, Json], nanos: list[Json], edges: list[Json]) -> int:
    """Put an object's times and boxes at the end of the lists; how many times these hold then."""
    frames = found.get("frames") or []
    if not isinstance(frames, list):
        raise AnnotationError(place=f"{place}.frames", problem="no list")
    try:
        for frame in frames:
            box = frame.get("normalized_bounding_box")
            if box is None:
                box = frame.get("normalizedBoundingBox")
                if box is None:
                    continue
            offset = frame.get("time_offset")
            if offset is None:
                offset = frame.get("timeOffset") or {}
            # Whole numbers are the common case; whatever else there is, is read with care.
            if offset.__class__ is dict and offset.keys() <= PROTO_TIME_KEYS:
                seconds, rest = offset.get("seconds", 0), offset.get("nanos", 0)
                whole = seconds.__class__ is int and rest.__class__ is int
                nanos.append(seconds * NANOS + rest if whole else _nanos(offset))
            else:
                nanos.append(_nanos(offset))
            edges += (box.get("left", 0.0), box.get("top", 0.0), box.get("right", 0.0), box.get("bottom", 0.0))
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise _first_fault(frames, place) or AnnotationError(place=f"{place}.frames", problem="unreadable") from error
    return len(nanos)


def _row(found: dict[str, Json], place: str) -> _Row:
    entity = found.get("entity") or {}
    if not isinstance(entity, dict):
        raise AnnotationError(place=f"{place}.entity", problem="no object")
    entity_id = _text(_pick(entity, "entity_id", "entityId"))
    return _Row(
        label=sys.intern(_text(entity.get("description")) or "object"),
        confidence=_confidence(found.get("confidence", 0.0), f"{place}.confidence"),
        entity_id=sys.intern(entity_id),
        language_code=sys.intern(_text(_pick(entity, "language_code", "languageCode"))),
    )


def _improve(row: _Row, seen: _Row) -> None:
    if seen.confidence > row.confidence:
        row.label, row.confidence, row.entity_id, row.language_code = (
            seen.label,
            seen.confidence,
            seen.entity_id,
            seen.language_code,
        )


def _track(row: _Row, track_id: int) -> Track:
    times, boxes = row.parts[0] if len(row.parts) == 1 else (np.concatenate(column) for column in zip(*row.parts, strict=True))
    if not (times[1:] > times[:-1]).all():
        times, first = np.unique(times, return_index=True)
        boxes = boxes[first]
    return Track(track_id, row.label, row.confidence, times, boxes, row.entity_id, row.language_code)


def _first_fault(frames: list[Json], place: str) -> AnnotationError | None:
    """Return which frame is at fault, and what is wrong with it; None where none is."""
    for at, frame in ((f"{place}.frames[{number}]", frame) for number, frame in enumerate(frames)):
        if not isinstance(frame, dict):
            return AnnotationError(place=at, problem="no object")
        box = _pick(frame, "normalized_bounding_box", "normalizedBoundingBox")
        if box is not None and not isinstance(box, dict):
            return AnnotationError(place=f"{at}.normalized_bounding_box", problem="no object")
        for edge in ("left", "top", "right", "bottom"):
            value = (box or {}).get(edge, 0.0)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return AnnotationError(place=f"{at}.normalized_bounding_box.{edge}", problem="no number")
            if not abs(value) <= MAX_EDGE:
                problem = "pixels" if abs(value) <= MAX_PIXELS else "out of range"
                return AnnotationError(place=f"{at}.normalized_bounding_box.{edge}", problem=problem)
        try:
            if _nanos(_pick(frame, "time_offset", "timeOffset") or {}) > MAX_TIME_S * NANOS:
                return AnnotationError(place=f"{at}.time_offset", problem="out of range")
        except (AttributeError, TypeError, ValueError, OverflowError):
            return AnnotationError(place=f"{at}.time_offset", problem="no time")
    return None


def _nanos(offset: Json) -> int:
    """
    Return whole nanoseconds of {"seconds": 1, "nanos": 5}, {}, {"seconds": 1, "microseconds": 5}, "1.000000005s" or 1.5.

    Raises AttributeError, TypeError, ValueError or OverflowError for anything else, so that no part of a time is lost.
    """
    if isinstance(offset, str):
        parts = DURATION.fullmatch(offset)
        if not parts:
            raise ValueError(offset)
        return min(int(parts[1]), 10**9) * NANOS + int((parts[2] or "").ljust(9, "0"))
    if isinstance(offset, int | float):
        offset = {"seconds": offset}
    if not offset.keys() <= TIME_KEYS:
        raise ValueError(offset)
    total = (
        _count(offset.get("seconds", 0), NANOS)
        + _count(offset.get("microseconds", 0), 1000)
        + _count(offset.get("nanos", 0), 1)
    )
    if not 0 <= total < 2**63:
        raise ValueError(total)
    return total


def _count(value: Json, nanos: int) -> int:
    """Return how many nanoseconds `value` units of `nanos` are: a whole number, also as text as in REST, or a fraction."""
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, float):
        return round(value * nanos)
    return int(value) * nanos


def _segment(found: dict[str, Json], place: str) -> Segment:
    edges = []
    for snake, camel in (("start_time_offset", "startTimeOffset"), ("end_time_offset", "endTimeOffset")):
        try:
            edges.append(_nanos(_pick(found, snake, camel) or {}) / NANOS)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise AnnotationError(place=f"{place}.{snake}", problem="no time") from error
    return Segment(*edges)


def _shots(result: dict[str, Json], place: str) -> list[Segment]:
    shots = _pick(result, "shot_annotations", "shotAnnotations")
    return [_segment(shot, at) for at, shot in _items(shots, f"{place}.shot_annotations")]


def _error_json(problems: Sequence[EngineWarning]) -> dict[str, Json]:
    """Return all problems as one google.rpc.Status: the first in its own fields, and each as an ErrorInfo among its details."""
    status: dict[str, Json] = {"code": problems[0].code, "message": problems[0].message}
    if len(problems) > 1 or problems[0].kind is not ProblemKind.REPORTED:
        status["details"] = [
            {
                "@type": ERROR_INFO,
                "reason": problem.kind.value,
                "domain": ERROR_DOMAIN,
                "metadata": {
                    "code": str(problem.code),
                    "message": problem.message,
                    "start_s": f"{problem.start_s:.6f}",
                    "end_s": f"{problem.end_s:.6f}",
                    "pictures": str(problem.pictures),
                },
            }
            for problem in problems[:MAX_PROBLEMS]
        ]
    return status


def _problems(error: Json) -> list[EngineWarning]:
    """Return what is reported of one result; a status of code 0 is no error (google.rpc.Code)."""
    if not isinstance(error, dict) or not (error.get("code") or error.get("message")):
        return []
    details = error.get("details")
    ours = [
        found
        for detail in (details[:MAX_PROBLEMS] if isinstance(details, list) else [])
        if (found := _own_problem(detail)) is not None
    ]
    code = error.get("code")
    return ours or [EngineWarning(code if isinstance(code, int) else 2, _text(error.get("message")))]


def _own_problem(detail: Json) -> EngineWarning | None:
    """Return what `_error_json` wrote of one problem; None for what is not ours, or was changed."""
    if not isinstance(detail, dict) or detail.get("domain") != ERROR_DOMAIN:
        return None
    facts = detail.get("metadata")
    if not isinstance(facts, dict):
        return None
    try:
        kind = ProblemKind(_text(detail.get("reason")))
        code, pictures = int(_text(facts.get("code"))), int(_text(facts.get("pictures")))
        start_s, end_s = float(_text(facts.get("start_s"))), float(_text(facts.get("end_s")))
    except ValueError:
        return None
    if not (0 <= start_s <= end_s <= MAX_TIME_S and 0 <= pictures < 2**31 and 0 < code < 2**31):
        return None
    return EngineWarning(code, _text(facts.get("message")), kind, start_s, end_s, pictures)


def _confidence(value: Json, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnnotationError(place=place, problem="no number")
    if not -1e-3 <= value <= 1 + 1e-3:
        raise AnnotationError(place=place, problem="out of range")
    return float(str(np.float32(min(max(value, 0.0), 1.0))))


def _items(values: Json, place: str, *, first: int = 0) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield each object of a list with its place, `first` being the number of the first; a missing list has none."""
    if values is None:
        return
    if not isinstance(values, list):
        raise AnnotationError(place=place, problem="no list")
    for number, value in enumerate(values, first):
        if not isinstance(value, dict):
            raise AnnotationError(place=f"{place}[{number}]", problem="no object")
        yield f"{place}[{number}]", value


def _pick(found: dict[str, Json], snake: str, camel: str) -> Json:
    value = found.get(snake)
    return found.get(camel) if value is None else value


def _text(value: Json) -> str:
    return value[:MAX_LABEL_CHARACTERS] if isinstance(value, str) else ""


def _object_json(track: Track) -> dict[str, Json]:
    entity = {"entity_id": track.entity_id, "description": track.label, "language_code": track.language_code}
    boxes = _shortest(track.boxes)
    nanos = np.round(track.times * NANOS).astype(np.int64).tolist()
    return {
        "entity": {key: value for key, value in entity.items() if value},
        "frames": [
            {"normalized_bounding_box": _box_json(box), "time_offset": _time_json(offset)}
            for box, offset in zip(boxes, nanos, strict=True)
        ],
        "segment": {"start_time_offset": _time_json(nanos[0]), "end_time_offset": _time_json(nanos[-1])},
        "confidence": _shortest(np.array([track.confidence], np.float32))[0],
    }


def _box_json(box: list[float]) -> dict[str, float]:
    edges = zip(("left", "top", "right", "bottom"), box, strict=True)
    return {edge: value for edge, value in edges if value}


def _segment_json(segment: Segment) -> dict[str, Json]:
    start, end = (_time_json(round(edge * NANOS)) for edge in segment)
    return {"start_time_offset": start, "end_time_offset": end}


def _time_json(nanos: int) -> dict[str, int]:
    seconds, rest = divmod(max(nanos, 0), NANOS)
    return {key: value for key, value in (("seconds", seconds), ("nanos", rest)) if value}


def _shortest(values: NDArray[np.float32]) -> Json:
    """Single-precision numbers as the doubles with the shortest decimals that read back as the same single."""
    return orjson.loads(orjson.dumps(np.ascontiguousarray(values, np.float32), option=orjson.OPT_SERIALIZE_NUMPY))
