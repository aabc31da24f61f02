"""What the command line says: results, progress, and what was typed wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.texts.engine import problem
from bot.texts.errors import left_out
from bot.texts.wording import clock, count, duration, listing, percent, quoted, span
from tracking.model import EngineWarning, Track


def unforeseen_here() -> str:
    """An unforeseen error on the command line, below its log."""
    return "Something went wrong on our side; the lines above say what. Please report them."


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What the sentences about a result are made of; `known_labels` are those that the video has at all, times in seconds."""

    shown: int
    total: int
    near_misses: Sequence[Track]
    problems: Sequence[EngineWarning]
    min_confidence: float
    min_frames: int
    labels: Sequence[str] = ()
    known_labels: Sequence[str] = ()
    annotated_s: float = 0.0
    video_s: float = 0.0
    older_pictures: int = 0
    left_out: int = 0
    unwritten: Sequence[str] = ()


def result_lines(facts: ResultFacts) -> list[str]:
    """What was found, what was nearly found, and what went wrong on the way."""
    lines = [found(facts.shown + facts.left_out, facts.total)]
    if facts.left_out:
        lines.append(left_out(facts.left_out))
    if not facts.shown and facts.total:
        if facts.labels and not facts.near_misses:
            lines.append(no_such_label(facts.labels, facts.known_labels))
        else:
            lines.append(near_misses(facts.near_misses, min_confidence=facts.min_confidence, min_frames=facts.min_frames))
            lines += lower_thresholds(facts)
    if facts.annotated_s > facts.video_s + 1.0 > 1.0:
        reach, end = clock(facts.annotated_s), clock(facts.video_s)
        lines.append(f"The annotations reach {reach}, but the video ends at {end}: do they belong together?")
    if facts.older_pictures:
        lines.append(f"In the folder {count(facts.older_pictures, 'older picture')} of this video stayed, from other options.")
    if facts.unwritten:
        lines.append(labels_not_written(facts.unwritten))
    return [*lines, *(problem(each) for each in facts.problems)]


def lower_thresholds(facts: ResultFacts) -> list[str]:
    """The options that would just show the closest of the near misses."""
    if not facts.near_misses:
        return []
    closest = facts.near_misses[0]
    options = []
    if closest.confidence < facts.min_confidence:
        options.append(f"--min-confidence {math.floor(closest.confidence * 100) / 100:g}")
    if len(closest) < facts.min_frames:
        options.append(f"--min-frames {len(closest)}")
    return [f"To see the first of them: {' '.join(options)}"] if options else []


def found(shown: int, total: int) -> str:
    """The first line of a result."""
    if not total:
        return "No objects were found in this video."
    if not shown:
        return f"None of {count(total, 'object')} passes the thresholds."
    return (
        f"{count(shown, 'object')} found." if shown == total else f"{shown:,} of {count(total, 'object')} pass the thresholds."
    )


def near_misses(tracks: Iterable[Track], *, min_confidence: float, min_frames: int) -> str:
    """What would have been shown with lower thresholds."""
    told = [f"{quoted(t.label, limit=30)} {percent(t.confidence)} in {count(len(t), 'frame')}" for t in tracks]
    if not told:
        return ""
    wanted = f"{percent(min_confidence)} and {count(min_frames, 'frame')}"
    return f"Closest to the thresholds ({wanted}): {listing(told, limit=6)}."


def labels_not_written(labels: Sequence[str]) -> str:
    """Labels that stand in the pictures as an ellipsis, because no font at hand has their letters."""
    told = listing([quoted(label, limit=30) for label in labels], limit=6)
    return f"No font here can write {told}; the pictures show … instead. Set TRACKLET_FONT to a font that can."


def no_such_label(asked: Sequence[str], known: Sequence[str]) -> str:
    """A label filter that lets nothing through."""
    there = f" There is: {listing([quoted(label, limit=30) for label in known], limit=12)}." if known else ""
    return f"Nothing is labelled {listing([quoted(label, limit=30) for label in asked])}.{there}"


OBJECT_HEADINGS = ("no.", "object", "confidence", "when", "frames")


WORD_HEADINGS = {"object"}


def object_row(number: int, track: Track) -> tuple[str, ...]:
    """One object, below `OBJECT_HEADINGS`."""
    when = span(track.segment.start_s, track.segment.end_s)
    return f"{number}", quoted(track.label, limit=40), percent(track.confidence), when, f"{len(track):,}"


def where_lines(groups: Sequence[Sequence[str]], *, annotations: str, folder: str) -> list[str]:
    """Say where the files of a result are; of each group that is named alike the first, and how many more there are."""
    named = [group[0] + (f"  and {len(group) - 1:,} more" if len(group) > 1 else "") for group in groups if group]
    if annotations:
        named.append(annotations)
    return [f"In {folder}:", *(f"  {name}" for name in named)] if named else []


STAGE_TRACKING = "tracking"


STAGE_RENDERING = "rendering"


STAGE_MODEL = "fetching the model"


def stage_line(stage: str, fraction: float) -> str:
    """Progress where there is no terminal to draw a bar on."""
    return f"{stage}: {percent(fraction)}"


def tracked(*, took_s: float, duration_s: float) -> str:
    """How long tracking took, as measured."""
    return f"Tracked {duration(duration_s)} of video in {duration(took_s)}."


def bad_segment(text: str) -> str:
    return f"{quoted(text)} is no stretch of a video: write it like 0:10-0:30"


def keys_wanted(offered: Mapping[str, str]) -> str:
    """Say what there is to choose from: keys, and what each stands for."""
    return "say one or more of " + "; ".join(f"{key} ({what})" for key, what in offered.items())


def share_wanted() -> str:
    return "a number from 0 to 1, or a percentage such as 70%"


def no_such_setting(variable: str, nearest: str) -> str:
    """A variable with our prefix that nothing reads; its value may be a secret, so it is not shown."""
    meant = f" Did you mean {nearest}?" if nearest else ""
    return f"{quoted(variable)} is not a setting, so it has no effect.{meant}"


def demo_port_taken() -> str:
    """Another program listens where the demo's page would be; stands behind the option and the port."""
    return "another program uses that port. Choose another one; 0 takes one that is free"


def demo_starts() -> str:
    return "Starting a small Slack workspace on this computer; nothing leaves it."


def demo_ready(url: str) -> str:
    """Where the demo is, and what to do there."""
    return f"Open {url} and share a video in a channel, or try the sample clip. Ctrl-C ends it."
