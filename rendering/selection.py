"""
Which objects are shown, in which order, and at which of their moments.

All of it is decided from labels, times and boxes: no picture is decoded here. Times are seconds from the first frame, boxes
fractions of the upright picture. `docs/rendering.md`, "Which objects", gives the reasons.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rendering.colours import Colour, colours_of
from tracking.model import Annotations, BoundingBox, Segment, Track

# Pictures of more nobody looks through: 42 pages. The most telling ones are shown, and how many more there are is said.
MAX_SHOWN = 1_000

# As many objects as a page of the summary has.
PAGE_OBJECTS = 24

# From so many objects on a page has a group for each label that several of them share, where there are several such labels.
GROUPED_FROM = 8

# What stands still is there for this share of its shot, which lasts so long at least, and its centre is nearly always within
# this share of its box's diagonal.
STANDING_SHARE, STANDING_SHOT_S, STANDING_REACH = 0.8, 2.0, 0.12

MAX_CLIP_S = 6.0
MAX_MOMENTS = 3

# A moment at which another object of the page is shown already is worth a little less, so that not all show one picture.
MOMENT_TAKEN_WORTH, MOMENT_TAKEN_S = 0.96, 0.25

# So long a GIF plays, or a third of a shorter one, before its loop jumps from the clip's end to its start.
OPENING_PLAYS_S = 1.0

# What begins with its clip's first moment reads as it happened: another one must be so many times as good a picture.
OPENING_GAIN = 1.15

# Thresholds come as 0.7 and confidences as the 32-bit 0.7 of a file, which is a little less.
ROUNDING = 1e-6

# Times of engines and containers differ by rounding; what starts this close to the end is still on the last frame.
END_TOLERANCE_S = 0.05

# How many observations of one track are looked at for its best moments, and of all tracks together.
MOMENTS_LOOKED_AT = 32
MOMENTS_LOOKED_AT_IN_ALL = 6_000

# Of a crowd so dense that it was made to be, so many boxes are looked at for what hides one.
MAX_OCCLUDERS = 2_000

# Two sightings this close in time count as simultaneous where one may hide the other.
SIMULTANEOUS_S = 0.1


# Ten boxes are a second at ten a second. A clip of one second, or one of few pictures a second, has no ten to give: there it is
# two seconds' worth at most, and half of the clip's at most, but never fewer boxes than tell a thing from a mistake.
USUAL_FRAMES = 10
MOST_S = 2.0
SHARE_OF_CLIP = 0.5
FEWEST_FRAMES = 3
USUAL_RATE_HZ = 10.0
TRACKS_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """
    What must hold for an object to be shown; `labels` are compared without case, none means all.

    `min_frames` is the least number of boxes. Its default is that of an ordinary clip; short and slow ones want fewer.
    """

    min_confidence: float = 0.70
    min_frames: int = USUAL_FRAMES
    labels: tuple[str, ...] = ()

    def for_clip(self, annotations: Annotations, *, duration_s: float) -> Selection:
        """Return the same, with as many boxes as a clip of this length can be asked for where nobody asked for a number."""
        segment = annotations.segment
        length_s = min(segment.duration_s, duration_s) if segment and segment.duration_s > 0 else duration_s
        if self.min_frames != USUAL_FRAMES or duration_s <= 0:
            return self
        least = round(min(MOST_S, SHARE_OF_CLIP * length_s) * boxes_a_second(annotations))
        return replace(self, min_frames=min(max(least, FEWEST_FRAMES), USUAL_FRAMES))


class Moment(NamedTuple):
    """One observation of an object, and how good a picture of it is likely to be: 0..1, by the boxes alone."""

    time_s: float
    box: BoundingBox
    quality: float


@dataclass(frozen=True, slots=True)
class Group:
    """Objects that stand together on their page: those of some labels, or, without one, what stands still for its shot."""

    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownObject:
    """
    One object that is shown.

    `number` is what people call it, in pictures and lists alike; it counts from 1. `moments` are one to three observations
    where it is likely sharp, large, whole and in sight, the best first. `clip` is its most telling stretch, 6 s at most, and
    `opening_s` the best moment in it that a loop can begin with. `colour` is that of its label. `group` is what it
    stands with on its page, None where pages have no groups.
    """

    number: int
    track: Track
    moments: tuple[Moment, ...]
    clip: Segment
    opening_s: float
    colour: Colour
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """
    What is shown, page by page, and what only the thresholds kept out, the best first.

    The most telling objects are on the first page; those of one page are in order of time, by groups.

    `left_out` counts the objects that pass, too, but tell less than the `MAX_SHOWN` that are shown. `selection` is what was
    wanted of this clip.
    """

    shown: tuple[ShownObject, ...]
    near_misses: tuple[Track, ...]
    left_out: int = 0
    selection: Selection = Selection()


@dataclass(frozen=True, slots=True)
class Numbering:
    """
    The numbers that objects have already, by their `track_id`; every other object gets one above `highest`.

    So an object keeps its number wherever it is shown again, and no number means two objects.
    """

    known: Mapping[int, int] = field(default_factory=dict)
    highest: int = 0

    def numbers_of(self, track_ids: Iterable[int]) -> list[int]:
        """Return the number of each track; new ones are given in the order of `track_ids`."""
        following = max((self.highest, *self.known.values()))
        numbers = []
        for track_id in track_ids:
            number = self.known.get(track_id)
            if number is None:
                following += 1
                number = following
            numbers.append(number)
        return numbers


def renumbered(selected: Selected, numbering: Numbering) -> Selected:
    """Return the same with the numbers that the objects have already; new ones are numbered in the order shown."""
    numbers = numbering.numbers_of(one.track.track_id for one in selected.shown)
    shown = tuple(replace(one, number=number) for one, number in zip(selected.shown, numbers, strict=True))
    return replace(selected, shown=shown)


def select(annotations: Annotations, selection: Selection, *, duration_s: float = 0.0) -> Selected:
    """
    Return the objects of `annotations` that pass, the `MAX_SHOWN` most telling ones of them, and those that nearly do.

    Objects that are never inside the picture are neither, nor are those that appear only after the end of the video where
    `duration_s` (0: unknown) gives it.
    """
    selection = selection.for_clip(annotations, duration_s=duration_s)
    labels = {label_key(label) for label in selection.labels}
    passing: list[tuple[float, Track]] = []
    missing: list[tuple[float, Track]] = []
    for track in annotations.tracks:
        if labels and label_key(track.label) not in labels:
            continue
        seen = _in_sight(track, duration_s)
        if not seen.any():
            continue
        (passing if all(passes(track, selection)) else missing).append((_salience(track, seen), track))
    ordered = [track for _, track in sorted(passing, key=lambda pair: -pair[0])]
    near = [track for _, track in sorted(missing, key=lambda pair: -pair[0])]
    placed = _in_pages(ordered[:MAX_SHOWN], annotations.shots, duration_s or annotations.end_s)
    tracks = [track for track, _ in placed]
    shown = shown_objects(tracks, annotations.tracks, duration_s=duration_s, groups=[group for _, group in placed])
    return Selected(shown, tuple(near), len(ordered) - len(shown), selection)


def boxes_a_second(annotations: Annotations) -> float:
    """Return how many boxes a track has in a second, in the mean; what is usual where no track has two."""
    tracks = [track for track in annotations.tracks[:TRACKS_LOOKED_AT] if len(track) > 1]
    steps, length_s = sum(len(track) - 1 for track in tracks), sum(track.duration_s for track in tracks)
    return steps / length_s if steps else USUAL_RATE_HZ


class Passes(NamedTuple):
    """Which thresholds a track passes."""

    is_sure: bool
    is_long: bool


def passes(track: Track, selection: Selection) -> Passes:
    """Return which thresholds a track passes; it is shown when it passes both."""
    return Passes(track.confidence >= selection.min_confidence - ROUNDING, len(track) >= selection.min_frames)


def whole_percent(share: float) -> int:
    """Return a confidence or another share (0..1) in whole percent; only what is certain is 100."""
    return 100 if share >= 1 else min(round(share * 100), 99)


def label_key(label: str) -> str:
    """Return what all spellings of one label have in common: case, blanks around it and Unicode's forms make no other label."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", label).strip().casefold())


