"""What two engines found in one video: the result of the command line's `compare`, as facts and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli.result import problem_json, readable
from bot.texts import comparison
from rendering.kinds.base import RenderOptions
from rendering.pages.comparison import ComparisonPage
from rendering.pages.pairing import Finder, Pair
from tracking.engines.base import EngineName
from tracking.model import Annotations, Track
from tracking.video.file import VideoInfo


@dataclass(frozen=True, slots=True)
class Side:
    """What one engine found, or an annotation file holds (`engine` None); `title` is what people read."""

    title: str
    annotations: Annotations
    file: Path
    engine: EngineName | None = None
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """What two sides say about one video."""

    video: Path
    info: VideoInfo
    a: Side
    b: Side
    pairs: tuple[Pair, ...]
    pages: tuple[ComparisonPage, ...]
    options: RenderOptions
    folder: Path

    def facts(self) -> comparison.ComparisonFacts:
        """Return the facts of the sentences about it."""
        selection = self.options.selection
        names = [(one.a.label.casefold(), one.b.label.casefold()) for one in self.pairs if one.a and one.b]
        nameless = EngineName.MOTION in {self.a.engine, self.b.engine}
        return comparison.ComparisonFacts(
            a=self.a.title,
            b=self.b.title,
            both=len(names),
            only_a=count_found(self.pairs, Finder.A),
            only_b=count_found(self.pairs, Finder.B),
            same_label=None if nameless else sum(first == second for first, second in names),
            problems=(*self.a.annotations.problems, *self.b.annotations.problems),
            min_confidence=selection.min_confidence,
            min_frames=selection.min_frames,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the result as data: paths as text, times in seconds, confidences and overlaps 0..1."""
        return {
            "video": {"path": readable(self.video), "duration_s": self.info.duration_s},
            "a": _side_json(self.a),
            "b": _side_json(self.b),
            "pictures": [readable(page.path) for page in self.pages],
            "objects": [
                {
                    "number": one.number,
                    "found_by": one.finder.value,
                    "overlap": round(one.overlap, 4),
                    "a": _track_json(one.a),
                    "b": _track_json(one.b),
                }
                for one in self.pairs
            ],
        }


def count_found(pairs: Sequence[Pair], finder: Finder) -> int:
    """Return how many of the objects were found by this side, or by both."""
    return sum(one.finder is finder for one in pairs)


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "engine": side.engine,
        "title": side.title,
        "annotations": readable(side.file),
        "tracking_s": round(side.took_s, 3),
        "tracks": len(side.annotations.tracks),
        "problems": [problem_json(problem) for problem in side.annotations.problems],
    }


def _track_json(track: Track | None) -> dict[str, Any] | None:
    if track is None:
        return None
    return {
        "track": track.track_id,
        "label": track.label,
        "entity_id": track.entity_id,
        "confidence": track.confidence,
        "frames": len(track),
        "start_s": track.segment.start_s,
        "end_s": track.segment.end_s,
    }
