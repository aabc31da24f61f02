"""Facts in words: times, sizes, counts, lists, and text from outside as it may stand in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rendering.selection import whole_percent
from tracking.plain_text import plain

# The heading in the summary above what stands still for its whole shot.
STANDING_STILL = "standing still"
CAMERA_MOVES = "The camera moves: no paths"

MAX_QUOTED = 80
TENTHS_BELOW_S = 10.0
MANY_TENTHS_S = 0.095  # below, one digit would tell nothing


def quoted(text: str, *, limit: int = MAX_QUOTED) -> str:
    """Return foreign text as it may stand in a sentence: one line, no control characters, shortened in the middle."""
    clean = plain(text)
    if len(clean) <= limit:
        return clean
    return f"{clean[: limit * 2 // 3]}…{clean[-(limit - limit * 2 // 3 - 1) :]}"


def quoted_sentence(text: str, *, limit: int = 200) -> str:
    """Return foreign text as a sentence of its own, which ends with a full stop whatever it ended with; "" for none."""
    said = quoted(text, limit=limit).rstrip(" ,;:")
    return said if not said or said.endswith((".", "!", "?", "…")) else f"{said}."


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Return a place in a video: "0:03", "12:40", "1:02:03", with `tenths` "0:03.5"."""
    in_tenths = max(0, math.floor(seconds * 10 + 1e-5))
    whole, tenth = divmod(in_tenths, 10)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    said = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{said}.{tenth}" if tenths else said


def duration(seconds: float) -> str:
    """Return a length of time: "0.8 s", "3 s", "12 s", "4 min 5 s", "1 h 30 min"."""
    if seconds < 9.95:
        exact = f"{max(seconds, 0.0):.{2 if seconds < MANY_TENTHS_S else 1}f}"
        return f"{exact.rstrip('0').rstrip('.')} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes + (rest >= 30)} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(size_bytes: int) -> str:
    """Return a number of bytes: "812 kB", "1.5 GB"."""
    value, unit = float(size_bytes), "bytes"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, bigger
    return f"{value:.0f} {unit}" if unit in {"bytes", "kB"} or value >= 100 else f"{value:.1f} {unit}"


def percent(share: float) -> str:
    """Return a confidence or a share: "93%", rounded as in the pictures and their names; only what is certain is "100%"."""
    return f"{whole_percent(share)}%"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 object", "3 objects"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(start_s: float, end_s: float, *, tenths: bool = False) -> str:
    """Return when something is seen: "0:03–0:09", one time where both are the same."""
    start, end = clock(start_s, tenths=tenths), clock(end_s, tenths=tenths)
    return start if start == end else f"{start}–{end}"


def exact_span(start_s: float, end_s: float) -> str:
    """Return when something is seen, in a list that a person cuts by: with tenths where whole seconds tell too little."""
    return span(start_s, end_s, tenths=end_s - start_s < TENTHS_BELOW_S)


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers in order, neighbours together: "1 to 6, 8, 10 to 12"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _run(run: Sequence[int]) -> str:
    return f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run))


def ago(seconds: float) -> str:
    """Return how long ago something was: "just now", "5 min ago", "3 h ago", "2 days ago"."""
    minutes = math.floor(max(seconds, 0.0) / 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} days ago"


def listing(words: Sequence[str], *, limit: int = 4) -> str:
    """Return a list in a sentence: "a, b and c", "a, b, c, d and 3 more"."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
