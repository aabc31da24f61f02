"""Links among words: finding them, and what each leads to. Nothing is looked up."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from bot.jobs.model import Source, SourceKind
from bot.requests.errors import CommandError, ParseErrorKind
from tracking.errors import SourceRefusal, SourceRefused
from tracking.sources.links import http_url, link_name

MAX_LINKS = 3


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
    """Where a link leads: a file in Slack, a stored object, or the web. Raises `CommandError`."""
    try:
        url = http_url(link)
    except SourceRefused as refused:
        raise CommandError(
            ParseErrorKind.WILDCARD if refused.reason is SourceRefusal.WILDCARD else ParseErrorKind.BAD_LINK, link
        ) from refused
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


# Every repetition without a bound is possessive (`++`): nothing is gone through twice, whatever somebody sends.
_LINK = re.compile(
    r"<(?P<wrapped>[A-Za-z][A-Za-z0-9+.-]{0,20}+:[^<|>\s]++)(?:\|[^<>]*+)?+>|(?<![\w<|])(?P<bare>(?:https?|gs)://[^\s<>|]++)",
    re.IGNORECASE,
)


_SLACK_FILE = re.compile(r"/(?:files/[UWB]\w++/|files-pri/T\w++-)(?P<id>F\w{2,40}+)(?:/|$)")


_OBJECT = re.compile(r"/(?P<bucket>[^/]++)/(?P<name>.++)")


def unescaped(text: str) -> str:
    """Return what stands behind Slack's three entities, and no others (docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain(text: str) -> str:
    return " ".join(unescaped(text).split())
