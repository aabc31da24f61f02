"""A link as an address that may be fetched, as a text that may be shown, and as a file name."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from yarl import URL

from tracking.errors import SourceRefusal, SourceRefused, file_name

GOOGLE_STORAGE_HOSTS = frozenset({"storage.googleapis.com", "storage.cloud.google.com"})


MAX_LINK_LETTERS = 4096


def http_url(link: str) -> URL:
    """
    Return the http(s) address of a link; a gs:// object is where anonymous readers find it.

    Google's browser addresses of objects are turned into those that answer with the object. Raises `SourceRefused`.
    """
    shown = without_query(link)
    if len(link) > MAX_LINK_LETTERS or any(ord(letter) <= 32 or ord(letter) == 127 for letter in link):
        raise SourceRefused(shown, SourceRefusal.SCHEME)
    if link.lower().startswith("gs://"):
        bucket, _, name = link[5:].partition("/")
        if not bucket or not name:
            raise SourceRefused(shown, SourceRefusal.BUCKET)
        if "*" in name or "?" in name:
            raise SourceRefused(shown, SourceRefusal.WILDCARD)
        return URL(f"https://storage.googleapis.com/{quote(bucket, safe='')}/{quote(name, safe='/')}", encoded=True)
    try:
        url = URL(link)
        host, _ = url.host, url.port
    except (ValueError, IndexError):  # yarl raises the second for a bracketed user, as in http://[::1]@
        raise SourceRefused(shown, SourceRefusal.SCHEME) from None
    if url.scheme not in {"http", "https"} or not host:
        raise SourceRefused(shown, SourceRefusal.SCHEME)
    if url.user is not None or url.password is not None:
        raise SourceRefused(shown, SourceRefusal.ADDRESS)
    if host == "storage.cloud.google.com":
        url = url.with_host("storage.googleapis.com")
    return url.with_fragment(None)


def without_query(link: str) -> str:
    """Return a link as it may be shown: without user, query and fragment, which may be secrets."""
    try:
        parts = urlsplit(link) if len(link) <= MAX_LINK_LETTERS else urlsplit("")
    except ValueError:  # brackets without an address between them, letters that are no host's
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme and host else parts.path


def link_name(link: str) -> str:
    """Return the file name at the end of a link, "video" where there is none."""
    try:
        path = unquote(urlsplit(link).path)
    except ValueError:
        return "video"
    return file_name(path).strip() or "video"
