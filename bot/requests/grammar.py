"""
From what a person typed to what is wanted: one grammar for a command, a mention, a direct message and a reply in a thread.

    <link> [from 0:10 to 0:30] [only person, car] [above 60%] [at least 5 frames] [with yolox] [make crops]
    help | status | cancel [number | all] | stop [number | all] | auto on | auto off
    watch gs://bucket/prefix | unwatch [gs://bucket/prefix] | watches

`hear` reads a text whichever way it came; `parse_command` is its strict form, for a command, where each word counts. Words
that carry nothing ("please", "the", "thanks"; `words.py`) may stand anywhere. What is not understood is a `CommandError` that
says what it was about, with the nearest thing that would be. Pure; nothing is looked up. Slack wraps links as `<url>` or
`<url|text>` and escapes `&`, `<` and `>` (`links.py`). Times are seconds.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.jobs.model import Options, Source
from bot.requests import words as lexicon
from bot.requests.errors import CommandError, ParseErrorKind
from bot.requests.links import VIDEO_SUFFIXES, source_of, split_links, unescaped, visible
from rendering.kinds.base import KINDS
from tracking.engines.base import EngineName
from tracking.model import Segment

MAX_LETTERS = 4000


MAX_OPTION_LETTERS = 500


MAX_LABELS = 20


MAX_LABEL_LETTERS = 40


MAX_GUESSES = 8  # unknown words for which the nearest known one is looked for


TO_THE_END_S = 86_400.0  # "from 0:10" alone: no video that is accepted reaches it


@dataclass(frozen=True, slots=True)
class Track:
    """
    Track that video. Without one and without `name` the modal asks for it.

    `name` is that of a file in the channel, as far as it and the options can be told from `said`, the words that it stands
    among: which files there are decides (`take_name`), and what is left of the words are the options.
    """

    source: Source | None
    options: Options
    name: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """Say how to use it."""


@dataclass(frozen=True, slots=True)
class Status:
    """Say what runs, and what ran."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the job of that number; None: the only one of the asker, or those of the thread. `every` stops all of them."""

    number: int | None
    every: bool = False


@dataclass(frozen=True, slots=True)
class Auto:
    """Set whether videos shared in this channel are tracked unasked."""

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
    """Say what this channel watches."""


Order = Help | Status | Cancel | Auto | WatchBucket | Unwatch | Watches
Command = Track | Order


class Tone(StrEnum):
    """How a text speaks that gives no order."""

    REQUEST = "request"
    """Wants a video tracked: it says so, names options, or says nothing at all."""
    GREETING = "greeting"
    TALK = "talk"
    """Thanks, praise, and whatever else wants no answer."""


@dataclass(frozen=True, slots=True)
class Heard:
    """
    What was understood of a text.

    `problems` are the words that were not, in their order; `is_asking` says that it reads like something that wants an answer.
    `names` are file names of videos, with what stands unknown before them, and `said` the words without links and emoji. Words
    of small talk around the rest are forgotten.
    """

    order: Order | None = None
    links: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    said: str = ""
    options: Options = field(default_factory=Options)
    problems: tuple[CommandError, ...] = ()
    tone: Tone = Tone.TALK
    is_asking: bool = False


def hear(text: str) -> Heard:
    """
    Return what was understood of a text, whichever way it came.

    Raises `CommandError` for an order or an option that is wrong in itself; words that are unknown are among its `problems`.
    """
    if len(text) > MAX_LETTERS:
        raise CommandError(ParseErrorKind.TOO_LONG)
    links, rest = split_links(text)
    if len(rest) > MAX_OPTION_LETTERS:
        return Heard(links=tuple(links), problems=(CommandError(ParseErrorKind.TOO_LONG),))
    spoken, is_bare = _without_decoration(rest), _GAP.fullmatch(rest) is not None
    if (order := _order(spoken, links)) is not None:
        return Heard(order=order, links=tuple(links))
    read = _read_beside(spoken, names=() if links else _file_words(spoken))
    tone = Tone.REQUEST if is_bare else _tone(read)
    return Heard(
        links=tuple(links),
        names=tuple(read.names),
        said=spoken,
        options=read.options,
        problems=tuple(read.problems),
        tone=tone,
        is_asking=not is_bare and (tone is Tone.REQUEST or _is_asking(read, spoken)),
    )


