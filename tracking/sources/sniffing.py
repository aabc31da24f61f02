"""
What the first bytes of a file say: a web page, a playlist, a picture, an archive, or nothing that speaks against a video.

The bytes come from anywhere, and they are looked at while other things wait: everything here reads each byte a few times at
most. Whether the streams inside of a video decode is left to `tracking/video`.
"""

from __future__ import annotations

import contextlib
import re
from urllib.parse import urlsplit

from tracking.errors import MediaKind, NotAVideo, SourceNotAVideo, file_name

SNIFFED_BYTES = 4096
SPACE = b" \t\r\n\x0b\x0c"

_IMAGES = (b"\x89PNG\r\n", b"BM", b"II*\x00", b"MM\x00*")
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ")
_BLANKS = frozenset(bytes([byte]) for byte in SPACE)
_PAGE_TAGS = frozenset({b"!doctype", b"html", b"head", b"body", b"meta", b"title", b"script"})
_PLAYLIST_TAGS = frozenset({b"mpd", b"playlist", b"smil"})
_JPEG = b"\xff\xd8\xff"
_MOTION_JPEG_NAMES = (".mjpeg", ".mjpg")
_MOTION_JPEG_TYPES = frozenset({"video/x-motion-jpeg", "video/x-mjpeg", "video/mjpeg"})
_LOGIN = re.compile(rb"""type\s*+=\s*+["']?+password|sign[\s-]?+in|log[\s-]?+in""", re.IGNORECASE)
_LOGIN_PATH = re.compile(r"/(?:sign[_-]?in|log[_-]?in|signin|login|sso|auth)(?:[/?#.]|$)", re.IGNORECASE)


def refuse_other_media(first: bytes, shown: str, *, content_type: str = "", url: str = "") -> None:
    """
    Raise when the first bytes of a file are known not to be a video; `SNIFFED_BYTES` of them are looked at.

    `content_type` counts only against text, and for Motion JPEG, which begins as a picture does: servers call videos anything.
    `shown` names the source, in the error too. Raises `SourceNotAVideo` or `NotAVideo`.
    """
    first = first[:SNIFFED_BYTES]
    if not first:
        raise NotAVideo(file_name(shown), MediaKind.EMPTY)
    tag = first_tag(first)
    if tag in _PLAYLIST_TAGS or _text_of(first).startswith((b"#EXTM3U", b"[playlist]")):
        raise SourceNotAVideo(shown, "playlist")
    is_text = content_type in {"text/html", "application/xhtml+xml"} and first.lstrip(SPACE)[:1] == b"<"
    # Comments to the end of what is looked at: no video begins so.
    if tag in _PAGE_TAGS or tag == b"!--" or is_text:
        login = _LOGIN.search(first) or _LOGIN_PATH.search(urlsplit(url).path)
        raise SourceNotAVideo(shown, "login" if login else "page")
    path = urlsplit(shown).path if "://" in shown else shown
    is_motion_jpeg = path.lower().endswith(_MOTION_JPEG_NAMES) or content_type in _MOTION_JPEG_TYPES
    if (
        first.startswith(_IMAGES)
        or (first.startswith(_JPEG) and not is_motion_jpeg)
        or (first[:4] == b"RIFF" and first[8:12] == b"WEBP")
        or first[4:12] in (b"ftypavif", b"ftypheic")
    ):
        raise SourceNotAVideo(shown, "image")
    if first.startswith(_ARCHIVES):
        raise SourceNotAVideo(shown, "archive")
    if first.startswith(b"%PDF-"):
        raise SourceNotAVideo(shown, "application/pdf")
    if content_type.startswith("text/") or content_type == "application/json":
        with contextlib.suppress(UnicodeDecodeError):
            first.decode()
            raise SourceNotAVideo(shown, content_type)


def first_tag(text: bytes) -> bytes:
    """
    Return the name of the first element of a markup text in small letters, "" where it is none.

    A byte order mark, an XML declaration and comments before it are passed over; `!--` stands for comments that
    no element follows.
    """
    rest = _text_of(text)
    place, is_commented = 0, False
    while True:
        while rest[place : place + 1] in _BLANKS:
            place += 1
        if rest.startswith(b"<!--", place):
            end = rest.find(b"-->", place + 4)
            if end < 0:
                return b"!--"
            place, is_commented = end + 3, True
        elif rest.startswith(b"<?xml", place):
            end = rest.find(b">", place)
            if end < 0:
                return b""
            place = end + 1
        else:
            break
    if rest[place : place + 1] != b"<":
        return b"!--" if is_commented else b""
    name = rest[place + 1 : place + 20].lower()
    length = next((at for at, byte in enumerate(name) if not (bytes([byte]).isalnum() or byte in b"!-_:")), len(name))
    return name[:length] or (b"!--" if is_commented else b"")


def _text_of(text: bytes) -> bytes:
    return text.removeprefix(b"\xef\xbb\xbf").lstrip(SPACE)
