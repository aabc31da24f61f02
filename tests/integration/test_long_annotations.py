"""Annotation files of any size: read in pieces with the same result, in bounded memory, or refused with the bound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.shared_data import shared_data
from tracking.errors import AnnotationError
from tracking.formats import pieces, video_intelligence
from tracking.formats.pieces import LongList, NotJsonError, load
from tracking.formats.video_intelligence import MAX_OBJECTS, read

KEYS = ("objects", "things")
MANY_BYTES = 120_000_000


@pytest.fixture
def tiny_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as large, and is cut after a few bytes."""
    for name, value in (("WHOLE_BYTES", 0), ("PIECE_BYTES", 24), ("FIRST_BLOCK_BYTES", 7), ("BLOCK_BYTES", 13)):
        monkeypatch.setattr(pieces, name, value)


def put_back(value: Any, lists: dict[str, LongList]) -> Any:
    """The document with its long lists in their places."""
    if isinstance(value, str) and value in lists:
        return [each for piece in lists[value].pieces() for each in piece]
    if isinstance(value, list):
        return [put_back(each, lists) for each in value]
    if isinstance(value, dict):
        return {key: put_back(each, lists) for key, each in value.items()}
    return value


texts = st.text(st.sampled_from('\\"[]{},: aé\n'), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=30,
)


@given(
    value=st.dictionaries(st.sampled_from(KEYS) | texts, st.lists(values, max_size=12), max_size=3),
    indent=st.none() | st.integers(0, 2),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_document_read_in_pieces_is_the_document(value: Any, indent: int | None, tiny_pieces: None) -> None:
    document, lists = load(json.dumps(value, indent=indent, ensure_ascii=False).encode(), long_lists=KEYS)
    assert put_back(document, dict(lists)) == value


def test_a_real_file_read_in_pieces_gives_the_same_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared_data("annotations/output-uri-775-objects.json")
    whole = read(path)
    monkeypatch.setattr(pieces, "WHOLE_BYTES", 0)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10_000)
    assert read(path) == whole


def test_the_streaming_form_is_joined_across_pieces(tiny_pieces: None) -> None:
    entries = [
        {
            "track_id": track,
            "confidence": 0.5,
            "frames": [{"normalizedBoundingBox": {"right": 1, "bottom": 1}, "timeOffset": f"{second}s"}],
        }
        for second in range(3)
        for track in ("7", "8")
    ]
    found = read(json.dumps({"annotationResults": [{"objectAnnotations": entries}]}).encode())
    assert [track.times.tolist() for track in found.tracks] == [[0, 1, 2], [0, 1, 2]]


def test_a_fault_in_a_later_piece_names_its_place(tiny_pieces: None) -> None:
    objects: list[Any] = [{"frames": [], "confidence": 0.5}] * 9 + [3]
    with pytest.raises(AnnotationError) as caught:
        read(json.dumps({"annotation_results": [{"object_annotations": objects}]}).encode())
    assert caught.value.place == "annotation_results[0].object_annotations[9]"


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b'{"objects": [1,\n 2, tru]}', 2, 5),
        (b'{"objects": [1, 2', 1, 18),
        (b'{"objects": ["a', 1, 16),
        (b'{"objects": []', 1, 15),
        (b'{"objects": [1, 2],\n "b": }', 2, 7),
    ],
)
def test_what_is_no_json_is_told_with_its_line(data: bytes, line: int, column: int, tiny_pieces: None) -> None:
    def read_all() -> None:
        document, lists = load(data, long_lists=KEYS)
        put_back(document, dict(lists))

    with pytest.raises(NotJsonError) as caught:
        read_all()
    assert (caught.value.line, caught.value.column) == (line, column)


READ_IN_A_CHILD = """
import resource, sys
from pathlib import Path
from tracking.errors import AnnotationError
from tracking.formats.video_intelligence import read
def used(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = used()
try:
    found = len(read(Path(sys.argv[1])).tracks)
except AnnotationError as error:
    found = error.problem
print(used() - before, found)
"""


def read_in_a_child(path: Path) -> tuple[int, str]:
    """What reading costs at its height, in bytes, and the number of tracks or the problem."""
    done = subprocess.run([sys.executable, "-c", READ_IN_A_CHILD, str(path)], capture_output=True, text=True, check=True)
    used, _, found = done.stdout.strip().partition(" ")
    return int(used), found


@pytest.mark.parametrize(
    ("head", "tail", "problem"),
    [
        ('{"annotation_results":[{"object_annotations":[', "]}]}", "too many objects"),
        ('{"annotation_results":[{"object_annotations":[{"frames":[', "]}]}]}", "too many values"),
        ('{"annotation_results":[{"shot_annotations":[', "]}]}", "too many values"),
        ('{"annotation_results":[', "]}", "too many values"),
        ("[", "]", "missing"),
    ],
)
def test_megabytes_of_empty_objects_cost_little_more_than_their_bytes(
    head: str, tail: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.json"
    path.write_bytes(head.encode() + b"{}," * (MANY_BYTES // 3) + b"{}" + tail.encode())
    used, found = read_in_a_child(path)
    assert found == problem
    # Parsed at once, 120 MB of them take 2.4 GB.
    assert used < path.stat().st_size + 200_000_000


def a_crowd(path: Path, *, objects: int, boxes: int) -> None:
    edges = '{"left":0.123456,"top":0.234567,"right":0.345678,"bottom":0.456789}'
    box = f'{{"normalized_bounding_box":{edges},"time_offset":{{"seconds":%d}}}}'
    frames = ",".join(box % second for second in range(boxes))
    one = f'{{"entity":{{"description":"person"}},"frames":[{frames}],"confidence":0.9,"segment":{{}}}}'
    path.write_text(f'{{"annotation_results":[{{"object_annotations":[{",".join([one] * objects)}]}}]}}')


def test_an_hour_of_a_full_square_is_read_in_little_more_than_its_bytes(tmp_path: Path) -> None:
    a_crowd(tmp_path / "crowd.json", objects=7000, boxes=130)
    used, found = read_in_a_child(tmp_path / "crowd.json")
    assert found == "7000"
    assert used < (tmp_path / "crowd.json").stat().st_size + 150_000_000


def test_more_boxes_than_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(video_intelligence, "MAX_BOXES", 1000)
    a_crowd(tmp_path / "crowd.json", objects=3, boxes=400)
    with pytest.raises(AnnotationError) as caught:
        read(tmp_path / "crowd.json")
    assert (caught.value.problem, caught.value.limit) == ("too many boxes", 1000)


def test_a_file_larger_than_the_bound_is_refused_unread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(video_intelligence, "MAX_BYTES", 100)
    a_crowd(tmp_path / "crowd.json", objects=1, boxes=4)
    for source in (tmp_path / "crowd.json", (tmp_path / "crowd.json").read_bytes()):
        with pytest.raises(AnnotationError) as caught:
            read(source)
        assert (caught.value.problem, caught.value.limit) == ("too large", 100)


def test_as_many_objects_as_the_bound_allows_are_read() -> None:
    one = b'{"frames":[{"normalized_bounding_box":{"right":1,"bottom":1}}]}'
    data = b'{"annotation_results":[{"object_annotations":[' + b",".join([one] * MAX_OBJECTS) + b"]}]}"
    assert len(read(data).tracks) == MAX_OBJECTS
