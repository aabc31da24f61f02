"""A chart of when each object was there, one row for each."""

from __future__ import annotations

from collections.abc import Sequence

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import chart_name, is_chart
from rendering.pages.cells import Picture, ScaledFrame, blank, box_shown, cut_out, put, resized, write_chart
from rendering.pages.timeline import THUMBNAIL, draw_timeline, in_rows
from rendering.selection import ShownObject
from tracking.model import BoundingBox
from tracking.video.file import Video

NAME = "timeline"


def draw(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """Write a PNG for each page, none where no object is shown; raises as `render`."""
    written: list[PictureFile] = []
    typeface = Typeface(drawing.options.font)
    cuts_s = [shot.start_s for shot in drawing.annotations.shots if shot.start_s > 0]
    with drawing.open_video() as video:
        small = thumbnails(video, drawing.selected.shown, progress, cancelled)
        for number, objects in enumerate(in_rows(drawing.selected.shown), start=1):
            page = draw_timeline(
                objects,
                [small.get(one.number) for one in objects],
                duration_s=video.info.duration_s,
                cuts_s=cuts_s,
                typeface=typeface,
            )
            path = drawing.out / chart_name(drawing.name, NAME, page=number)
            write_chart(page, path)
            written.append(PictureFile(path))
    progress(1.0)
    return written


def thumbnails(video: Video, shown: Sequence[ShownObject], progress: Progress, cancelled: CancelCheck) -> dict[int, Picture]:
    """
    Return a small picture of each object at its best moment, by number.

    It is the object cut out, on a ground of `THUMBNAIL`: with what is around it nobody would know which of a crowd is meant.
    """
    size = video.info.width, video.info.height
    found: dict[int, Picture] = {}
    needs = [(one.moments[0].time_s, one) for one in shown]
    with opencv_in_this_thread():
        for frame, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            scaled = ScaledFrame(frame, size)
            for one in due:
                box = box_shown(one, frame.time_s, one.moments[0])
                found[one.number] = _thumbnail(scaled, box)
    return found


def _thumbnail(frame: ScaledFrame, box: BoundingBox) -> Picture:
    width, height = max(box.width * frame.size[0], 1.0), max(box.height * frame.size[1], 1.0)
    part = cut_out(frame.at(min(THUMBNAIL[0] / width, THUMBNAIL[1] / height)), box)
    gain = min(THUMBNAIL[0] / part.shape[1], THUMBNAIL[1] / part.shape[0])
    small = resized(part, (max(1, round(part.shape[1] * gain)), max(1, round(part.shape[0] * gain))))
    cell = blank(THUMBNAIL)
    put(cell, small, ((THUMBNAIL[0] - small.shape[1]) // 2, (THUMBNAIL[1] - small.shape[0]) // 2))
    return cell


KINDS.register(
    PictureKind(
        key=NAME,
        title="timeline",
        description="when each object was there, one row for each",
        draw=draw,
        owns=lambda rest: is_chart(rest, NAME),
        cost=1.1,
    )
)
