"""Facts in words: times, sizes, counts, lists, and text from outside as it may stand in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracking.plain_text import plain

MAX_QUOTED = 80


def quoted(text: str, *, limit: int = MAX_QUOTED) -> str:
    """Foreign text as it may stand in a sentence: one line, no control characters, shortened in the middle."""
    clean = plain(text)
    if len(clean) <= limit:
        return clean
    return f"{clean[: limit * 2 // 3]}…{clean[-(limit - limit * 2 // 3 - 1) :]}"


def quoted_sentence(text: str, *, limit: int = 200) -> str:
    """Return foreign text as a sentence of its own, which ends with a full stop whatever it ended with; "" for none."""
    said = quoted(text, limit=limit).rstrip(" ,;:")
    return said if not said or said.endswith((".", "!", "?", "…")) else f"{said}."


def clock(seconds: float) -> str:
    """A place in a video: "0:03", "12:40", "1:02:03"."""
    whole = max(0, math.floor(seconds + 1e-6))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """A length of time: "0.8 s", "12 s", "4 min 5 s", "1 h 30 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes + (rest >= 30)} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(size_bytes: int) -> str:
    """Bytes: "812 kB", "1.5 GB"."""
    value, unit = float(size_bytes), "bytes"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, bigger
    return f"{value:.0f} {unit}" if unit in {"bytes", "kB"} or value >= 100 else f"{value:.1f} {unit}"


def percent(share: float) -> str:
    """A confidence or a share: "93%", rounded as in the pictures and their names."""
    return f"{share:.0%}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 object", "3 objects"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(start_s: float, end_s: float) -> str:
    """When something is seen: "0:03–0:09", one time where both are the same second."""
    start, end = clock(start_s), clock(end_s)
    return start if start == end else f"{start}–{end}"


def listing(words: Sequence[str], *, limit: int = 4) -> str:
    """A list in a sentence: "a, b and c", "a, b, c, d and 3 more"."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
