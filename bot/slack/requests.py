"""
From what a person typed to what is wanted: links and options in words. Pure; nothing is looked up.

    <link> [from 0:10 to 0:30] [only person, car] [above 60%] [at least 5 frames] [with yolox]
    help | status | cancel [number] | auto on | auto off
    watch gs://bucket/prefix | unwatch [gs://bucket/prefix] | watches

Slack wraps links as `<url>` or `<url|text>` and escapes `&`, `<` and `>`. What is not understood is a `Misunderstood`, which
says what it was about; its sentence is in `texts.py`. Times are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.jobs.model import Options, Source, SourceKind
from tracking.engines.base import EngineName
from tracking.errors import SourceRefused
from tracking.local.coco import LABELS
from tracking.model import Segment
from tracking.sources import http_url, link_name

Json = dict[str, Any]

MAX_LETTERS = 4000
MAX_OPTION_LETTERS = 500
MAX_LABELS = 20
MAX_LABEL_LETTERS = 40
MAX_LINKS = 3
TO_THE_END_S = 86_400.0  # "from 0:10" alone: no video that is accepted reaches it

VIDEO_SUFFIXES = frozenset(
    {"mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ogv", "3gp", "mts", "m2ts", "wmv", "flv"}
)
OTHER_SUFFIXES = frozenset(
    {
        "html",
        "htm",
        "php",
        "asp",
        "aspx",
        "pdf",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "svg",
        "zip",
        "gz",
        "json",
        "xml",
        "txt",
        "md",
        "doc",
        "docx",
        "css",
        "js",
        "mp3",
        "m3u8",
        "mpd",
    }
)
PAGE_HOSTS = frozenset(
    {
        "youtube.com",
        "youtu.be",
        "vimeo.com",
        "github.com",
        "twitter.com",
        "x.com",
        "tiktok.com",
        "instagram.com",
        "linkedin.com",
    }
)


class Confusion(StrEnum):
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


@dataclass(frozen=True)
class Misunderstood(Exception):
    """`what` was wrong, at `words` of the text; the text is foreign."""

    what: Confusion
    words: str = ""


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
    """Stop the job of that number; None: the asker's only one."""

    number: int | None


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
    """What stands behind `/track`. Raises `Misunderstood`."""
    if len(text) > MAX_LETTERS:
        raise Misunderstood(Confusion.TOO_LONG)
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
        case "cancel" | "stop", [number]:
            if not re.fullmatch(r"#?\d{1,9}", number):
                raise Misunderstood(Confusion.CANCEL, number)
            return Cancel(int(number.lstrip("#")))
        case "auto", ["on" | "off" as switch]:
            return Auto(switch == "on")
        case "auto", rest:
            raise Misunderstood(Confusion.AUTO, " ".join(rest))
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
        raise Misunderstood(Confusion.NO_LINK, _plain(text))
    if len(links) > 1:
        raise Misunderstood(Confusion.TWO_LINKS)
    return Track(source_of(links[0], slack_host=slack_host), parse_options(rest_of_text))


def _bucket_uri(text: str) -> str:
    """The one gs:// address behind a word of command."""
    links, rest = split_links(text)
    if len(links) != 1 or len(rest.split()) != 1 or not links[0].startswith("gs://"):
        raise Misunderstood(Confusion.WATCH)
    return links[0]


def split_links(text: str) -> tuple[list[str], str]:
    """The links of a message in their order, each once, and the text without them, unescaped."""
    links: list[str] = []

    def take(found: re.Match[str]) -> str:
        link = unescaped(found["wrapped"] or found["bare"])
        if link not in links:
            links.append(link)
        return " "

    rest = _LINK.sub(take, text)
    return links, _plain(rest)


