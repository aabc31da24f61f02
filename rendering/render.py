"""
From a video and its annotations to pictures on disk: the one door to this floor.

Two passes over what is needed of the video: the summary first, from a few moments of each object, then the GIFs, in the same
order. Memory does not depend on the number of objects nor on the length of the video. Files appear whole or not
at all. Objects that appear only after the end of the video are not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rendering.fonts import Typeface
from rendering.frames import CancelCheck, Progress, never_cancelled, no_progress
from rendering.gif.animation import Animation, batches, draw_animations, plan_of
from rendering.pages.cells import PAGES_AT_ONCE
from rendering.pages.summary import SummaryPage, draw_pages
from rendering.selection import PAGE_OBJECTS, Selected, Selection, ShownObject, select
from tracking.model import Annotations
from tracking.video.file import Video

__all__ = ["Animation", "RenderOptions", "Rendered", "SummaryPage", "render", "render_animations", "render_summary"]

# The summary's share of the whole work, for the progress of both together.
SUMMARY_SHARE = 0.25


DEFAULT_SELECTION = Selection()


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What is shown, and the font for scripts that Noto Sans does not cover."""

    selection: Selection = DEFAULT_SELECTION
    font: Path | None = None


DEFAULT_OPTIONS = RenderOptions()


@dataclass(frozen=True, slots=True)
class Rendered:
    """All pictures of one video."""

    selected: Selected
    pages: tuple[SummaryPage, ...]
    animations: tuple[Animation, ...]


def render(
    video: Path,
    annotations: Annotations,
    out: Path,
    *,
    name: str,
    options: RenderOptions = DEFAULT_OPTIONS,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
    on_summary: Callable[[list[SummaryPage]], None] = lambda pages: None,
) -> Rendered:
    """
    Draw the summary and a GIF of each object that passes into the folder `out`; `name` is the video's file name.

    `on_summary` is called as soon as the summary is there. Nothing passes: nothing is drawn. Raises `VideoError`,
    `OptionError` (the font), `StorageError`, `Cancelled`.
    """
    with Video(video) as opened:
        selected = select(annotations, options.selection, duration_s=opened.info.duration_s)
    pages = render_summary(
        video,
        selected,
        out,
        name=name,
        options=options,
        progress=lambda done: progress(done * SUMMARY_SHARE),
        cancelled=cancelled,
    )
    on_summary(pages)
    animations = render_animations(
        video,
        selected.shown,
        out,
        name=name,
        options=options,
        progress=lambda done: progress(SUMMARY_SHARE + done * (1 - SUMMARY_SHARE)),
        cancelled=cancelled,
    )
    return Rendered(selected, tuple(pages), tuple(animations))


def render_summary(
    video: Path,
    selected: Selected,
    out: Path,
    *,
    name: str,
    options: RenderOptions = DEFAULT_OPTIONS,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
    pages: range | None = None,
) -> list[SummaryPage]:
    """Draw the summary's pages, or those of `pages` (numbered from 0) that there are; raises as `render`."""
    typeface = Typeface(options.font)
    objects = selected.shown
    count = -(-len(objects) // PAGE_OBJECTS)
    wanted = [page for page in (range(count) if pages is None else pages) if 0 <= page < count]
    written: list[SummaryPage] = []
    with Video(video) as opened:
        for start in range(0, len(wanted), PAGES_AT_ONCE):
            chosen = wanted[start : start + PAGES_AT_ONCE]
            written += draw_pages(
                opened,
                [(page + 1, objects[page * PAGE_OBJECTS : (page + 1) * PAGE_OBJECTS]) for page in chosen],
                out,
                name=name,
                selection=options.selection,
                typeface=typeface,
                progress=_part(progress, start, len(chosen), len(wanted)),
                cancelled=cancelled,
            )
    progress(1.0)
    return written


def render_animations(
    video: Path,
    shown: Sequence[ShownObject],
    out: Path,
    *,
    name: str,
    options: RenderOptions = DEFAULT_OPTIONS,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
) -> list[Animation]:
    """Draw a GIF for each of `shown`, as many at once as memory allows; raises as `render`."""
    typeface = Typeface(options.font)
    written: list[Animation] = []
    with Video(video) as opened:
        picture = opened.info.width, opened.info.height
        plans = [plan_of(one, picture, opened.info.frame_rate) for one in shown]
        done = 0
        for batch in batches(plans):
            written += draw_animations(
                opened,
                batch,
                out,
                name=name,
                typeface=typeface,
                progress=_part(progress, done, len(batch), len(plans)),
                cancelled=cancelled,
            )
            done += len(batch)
    progress(1.0)
    return written


def _part(progress: Progress, done: int, share: int, total: int) -> Progress:
    """The progress of the whole while `share` of `total` is under way and `done` is done."""
    return lambda fraction: progress((done + fraction * share) / total)
