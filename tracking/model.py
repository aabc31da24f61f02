"""
What an engine says about a video: the one type that every other part takes or returns.

Times are float seconds from the first displayed frame. Boxes are fractions of the upright picture, origin top left; they may
leave 0..1 together with the object, and are kept as they came: whoever draws clips. Arrays are read-only; a `Track` costs two
arrays and a few strings, however many observations it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

ScalarT = TypeVar("ScalarT", bound=np.generic)

MOVING_OBJECT = "moving object"
"""The label of what was followed by its motion, whose confidence says nothing of what it is."""


class BoundingBox(NamedTuple):
    """Four edges as fractions of the upright frame, origin top left; they may lie outside of 0..1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Fraction of the frame's area, 0 for a box that is turned inside out."""
        return max(0.0, self.width) * max(0.0, self.height)

    def clipped(self) -> BoundingBox:
        """Return the part inside the picture, which may be empty."""
        left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in self)
        return BoundingBox(left, top, right, bottom)


class Segment(NamedTuple):
    """A stretch of a video in seconds, both ends included."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


class Observation(NamedTuple):
    """One sighting of an object."""

    time_s: float
    box: BoundingBox


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """
    One object's observations, in time order.

    `times` is (N,) float64, seconds, strictly rising; `boxes` is (N, 4) float32: left, top, right, bottom. N is 1 or more.
    `confidence` is 0..1: the best observation's score. `entity_id` is a Knowledge Graph id such as "/m/01g317", or "".
    `track_id` numbers the objects of one video. Raises `ValueError` for arrays of another shape or order, or numbers that
    are not finite.
    """

    track_id: int
    label: str
    confidence: float
    times: NDArray[np.float64]
    boxes: NDArray[np.float32]
    entity_id: str = ""
    language_code: str = ""

    def __post_init__(self) -> None:
        times = _frozen(self.times, np.float64)
        boxes = _frozen(self.boxes, np.float32)
        if times.ndim != 1 or not times.size:
            raise ValueError(f"times must be (N,) with N >= 1, not {times.shape}")
        if boxes.shape != (times.size, 4):
            raise ValueError(f"boxes must be ({times.size}, 4), not {boxes.shape}")
        if not (math.isfinite(times[0]) and math.isfinite(times[-1]) and np.isfinite(boxes).all()):
            raise ValueError("times and boxes must be finite")
        if not (times[1:] > times[:-1]).all():  # false for NaN, too
            raise ValueError("times must rise strictly")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must be in 0..1, not {self.confidence}")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "boxes", boxes)

    def __len__(self) -> int:
        return int(self.times.size)

    def __eq__(self, other: object) -> bool:
        """Equal in every field and every number."""
        if not isinstance(other, Track):
            return NotImplemented
        return (
            (self.track_id, self.label, self.confidence, self.entity_id, self.language_code)
            == (other.track_id, other.label, other.confidence, other.entity_id, other.language_code)
            and np.array_equal(self.times, other.times)
            and np.array_equal(self.boxes, other.boxes)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays: compared, never hashed

    @property
    def is_named(self) -> bool:
        """Whether an engine said what it is; only then does the confidence tell a person something."""
        return self.label != MOVING_OBJECT

    @property
    def segment(self) -> Segment:
        """From the first to the last observation."""
        return Segment(float(self.times[0]), float(self.times[-1]))

    @property
    def duration_s(self) -> float:
        return float(self.times[-1] - self.times[0])

    @property
    def observations(self) -> Iterator[Observation]:
        """Each observation in time order; for loops over many, use the arrays."""
        for time_s, box in zip(self.times.tolist(), self.boxes.tolist(), strict=True):
            yield Observation(time_s, BoundingBox(*box))

    def boxes_at(self, times_s: ArrayLike) -> NDArray[np.float32]:
        """
        Boxes at `times_s` (K,), linearly interpolated between the two nearest observations: (K, 4).

        Before the first and after the last observation the nearest one holds.
        """
        wanted = np.atleast_1d(np.asarray(times_s, np.float64))
        columns = [np.interp(wanted, self.times, self.boxes[:, edge]) for edge in range(4)]
        return np.stack(columns, axis=1).astype(np.float32)

    def box_at(self, time_s: float) -> BoundingBox:
        """Return the box at one time; see `boxes_at`."""
        after = int(self.times.searchsorted(time_s, side="right"))
        if after in (0, len(self)):
            return BoundingBox(*self.boxes[min(after, len(self) - 1)].tolist())
        start_s, end_s = self.times.item(after - 1), self.times.item(after)
        share = (time_s - start_s) / (end_s - start_s)
        before, behind = self.boxes[after - 1].tolist(), self.boxes[after].tolist()
        return BoundingBox(*(a + (b - a) * share for a, b in zip(before, behind, strict=True)))


class ProblemKind(StrEnum):
    """What went wrong with a part of a video in an otherwise good run."""

    REPORTED = "REPORTED"
    """A service says so, in words of its own."""
    CUT_SHORT = "CUT_SHORT"
    """The file ends at `start_s`, and says itself that it goes on to `end_s`."""
    PICTURES_LOST = "PICTURES_LOST"
    """`pictures` between `start_s` and `end_s` do not decode, or refer to such, and were left out."""
    INCOMPLETE = "INCOMPLETE"
    """`pictures` have lost a part of their bytes, as the file itself says."""
    REST_UNREAD = "REST_UNREAD"
    """At `start_s` a recording ends, and another one that follows in the same file cannot be read."""
    CAMERA_MOVES = "CAMERA_MOVES"
    """From `start_s` to `end_s` the camera moves, and the motion engine has left that out."""


DAMAGE = frozenset({ProblemKind.CUT_SHORT, ProblemKind.PICTURES_LOST, ProblemKind.INCOMPLETE, ProblemKind.REST_UNREAD})
"""What is wrong with the file itself."""


class EngineWarning(NamedTuple):
    """
    Something that an engine reported about a part of the video; `code` is a google.rpc.Code number, 2 when unknown.

    `kind` says what it is; `message` is the service's where it is `REPORTED`, else for whoever reads the
    file. Seconds; `pictures` counts.
    """

    code: int
    message: str
    kind: ProblemKind = ProblemKind.REPORTED
    start_s: float = 0.0
    end_s: float = 0.0
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class Annotations:
    """
    What an engine said about one video.

    `input_uri` names the video as the engine knew it, or is "". `segment` is what was looked at, None when the file does not
    say. `problems` holds the parts that failed in an otherwise good run.
    """

    tracks: tuple[Track, ...] = ()
    shots: tuple[Segment, ...] = ()
    input_uri: str = ""
    segment: Segment | None = None
    problems: tuple[EngineWarning, ...] = field(default=())

    def within(self, segment: Segment) -> Annotations:
        """Only the observations inside `segment`, and the tracks that have any."""
        tracks = []
        for track in self.tracks:
            inside = (track.times >= segment.start_s) & (track.times <= segment.end_s)
            if inside.any():
                tracks.append(replace(track, times=track.times[inside], boxes=track.boxes[inside]))
        return replace(self, tracks=tuple(tracks), segment=segment)

    @property
    def step_s(self) -> float:
        """Return the usual time between two pictures that the engine looked at, 0 when no object was seen in two of them."""
        gaps = [np.diff(track.times) for track in self.tracks if len(track) > 1]
        return float(np.median(np.concatenate(gaps))) if gaps else 0.0

    @property
    def end_s(self) -> float:
        """Time of the last observation, 0 when there is none."""
        return max((float(track.times[-1]) for track in self.tracks), default=0.0)

    @property
    def reach_s(self) -> float:
        """How long the video was at least that they are about: to the end of what was looked at, 0 where nothing says it."""
        return max(self.end_s, self.segment.end_s if self.segment else 0.0)


def _frozen(values: NDArray[ScalarT], dtype: type[ScalarT]) -> NDArray[ScalarT]:
    """Return a read-only array of `dtype`: `values` itself where nobody may write to it, else a copy."""
    if values.dtype == dtype and not values.flags.writeable:
        return values
    array = np.array(values, dtype)
    array.setflags(write=False)
    return array
