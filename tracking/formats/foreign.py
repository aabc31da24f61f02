"""
What reading other people's track files has in common: bounds, text, and boxes on frames that become tracks.

Frames are numbered from 0 in the order in which the video shows them; a box on a frame has that frame's time. Whoever wrote the
file may be anybody: everything is bounded, and what is wrong is told with its place.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tracking.errors import AnnotationError
from tracking.formats.base import Footage
from tracking.formats.video_intelligence import MAX_BOXES, MAX_BYTES, MAX_EDGE, MAX_LABEL_CHARACTERS, MAX_OBJECTS
from tracking.model import Annotations, Track
from tracking.plain_text import plain

BLOCK_BYTES = 1 << 16
MAX_LINE_BYTES = 10_000
MAX_NAME_CHARACTERS = 200  # of an object's own number or name


@dataclass(frozen=True, slots=True)
class Sighting:
    """One box of one object: `who` tells objects apart, `box` is left, top, right, bottom in pixels."""

    who: str
    label: str
    confidence: float
    frame: float
    box: tuple[float, float, float, float]


@dataclass(slots=True)
class _Object:
    """What is known of one object so far; `boxes` are fractions, four after another."""

    label: str
    confidence: float
    frames: array[int] = field(default_factory=lambda: array("q"))
    boxes: array[float] = field(default_factory=lambda: array("f"))


class Gathered:
    """The boxes of a file while it is read."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._objects: dict[str, _Object] = {}
        self._boxes = 0

    def take(self, sighting: Sighting, place: str, *, size: tuple[float, float]) -> None:
        """
        Add a box that stands at `place` of the file, of a picture of `size` pixels.

        Raises `AnnotationError` for a frame that the video does not have, a box that can't be one, or too much.
        """
        frame = sighting.frame
        if not (0 <= frame < self._footage.frame_times.size and float(frame).is_integer()):
            raise AnnotationError(place=place, problem="no frame", limit=self._footage.frame_times.size)
        left, top, right, bottom = sighting.box
        edges = (left / size[0], top / size[1], right / size[0], bottom / size[1])
        if not all(abs(edge) <= MAX_EDGE for edge in edges) or right < left or bottom < top:
            raise AnnotationError(place=place, problem="out of range")
        self._boxes += 1
        if self._boxes > MAX_BOXES:
            raise AnnotationError(place="file", problem="too many boxes", limit=MAX_BOXES)
        found = self._objects.get(sighting.who[:MAX_NAME_CHARACTERS])
        if found is None:
            if len(self._objects) == MAX_OBJECTS:
                raise AnnotationError(place="file", problem="too many objects", limit=MAX_OBJECTS)
            found = _Object(_label(sighting.label), sighting.confidence)
            self._objects[sighting.who[:MAX_NAME_CHARACTERS]] = found
        elif sighting.confidence > found.confidence:
            found.label, found.confidence = _label(sighting.label), sighting.confidence
        found.frames.append(int(frame))
        found.boxes.extend(edges)

    def annotations(self) -> Annotations:
        """Return the tracks, in order of the objects' numbers, where they have names in order of these."""
        return Annotations(
            tuple(self._track(number, self._objects[who]) for number, who in enumerate(sorted(self._objects, key=_rank)))
        )

    def _track(self, number: int, found: _Object) -> Track:
        frames, firsts = np.unique(np.frombuffer(found.frames, np.int64), return_index=True)
        boxes = np.frombuffer(found.boxes, np.float32).reshape(-1, 4)[firsts]
        return Track(number, found.label, found.confidence, self._footage.frame_times[frames], boxes)


def text_of(path: Path, *, limit: int, is_optional: bool = False) -> str:
    """Return a file's text, "" for an optional one that is not there. Raises `AnnotationError`."""
    try:
        return bytes_of(path, limit=limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(place=path.name, problem="encoding") from error
    except AnnotationError as error:
        if is_optional and error.problem == "no file":
            return ""
        raise


def bytes_of(path: Path, *, limit: int = 0) -> bytes:
    """Return a file's bytes, `limit` at most, else as many as a file of ours may have. Raises `AnnotationError`."""
    limit = limit or MAX_BYTES
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > limit:
        raise AnnotationError(place="file", problem="too large", limit=limit)
    return data


def blocks_of(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, some at a time. Raises `AnnotationError`."""
    total = 0
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                total += len(block)
                if total > MAX_BYTES:
                    raise AnnotationError(place="file", problem="too large", limit=MAX_BYTES)
                yield block
    except OSError as error:
        raise _unreadable(path, error) from error


def text_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines of a file, each with its place, "line 1". Raises `AnnotationError`."""
    total = number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES):
                number, total = number + 1, total + len(line)
                if total > MAX_BYTES:
                    raise AnnotationError(place="file", problem="too large", limit=MAX_BYTES)
                if len(line) == MAX_LINE_BYTES:
                    raise AnnotationError(place=f"line {number}", problem="long line")
                try:
                    yield f"line {number}", line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise AnnotationError(place=f"line {number}", problem="encoding") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> AnnotationError:
    problem = "no file" if isinstance(error, FileNotFoundError | NotADirectoryError) else "unreadable"
    return AnnotationError(place=path.name, problem=problem)


def _label(text: str) -> str:
    return plain(text[:MAX_LABEL_CHARACTERS]) or "object"


def _rank(who: str) -> tuple[int, int, str]:
    """Return by what objects are put in order: numbers by their size, before names."""
    is_number = who.isascii() and who.isdecimal() and len(who) < 19
    return (0, int(who), "") if is_number else (1, 0, who)
