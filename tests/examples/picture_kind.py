"""A kind of picture: where all boxes of a video were, the longer the brighter."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from rendering.frames import CancelCheck, Progress
from rendering.kinds.base import KINDS, Drawing, PictureFile, PictureKind
from rendering.naming import safe_video_name
from rendering.overlay import pixel_box
from tracking.atomic import write_whole
from tracking.errors import Cancelled

SIZE = (320, 180)


def draw(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> list[PictureFile]:
    """Write one PNG, or none where nothing is shown."""
    shown = drawing.selected.shown
    if not shown:
        return []
    counted = np.zeros((SIZE[1], SIZE[0]), np.float32)
    for done, each in enumerate(shown):
        if cancelled():
            raise Cancelled
        for observation in each.track.observations:
            if inside := pixel_box(observation.box, SIZE):
                counted[inside[1] : inside[3], inside[0] : inside[2]] += 1
        progress(done / len(shown))
    file = io.BytesIO()
    Image.fromarray((counted * (255 / counted.max())).astype(np.uint8)).save(file, "PNG")
    path = drawing.out / f"{safe_video_name(drawing.name)}.heat.png"
    write_whole(path, file.getvalue())
    progress(1.0)
    return [PictureFile(path)]


KINDS.register(
    PictureKind(
        key="heat",
        title="heat map",
        description="where the objects were, the longer the brighter",
        draw=draw,
        owns=lambda rest: rest == "heat.png",
    )
)
