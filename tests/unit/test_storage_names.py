"""Names in roots: the seed's, and those of hostile people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.errors import SourceRefused
from tracking.storage import names
from tracking.storage.names import ObjectUri


def test_the_names_are_the_seeds() -> None:
    assert names.annotation_name("videos", "path/clip.mp4") == "videos/path/clip.mp4.json"
    assert names.annotation_name("videos", "path/clip.mp4", run_key="yolox-tiny") == "videos/path/clip.mp4.yolox-tiny.json"
    picture = "clip.mp4.summary_pct70_fr10.jpeg"
    assert names.object_name("videos", "path/clip.mp4", file_name=picture) == f"videos/path/{picture}"
    assert names.object_name("videos", "clip.mp4", file_name=picture) == f"videos/{picture}"


def test_our_own_videos_lie_under_one_prefix() -> None:
    slack = names.slack_video_name("T1", "F2", file_name="../holiday.mp4")
    assert slack == "tracklet/slack/T1/F2/holiday.mp4"
    assert names.link_video_name("ab12", file_name="a*b?.mp4") == "tracklet/links/ab12/a_b_.mp4"
    assert slack.startswith(names.OWN_VIDEOS)


def test_an_annotation_file_names_its_video() -> None:
    assert names.annotated_video("videos/path/clip.mp4.json") == ObjectUri("videos", "path/clip.mp4")
    for name in ("videos/path/clip.mp4", "clip.json", "videos/.json/..", "/videos/a.json", "videos//a.json"):
        assert names.annotated_video(name) is None


def test_an_object_uri_is_read_and_written() -> None:
    uri = ObjectUri.parse("gs://my-bucket/päth/to clip#1.mp4")
    assert uri == ("my-bucket", "päth/to clip#1.mp4")
    assert str(uri) == "gs://my-bucket/päth/to clip#1.mp4"


REFUSED = {
    "https://videos/a": "scheme",
    "GS://videos/a": "scheme",
    "gs://": "address",
    "gs://a/clip.mp4": "address",
    "gs://Videos/clip.mp4": "address",
    "gs://a..b/clip.mp4": "address",
    "gs://videos": "name",
    "gs://videos/": "name",
    "gs://videos/path/": "name",
    "gs://videos/../clip.mp4": "name",
    "gs://videos/a\n.mp4": "name",
    "gs://videos/a*.mp4": "wildcard",
    "gs://videos/a?.mp4": "wildcard",
}


@pytest.mark.parametrize(("uri", "reason"), REFUSED.items())
def test_what_is_not_one_object_is_refused(uri: str, reason: str) -> None:
    with pytest.raises(SourceRefused) as raised:
        ObjectUri.parse(uri)
    assert raised.value.reason == reason


@given(st.text(max_size=300))
def test_any_text_becomes_a_safe_file_name(text: str) -> None:
    name = names.safe_file_name(text)
    assert names.is_object_name(name)
    assert "/" not in name
    assert not set(name) & set("*?[]#<>&|\"'`\\")
    assert 1 <= len(name) <= 100
    assert names.safe_file_name(name) == name


def test_a_long_file_name_keeps_its_ending() -> None:
    assert names.safe_file_name("x" * 300 + ".mp4") == "x" * 96 + ".mp4"
