"""
One GIF per object: real-time motion, 6 s at most, 480 px on the longest side, two million bytes.

Plans what each GIF shows, then lets the pictures of a batch come by once; each object takes what it needs of each: the whole
picture, which all who show it share, or its own window. Pixel work is done by threads. How a GIF grows and is kept small is
`encoder.py`'s, where a window lies `viewport.py`'s.

Times are seconds from the first frame; GIF times hundredths of a second ("cs") from the GIF's beginning, always rounded from
the sum, so that errors do not add up. A box is drawn where it is at the time of the picture that is really shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.gif.canvas import ONE_LINE_FROM_PX, STRIP_PX, TALL_STRIP_PX, Place
from rendering.gif.encoder import STILL_CS, GifEncoder
from rendering.gif.palette import Quantiser
from rendering.gif.viewport import MAX_SIDE_PX, Viewport, view_of, whole_size
from rendering.naming import animation_name
from rendering.overlay import Caption
from rendering.selection import ShownObject, areas, visible_part
from rendering.threads import Task, Workers
from tracking.atomic import write_whole
from tracking.model import Segment
from tracking.video.file import Frame, Video

# Frames per second that look like motion at a bearable size. The video's own rate is divided by a whole number to come to the
# target or below, so that motion stays even; where that would be below the least, up to the most is taken.
TARGET_RATE_HZ = 10.0
MIN_RATE_HZ, MAX_RATE_HZ = 7.0, 12.5

# What is seen for less than this becomes a still: its box is known at that moment only.
STILL_BELOW_S = 0.25

# How far a time may be off the common grid, in steps, by rounding.
GRID_TOLERANCE = 0.02

# GIFs that grow at the same time, about 4 MB each; more objects at once take another pass.
MAX_ACTIVE = 20

# Windows are cut from the picture at one of these scales: the smallest that loses nothing visible.
SCALES = (0.25, 0.5, 1.0)
SCALE_SLACK = 0.8


@dataclass(frozen=True, slots=True)
class Animation:
    """One object's GIF; `duration_s` is 0 for a still."""

    path: Path
    object: ShownObject
    width: int
    height: int
    size_bytes: int
    frame_count: int
    duration_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """
    What one GIF shows, before anything is decoded.

    `times_s` (N,) are the moments of its frames, `starts_cs` (N,) when each begins after the first, `end_cs` when the last
    ends. The file begins with frame `opening`, goes on to the end, and from there to the first: a loop has no beginning.
    """

    shown: ShownObject
    times_s: NDArray[np.float64]
    starts_cs: NDArray[np.int64]
    end_cs: int
    view: Viewport
    opening: int

    def frames_at(self, file_cs: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the numbers of the frames that are shown at times of the file."""
        times_cs = (file_cs + self.starts_cs[self.opening]) % self.end_cs
        numbers: NDArray[np.intp] = np.searchsorted(self.starts_cs, times_cs, side="right") - 1
        return numbers


def plan_of(shown: ShownObject, picture: tuple[int, int], frame_rate: float) -> Plan:
    """Return the plan for one object in a video of (width, height) pixels and `frame_rate`, 0 when unknown."""
    clip = shown.clip
    if clip.duration_s < STILL_BELOW_S:
        times = np.array([shown.moments[0].time_s])
        starts, end_cs = np.zeros(1, np.int64), STILL_CS
    else:
        times = _grid_times(clip, frame_step_s(frame_rate))
        starts = np.round((times - times[0]) * 100).astype(np.int64)
        end_cs = round((clip.end_s - times[0]) * 100)
    whole_height = MAX_SIDE_PX - STRIP_PX
    if whole_size(picture, max_height=whole_height)[0] < ONE_LINE_FROM_PX:
        whole_height = MAX_SIDE_PX - TALL_STRIP_PX
    boxes = _seen_boxes(shown, times) * [*picture, *picture]
    view = view_of(boxes, times, picture, max_height=MAX_SIDE_PX - TALL_STRIP_PX, whole_height=whole_height)
    opening = int(np.abs(times - shown.opening_s).argmin())
    return Plan(shown, times, starts, end_cs, view, opening)


def frame_step_s(frame_rate: float) -> float:
    """Return the time between two frames of a GIF: a whole number of the video's frames where its rate is known."""
    if frame_rate <= 0:
        return 1 / TARGET_RATE_HZ
    every = max(1, math.ceil(frame_rate / TARGET_RATE_HZ - 0.05))
    if every > 1 and frame_rate / every < MIN_RATE_HZ and frame_rate / (every - 1) <= MAX_RATE_HZ:
        every -= 1
    return every / frame_rate


def _grid_times(clip: Segment, step_s: float) -> NDArray[np.float64]:
    """
    Return the multiples of `step_s` in `clip`, the last at least one step before its end.

    All objects of a video have their frames at the same times, so that one picture serves all who are there. No frame is shown
    for less than a step: players turn what is shorter than 3 to 10 cs, as it suits them, into a tenth of a second.
    """
    first = math.ceil(clip.start_s / step_s - GRID_TOLERANCE)
    last = max(first, math.floor(clip.end_s / step_s - 1 + GRID_TOLERANCE))
    return np.arange(first, last + 1, dtype=np.float64) * step_s


def batches(plans: Sequence[Plan]) -> Iterator[list[Plan]]:
    """`plans` in their order, cut so that at no time more than `MAX_ACTIVE` GIFs grow at once."""
    batch: list[Plan] = []
    for plan in plans:
        start, end = plan.times_s[0], plan.times_s[-1]
        spans = [(p.times_s[0], p.times_s[-1]) for p in batch if p.times_s[0] <= end and p.times_s[-1] >= start]
        moments = [start, *(first for first, _ in spans if first > start)]
        if any(sum(first <= moment <= last for first, last in spans) >= MAX_ACTIVE for moment in moments):
            yield batch
            batch = []
        batch.append(plan)
    if batch:
        yield batch


def draw_animations(
    video: Video,
    plans: Sequence[Plan],
    out: Path,
    *,
    name: str,
    typeface: Typeface,
    progress: Progress,
    cancelled: CancelCheck,
) -> list[Animation]:
    """Write one batch: a GIF for each of `plans` that the video has pictures for, in one pass over what they need."""
    picture = video.info.width, video.info.height
    growing = [_PendingGif(plan, _clip_of(plan, typeface), picture) for plan in plans]
    needs = [(float(t), (one, place)) for one in growing for place, t in enumerate(one.plan.times_s)]
    whole = Quantiser()
    with opencv_in_this_thread(), Workers() as workers:
        for frame, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            workers.wait_for_room()
            source = _Source.of(frame, picture, [one for one, _ in due], whole)
            tasks: list[tuple[int, Task]] = []
            for one, place in due:
                tasks.append((one.key, one.taking(source, place)))
                if one.received == one.plan.times_s.size:
                    tasks.append((one.key, one.finishing(out, name)))
            workers.submit(tasks)
        for one in growing:
            if 0 < one.received < one.plan.times_s.size:
                workers.wait_for_room()
                workers.submit([(one.key, one.finishing(out, name))])
    return [one.result for one in growing if one.result]


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """
    One decoded picture, in the forms that its GIFs take it in.

    `whole` are indices in `palette` of `quantiser`, None where nobody shows the whole; `pictures` are RGB by their scale.
    """

    time_s: float
    quantiser: Quantiser
    palette: int
    whole: NDArray[np.uint8] | None
    pictures: dict[float, NDArray[np.uint8]]

    @classmethod
    def of(cls, frame: Frame, size: tuple[int, int], due: Sequence[_PendingGif], quantiser: Quantiser) -> _Source:
        whole = next((one.plan.view for one in due if one.plan.view.is_whole), None)
        indices = quantiser.indices(frame.pixels(whole.size)) if whole else None
        pictures: dict[float, NDArray[np.uint8]] = {}
        for scale in sorted({one.scale for one in due if not one.plan.view.is_whole}, reverse=True):
            scaled = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
            larger = pictures.get(2 * scale)
            # Halving what is there already is quicker than scaling the picture anew.
            halved = larger is not None and (larger.shape[1], larger.shape[0]) == (2 * scaled[0], 2 * scaled[1])
            pictures[scale] = (
                np.asarray(cv2.resize(larger, scaled, interpolation=cv2.INTER_AREA), np.uint8)
                if larger is not None and halved
                else frame.pixels(scaled)
            )
        return cls(frame.time_s, quantiser, quantiser.palette, indices, pictures)


class _PendingGif:
    """One object's GIF while the pictures come by."""

    def __init__(self, plan: Plan, clip: GifEncoder, picture: tuple[int, int]) -> None:
        self.plan = plan
        self.key = plan.shown.number
        self.received = 0
        self.result: Animation | None = None
        gain = plan.view.size[0] / (plan.view.windows[0, 2] - plan.view.windows[0, 0])
        self.scale = next((scale for scale in SCALES if scale >= SCALE_SLACK * gain), 1.0)
        self._clip: GifEncoder | None = clip
        self._picture = picture

    def taking(self, source: _Source, number: int) -> Task:
        """Return the task of adding frame `number`."""
        self.received += 1

        def take() -> None:
            assert self._clip
            window = self.plan.view.windows[number]
            place = self._place(source.time_s, window)
            if self.plan.view.is_whole:
                assert source.whole is not None
                self._clip.add_indices(number, source.whole, place, source.quantiser, source.palette)
            else:
                picture = source.pictures[self.scale]
                scale = picture.shape[1] / self._picture[0], picture.shape[0] / self._picture[1]
                cut = cut_out(picture, window * [*scale, *scale], self.plan.view.size)
                self._clip.add_picture(number, cut, place, picture)

        return take

    def finishing(self, out: Path, name: str) -> Task:
        """Return the task of writing the file."""

        def finish() -> None:
            assert self._clip
            gif = self._clip.finished()
            self._clip = None
            if gif:
                path = out / animation_name(name, self.plan.shown)
                write_whole(path, gif.data)
                size_bytes, duration_s = len(gif.data), gif.duration_cs / 100
                self.result = Animation(path, self.plan.shown, *gif.size, size_bytes, gif.frame_count, duration_s)

        return finish

    def _place(self, time_s: float, window: NDArray[np.float64]) -> Place:
        """Return where the object is, at the time of the picture, in the window and in the whole."""
        box = self.plan.shown.track.box_at(time_s)
        inside = box.clipped()
        width, height = self._picture
        left, top, right, bottom = window.tolist()
        across, down = right - left, bottom - top
        shown = (
            (box.left * width - left) / across,
            (box.top * height - top) / down,
            (box.right * width - left) / across,
            (box.bottom * height - top) / down,
        )
        seen = (left / width, top / height, right / width, bottom / height)
        dot = ((inside.left + inside.right) / 2, (inside.top + inside.bottom) / 2)
        return Place(shown if inside.area else None, seen, dot)


def cut_out(picture: NDArray[np.uint8], window: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """
    `window` (left, top, right, bottom in pixels, also between them) of an RGB picture at `size` (width, height).

    It lies within half a pixel of the result of where it should: whole pixels are scaled, and the rest is cut off afterwards.
    """
    height, width = picture.shape[:2]
    # What rounding leaves of a whole number is no part of a pixel.
    left, top = (max(0, math.floor(edge + 1e-6)) for edge in window[:2].tolist())
    right, bottom = min(width, math.ceil(window[2] - 1e-6)), min(height, math.ceil(window[3] - 1e-6))
    gains = size[0] / (window[2] - window[0]), size[1] / (window[3] - window[1])
    x, y = max(0, round((window[0] - left) * gains[0])), max(0, round((window[1] - top) * gains[1]))
    scaled = max(x + size[0], round((right - left) * gains[0])), max(y + size[1], round((bottom - top) * gains[1]))
    part = cv2.resize(picture[top:bottom, left:right], scaled, interpolation=_interpolation(min(gains)))
    return np.asarray(part[y : y + size[1], x : x + size[0]], np.uint8)


def _interpolation(gain: float) -> int:
    """OpenCV's method for scaling by `gain`; down to a half four neighbours are enough, and much quicker than areas."""
    if gain > 1:
        return cv2.INTER_CUBIC
    return cv2.INTER_LINEAR if gain >= 0.5 else cv2.INTER_AREA


def _seen_boxes(shown: ShownObject, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (N, 4) in fractions, clipped; where nothing of the object is in the picture, the nearest that is."""
    boxes = visible_part(shown.track.boxes_at(times_s)).astype(np.float64)
    seen = np.flatnonzero(areas(boxes.astype(np.float32)) > 0)
    if not seen.size:
        return np.tile(np.clip(np.array(shown.moments[0].box, np.float64), 0, 1), (len(boxes), 1))
    nearest = seen[np.abs(np.arange(len(boxes))[:, None] - seen).argmin(axis=1)]
    result: NDArray[np.float64] = boxes[nearest]
    return result


def _clip_of(plan: Plan, typeface: Typeface) -> GifEncoder:
    opening_cs = int(plan.starts_cs[plan.opening])
    caption = Caption.of(plan.shown)
    return GifEncoder(caption, typeface, plan.view.size, starts_cs=plan.starts_cs, end_cs=plan.end_cs, opening_cs=opening_cs)
