"""
From what a person typed to what is wanted: commands and options in words. Pure; nothing is looked up.

    <link> [from 0:10 to 0:30] [only person, car] [above 60%] [at least 5 frames] [with yolox]
    help | status | cancel [number | all] | auto on | auto off
    watch gs://bucket/prefix | unwatch [gs://bucket/prefix] | watches

Slack wraps links as `<url>` or `<url|text>` and escapes `&`, `<` and `>` (`links.py`). What is not understood is a
`CommandError`, which says what it was about. Times are seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from bot.jobs.model import Options, Source
from bot.requests.errors import CommandError, ParseErrorKind
from bot.requests.links import _plain, source_of, split_links
from tracking.engines.base import EngineName
from tracking.local.coco import LABELS
from tracking.model import Segment

Json = dict[str, Any]


MAX_LETTERS = 4000


MAX_OPTION_LETTERS = 500


MAX_LABELS = 20


MAX_LABEL_LETTERS = 40


TO_THE_END_S = 86_400.0  # "from 0:10" alone: no video that is accepted reaches it


@dataclass(frozen=True, slots=True)
class Track:
    """Track that video; without a source the modal asks for one."""

    source: Source | None
    options: Options


@dataclass(frozen=True, slots=True)
class Help:
    """How to use it."""


@dataclass(frozen=True, slots=True)
class Status:
    """What runs, and what ran."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the job of that number; None: the asker's only one, with `every` all of the asker's."""

    number: int | None
    every: bool = False


@dataclass(frozen=True, slots=True)
class Auto:
    """Whether videos shared in this channel are tracked unasked."""

    on: bool


@dataclass(frozen=True, slots=True)
class WatchBucket:
    """Show in this channel what appears at `uri`, `gs://bucket/prefix`; whether it may be watched is not known here."""

    uri: str


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Watch `uri` no more; "": nothing any more."""

    uri: str


@dataclass(frozen=True, slots=True)
class Watches:
    """What this channel watches."""


Command = Track | Help | Status | Cancel | Auto | WatchBucket | Unwatch | Watches


def parse_command(text: str, *, slack_host: str = "slack.com") -> Command:
    """What stands behind `/track`. Raises `CommandError`."""
    if len(text) > MAX_LETTERS:
        raise CommandError(ParseErrorKind.TOO_LONG)
    words = _plain(text).split()
    if not words:
        return Track(None, Options())
    match words[0].lower(), [word.lower() for word in words[1:]]:
        case "help" | "?" | "-h" | "--help", []:
            return Help()
        case "status", []:
            return Status()
        case "cancel" | "stop", []:
            return Cancel(None)
        case "cancel" | "stop", ["all"]:
            return Cancel(None, every=True)
        case "cancel" | "stop", [number]:
            if not re.fullmatch(r"#?\d{1,9}", number):
                raise CommandError(ParseErrorKind.CANCEL, number)
            return Cancel(int(number.lstrip("#")))
        case "auto", ["on" | "off" as switch]:
            return Auto(switch == "on")
        case "auto", rest:
            raise CommandError(ParseErrorKind.AUTO, " ".join(rest))
        case "watches", []:
            return Watches()
        case "unwatch", []:
            return Unwatch("")
        case "watch", _:
            return WatchBucket(_bucket_uri(text))
        case "unwatch", _:
            return Unwatch(_bucket_uri(text))
    links, rest_of_text = split_links(text)
    if not links:
        raise CommandError(ParseErrorKind.NO_LINK, _plain(text))
    if len(links) > 1:
        raise CommandError(ParseErrorKind.TWO_LINKS)
    return Track(source_of(links[0], slack_host=slack_host), parse_options(rest_of_text))


def _bucket_uri(text: str) -> str:
    """The one gs:// address behind a word of command."""
    links, rest = split_links(text)
    if len(links) != 1 or len(rest.split()) != 1 or not links[0].startswith("gs://"):
        raise CommandError(ParseErrorKind.WATCH)
    return links[0]


def parse_options(text: str) -> Options:
    """The options that `text` names in words. Raises `CommandError` at the first word that is none."""
    if len(text) > MAX_OPTION_LETTERS:
        raise CommandError(ParseErrorKind.TOO_LONG)
    options = Options()
    seen: set[str] = set()
    position = 0
    while filler := _FILLER.match(text, position):
        position = filler.end()
        if position == len(text):
            break
        for name, pattern in _OPTIONS.items():  # noqa: B007  # the name is used after the loop
            if found := pattern.match(text, position):
                break
        else:
            raise CommandError(ParseErrorKind.UNKNOWN, text[position:].split()[0])
        if name in seen:
            raise CommandError(ParseErrorKind.TWICE, found[0])
        seen.add(name)
        options = _READERS[name](options, found)
        position = found.end()
    return options


def mention_options(text: str, bot_user: str) -> Options | None:
    """The options in a message that mentions the bot, politeness aside; None where it does not. Raises `CommandError`."""
    mention = f"<@{bot_user}>"
    if mention not in text:
        return None
    _, rest = split_links(text.replace(mention, " "))
    return parse_options(_POLITE.sub(" ", rest).strip(" ?!.,:;"))


_POLITE = re.compile(
    r"\b(?:please|pls|hey|hi|hello|thanks|thank you|can you|could you|would you|track|follow|find|objects?|everything|the|this"
    r"|that|these|it|video|clip|file|in|of|for|me|us|again|now|here)\b",
    re.IGNORECASE,
)


