"""A page that plays the video with its tracks, in one file; the video stays where it is."""

from __future__ import annotations

import os
from urllib.parse import quote

from rendering.frames import CancelCheck, Progress
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import viewer_name
from rendering.viewer.page import view_of
from tracking.atomic import write_whole


def draw(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """Write the page, which names the video by its way from there; all tracks are in it, shown or not."""
    way = os.path.relpath(drawing.video, drawing.out).replace(os.sep, "/")
    given = [("annotations", drawing.annotations)]
    path = drawing.out / viewer_name(drawing.name)
    write_whole(path, view_of(drawing.video, drawing.name, quote(way), given, drawing.options.selection))
    progress(1.0)
    return [PictureFile(path)]


KINDS.register(
    PictureKind(
        key="viewer",
        title="viewer",
        description="a page that plays the video with its tracks",
        draw=draw,
        owns=lambda rest: rest == "viewer.html",
        cost=0.1,
        is_for_threads=False,
    )
)
