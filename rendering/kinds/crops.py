"""
The best picture of each object, cut out of the video at its full size, with nothing drawn into it.

The moment is that of the object's cell in the summary. A margin of an eighth of the box is left around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread, part_of
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import crop_name, is_numbered
from rendering.pages.cells import BestMoment, Picture, ScaledFrame, box_shown, cut_out, cut_out_size, write_page
from rendering.selection import Moment, ShownObject

BATCH_BYTES = 128 << 20  # of cut-outs that wait for a better moment


@dataclass(slots=True)
class _Crop:
    """The best cut-out of one object so far."""

    shown: ShownObject
    best: BestMoment
    picture: Picture | None = None


def draw_crops(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """Write a JPEG for each shown object; raises as `render`."""
    written: list[PictureFile] = []
    objects = drawing.selected.shown
    if objects:
        with drawing.open_video() as opened, opencv_in_this_thread():
            size = opened.info.width, opened.info.height
            for batch in _batches(objects, size):
                crops = [_Crop(shown, BestMoment(shown.moments, size)) for shown in batch]
                needs = [(moment.time_s, (crop, moment)) for crop in crops for moment in crop.shown.moments]
                share = part_of(progress, len(written), len(batch), len(objects))
                for frame, due in needed_frames(opened, needs, progress=share, cancelled=cancelled):
                    scaled = ScaledFrame(frame, size)
                    for crop, moment in due:
                        _consider(crop, scaled, moment)
                for crop in crops:
                    path = drawing.out / crop_name(drawing.name, crop.shown)
                    if crop.picture is not None:
                        write_page(crop.picture, path)
                        written.append(PictureFile(path))
    progress(1.0)
    return written


def _consider(crop: _Crop, frame: ScaledFrame, moment: Moment) -> None:
    """Take this moment when it is better than the one taken before."""
    box = box_shown(crop.shown, frame.time_s, moment)
    whole = frame.at(1.0)
    if crop.best.improves(frame, moment, box):
        crop.picture = cut_out(whole, box)


def _batches(objects: Sequence[ShownObject], size: tuple[int, int]) -> Iterator[Sequence[ShownObject]]:
    """Yield the objects in parts whose cut-outs fit into memory together."""
    batch: list[ShownObject] = []
    taken_bytes = 0.0
    for shown in objects:
        width, height = cut_out_size(max((moment.box.clipped() for moment in shown.moments), key=lambda box: box.area), size)
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
