"""The object summary: pages of cells, one per object."""

from __future__ import annotations

from collections.abc import Sequence

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, never_cancelled, no_progress, part_of
from rendering.kinds.base import KINDS, Drawing, PictureKind
from rendering.pages.cells import PAGES_AT_ONCE
from rendering.pages.summary import SummaryPage, draw_pages, twins_of
from rendering.selection import PAGE_OBJECTS


def draw_summary(
    drawing: Drawing,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
    *,
    pages: range | None = None,
) -> list[SummaryPage]:
    """Draw the summary's pages, or those of `pages` (numbered from 0) that there are; raises as `render`."""
    options = drawing.options
    typeface = Typeface(options.font)
    objects = drawing.selected.shown
    count = -(-len(objects) // PAGE_OBJECTS)
    wanted = [page for page in (range(count) if pages is None else pages) if 0 <= page < count]
    twins = twins_of(objects)
    written: list[SummaryPage] = []
    if wanted:
        with drawing.open_video() as opened:
            for start in range(0, len(wanted), PAGES_AT_ONCE):
                chosen = wanted[start : start + PAGES_AT_ONCE]
                written += draw_pages(
                    opened,
                    [(page + 1, objects[page * PAGE_OBJECTS : (page + 1) * PAGE_OBJECTS]) for page in chosen],
                    drawing.out,
                    name=drawing.name,
                    selection=drawing.selected.selection,
                    typeface=typeface,
                    twins=twins,
                    standing_still=options.standing_still,
                    progress=part_of(progress, start, len(chosen), len(wanted)),
                    cancelled=cancelled,
                )
    progress(1.0)
    return written


def _draw(drawing: Drawing, progress: Progress, cancelled: CancelCheck) -> Sequence[SummaryPage]:
    return draw_summary(drawing, progress, cancelled)


def _owns(rest: str) -> bool:
    return rest.startswith("summary_pct") and rest.endswith(".jpeg")


KINDS.register(
    PictureKind(
        key="summary",
        title="summary",
        description="one picture of all objects",
        draw=_draw,
        owns=_owns,
        cost=1.0,
        is_default=True,
    )
)
