"""
The thresholds in words, and what they keep out.

A threshold counts boxes; people think in seconds. Where the time between two pictures that an engine looked at is known
(`step_s`), seconds are told. The confidence of what has no name (`MOVING_OBJECT`) measures nothing that a reader could use, and
is not told.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.jobs.facts import NearMisses
from bot.texts.plurals import counted
from bot.texts.wording import MANY_TENTHS_S, TENTHS_BELOW_S, count, duration, percent

KINDS_NAMED = 3
CLOSE_NAMED = 4


def limits(min_confidence: float, min_frames: int, step_s: float, *, named: bool = True) -> str:
    """Return what an object must reach to be shown: "70%, 1 s"; "" where that is nothing."""
    told = [percent(min_confidence)] if named and min_confidence > 0 else []
    if min_frames > 1:
        told.append(_time(min_frames, step_s))
    return ", ".join(told)


def in_brackets(text: str) -> str:
    """Return " (text)", or "" for no text."""
    return f" ({text})" if text else ""


def close(kinds: Sequence[NearMisses], number: int, step_s: float) -> str:
    """Return which objects nearly passed: "3 horses (up to 76%, 0.9 s), 1 bird (40%, 2 s)"; `number` counts all of them."""
    told = []
    for kind in kinds[:CLOSE_NAMED]:
        reached = [percent(kind.confidence)] if kind.is_named else []
        reached.append(_time(kind.frames, step_s))
        told.append(f"{counted(kind.count, kind.label)} ({'up to ' if kind.count > 1 else ''}{', '.join(reached)})")
    rest = number - sum(kind.count for kind in kinds[:CLOSE_NAMED])
    return f"{', '.join(told)}{f' and {rest:,} more' if rest > 0 else ''}"


def not_shown(kinds: Sequence[NearMisses], number: int, min_confidence: float, min_frames: int, step_s: float) -> str:
    """Return what the thresholds kept out and why: "Not shown: 2 people seen for less than a second."."""
    named_all = sum(kind.count for kind in kinds) == number
    if named_all and len(kinds) <= KINDS_NAMED:
        what = ", ".join(counted(kind.count, kind.label) for kind in kinds)
    else:
        what = count(number, "object")
    named = any(kind.is_named for kind in kinds)
    unsure = f"less than {percent(min_confidence)} sure" if named else "followed too unsteadily"
    reasons = [unsure] if any(kind.unsure for kind in kinds) else []
    if any(kind.brief for kind in kinds):
        least = _time(min_frames, step_s)
        reasons.append(f"seen {'in' if step_s <= 0 else 'for'} less than {'a second' if least == '1 s' else least}")
    return f"Not shown: {' '.join([what, ' or '.join(reasons)]).strip()}."


def _time(frames: int, step_s: float) -> str:
    """Return a number of boxes as the time that they cover, as exactly as one box more makes a difference."""
    if step_s <= 0:
        return count(frames, "frame")
    seconds = frames * step_s
    if step_s < MANY_TENTHS_S and seconds < TENTHS_BELOW_S:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    return duration(seconds)
