"""
The best picture of each object, cut out of the video at its full size, with nothing drawn into it.

Of an object's moments (`selection.py`) the sharpest is taken, as in the summary. A margin of an eighth of the
box is left around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread, part_of
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import crop_name, is_numbered
from rendering.pages.cells import Cut, sharpness, write_page
from rendering.selection import ShownObject
from tracking.model import BoundingBox
from tracking.video.file import ANY_LENGTH, Video

MARGIN = 1 / 8
BATCH_BYTES = 128 << 20  # of cut-outs that wait for a better moment


@dataclass(slots=True)
class _Crop:
    """The best cut-out of one object so far."""

    shown: ShownObject
    sharpness: float = -1.0
    picture: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 3), np.uint8))


def draw_crops(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """Write a JPEG for each shown object; raises as `render`."""
    written: list[PictureFile] = []
    objects = drawing.selected.shown
    if objects:
        with Video(drawing.video, limits=ANY_LENGTH) as opened, opencv_in_this_thread():
            size = opened.info.width, opened.info.height
            for batch in _batches(objects, size):
                crops = [_Crop(shown) for shown in batch]
                needs = [(moment.time_s, crop) for crop in crops for moment in crop.shown.moments]
                share = part_of(progress, len(written), len(batch), len(objects))
                for frame, due in needed_frames(opened, needs, progress=share, cancelled=cancelled):
                    whole = frame.pixels()
                    for crop in due:
                        _consider(crop, whole, frame.time_s)
                for crop in crops:
                    path = drawing.out / crop_name(drawing.name, crop.shown)
                    if crop.picture.size:
                        write_page(crop.picture, path)
                        written.append(PictureFile(path))
    progress(1.0)
    return written


def _consider(crop: _Crop, whole: NDArray[np.uint8], time_s: float) -> None:
    """Take this moment when it is sharper than the one taken before."""
    box = crop.shown.track.box_at(time_s).clipped()
    found = sharpness(whole, box)
    if box.area and found > crop.sharpness:
        height, width = whole.shape[:2]
        crop.sharpness = found
        crop.picture = Cut.around(box, (width, height), _size(box, width, height)).of(whole).copy()


def _size(box: BoundingBox, width: int, height: int) -> tuple[float, float]:
    """Return the size of a cut-out in pixels."""
    margin = MARGIN * max(box.width * width, box.height * height)
    return box.width * width + 2 * margin, box.height * height + 2 * margin


def _batches(objects: Sequence[ShownObject], size: tuple[int, int]) -> Iterator[Sequence[ShownObject]]:
    """Yield the objects in parts whose cut-outs fit into memory together."""
    batch: list[ShownObject] = []
    taken_bytes = 0.0
    for shown in objects:
        width, height = _size(max((moment.box.clipped() for moment in shown.moments), key=lambda box: box.area), *size)
        if batch and taken_bytes + 3 * width * height > BATCH_BYTES:
            yield batch
            batch, taken_bytes = [], 0.0
        batch.append(shown)
        taken_bytes += 3 * width * height
    if batch:
        yield batch


def _owns(rest: str) -> bool:
    return is_numbered(rest) and rest.endswith(".jpeg")


KINDS.register(
    PictureKind(
        key="crops",
        title="cut-outs",
        description="the best picture of each object, cut out",
        draw=draw_crops,
        owns=_owns,
        cost=1.2,
    )
)