def shown_objects(
    tracks: Sequence[Track], all_tracks: Sequence[Track], *, duration_s: float = 0.0, groups: Sequence[Group | None] = ()
) -> tuple[ShownObject, ...]:
    """
    Return `tracks`, numbered in the order given, with their moments; `all_tracks` are what may hide them.

    `groups` are what they stand with on their pages, none by default.
    """
    colours = colours_of(label_key(track.label) for track in tracks)
    occluders = _Occluders(all_tracks)
    looked_at = max(min(MOMENTS_LOOKED_AT, MOMENTS_LOOKED_AT_IN_ALL // max(len(tracks), 1)), MAX_MOMENTS)
    taken: Counter[int] = Counter()
    found = []
    for place, track in enumerate(tracks):
        if place % PAGE_OBJECTS == 0:
            taken.clear()
        seen = np.flatnonzero(_in_sight(track, duration_s))
        sightings = _Sightings.of(track, seen, occluders, looked_at=looked_at)
        moments = _moments(sightings, taken)
        taken[_slot(moments[0].time_s)] += 1
        clip = _clip(track, duration_s)
        in_clip = seen[(track.times[seen] >= clip.start_s) & (track.times[seen] <= clip.end_s)]
        if in_clip.size < seen.size:
            sightings = _Sightings.of(track, in_clip, occluders, looked_at=looked_at)
        group = groups[place] if groups else None
        colour = colours[label_key(track.label)]
        found.append(ShownObject(place + 1, track, moments, clip, _opening_s(sightings, clip), colour, group))
    return tuple(found)


def _in_pages(tracks: Sequence[Track], shots: Sequence[Segment], end_s: float) -> list[tuple[Track, Group | None]]:
    """
    Return `tracks` page by page with their groups: a person reads a page as a list of what happens.

    Those of one page are in order of time, by label where several labels have several objects each; what stands still for its
    whole shot comes last.
    """
    pages = (tracks[start : start + PAGE_OBJECTS] for start in range(0, len(tracks), PAGE_OBJECTS))
    return [placed for page in pages for placed in _grouped(sorted(page, key=lambda one: one.segment), shots, end_s)]


def _grouped(page: Sequence[Track], shots: Sequence[Segment], end_s: float) -> list[tuple[Track, Group | None]]:
    standing = [track for track in page if _stands_still(track, shots, end_s)]
    if len(page) < GROUPED_FROM or len(standing) == len(page):
        standing = []
    moving = [track for track in page if not any(track is other for other in standing)]
    counts = Counter(label_key(track.label) for track in moving)
    several = [key for key, count in counts.items() if count > 1]
    if len(page) < GROUPED_FROM or len(several) < 2:
        return [*((track, None) for track in moving), *((track, Group()) for track in standing)]
    placed: list[tuple[Track, Group | None]] = []
    for key in several:
        members = [track for track in moving if label_key(track.label) == key]
        placed += [(track, Group((members[0].label,))) for track in members]
    single = [track for track in moving if counts[label_key(track.label)] == 1]
    others = Group(tuple(track.label for track in single))
    return [*placed, *((track, others) for track in single), *((track, Group()) for track in standing)]


def _stands_still(track: Track, shots: Sequence[Segment], end_s: float) -> bool:
    """Return whether an object is there for its whole shot (the whole video where no shots are known) and never moves."""
    middle = float(track.times[track.times.size // 2])
    shot = next((shot for shot in shots if shot.start_s <= middle <= shot.end_s), Segment(0.0, end_s))
    seen_s = min(track.segment.end_s, shot.end_s) - max(track.segment.start_s, shot.start_s)
    if shot.duration_s < STANDING_SHOT_S or seen_s < STANDING_SHARE * shot.duration_s:
        return False
    boxes = track.boxes.astype(np.float64)
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    away = np.hypot(*(centres - np.median(centres, axis=0)).T)
    return bool(np.quantile(away, 0.95) <= STANDING_REACH * np.hypot(*np.median(sides, axis=0)))


def _slot(time_s: float) -> int:
    return round(time_s / MOMENT_TAKEN_S)


def visible_part(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the parts of `boxes` (N, 4) inside the picture: (N, 4), empty ones included."""
    return np.clip(boxes, np.float32(0), np.float32(1))


def areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return fractions of the picture's area, (N,); 0 for empty boxes and those turned inside out."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    result: NDArray[np.float32] = np.maximum(width, 0) * np.maximum(height, 0)
    return result


def _in_sight(track: Track, duration_s: float) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = areas(visible_part(track.boxes)) > 0
    if duration_s > 0:
        seen &= track.times <= duration_s + END_TOLERANCE_S
    return seen


def _salience(track: Track, seen: NDArray[np.bool_]) -> float:
    """
    Return how much an object says about the video: sure, long and large ones first.

    The roots let a sure small object that stays come before a large one that flits by; what lasts longer than a GIF, or
    fills more than a quarter of the picture, gains nothing more.
    """
    size = float(np.mean(areas(visible_part(track.boxes[seen]))))
    times = track.times[seen]
    stay = min(float(times[-1] - times[0]) / MAX_CLIP_S, 1.0)
    return track.confidence * track.confidence * (0.2 + 0.8 * math.sqrt(stay)) * (0.2 + 0.8 * math.sqrt(min(size / 0.25, 1.0)))


def _clip(track: Track, duration_s: float) -> Segment:
    """The stretch of at most `MAX_CLIP_S` in which the most of the object is seen, by the area of its boxes over time."""
    seen = _in_sight(track, duration_s)
    times = track.times[seen]
    start, end = float(times[0]), float(times[-1])
    if end - start <= MAX_CLIP_S:
        return Segment(start, end)
    weight = areas(visible_part(track.boxes[seen])) ** 0.5
    gained = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(times))])
    starts = times[times <= end - MAX_CLIP_S]
    within = np.interp(starts + MAX_CLIP_S, times, gained) - gained[: starts.size]
    best = float(starts[int(np.argmax(within))])
    return Segment(best, best + MAX_CLIP_S)


@dataclass(frozen=True, slots=True, eq=False)
class _Sightings:
    """Some of a track's observations in order of time, and how good a picture each is likely to be: `quality` (N,), 0..1."""

    track: Track
    times: NDArray[np.float64]
    quality: NDArray[np.float64]

    @classmethod
    def of(cls, track: Track, among: NDArray[np.intp], occluders: _Occluders, *, looked_at: int) -> _Sightings:
        """Look at so many of the observations `among`, evenly spread."""
        chosen = among[np.unique(np.linspace(0, among.size - 1, min(looked_at, among.size)).round().astype(int))]
        times, boxes = track.times[chosen], track.boxes[chosen]
        return cls(track, times, _view_quality(times, boxes) * (1 - 0.8 * occluders.hidden(track, times, boxes)))


def _moments(sightings: _Sightings, taken: Counter[int]) -> tuple[Moment, ...]:
    """Return up to `MAX_MOMENTS` promising observations, apart from each other in time, the best first."""
    track, times = sightings.track, sightings.times
    score = sightings.quality * [MOMENT_TAKEN_WORTH ** min(taken[_slot(time_s)], 3) for time_s in times.tolist()]
    apart_s = max(0.15, min(1.0, track.duration_s / 6))
    found: list[int] = []
    for place in np.argsort(-score, kind="stable").tolist():
        if score[place] < 0.5 * score[found[0]] if found else False:
            break
        if all(abs(times[place] - times[other]) >= apart_s for other in found):
            found.append(place)
        if len(found) == MAX_MOMENTS:
            break
    return tuple(Moment(float(times[place]), track.box_at(float(times[place])), float(score[place])) for place in found)


def _opening_s(sightings: _Sightings, clip: Segment) -> float:
    """
    Return the best moment that a loop over `clip` can begin with.

    What begins just before the loop's end shows a jump before anybody has seen a movement.
    """
    before_s = clip.end_s - min(OPENING_PLAYS_S, clip.duration_s / 3)
    allowed = np.where(sightings.times <= before_s, sightings.quality, -1.0)
    best = int(np.argmax(allowed))
    return float(sightings.times[best]) if allowed[best] > OPENING_GAIN * sightings.quality[0] else clip.start_s


def _view_quality(times: NDArray[np.float64], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how good a picture each observation should give, by its box alone: large, whole, slow, and away from the edge."""
    inside = visible_part(boxes)
    area = areas(inside).astype(np.float64)
    whole = area / np.maximum(areas(boxes), 1e-12)
    margin = np.minimum(boxes[:, :2].min(axis=1), (1 - boxes[:, 2:]).min(axis=1))
    from_edge = np.interp(margin, [0.0, 0.03], [0.6, 1.0])
    quality: NDArray[np.float64] = whole**2 * np.sqrt(area / area.max()) * from_edge
    if times.size > 1:
        centre = (boxes[:, :2] + boxes[:, 2:]).astype(np.float64) / 2
        speed = np.hypot(*np.gradient(centre, times, axis=0).T) / np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T)
        quality /= 1 + 0.3 * np.minimum(speed, 10)
    return quality


class _Occluders:
    """Every box of a video by time: who may hide whom."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        if not tracks:
            self._times = np.zeros(0)
            return
        times = np.concatenate([track.times for track in tracks])
        order = np.argsort(times, kind="stable")
        self._times = times[order]
        self._boxes = np.concatenate([track.boxes for track in tracks])[order]
        self._owner = np.repeat([id(track) for track in tracks], [len(track) for track in tracks])[order]

    def hidden(self, track: Track, times: NDArray[np.float64], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        """
        Return the share of each box (N, 4) that other boxes lie over, as if these lay anyhow beside each other: (N,), 0..1.

        A box that reaches lower in the picture stands nearer to the camera and counts in full, one behind by a quarter.
        """
        result = np.zeros(times.size)
        first = np.searchsorted(self._times, times - SIMULTANEOUS_S / 2)
        last = np.searchsorted(self._times, times + SIMULTANEOUS_S / 2, side="right")
        for place, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            step = 1 + (end - start) // MAX_OCCLUDERS
            other = self._owner[start:end:step] != id(track)
            if not other.any():
                continue
            box, rest = boxes[place], self._boxes[start:end:step][other]
            shared = np.concatenate([np.maximum(rest[:, :2], box[:2]), np.minimum(rest[:, 2:], box[2:])], axis=1)
            covered = areas(shared) / max(float(areas(box[None])[0]), 1e-12)
            result[place] = 1 - float(np.prod(1 - np.minimum(np.where(rest[:, 3] > box[3], covered, covered / 4), 1)))
        return result
