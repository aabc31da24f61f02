"""Other people's tracks: read as they were written, and refused in a sentence where they can't be what they should."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import Clip, draw_clip, variable_rate_clip
from tests.integration.command import Run, files
from tracking.errors import AnnotationError
from tracking.formats import video_intelligence
from tracking.formats.base import FORMATS, Exported, Footage
from tracking.model import Annotations, Track
from tracking.video.file import VideoInfo

READABLE = ("coco", "cvat", "mot")
SIZE = (640, 360)
TIMES = np.array([0.0, 0.04, 0.08, 0.3, 0.34, 1.0, 1.04, 1.08, 1.2, 2.5])
FOOTAGE = Footage(
    "clip.mp4",
    VideoInfo(*SIZE, duration_s=3.0, frame_rate=4.0, codec="h264", rotation=0, mirrored=False, frame_count=10, size_bytes=1),
    TIMES,
)


@st.composite
def some_tracks(draw: st.DrawFn) -> Annotations:
    """Tracks on frames of `FOOTAGE`, whose boxes lie inside of the picture and are at least a pixel wide."""
    tracks = []
    for number in range(draw(st.integers(0, 4))):
        frames = sorted(draw(st.sets(st.integers(0, TIMES.size - 1), min_size=1)))
        boxes = []
        for _ in frames:
            left, top = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
            boxes.append((left, top, draw(st.floats(left + 0.01, 1)), draw(st.floats(top + 0.01, 1))))
        label = draw(st.sampled_from(["person", 'red <fox> & "co"', "собака", "a,b", "=1+1", "object"]))
        confidence = round(draw(st.floats(0.01, 1)), 4)
        tracks.append(Track(number, label, confidence, TIMES[frames], np.array(boxes, np.float32)))
    return Annotations(tuple(tracks))


def written(annotations: Annotations, key: str, folder: Path) -> Path:
    """The file by which the tracks are read again."""
    content = FORMATS[key].write(Exported(annotations, FOOTAGE))
    if isinstance(content, bytes):
        (folder / key).write_bytes(content)
        return folder / key
    for name, data in content:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / "gt" / "gt.txt"


def refused(key: str, path: Path) -> str:
    """The problem for which a file is refused."""
    with pytest.raises(AnnotationError) as caught:
        FORMATS[key].tracks_in(path, FOOTAGE)
    assert caught.value.form == FORMATS[key].title
    return caught.value.problem


@pytest.mark.parametrize("key", READABLE)
@given(given_tracks=some_tracks())
def test_what_is_exported_is_imported_as_the_same_tracks(
    key: str, given_tracks: Annotations, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(given_tracks, key, tmp_path_factory.mktemp("export"))
    found = FORMATS[key].tracks_in(path, FOOTAGE)
    assert len(found.tracks) == len(given_tracks.tracks)
    for track, again in zip(given_tracks.tracks, found.tracks, strict=True):
        assert (again.track_id, again.label) == (track.track_id, track.label)
        assert again.times.tolist() == track.times.tolist()
        # A hundredth of a pixel for each edge.
        assert np.abs((again.boxes - track.boxes) * [*SIZE, *SIZE]).max() <= 0.0151
        if key != "mot":  # of a ground truth everything counts alike
            assert again.confidence == track.confidence


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return variable_rate_clip(tmp_path_factory.mktemp("clip"))


@pytest.mark.parametrize("key", READABLE)
def test_the_command_gives_an_annotation_file_that_can_be_drawn(run: Run, clip: Clip, key: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(video_intelligence.write(clip.annotations()))
    status, _, err = run("export", clip.path, tmp_path / "a.json", "--format", key, "--out", tmp_path)
    assert status == 0, err
    name = {"mot": "mot", "coco": "coco.json", "cvat": "cvat.xml"}[key]
    exported = tmp_path / f"{clip.path.name}.{name}"
    out = tmp_path / "out"
    command = ("import", exported, "--format", key, "--video", clip.path, "--out", out)
    status, _, err = run(*command)
    assert status == 0, err
    assert "3 objects read." in err
    assert files(out) == [f"{clip.path.name}.from-{key}.json"]
    found = video_intelligence.read(out / f"{clip.path.name}.from-{key}.json")
    for track, again in zip(clip.annotations().tracks, found.tracks, strict=True):
        assert again.label == track.label
        assert again.times == pytest.approx(track.times, abs=0.002)
        assert again.boxes == pytest.approx(track.boxes, abs=1e-4)
    status, told, err = run("render", clip.path, out / files(out)[0], "--out", tmp_path / "drawn", "--json")
    assert status == 0, err
    assert len(json.loads(told)["objects"]) == 3
    assert run(*command)[0] == 0
    assert len(files(out)) == 1  # the same again
    (out / files(out)[0]).write_text("{}")
    assert run(*command)[0] == 0
    assert len(files(out)) == 2  # somebody else's stays


COCO: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "x/frame_000003.PNG", "width": 1280, "height": 720}],
    "categories": [{"id": 1, "name": "fox"}],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [128, 72, 256, 144], "attributes": {"track_id": 5}}],
}
CVAT = """<annotations><meta><job><original_size><width>1280</width><height>720</height></original_size></job></meta>
<track id="5" label="fox"><box frame="3" keyframe="0" outside="0" xtl="128" ytl="72" xbr="384" ybr="216"/>
<box frame="4" keyframe="1" outside="1" xtl="128" ytl="72" xbr="384" ybr="216"/></track></annotations>"""
TRACKER = "4, 5, 65.0, 37.0, 128.0, 72.0, 0.8, -1, -1, -1\n"


@pytest.mark.parametrize(
    ("key", "content", "label", "confidence"),
    [("coco", json.dumps(COCO), "fox", 1.0), ("cvat", CVAT, "fox", 1.0), ("mot", TRACKER, "object", 0.8)],
)
def test_what_others_write_is_read(key: str, content: str, label: str, confidence: float, tmp_path: Path) -> None:
    """CVAT's images in COCO, pictures of another size, frames between key frames, a tracker's results."""
    (tmp_path / "tracks").write_text(content)
    (track,) = FORMATS[key].tracks_in(tmp_path / "tracks", FOOTAGE).tracks
    assert (track.label, track.confidence) == (label, confidence)
    assert track.times.tolist() == [0.3]
    assert track.boxes[0] == pytest.approx([0.1, 0.1, 0.3, 0.3])


def test_of_several_videos_that_of_the_name_is_taken(tmp_path: Path) -> None:
    images = [
        {"id": 1, "video_id": 1, "frame_index": 1, "width": 640, "height": 360},
        {"id": 2, "video_id": 2, "frame_index": 2, "width": 640, "height": 360},
    ]
    boxes = [{"image_id": number, "category_id": 1, "track_id": 3, "bbox": [0, 0, 64, 36]} for number in (1, 2)]
    videos = [{"id": 1, "name": "other.mp4"}, {"id": 2, "name": "set/clip"}]
    document = {"videos": videos, "images": images, "annotations": boxes, "categories": COCO["categories"]}
    (tmp_path / "tracks").write_text(json.dumps(document))
    (track,) = FORMATS["coco"].tracks_in(tmp_path / "tracks", FOOTAGE).tracks
    assert track.times.tolist() == [0.08]
    videos[1]["name"] = "another.mp4"
    (tmp_path / "tracks").write_text(json.dumps(document))
    assert refused("coco", tmp_path / "tracks") == "other videos"


def test_the_sizes_of_a_sequence_are_those_of_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nimWidth=1280\nimHeight=720\n")
    (tmp_path / "gt" / "gt.txt").write_text("4,5,129,73,256,144,1,3,0.5\n5,5,129,73,256,144,0,3,0.5\n")
    (track,) = FORMATS["mot"].tracks_in(tmp_path / "gt" / "gt.txt", FOOTAGE).tracks
    assert track.label == "car"
    assert track.boxes.tolist() == [pytest.approx([0.1, 0.1, 0.3, 0.3])]


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><annotations>&c;</annotations>'
BOX = '<box frame="{}" outside="0" xtl="{}" ytl="0" xbr="10" ybr="10"/>'


def cvat(box: str) -> str:
    return f'<annotations><track id="1" label="a">{box}</track></annotations>'


def coco(**changed: Any) -> str:
    annotation = COCO["annotations"][0] | {key: value for key, value in changed.items() if key in {"bbox", "attributes"}}
    image = COCO["images"][0] | {key: value for key, value in changed.items() if key in {"file_name", "frame_index", "width"}}
    return json.dumps(COCO | {"annotations": [annotation], "images": [image]})


@pytest.mark.parametrize(
    ("key", "content", "said"),
    [
        ("mot", b"1,1,1,1\n", "line 1, something is missing"),
        ("mot", b"1,1,1,1,5,5,1,1,1\n\nx,1,1,1,5,5,1,1,1\n", "line 3, a number was expected"),
        ("mot", b"1,1,nan,1,5,5,1,1,1\n", "out of range"),
        ("mot", b"1,1,1,1,-5,5,1,1,1\n", "out of range"),
        ("mot", b"1,1,1e9,1,5,5,1,1,1\n", "out of range"),
        ("mot", b"11,1,1,1,5,5,1,1,1\n", "no such frame: the video has 10 frames"),
        ("mot", b"0,1,1,1,5,5,1,1,1\n", "no such frame"),
        ("mot", b"1.5,1,1,1,5,5,1,1,1\n", "no such frame"),
        ("mot", b"1,-1,1,1,5,5,0.9,-1,-1,-1\n", "boxes that were followed"),
        ("mot", b"\xff\xfe\n", "another encoding"),
        ("mot", b"1," * 6000, "the line is too long"),
        ("cvat", b"<annotations>", "not XML"),
        ("cvat", b"<html></html>", "begins with <annotations>"),
        ("cvat", BOMB, "document type"),
        ("cvat", "<annotations>" + "<a>" * 100_000, "nested too deeply"),
        ("cvat", cvat(f'<box frame="{"1" * (2 << 20)}"/>'), "the line is too long"),
        ("cvat", cvat('<box frame="1" outside="0"/>'), "a box was expected"),
        ("cvat", cvat(BOX.format("x", 0)), "a number was expected"),
        ("cvat", cvat(BOX.format("1", "inf")), "out of range"),
        ("cvat", cvat(BOX.format("10", 0)), "no such frame"),
        ("cvat", b'<?xml version="1.0" encoding="nonsense"?><annotations/>', "another encoding"),
        ("coco", b"{", "not JSON"),
        ("coco", b"[]", "something is missing"),
        ("coco", b"{}", "something is missing"),
        ("coco", b'{"images": 5, "annotations": []}', "a list was expected"),
        ("coco", b'{"images": [5], "annotations": []}', "an object was expected"),
        ("coco", coco(file_name="frame.png"), "images[0].frame_index"),
        ("coco", coco(frame_index=[]), "a number was expected"),
        ("coco", coco(width=0), "out of range"),
        ("coco", coco(bbox=[1, 2, 3]), "a box was expected"),
        ("coco", coco(bbox=[1, 2, 3, None]), "a box was expected"),
        ("coco", coco(attributes={}), "boxes that were followed"),
        ("coco", coco(file_name="frame_000010.png"), "no such frame"),
        ("coco", b"[" * 100_000, "can't be used"),
    ],
)
def test_what_is_no_track_file_is_told_in_a_sentence(
    run: Run, key: str, content: bytes | str, said: str, tmp_path: Path, ten_frames: Clip
) -> None:
    (tmp_path / "tracks").write_bytes(content.encode() if isinstance(content, str) else content)
    command = ("import", tmp_path / "tracks", "--format", key, "--video", ten_frames.path, "--out", tmp_path / "out")
    status, _, err = run(*command)
    assert status == 2, err
    assert said in err
    assert err.count("\n") == 1
    assert FORMATS[key].title in err
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def ten_frames(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return draw_clip(tmp_path_factory.mktemp("ten") / "ten.mp4", duration_s=1.0)


@pytest.mark.parametrize("key", READABLE)
@given(data=st.binary(max_size=300))
def test_any_bytes_give_tracks_or_an_error_of_ours(key: str, data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("bytes") / "tracks"
    path.write_bytes(data)
    with contextlib.suppress(AnnotationError):
        FORMATS[key].tracks_in(path, FOOTAGE)


@pytest.mark.parametrize("key", READABLE)
def test_too_many_boxes_or_objects_are_refused(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = [Track(number, "a", 1.0, TIMES, np.full((10, 4), (0.1, 0.1, 0.3, 0.3), np.float32)) for number in range(5)]
    path = written(Annotations(tuple(tracks)), key, tmp_path)
    monkeypatch.setattr("tracking.formats.foreign.MAX_OBJECTS", 4)
    assert refused(key, path) == "too many objects"
    monkeypatch.setattr("tracking.formats.foreign.MAX_OBJECTS", 5)
    monkeypatch.setattr("tracking.formats.foreign.MAX_BOXES", 39)
    assert refused(key, path) == "too many boxes"
    monkeypatch.setattr("tracking.formats.foreign.MAX_BYTES", 100)
    assert refused(key, path) == "too large"


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    """Above some size the lists of a document are cut out of it before it is parsed."""
    frames = np.arange(20_000)
    footage = Footage("long.mp4", FOOTAGE.info, frames / 25)
    boxes = np.full((frames.size, 4), (0.1, 0.1, 0.3, 0.3), np.float32)
    tracks = tuple(Track(number, f"label {number}", 0.5, frames / 25, boxes) for number in range(8))
    exported = Exported(Annotations(tracks), Footage("long.mp4", replace(FOOTAGE.info, duration_s=800.0), frames / 25))
    content = FORMATS["coco"].write(exported)
    assert isinstance(content, bytes)
    assert len(content) > 16 << 20
    (tmp_path / "large.json").write_bytes(content)
    found = FORMATS["coco"].tracks_in(tmp_path / "large.json", footage)
    assert [(track.label, len(track)) for track in found.tracks] == [(track.label, len(track)) for track in tracks]
