"""An animated GIF of each object."""

from __future__ import annotations

from collections.abc import Sequence

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, never_cancelled, no_progress, part_of
from rendering.gif.animation import Animation, batches, draw_animations, plan_of
from rendering.kinds.base import KINDS, Drawing, PictureKind
from rendering.naming import is_numbered
from rendering.selection import ShownObject


def draw_gifs(
    drawing: Drawing,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
    *,
    shown: Sequence[ShownObject] | None = None,
) -> list[Animation]:
    """Draw a GIF for each object, or each of `shown`, as many at once as memory allows; raises as `render`."""
    objects = drawing.selected.shown if shown is None else shown
    typeface = Typeface(drawing.options.font)
    written: list[Animation] = []
    if objects:
        with drawing.open_video() as opened:
            picture = opened.info.width, opened.info.height
            plans = [plan_of(one, picture, opened.info.frame_rate) for one in objects]
            done = 0
            for batch in batches(plans):
                written += draw_animations(
                    opened,
                    batch,
                    drawing.out,
                    name=drawing.name,
                    typeface=typeface,
                    progress=part_of(progress, done, len(batch), len(plans)),
                    cancelled=cancelled,
                )
                done += len(batch)
    progress(1.0)
    return written


def _draw(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> Sequence[Animation]:
    return draw_gifs(drawing, progress, cancelled)


def _owns(rest: str) -> bool:
    return is_numbered(rest) and rest.endswith(".gif")


KINDS.register(
    PictureKind(
        key="gifs",
        title="GIFs",
        description="an animated GIF of each object",
        draw=_draw,
        owns=_owns,
        cost=3.0,
        is_default=True,
    )
)
