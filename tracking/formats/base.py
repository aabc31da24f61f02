"""
What a format of other people's tools is: a name by which the command line asks for it, and functions that write and read it.

Nothing else knows the formats one by one, so that a new one is a new module in this folder (docs/extending.md). The form in
which engines and renderers speak to each other is `video_intelligence.py`; the others are for other people's tools.

A frame's number is its place, from 0, among the frames of the video in the order in which they are shown: that is what OpenCV
and FFmpeg count when they read a file from its beginning, whatever its rate and however it is turned. Formats that count from 1
say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracking.errors import AnnotationError
from tracking.model import Annotations, Track
from tracking.plain_text import plain
from tracking.registry import Registry
from tracking.video.file import TIME_TOLERANCE_S, VideoInfo

PIXEL_DIGITS = 2
"""Decimals of a pixel that are written: annotations hold some seven digits of the picture's side."""

MIN_SIDE = 1e-5
"""Fractions of the picture: a box that is thinner inside of the picture is no box there."""


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """
    A video, as formats need to know it.

    `name` is its file name, safe to be a part of another one; `frame_times` (M,), M >= 1, are the seconds of its frames in
    the order shown.
    """

    name: str
    info: VideoInfo
    frame_times: NDArray[np.float64]

    def frames_of(self, times_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the number, from 0, of the frame on the screen at each of `times_s` (N,), the first or last outside."""
        numbers = np.searchsorted(self.frame_times, times_s + TIME_TOLERANCE_S, side="right") - 1
        return np.clip(numbers, 0, self.frame_times.size - 1)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height of the upright picture in pixels."""
        return self.info.width, self.info.height


@dataclass(frozen=True, slots=True, eq=False)
class OnFrames:
    """A track's boxes on frames: `frames` (N,) rise strictly, `boxes` (N, 4) are left, top, right, bottom as fractions."""

    frames: NDArray[np.intp]
    boxes: NDArray[np.float64]

    def inside(self) -> OnFrames:
        """Return what of the boxes is inside of the picture; without those of which nothing is."""
        boxes = np.clip(self.boxes, 0.0, 1.0)
        is_seen = (boxes[:, 2:] - boxes[:, :2] >= MIN_SIDE).all(axis=1)
        return OnFrames(self.frames[is_seen], boxes[is_seen])

    def rectangles(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return left, top, width, height in pixels of a picture of `size`, (N, 4), rounded to `PIXEL_DIGITS`."""
        corners = np.round(self.boxes * np.array([*size, *size], np.float64), PIXEL_DIGITS)
        corners[:, 2:] -= corners[:, :2]
        return np.asarray(np.round(corners, PIXEL_DIGITS), np.float64)


Pictures = Callable[[NDArray[np.intp]], Iterator[tuple[int, bytes]]]
"""Gives the frames of these rising numbers as JPEG files, each with its number; one that does not decode is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """
    Annotations, and the video that they are of.

    `told` is what a person said that neither knows, by the names that the format gives it. `pictures` is None where no
    pictures are asked for.
    """

    annotations: Annotations
    footage: Footage
    told: Mapping[str, Any] = field(default_factory=dict)
    pictures: Pictures | None = None

    def on_frames(self, track: Track) -> OnFrames:
        """Return the boxes of `track` on the frames at which they were seen; of two on one frame the first."""
        times = track.times[track.times <= self.footage.info.duration_s + TIME_TOLERANCE_S]
        frames, firsts = np.unique(self.footage.frames_of(times), return_index=True)
        return OnFrames(frames, track.boxes[firsts].astype(np.float64))

    def labels(self) -> list[str]:
        """Return the labels as they may be written in one line, in alphabetical order, each once."""
        return sorted({plain_label(track) for track in self.annotations.tracks})


def plain_label(track: Track) -> str:
    """Return a track's label as one line of visible text, "object" where nothing is left of it."""
    return plain(track.label) or "object"


Files = Iterator[tuple[str, bytes]]
"""The files of a folder: the path of each inside of it, and its content. The one by which a reader begins comes last."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """
    One format.

    `title` is what people call it, `description` what its file holds, for help texts. `suffix` is what its file's or folder's
    name has behind the video's. `write` gives the file's content, or the files of a folder. `read`, where the format can be
    read, takes a file of anybody's and the video that it is of, and raises `AnnotationError`.
    """

    key: str
    title: str
    description: str
    suffix: str
    write: Callable[[Exported], bytes | Files]
    read: Callable[[Path, Footage], Annotations] | None = None

    def tracks_in(self, path: Path, footage: Footage) -> Annotations:
        """Return what `read` does. Raises `AnnotationError` that names the format, and `ValueError` where it can't be read."""
        if self.read is None:
            raise ValueError(self.key)
        try:
            return self.read(path, footage)
        except AnnotationError as error:
            raise replace(error, form=self.title) from error


FORMATS: Registry[ExportFormat] = Registry("tracking.formats")