def source_of(link: str, *, slack_host: str = "slack.com") -> Source:
    """Where a link leads: a file in Slack, a stored object, or the web. Raises `Misunderstood`."""
    try:
        url = http_url(link)
    except SourceRefused as refused:
        raise Misunderstood(Confusion.WILDCARD if refused.reason == "wildcard" else Confusion.BAD_LINK, link) from refused
    host, path = url.host or "", url.path
    if (host == slack_host or host.endswith((".slack.com", f".{slack_host}"))) and (file := _SLACK_FILE.search(path)):
        return Source(SourceKind.SLACK_FILE, file["id"], link_name(link))
    if link.lower().startswith("gs://"):
        return Source(SourceKind.OBJECT, link, link_name(link))
    if not url.query_string:
        if host == "storage.googleapis.com" and (found := _OBJECT.fullmatch(path)):
            return Source(SourceKind.OBJECT, f"gs://{found['bucket']}/{found['name']}", link_name(link))
        if host.endswith(".storage.googleapis.com") and len(path) > 1:
            return Source(SourceKind.OBJECT, f"gs://{host.removesuffix('.storage.googleapis.com')}{path}", link_name(link))
    return Source(SourceKind.LINK, link, link_name(link))


def looks_like_video(link: str) -> bool | None:
    """Whether a link in a message is one to a video; None where only its server knows."""
    if link.lower().startswith("gs://"):
        suffix = link.rpartition(".")[2].lower()
        return suffix in VIDEO_SUFFIXES
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or not host:
        return False
    name = unquote(parts.path).rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix in VIDEO_SUFFIXES:
        return True
    if suffix in OTHER_SUFFIXES or host in PAGE_HOSTS or host.endswith(tuple(f".{page}" for page in PAGE_HOSTS)):
        return False
    return None if len(parts.path) > 1 else False


def parse_options(text: str) -> Options:
    """The options that `text` names in words. Raises `Misunderstood` at the first word that is none."""
    if len(text) > MAX_OPTION_LETTERS:
        raise Misunderstood(Confusion.TOO_LONG)
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
            raise Misunderstood(Confusion.UNKNOWN, text[position:].split()[0])
        if name in seen:
            raise Misunderstood(Confusion.TWICE, found[0])
        seen.add(name)
        options = _READERS[name](options, found)
        position = found.end()
    return options


def mention_options(text: str, bot_user: str) -> Options | None:
    """The options in a message that mentions the bot, politeness aside; None where it does not. Raises `Misunderstood`."""
    mention = f"<@{bot_user}>"
    if mention not in text:
        return None
    _, rest = split_links(text.replace(mention, " "))
    return parse_options(_POLITE.sub(" ", rest).strip(" ?!.,:;"))


# ---- the grammar ---------------------------------------------------------------------------------------------------------

# Every repetition without a bound is possessive (`++`): nothing is gone through twice, whatever somebody sends.
_LINK = re.compile(
    r"<(?P<wrapped>[A-Za-z][A-Za-z0-9+.-]{0,20}+:[^<|>\s]++)(?:\|[^<>]*+)?+>|(?<![\w<|])(?P<bare>(?:https?|gs)://[^\s<>|]++)",
    re.IGNORECASE,
)
_SLACK_FILE = re.compile(r"/(?:files/[UWB]\w++/|files-pri/T\w++-)(?P<id>F\w{2,40}+)(?:/|$)")
_OBJECT = re.compile(r"/(?P<bucket>[^/]++)/(?P<name>.++)")
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
        raise Misunderstood(Confusion.TIME_ORDER, found[0])
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
        raise Misunderstood(Confusion.LABELS, found["labels"])
    if any(len(label) > MAX_LABEL_LETTERS for label in labels):
        raise Misunderstood(Confusion.LABELS, found["labels"])
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
        raise Misunderstood(Confusion.PERCENT, found[0])
    return replace(options, min_confidence=share)


def _frames(options: Options, found: re.Match[str]) -> Options:
    frames = int(found["frames"])
    if not 1 <= frames <= 10_000:
        raise Misunderstood(Confusion.FRAMES, found[0])
    return replace(options, min_frames=frames)


def _engine(options: Options, found: re.Match[str]) -> Options:
    try:
        return replace(options, engine=EngineName(found["engine"].lower()))
    except ValueError:
        raise Misunderstood(Confusion.ENGINE, found["engine"]) from None