def parse_command(text: str, *, slack_host: str = "slack.com") -> Command:
    """Return what stands behind `/track`. Raises `CommandError`."""
    heard = hear(text)
    if heard.order is not None:
        return heard.order
    if not text.split():
        return Track(None, Options())
    if len(heard.links) > 1 or (heard.links and heard.names):
        raise CommandError(ParseErrorKind.TWO_LINKS)
    if heard.names and not heard.links:
        return Track(None, heard.options, heard.names[0], heard.said)
    if heard.problems and (heard.links or heard.problems[0].nearest):
        raise heard.problems[0]
    if heard.links:
        return Track(source_of(heard.links[0], slack_host=slack_host), heard.options)
    if heard.tone is Tone.GREETING:
        return Help()
    raise CommandError(ParseErrorKind.NO_LINK, split_links(text)[1])


def take_name(said: str, names: Iterable[str]) -> tuple[str, str] | None:
    """
    Return the longest of some files' names that stands in a text, and the text without it; None where none does.

    Small and large letters are the same, and so are all kinds of blanks. A name may hold words that would be options.
    """
    text = _comparable(said)
    for name in sorted(names, key=len, reverse=True):
        wanted = _comparable(visible(unescaped(name)))
        if not wanted:
            continue
        for found in re.finditer(re.escape(wanted), text, re.IGNORECASE):
            before, after = text[: found.start()], text[found.end() :]
            if not (before[-1:].isalnum() or after[:1].isalnum()):
                return name, f"{before} , {after}"
    return None


def _comparable(text: str) -> str:
    return _without_decoration(unicodedata.normalize("NFC", text))


def hear_options(said: str) -> Heard:
    """Return what was understood of words that give no order, such as what is left of `Heard.said`. Raises as `hear` does."""
    read = _read_options(said)
    return Heard(names=tuple(read.names), said=said, options=read.options, problems=tuple(read.problems), tone=_tone(read))


def parse_options(text: str) -> Options:
    """Return the options that `text` names in words. Raises `CommandError` at the first word that is none."""
    if len(text) > MAX_OPTION_LETTERS:
        raise CommandError(ParseErrorKind.TOO_LONG)
    read = _read_options(_without_decoration(visible(text)))
    if read.problems:
        raise read.problems[0]
    return read.options


def is_about_us(text: str) -> bool:
    """Return whether words behind our name speak of us, and not to us: "is great", "'s boxes are off"."""
    if text.startswith(("'s ", "’s ")):
        return True
    said = [_bare(word) for word in text.split()[:2]]
    return bool(said) and said[0] in lexicon.ABOUT and (len(said) == 1 or said[1] not in lexicon.ADDRESSED)


def is_polite(text: str) -> bool:
    """Return whether a text is nothing but a greeting or politeness, or empty: what may stand before our name."""
    return all(_bare(word) in lexicon.POLITE | {""} for word in _without_decoration(text).split())


# ---- orders ---------------------------------------------------------------------------------------------------------------


def _order(spoken: str, links: list[str]) -> Order | None:
    """Return the order that a text is, None where it is none. Raises `CommandError` for one that lacks something."""
    if spoken in {"?", "-h", "--help"}:
        return Help()
    said = [word for each in spoken.removeprefix("/track ").split() if (word := each.strip(_PUNCTUATION))]
    words = [word.lower() for word in said]
    question = " ".join(itertools.dropwhile(lexicon.OPENINGS.__contains__, words)).replace("’", "'")
    if question in lexicon.QUESTIONS | lexicon.STATUS_QUESTIONS and not links:
        return Help() if question in lexicon.QUESTIONS else Status()
    if words[:1] in (["watch"], ["unwatch"]) and not (words[0] == "watch" and _is_chatter(words[1:]) and not links):
        return _watch(words, links)
    rest = [place for place, word in enumerate(words) if word not in lexicon.POLITE]
    if links or not rest:
        return None
    match [words[place] for place in rest]:
        case ["help"]:
            return Help()
        case [*before, "status"] if {word.replace("’", "'") for word in before} <= lexicon.INQUIRING:
            return Status()
        case ["watches"]:
            return Watches()
        case ["auto", "on" | "off" as switch]:
            return Auto(switch == "on")
        case ["auto", *_]:
            raise CommandError(ParseErrorKind.AUTO, " ".join(words[1:]))
        case ["cancel" | "stop"]:
            return Cancel(None)
        case ["cancel" | "stop", "all" | "everything" | "them"]:
            return Cancel(None, every=True)
        case ["cancel" | "stop", number] if re.fullmatch(r"#?\d{1,9}", number):
            return Cancel(int(number.lstrip("#")))
        case ["cancel" | "stop", *_]:
            raise CommandError(ParseErrorKind.CANCEL, " ".join(said[place] for place in rest[1:]))
    return None


