"""What a notebook asks of this package: pictures of a video and its annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rendering.kinds.base import RenderOptions
from rendering.render import Rendered, render
from rendering.selection import Selection
from tracking.model import Annotations


def draw(
    video: str | Path,
    annotations: Annotations,
    out: str | Path,
    *,
    make: Sequence[str] = ("summary", "gifs"),
    min_confidence: float = 0.7,
    min_frames: int = 10,
    labels: Sequence[str] = (),
) -> Rendered:
    """
    Draw pictures of the kinds `make` into the folder `out`, of the objects that pass; of ten boxes a short clip wants fewer.

    The result's `pages` and `animations` have their paths, its `pictures` those of every kind. Raises `VideoError`,
    `StorageError`, and `KeyError` for a kind that there is not.
    """
    video = Path(video)
    options = RenderOptions(Selection(min_confidence, min_frames, tuple(labels)))
    return render(video, annotations, Path(out), name=video.name, options=options, make=make)
