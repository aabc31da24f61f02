"""
From a video and its annotations to pictures on disk: the one door to this floor.

Each kind of picture (`kinds/`) is a pass or two over what is needed of the video, the quickest kind first, the most telling
objects first. Memory does not depend on the number of objects nor on the length of the video. Files appear whole or not at all.
Objects that appear only after the end of the video are not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rendering.frames import CancelCheck, Progress, never_cancelled, no_progress, part_of
from rendering.gif.animation import Animation
from rendering.kinds.base import DEFAULT_OPTIONS, Drawing, Picture, RenderOptions, default_kinds, in_order
from rendering.pages.summary import SummaryPage
from rendering.selection import Selected, select
from tracking.model import Annotations, EngineWarning
from tracking.video.file import ANY_LENGTH, Video


@dataclass(frozen=True, slots=True)
class Rendered:
    """All pictures of one video, by their kind, and what went wrong with parts of it."""

    selected: Selected
    pictures: Mapping[str, tuple[Picture, ...]]
    problems: tuple[EngineWarning, ...] = ()

    @property
    def pages(self) -> tuple[SummaryPage, ...]:
        """The pages of the summary."""
        return cast("tuple[SummaryPage, ...]", self.pictures.get("summary", ()))

    @property
    def animations(self) -> tuple[Animation, ...]:
        """The objects' GIFs."""
        return cast("tuple[Animation, ...]", self.pictures.get("gifs", ()))


def render(
    video: Path,
    annotations: Annotations,
    out: Path,
    *,
    name: str,
    options: RenderOptions = DEFAULT_OPTIONS,
    make: Sequence[str] | None = None,
    progress: Progress = no_progress,
    cancelled: CancelCheck = never_cancelled,
) -> Rendered:
    """
    Draw pictures of the kinds `make` (default: summary and GIFs) into the folder `out`; `name` is the video's file name.

    Nothing passes: nothing is drawn. Raises `VideoError`, `OptionError` (the font), `StorageError`, `Cancelled`, and `KeyError`
    for a kind that there is not.
    """
    kinds = in_order(default_kinds() if make is None else make)
    with Video(video, limits=ANY_LENGTH) as opened:
        selected = select(annotations, options.selection, duration_s=opened.info.duration_s)
    drawing = Drawing(video, name, annotations, selected, out, options)
    pictures: dict[str, tuple[Picture, ...]] = {}
    total = sum(kind.cost for kind in kinds)
    done = 0.0
    for kind in kinds:
        pictures[kind.key] = tuple(kind.draw(drawing, part_of(progress, done, kind.cost, total), cancelled))
        done += kind.cost
    return Rendered(selected, pictures, drawing.problems)