def _watch(words: list[str], links: list[str]) -> WatchBucket | Unwatch:
    """Return what is to be watched, or not any more: the one gs:// address behind the word."""
    if words == ["unwatch"] and not links:
        return Unwatch("")
    if len(links) != 1 or len(words) != 1 or not links[0].startswith("gs://"):
        raise CommandError(ParseErrorKind.WATCH)
    return WatchBucket(links[0]) if words == ["watch"] else Unwatch(links[0])


# ---- options and the words around them ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Read:
    """How far a text was read: its options, and of its other words those that carry nothing and those that nobody knows."""

    options: Options = field(default_factory=Options)
    seen: set[str] = field(default_factory=set)
    chatter: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    problems: list[CommandError] = field(default_factory=list)


def _file_words(text: str) -> tuple[str, ...]:
    """Return the words that end like a video's file."""
    bare = [word.strip(_PUNCTUATION) for word in text.split()]
    return tuple(word for word in bare if "." in word and word.rpartition(".")[2].lower() in VIDEO_SUFFIXES)


def _read_beside(text: str, *, names: Iterable[str]) -> _Read:
    """Return all of a text; where it names a file, what stands beside that is certain only once the name is known."""
    try:
        read = _read_options(text)
    except CommandError:
        if not names:
            raise
        return _Read(names=list(names))
    return read if read.names or not names else _Read(names=list(names))


def _read_options(text: str) -> _Read:
    """Return all of a text. Raises `CommandError` for an option that is wrong in itself, and for one that comes twice."""
    read = _Read()
    position, unknown = 0, None
    while True:
        position = _GAP.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing as well
        if position == len(text):
            break
        word = _WORD.match(text, position)[0]  # type: ignore[index]  # there is a letter, and the gap ends before it
        bare, is_file = _bare(word), bool(_file_words(word))
        if not is_file and (end := _read_option(text, position, read)) is not None:
            position, unknown = end, None
            continue
        if is_file:
            # Unknown words before it may be part of it: names have blanks.
            read.names.append(text[position if unknown is None else unknown : position + len(word)].strip(_PUNCTUATION))
            if unknown is not None:
                read.problems.pop()
                unknown = None
        elif bare in lexicon.CHATTER or (bare in lexicon.BEFORE_NUMBERS and _NUMBER.match(text, position + len(word))):
            read.chatter.append(bare)
        elif bare:
            # What stands together is told together, with the small words in between.
            start = position if unknown is None else unknown
            error = CommandError(ParseErrorKind.UNKNOWN, text[start : position + len(word)].strip(_PUNCTUATION))
            nearest = "" if len(read.problems) >= MAX_GUESSES else lexicon.nearest(bare)
            if unknown is None:
                read.problems.append(error)
            else:
                nearest, read.problems[-1] = read.problems[-1].nearest or nearest, error
            read.problems[-1].nearest, unknown = nearest, start
        position += len(word)
    return read


def _read_option(text: str, position: int, read: _Read) -> int | None:
    """Read the option that begins at a position; where it ends, None where there is none."""
    for name, pattern in _OPTIONS.items():
        if not (found := pattern.match(text, position)):
            continue
        if name == "labels" and not _label_words(found["labels"]):
            return None  # "just look": it names no class
        if name == "make" and not _kinds(found):
            return None
        try:
            options = _READERS[name](read.options, found)
        except CommandError as error:
            if error.what not in _UNSURE:
                raise
            read.problems.append(error)
            return found.end()
        if name in read.seen:
            raise CommandError(ParseErrorKind.TWICE, found[0])
        read.seen.add(name)
        read.options = options
        return found.end()
    return None


_UNSURE = frozenset({ParseErrorKind.ENGINE, ParseErrorKind.LABELS})  # "with friends" may mean no engine


def _tone(read: _Read) -> Tone:
    if read.seen:
        return Tone.REQUEST
    for word in read.chatter:
        if word in lexicon.PRAISE:
            return Tone.TALK
        if word in lexicon.ASKING:
            return Tone.REQUEST
    if read.names:
        return Tone.REQUEST
    if read.chatter and set(read.chatter) <= lexicon.GREETINGS and not read.problems:
        return Tone.GREETING
    return Tone.TALK


def _is_asking(read: _Read, spoken: str) -> bool:
    first = next((bare for word in spoken.split() if (bare := _bare(word)) not in lexicon.POLITE | {""}), "")
    return (
        first in lexicon.ASKING | lexicon.IMPERATIVES
        or spoken.endswith("?")
        # A class of objects may be spoken of without asking for it: "the dog ran off".
        or any(problem.nearest and not lexicon.is_class(problem.nearest.removeprefix("only ")) for problem in read.problems)
    )


