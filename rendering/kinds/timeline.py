"""A chart of when each object was there, one row for each."""

from __future__ import annotations

from collections.abc import Sequence

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, needed_frames, opencv_in_this_thread
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import chart_name, is_chart
from rendering.pages.cells import Picture, ScaledFrame, View, box_shown, write_chart
from rendering.pages.timeline import THUMBNAIL, draw_timeline, in_rows
from rendering.selection import ShownObject
from tracking.video.file import Video

NAME = "timeline"
LARGE_PX = 44.0  # of a thumbnail: it shows the object, not the scene


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
    """Return a small view of each object at its best moment, by number."""
    size = video.info.width, video.info.height
    found: dict[int, Picture] = {}
    needs = [(one.moments[0].time_s, one) for one in shown]
    with opencv_in_this_thread():
        for frame, due in needed_frames(video, needs, progress=progress, cancelled=cancelled):
            scaled = ScaledFrame(frame, size)
            for one in due:
                box = box_shown(one, frame.time_s, one.moments[0])
                view = View.of(box, size, THUMBNAIL, large_px=LARGE_PX)
                found[one.number] = view.cell_of(scaled.at(view.gain))
    return found


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
