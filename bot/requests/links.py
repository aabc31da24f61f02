"""Links among words: finding them, and what each leads to. Nothing is looked up."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from bot.jobs.model import Source, SourceKind
from bot.requests.errors import CommandError, ParseErrorKind
from tracking.errors import SourceRefusal, SourceRefused
from tracking.sources.links import http_url, link_name

VIDEO_SUFFIXES = frozenset(
    {
        "mp4",
        "m4v",
        "mov",
        "webm",
        "mkv",
        "avi",
        "mpg",
        "mpeg",
        "ogv",
        "3gp",
        "mts",
        "m2ts",
        "wmv",
        "flv",
        "vob",
        "asf",
        "mxf",
        "dav",
        "mjpeg",
        "mjpg",
    }
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


SLACK_DOMAINS = ("slack.com", "slack-gov.com")


def split_links(text: str, *, is_escaped: bool = True) -> tuple[list[str], str]:
    """
    Return the links of a text in their order, each once, and the text without them.

    `is_escaped` says that the text has Slack's three entities, which messages and commands do and the fields of a form do not.
    Nothing invisible is left, and what closes a sentence, a quotation or a bracket behind a bare link is not part of it. Where
    Slack made a link of a file's name, it stays a name.
    """
    text = visible(text)
    read = unescaped if is_escaped else str
    links: list[str] = []

    def take(found: re.Match[str]) -> str:
        link, rest = read(found["wrapped"] or found["bare"]), ""
        if name := file_name_of(link):
            return name
        # Slack wraps a link that was typed, without a stop behind it; a quotation mark it may take for a part of it.
        if found["wrapped"] is None or not (found["label"] or link.endswith(_STOPS)):
            link, rest = _without_end(link, before=text[max(0, found.start() - 1) : found.start()])
        if link not in links:
            links.append(link)
        return f" {rest.replace('&', '&amp;') if is_escaped else rest} "

    return links, " ".join(read(_LINK.sub(take, text)).split())


def file_name_of(link: str) -> str:
    """Return the name of a video's file where a link is one: "fox.mov" is made one, since .mov is a domain; else ""."""
    found = _FILE_NAME.fullmatch(link)
    return found["name"] if found and found["name"].rpartition(".")[2].lower() in VIDEO_SUFFIXES else ""


def visible(text: str) -> str:
    """Return a text without the characters that nobody sees, such as those that come along when text is copied."""
    return _INVISIBLE.sub("", text)


def _without_end(link: str, *, before: str) -> tuple[str, str]:
    """Return a link and what follows it without a blank; `before` is the character before it, "" at the start."""
    if "://" not in link:
        return link, ""
    cut = _NOT_IN_A_LINK.search(link)
    whole, link = link, link[: cut.start()] if cut else link
    least, end = link.index("://") + 3, len(link)
    open_ = {closing: link.count(opening) - link.count(closing) for opening, closing in ("()", "[]", "{}")}
    while end > least:
        last = link[end - 1]
        if last in open_:
            # A bracket that was opened within the link belongs to it.
            if open_[last] >= 0:
                break
            open_[last] += 1
        elif last not in _CLOSING and not (last in _MARKS and before in _MARKS and before):
            break
        end -= 1
    return (link[:end], whole[end:]) if end > least else (whole, "")


def message_of(link: str, *, slack_host: str = "slack.com") -> tuple[str, str, str] | None:
    """Return the channel, the ts and the thread's ts ("" outside of one) that a message's permalink names; None for others."""
    try:
        parts = urlsplit(link)
        query = parse_qs(parts.query, max_num_fields=10)
    except ValueError:
        return None
    found = _PERMALINK.fullmatch(parts.path)
    if found is None or not _is_slacks(parts.hostname or "", slack_host):
        return None
    thread_ts = query.get("thread_ts", [""])[0]
    return found["channel"], f"{found['seconds']}.{found['micros']}", thread_ts if _TS.fullmatch(thread_ts) else ""


def _is_slacks(host: str, slack_host: str) -> bool:
    return host == slack_host or host.endswith(tuple(f".{each}" for each in (*SLACK_DOMAINS, slack_host)))


def source_of(link: str, *, slack_host: str = "slack.com") -> Source:
    """Return where a link leads: to a file in Slack, a stored object, or the web. Raises `CommandError`."""
    try:
        url = http_url(link)
    except SourceRefused as refused:
        raise CommandError(
            ParseErrorKind.WILDCARD if refused.reason is SourceRefusal.WILDCARD else ParseErrorKind.BAD_LINK, link
        ) from refused
    host, path = url.host or "", url.path
    if _is_slacks(host, slack_host) and (file := _SLACK_FILE.search(path)):
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
    """Return whether a link in a message is one to a video; None where only its server knows."""
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


def may_work_once(link: str) -> bool:
    """
    Return whether a link may be of those that work once or say who asks, so that following it unasked would spend it.

    Such links carry a token, most often in the query.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return True
    return bool(parts.query or "@" in parts.netloc)


# Every repetition without a bound is possessive (`++`): nothing is gone through twice, whatever somebody sends.
_LINK = re.compile(
    r"<(?P<wrapped>[A-Za-z][A-Za-z0-9+.-]{0,20}+:[^<|>\s]++)(?P<label>\|[^<>]*+)?+>"
    r"|(?<![A-Za-z0-9<|])(?P<bare>(?:https?|gs)://[^\s<>|]++)",
    re.IGNORECASE,
)


_FILE_NAME = re.compile(r"https?://(?P<name>[\w-][\w.-]{0,250}+)/?+", re.IGNORECASE)


_STOPS = tuple(".,;:!?'")


_CLOSING = frozenset(".,;:!?'\"`…·‘’‚“”„«»‹›、。，．！？；：）］｝」』】〉》")


_MARKS = "*_~"  # mrkdwn's, which stand on both sides


_NOT_IN_A_LINK = re.compile(r"[<>\"“”]")


_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


_PERMALINK = re.compile(r"/archives/(?P<channel>[CDG]\w{2,40}+)/p(?P<seconds>\d{9,11})(?P<micros>\d{6})/?+")


_TS = re.compile(r"\d{9,11}\.\d{6}")


_SLACK_FILE = re.compile(r"/(?:files/[UWB]\w++/|files-pri/T\w++-)(?P<id>F\w{2,40}+)(?:/|$)")


_OBJECT = re.compile(r"/(?P<bucket>[^/]++)/(?P<name>.++)")


def unescaped(text: str) -> str:
    """Return what stands behind Slack's three entities, and no others (docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
