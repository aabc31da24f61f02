"""Frames of a video as files, for formats whose tools learn from pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tracking.formats.base import Pictures
from tracking.video.file import Video

JPEG_QUALITY = 95


def pictures_of(video: Video) -> Pictures:
    """Return what gives the frames of `video` as upright JPEG files in its own size; each is decoded once."""

    def jpegs(frames: NDArray[np.intp]) -> Iterator[tuple[int, bytes]]:
        for places, frame in video.frames_at(video.frame_times()[frames]):
            file = io.BytesIO()
            Image.fromarray(frame.pixels()).save(file, "JPEG", quality=JPEG_QUALITY)
            for place in places.tolist():
                yield int(frames[place]), file.getvalue()

    return jpegs
