"""What was not understood of what somebody typed. Its sentence is in `bot/texts/slack.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ParseErrorKind(StrEnum):
    """What was not understood."""

    NO_LINK = "no-link"
    TWO_LINKS = "two-links"
    BAD_LINK = "bad-link"
    WILDCARD = "wildcard"
    UNKNOWN = "unknown"
    TWICE = "twice"
    TIME_ORDER = "time-order"
    PERCENT = "percent"
    FRAMES = "frames"
    ENGINE = "engine"
    LABELS = "labels"
    CANCEL = "cancel"
    AUTO = "auto"
    WATCH = "watch"
    TOO_LONG = "too-long"


@dataclass(eq=False)
class CommandError(Exception):
    """`what` was wrong, at `words` of the text, which is foreign; `nearest` would be understood, "" where nothing is near."""

    what: ParseErrorKind
    words: str = ""
    nearest: str = ""