_READERS = {"segment": _segment, "labels": _labels, "confidence": _confidence, "frames": _frames, "engine": _engine}
_KNOWN = frozenset(name.lower() for name in LABELS)
_PLURALS = {"people": "person", "persons": "person", "buses": "bus", "mice": "mouse", "sheeps": "sheep", "knives": "knife"}


def unescaped(text: str) -> str:
    """Return what stands behind Slack's three entities, and no others (docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(text: str) -> str:
    return " ".join(unescaped(text).split())


# ---- messages ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file in a message; `is_stub` where only `files.info` knows more (Slack Connect)."""

    id: str
    name: str
    is_stub: bool


@dataclass(frozen=True, slots=True)
class SharedMessage:
    """What of a person's message may concern us; its text is not kept."""

    team: str
    channel: str
    user: str
    ts: str
    thread_ts: str
    channel_type: str
    files: tuple[SharedFile, ...]
    links: tuple[str, ...]
    is_mention: bool
    options: Options
    confusion: Misunderstood | None


_MESSAGE_SUBTYPES = frozenset({"", "file_share", "thread_broadcast", "me_message"})


def read_message(body: Json, *, bot_user: str) -> SharedMessage | None:
    """A message event of a person that shares a video, links to something, or speaks to the bot; None for all others."""
    event = body.get("event")
    if not isinstance(event, dict):
        return None
    if _word(event, "type") not in {"message", "app_mention"} or str(event.get("subtype", "")) not in _MESSAGE_SUBTYPES:
        return None
    user, channel, ts = _word(event, "user"), _word(event, "channel"), _word(event, "ts")
    if not (user and channel and ts) or event.get("bot_id") or user in {bot_user, "USLACKBOT"} or event.get("edited"):
        return None
    text = str(event.get("text") or "")[:MAX_LETTERS]
    files = tuple(shared_files(event.get("files")))
    links = tuple(link for link in split_links(text)[0] if looks_like_video(link) is not False)[:MAX_LINKS]
    is_direct = event.get("channel_type") == "im" or channel.startswith("D")
    is_mention = f"<@{bot_user}>" in text or is_direct
    if not (files or links or is_mention):
        return None
    options, confusion = Options(), None
    if is_mention:
        try:
            mention = text if f"<@{bot_user}>" in text else f"<@{bot_user}> {text}"
            options = mention_options(mention, bot_user) or options
        except Misunderstood as misunderstood:
            confusion = misunderstood
    return SharedMessage(
        team=str(body.get("team_id") or event.get("team") or ""),
        channel=channel,
        user=user,
        ts=ts,
        thread_ts=str(event.get("thread_ts") or ""),
        channel_type="im" if is_direct else str(event.get("channel_type") or ""),
        files=files,
        links=links,
        is_mention=is_mention,
        options=options,
        confusion=confusion,
    )


def _word(event: Json, name: str) -> str:
    """A field that is text, "" where it is missing or something else."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def shared_files(files: object) -> Iterator[SharedFile]:
    """Those of a message's files that are videos, or that may be."""
    for file in files[:20] if isinstance(files, list) else ():
        if not isinstance(file, dict):
            continue
        file_id = str(file.get("id") or "")
        if not re.fullmatch(r"F\w{2,40}", file_id):
            continue
        if file.get("file_access") == "check_file_info":
            yield SharedFile(file_id, "video", is_stub=True)
        elif is_video_file(file):
            yield SharedFile(file_id, str(file.get("name") or "video"), is_stub=False)


def is_video_file(file: Json) -> bool:
    """Whether Slack takes a file for a video: by its type, or by its name while the type is not known yet."""
    mimetype = str(file.get("mimetype") or "")
    if mimetype and mimetype != "application/octet-stream":
        return mimetype.startswith("video/")
    return str(file.get("name") or "").rpartition(".")[2].lower() in VIDEO_SUFFIXES
