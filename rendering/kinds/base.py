"""
What a kind of picture is: a name by which command line and Slack ask for it, and a function that draws its files.

Nothing else knows the kinds one by one, so that a new one is a new module in this folder (docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rendering.frames import CancelCheck, Progress
from rendering.selection import Selected, Selection
from rendering.video.blur import Blur
from tracking.model import DAMAGE, Annotations, EngineWarning
from tracking.registry import Registry
from tracking.video.file import ANY_LENGTH, Video

END_TOLERANCE_S = 0.25  # engines round the end of a video

DEFAULT_SELECTION = Selection()


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """
    What is shown, the font for scripts that Noto Sans does not cover, and the words in pictures.

    `standing_still` is the heading of what stands still for its whole shot; without it that stands together under none.
    `camera_moves` says why a shot has no paths. `blur` is what the video with boxes makes unrecognisable; other pictures are
    not blurred.
    """

    selection: Selection = DEFAULT_SELECTION
    font: Path | None = None
    standing_still: str = ""
    camera_moves: str = ""
    blur: Blur | None = None


DEFAULT_OPTIONS = RenderOptions()


class Picture(Protocol):
    """A file that was drawn."""

    @property
    def path(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file of which nothing else is to be said."""

    path: Path


@dataclass(frozen=True, slots=True)
class Drawing:
    """
    What pictures are drawn from, and the folder `out` where they go.

    `name` is the video's file name, which theirs begin with; `selected` are the objects of `annotations` that are shown;
    `opened` is the video, once for each pass so far.
    """

    video: Path
    name: str
    annotations: Annotations
    selected: Selected
    out: Path
    options: RenderOptions = DEFAULT_OPTIONS
    opened: list[Video] = field(default_factory=list, compare=False)

    def open_video(self) -> Video:
        """Return the video for a pass over it; what of it cannot be read is among `problems` afterwards."""
        video = Video(self.video, limits=ANY_LENGTH)
        self.opened.append(video)
        return video

    @property
    def problems(self) -> tuple[EngineWarning, ...]:
        """
        Return what went wrong with parts of the video: what the annotations say, and damage that was met since.

        Where an engine told damage, it has looked at every picture, and that stands.
        """
        given = self.annotations.problems
        if any(problem.kind in DAMAGE for problem in given):
            return given
        videos = self.opened or [self.open_video()]
        segment = self.annotations.segment
        is_whole = segment is None or segment.end_s > videos[0].info.duration_s - END_TOLERANCE_S
        met = [loss for video in videos if (loss := video.loss_of_all if is_whole else video.loss)]
        return given + (max(met, key=lambda loss: loss.frames_lost).problems if met else ())


Draw = Callable[[Drawing, Progress, CancelCheck], Sequence[Picture]]


@dataclass(frozen=True, slots=True)
class PictureKind:
    """
    One kind of picture.

    `title` is what people call it, `description` what it shows, for help texts. `draw` writes its files, each whole or not at
    all, tells its progress from 0 to 1, and raises as `render` does. `owns` says of the rest of a file's name, behind the
    video's and a dot, whether a picture of this kind is called so. `cost` is its work beside that of the others, for the
    progress of all together. `is_default` where it is made unless something else is asked for; `is_for_threads` where a thread
    can show it.
    """

    key: str
    title: str
    description: str
    draw: Draw
    owns: Callable[[str], bool]
    cost: float = 1.0
    is_default: bool = False
    is_for_threads: bool = True


KINDS: Registry[PictureKind] = Registry("rendering.kinds")


def default_kinds() -> tuple[str, ...]:
    """Return the keys of the kinds that are made unless something else is asked for, in the order in which they are made."""
    return tuple(kind.key for kind in in_order([kind.key for kind in KINDS.values() if kind.is_default]))


def in_order(keys: Sequence[str]) -> tuple[PictureKind, ...]:
    """Return the kinds of `keys`, each once, the cheapest first, for what is quick never waits. Raises `KeyError`."""
    return tuple(sorted((KINDS[key] for key in dict.fromkeys(keys)), key=lambda kind: kind.cost))