_CLOCK = r"\d{1,4}+:\d{1,2}+(?::\d{1,2}+)?+(?:\.\d++)?+"


_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m)"


_TIME = rf"(?:{_CLOCK}|\d{{1,5}}(?:\.\d++)?+(?:\s*+{_UNIT}(?![\w%:])|(?![\w%:.])))"


_TO = r"(?:to|until|till|and|-|–|—)"


_LEAST = r"(?:at\s++least|min(?:imum)?|more\s++than|over|above|>=?|confidence)"


_END = r"(?![\w-])"


_KEYWORD = (
    r"(?:(?:from|between|until|till|above|over|with|using|by|at\s++least|min(?:imum)?|more\s++than|confidence|engine)(?!\w)|\d)"
)


_FILLER = re.compile(r"(?:[\s,;.&]++|(?:and|please|but)(?!\w))*+", re.IGNORECASE)


_OPTIONS = {
    name: re.compile("".join(parts), re.IGNORECASE)
    for name, parts in {
        "frames": (rf"(?:{_LEAST}\s*+)?+", rf"(?P<frames>\d{{1,6}}+)\s*+(?:frames?|pictures?){_END}"),
        "confidence": (
            rf"(?:{_LEAST}\s*+)*+",
            rf"(?:(?P<percent>\d{{1,6}}+(?:\.\d++)?+)\s*+(?:%|percent{_END})",
            rf"|(?P<fraction>[01]?\.\d++|(?<=[a-z=>]\s)[01]){_END})",
            r"(?:\s*+(?:confidence|sure)\b)?+",
        ),
        "segment": (
            rf"(?:from|between|segment)\s++(?P<start>{_TIME})(?:\s*+{_TO}\s*+(?P<end>{_TIME}))?",
            rf"|(?:until|till|up\s++to|to)\s++(?P<until>{_TIME})",
            rf"|(?P<bare_start>{_CLOCK})\s*+{_TO}\s*+(?P<bare_end>{_CLOCK})",
        ),
        "labels": (
            r"(?:only|just|labels?|class(?:es)?)[\s:=,]++",
            rf"(?P<labels>[^\s,;.]++(?:[\s,]++(?!(?:and\s++)?+{_KEYWORD})[^\s,;.]++)*+)",
        ),
        "engine": (r"(?:with|using|by|engine)[\s:=]++(?:the\s++)?+(?P<engine>[\w-]++)(?:\s++engine\b)?+",),
    }.items()
}


def _segment(options: Options, found: re.Match[str]) -> Options:
    parts = found.groupdict()
    start = parts["start"] or parts["bare_start"]
    end = parts["end"] or parts["bare_end"] or parts["until"]
    start_s = _seconds(start) if start else 0.0
    end_s = _seconds(end) if end else TO_THE_END_S
    if end_s <= start_s:
        raise CommandError(ParseErrorKind.TIME_ORDER, found[0])
    return replace(options, segment=Segment(start_s, end_s))


def _seconds(text: str) -> float:
    if ":" in text:
        seconds = 0.0
        for part in text.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds
    number = float(re.match(r"[\d.]++", text)[0])  # type: ignore[index]  # _TIME begins with a digit
    return number * 60 if re.search(r"\d\s*+m", text, re.IGNORECASE) else number


def _labels(options: Options, found: re.Match[str]) -> Options:
    words = [word.strip(" '\"“”") for word in re.split(r",|;|/|\band\b|\bor\b|&", found["labels"])]
    labels = tuple(dict.fromkeys(_label(word) for word in words if word))
    if not labels or len(labels) > MAX_LABELS or not all(re.fullmatch(r"[\w .'-]++", label) for label in labels):
        raise CommandError(ParseErrorKind.LABELS, found["labels"])
    if any(len(label) > MAX_LABEL_LETTERS for label in labels):
        raise CommandError(ParseErrorKind.LABELS, found["labels"])
    return replace(options, labels=labels)


def _label(word: str) -> str:
    """A class as the engines name it: people say "cars"."""
    label = " ".join(word.lower().split())
    if label in _KNOWN:
        return label
    return _PLURALS.get(label) or (label.removesuffix("s") if label.removesuffix("s") in _KNOWN else label)


def _confidence(options: Options, found: re.Match[str]) -> Options:
    share = float(found["percent"]) / 100 if found["percent"] else float(found["fraction"])
    if not 0 <= share <= 1:
        raise CommandError(ParseErrorKind.PERCENT, found[0])
    return replace(options, min_confidence=share)


def _frames(options: Options, found: re.Match[str]) -> Options:
    frames = int(found["frames"])
    if not 1 <= frames <= 10_000:
        raise CommandError(ParseErrorKind.FRAMES, found[0])
    return replace(options, min_frames=frames)


def _engine(options: Options, found: re.Match[str]) -> Options:
    try:
        return replace(options, engine=EngineName(found["engine"].lower()))
    except ValueError:
        raise CommandError(ParseErrorKind.ENGINE, found["engine"]) from None


_READERS = {"segment": _segment, "labels": _labels, "confidence": _confidence, "frames": _frames, "engine": _engine}


_KNOWN = frozenset(name.lower() for name in LABELS)


_PLURALS = {"people": "person", "persons": "person", "buses": "bus", "mice": "mouse", "sheeps": "sheep", "knives": "knife"}


def _word(event: Json, name: str) -> str:
    """A field that is text, "" where it is missing or something else."""
    value = event.get(name)
    return value if isinstance(value, str) else ""
