"""What `tracklet compare` says of two engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.texts.engine import problems
from bot.texts.wording import count, exact_span, listing, percent, quoted
from tracking.engines.base import EngineName
from tracking.model import EngineWarning, Track

ABSENT = "not found"


@dataclass(frozen=True, slots=True)
class ComparisonFacts:
    """What the sentences about a comparison are made of; `same_label` is None where one engine gives no names."""

    a: str
    b: str
    both: int
    only_a: int
    only_b: int
    same_label: int | None
    problems: Sequence[EngineWarning]
    min_confidence: float
    min_frames: int


def comparison_lines(facts: ComparisonFacts) -> list[str]:
    """Return what two engines found of one video."""
    a, b = quoted(facts.a), quoted(facts.b)
    if not facts.both + facts.only_a + facts.only_b:
        lines = [
            f"Neither {a} nor {b} found an object with {percent(facts.min_confidence)} in {count(facts.min_frames, 'frame')}.",
            "Lower the thresholds to see more: --min-confidence 0.5 --min-frames 5, for example.",
        ]
    else:
        lines = [f"{count(facts.both, 'object')} found by both, {facts.only_a:,} only by {a}, {facts.only_b:,} only by {b}."]
        if facts.both and facts.same_label is not None:
            lines.append(f"Of those that both found, {facts.same_label:,} have the same label.")
    return [*lines, *problems(facts.problems)]


def found_by_both(number: int) -> str:
    """Return a heading in the picture."""
    return f"Found by both: {number:,}"


def found_by_one(title: str, number: int) -> str:
    """Return a heading in the picture; `title` is an engine's, or a file's name."""
    return f"Only {quoted(title)}: {number:,}"


def comparison_headings(a: str, b: str) -> tuple[str, ...]:
    return "no.", quoted(a), quoted(b), "overlap"


def comparison_row(number: int, a: Track | None, b: Track | None, overlap: float) -> tuple[str, ...]:
    """Return one object, below `comparison_headings`."""
    return f"{number}", _found_track(a), _found_track(b), percent(overlap) if a and b else ""


def _found_track(track: Track | None) -> str:
    if track is None:
        return ABSENT
    when = exact_span(track.segment.start_s, track.segment.end_s)
    sure = f" {percent(track.confidence)}" if track.is_named else ""
    return f"{quoted(track.label, limit=30)}{sure}, {when}"


def engines_wanted(number: int) -> str:
    """Return what `--engines` takes, beside the annotation files that are given."""
    if not number:
        return "two annotation files are compared already"
    names = listing([name.value for name in EngineName if name is not EngineName.AUTO])
    return f"name {'one' if number == 1 else 'two different ones'} of {names}"


def two_files_at_most() -> str:
    return "two annotation files at most can be compared"