def _is_chatter(words: list[str]) -> bool:
    """Return whether there are words, and none that carries anything."""
    return bool(words) and all(word in lexicon.CHATTER for word in words)


def _bare(word: str) -> str:
    return word.strip(_PUNCTUATION).lower().replace("’", "'")


def _without_decoration(text: str) -> str:
    """Return a text without emoji and without the mentions of people, groups and channels."""
    return " ".join(_DECORATION.sub(" ", text).split())


_PUNCTUATION = " .,;:!?…'\"“”‘’«»()[]{}*_~`|/\\–—-•·"


_EMOJI = "\u00a9\u00ae\u2190-\u2bff\u3030\ufe0e\ufe0f\U0001f000-\U0001faff"


_DECORATION = re.compile(rf"<[@#!][^<>]{{1,200}}+>|(?<![\w:]):[a-z0-9_+'-]{{1,80}}+:(?!\w)|[{_EMOJI}]++", re.IGNORECASE)


_GAP = re.compile(r"(?:[\s,;.&!?…:'\"“”‘’«»()\[\]{}*_~`|/\\–—•·<-]|>(?!=|\s?\d))*+")


_WORD = re.compile(r"[^\s,;]++")


_NUMBER = re.compile(r"\s*+\d")


_CLOCK = r"\d{1,4}+:\d{1,2}+(?::\d{1,2}+)?+(?:\.\d++)?+"


_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|m)"


_TIME = rf"(?:{_CLOCK}|\d{{1,5}}(?:\.\d++)?+(?:\s*+{_UNIT}(?![\w%:])|(?![\w%:.])))"


_TO = r"(?:to|until|till|and|-|–|—)"


_LEAST = r"(?:at\s++least|min(?:imum)?|more\s++than|over|above|>=?|confidence)"


_END = r"(?![\w-])"


_KEYWORD = (
    r"(?:(?:from|between|until|till|above|over|with|using|by|make|at\s++least|min(?:imum)?|more\s++than|confidence|engine)(?!\w)"
    r"|\d|>)"
)


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
            rf"(?P<labels>[^\s,;.]++(?:[\s,]++(?!(?:and\s++)?+[(\[“\"']?+{_KEYWORD})[^\s,;.]++)*+)",
        ),
        "make": (
            r"make[\s:=]++(?P<kinds>(?:(?:the|an?)\s++)?+[a-z][a-z-]{1,20}+",
            r"(?:\s*+(?:,|and\b)\s*+(?:(?:the|an?)\s++)?+[a-z][a-z-]{1,20}+)*+)",
        ),
        "engine": (r"(?:with|using|by|engine)[\s:=]++(?:the\s++)?+(?P<engine>[^\W\d][\w-]*+)(?:\s++engine\b)?+",),
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
    labels = tuple(dict.fromkeys(_label_words(found["labels"])))
    if len(labels) > MAX_LABELS or not all(re.fullmatch(r"[\w .'-]++", label) for label in labels):
        raise CommandError(ParseErrorKind.LABELS, found["labels"])
    if any(len(label) > MAX_LABEL_LETTERS for label in labels):
        raise CommandError(ParseErrorKind.LABELS, found["labels"])
    return replace(options, labels=labels)


def _label_words(text: str) -> list[str]:
    """Return the classes of a list as the engines name them: "the cars and people, please" is car and person."""
    found = []
    for each in re.split(r",|;|/|\band\b|\bor\b|&", text):
        words = [word for part in each.split() if (word := part.strip(_PUNCTUATION))]
        while words and words[0].lower() in lexicon.DETERMINERS:
            words = words[1:]
        while words and words[-1].lower() in lexicon.CHATTER and not lexicon.is_class(" ".join(words)):
            words = words[:-1]
        if words:
            found.append(lexicon.class_of(" ".join(words)))
    return found


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
        raise CommandError(ParseErrorKind.ENGINE, found["engine"], lexicon.nearest_engine(found["engine"])) from None


def _make(options: Options, found: re.Match[str]) -> Options:
    return replace(options, make=tuple(kind for kind in _kinds(found) if not KINDS[kind].is_default))


def _kinds(found: re.Match[str]) -> list[str]:
    """Return the kinds of pictures that are named, up to the first word that is none; "make it quick" names none."""
    words = [word for word in re.split(r"[\s,]++(?:and\s++)?+", found["kinds"].lower()) if word not in ("the", "a", "an")]
    return list(dict.fromkeys(itertools.takewhile(bool, map(lexicon.kind_of, words))))


_READERS = {
    "segment": _segment,
    "labels": _labels,
    "confidence": _confidence,
    "frames": _frames,
    "make": _make,
    "engine": _engine,
}
