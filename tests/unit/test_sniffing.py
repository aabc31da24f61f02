"""What the first bytes of a file are taken for, whatever comes before what tells."""

from __future__ import annotations

import pytest

from tests.shared_data import shared_case
from tracking.errors import SourceNotAVideo
from tracking.sources.sniffing import SNIFFED_BYTES, first_tag, refuse_other_media


def found(first: bytes, **told: str) -> str:
    """What the bytes are taken for, "" where they may be a video."""
    try:
        refuse_other_media(first, "https://example.org/x", **told)
    except SourceNotAVideo as refused:
        return refused.found
    return ""


@pytest.mark.parametrize(
    ("first", "taken_for"),
    [
        (b"<!doctype html><p>", "page"),
        (b"\xef\xbb\xbf \n<HTML lang=en>", "page"),
        (b"<!-- a --> <!-- b --><html>", "page"),
        (b"<!-->--><head>", "page"),
        (b"<?xml version='1.0'?><!-- x --><html>", "page"),
        (b"<html><input type = 'password'>", "login"),
        (b"<!-- Sign in --><body>", "login"),
        (b"#EXTM3U\n", "playlist"),
        (b"\xef\xbb\xbf#EXTM3U", "playlist"),
        (b"[playlist]", "playlist"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<MPD xmlns='x'>", "playlist"),
        (b"<MPD>", "playlist"),
        (b"<?xml?><smil>", "playlist"),
        (b"<svg>", ""),
        (b"<htmlx>", ""),
        (b"\x00\x00\x00\x18ftypmp42", ""),
        (b"<", ""),
    ],
)
def test_what_comes_before_the_first_element_does_not_hide_it(first: bytes, taken_for: str) -> None:
    assert found(first) == taken_for


@pytest.mark.parametrize("comment", [b"<!-- -->", b"<!---->", b"<!-- a --> \n"])
def test_a_file_of_comments_is_a_page_however_many_there_are(comment: bytes) -> None:
    assert found(comment * (SNIFFED_BYTES // len(comment))) == "page"
    assert found(comment * 10_000 + b"<MPD>") == "page"  # no more is looked at
    assert found(b"<?xml?>" + comment * 20 + b"<MPD>") == "playlist"


def test_the_file_that_stopped_everything_is_a_page() -> None:
    assert found(shared_case("hostile/redos.mp4").read_bytes()) == "page"


def test_the_first_tag_of_what_is_no_markup_is_none() -> None:
    assert [first_tag(text) for text in (b"", b"text", b"< html>", b"<?xml", b"<!-- open")] == [b"", b"", b"", b"", b"!--"]


@pytest.mark.parametrize(
    ("shown", "content_type", "taken_for"),
    [
        ("https://example.org/clip.mjpeg", "", ""),
        ("https://example.org/CLIP.MJPG", "image/jpeg", ""),
        ("clip.mjpeg", "", ""),
        ("https://example.org/camera", "video/x-motion-jpeg", ""),
        ("https://example.org/photo.jpg", "", "image"),
        ("https://example.org/photo.jpg?name=clip.mjpeg", "", "image"),
        ("https://example.org/camera", "image/jpeg", "image"),
        ("photo.jpg", "", "image"),
    ],
)
def test_what_begins_as_a_jpeg_is_a_picture_unless_it_is_called_motion_jpeg(
    shown: str, content_type: str, taken_for: str
) -> None:
    try:
        refuse_other_media(b"\xff\xd8\xff\xe0\x00\x10JFIF", shown, content_type=content_type)
        found_as = ""
    except SourceNotAVideo as refused:
        found_as = refused.found
    assert found_as == taken_for
