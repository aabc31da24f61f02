"""Annotation files: every quirk of the real ones, and every way of being wrong, which names its place."""

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from google.cloud import videointelligence
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_case, shared_data
from tracking.errors import AnnotationError, AnnotationRunFailed
from tracking.formats.video_intelligence import failure_in, read, write
from tracking.model import Annotations, EngineWarning, ProblemKind, Segment, Track

BOX = {"left": 0.25, "top": 0.5, "right": 0.75, "bottom": 1}


def frame(time: Any, box: Any = None) -> dict[str, Any]:
    return {"normalized_bounding_box": BOX if box is None else box, "time_offset": time}


def document(*objects: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"annotation_results": [{"object_annotations": list(objects), **more}]}).encode()


def one(*frames: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"entity": {"entity_id": "/m/0bt9lr", "description": "dog"}, "confidence": 0.5, "frames": list(frames), **more}


def test_the_snake_case_form_is_read() -> None:
    (track,) = read(document(one(frame({}), frame({"seconds": 1, "nanos": 125125000})))).tracks
    assert (track.label, track.entity_id, track.confidence) == ("dog", "/m/0bt9lr", 0.5)
    assert track.times.tolist() == [0.0, 1.125125]
    assert track.boxes.tolist() == [[0.25, 0.5, 0.75, 1.0]] * 2


REST_RESULT = {
    "inputUri": "/bucket/clip.mp4",
    "segment": {"startTimeOffset": "0s", "endTimeOffset": "10.366666s"},
    "objectAnnotations": [
        {
            "entity": {"entityId": "/m/0k4j", "description": "car", "languageCode": "en-US"},
            "confidence": 0.9,
            "frames": [{"normalizedBoundingBox": BOX, "timeOffset": "0.100495s"}],
            "segment": {"startTimeOffset": "0.100495s", "endTimeOffset": "0.100495s"},
        }
    ],
}


@pytest.mark.parametrize(
    "whole",
    [
        {"annotationResults": [REST_RESULT]},
        {"name": "operations/1", "metadata": {}, "done": True, "response": {"@type": "x", "annotationResults": [REST_RESULT]}},
    ],
)
def test_the_rest_form_is_read_bare_and_as_an_operation(whole: dict[str, Any]) -> None:
    found = read(json.dumps(whole).encode())
    (track,) = found.tracks
    assert (track.label, track.language_code, track.times.tolist()) == ("car", "en-US", [0.100495])
    assert (found.input_uri, found.segment) == ("/bucket/clip.mp4", Segment(0.0, 10.366666))


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ({}, 0.0),
        (None, 0.0),
        ({"seconds": 3}, 3.0),
        ({"seconds": "3"}, 3.0),
        ({"nanos": 5}, 5e-9),
        ("0s", 0.0),
        ("14.760s", 14.76),
        ("3s", 3.0),
    ],
)
def test_a_time_is_read_in_each_of_its_forms(time: Any, seconds: float) -> None:
    assert read(document(one(frame(time)))).tracks[0].times.tolist() == [seconds]


def test_numbers_left_out_are_zero() -> None:
    (track,) = read(document(one(frame({}, {"right": 0.5, "bottom": 0.25})))).tracks
    assert track.boxes.tolist() == [[0.0, 0.0, 0.5, 0.25]]


def test_boxes_that_leave_the_picture_are_kept() -> None:
    (track,) = read(document(one(frame({}, {"left": -0.5909, "top": 0.1, "right": 1.2961, "bottom": 1.1})))).tracks
    assert track.boxes[0] == pytest.approx([-0.5909, 0.1, 1.2961, 1.1])


def test_objects_may_stand_in_a_later_result() -> None:
    whole = {"annotation_results": [{"speech_transcriptions": [{}]}, {"object_annotations": [one(frame({}))]}]}
    assert len(read(json.dumps(whole).encode()).tracks) == 1


def test_an_error_of_one_result_is_told_beside_the_objects_of_the_others() -> None:
    whole = {"annotation_results": [{"error": {"code": 3, "message": "bad part"}}, {"object_annotations": [one(frame({}))]}]}
    found = read(json.dumps(whole).encode())
    assert found.problems == (EngineWarning(3, "bad part"),)
    assert len(found.tracks) == 1


def test_unknown_fields_are_ignored_wherever_they_are() -> None:
    strange = one(frame({}, BOX | {"depth": 3}) | {"new": []}, novelty={"a": 1})
    assert len(read(document(strange, more="fields")).tracks) == 1


def test_shots_are_read() -> None:
    shots = [{"end_time_offset": {"seconds": 2}}, {"start_time_offset": {"seconds": 2}, "end_time_offset": {"seconds": 5}}]
    assert read(document(shot_annotations=shots)).shots == (Segment(0, 2), Segment(2, 5))


def test_the_streaming_form_holds_a_track_together_by_its_id() -> None:
    entries = [one(frame({"seconds": n}), track_id=t) for n, t in ((0, "7"), (0, "8"), (1, "7"), (2, "7"))]
    assert [track.times.tolist() for track in read(document(*entries)).tracks] == [[0, 1, 2], [0]]


def test_frames_out_of_order_or_twice_are_put_in_order_and_taken_once() -> None:
    frames = [frame({"seconds": s}, BOX | {"left": s / 10}) for s in (2, 1, 1, 0)]
    (track,) = read(document(one(*frames))).tracks
    assert track.times.tolist() == [0, 1, 2]
    assert track.boxes[:, 0] == pytest.approx([0.0, 0.1, 0.2])


def test_objects_without_a_box_are_left_out_and_the_rest_is_numbered() -> None:
    found = read(document(one(), one({"time_offset": {}}), one(frame({})), one(frame({}))))
    assert [track.track_id for track in found.tracks] == [0, 1]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b"[]", "file"),
        (b"{}", "annotation_results"),
        (b'"text"', "file"),
        (b'{"annotation_results": 3}', "annotation_results"),
        (b'{"annotation_results": [3]}', "annotation_results[0]"),
        (b'{"name": "operations/1"}', "done"),
        (b'{"name": "o", "done": true, "error": {"code": 7, "message": "no"}}', "error"),
        (b'{"a": NaN}', "line 1"),
        (b"\xff\xfe", "line 1"),
        (b"[" * 100_000, "line 1"),
        (document(one(3)), "annotation_results[0].object_annotations[0].frames[0]"),  # type: ignore[arg-type]
        (
            document(one(frame({}), frame({}, [1]))),
            "annotation_results[0].object_annotations[0].frames[1].normalized_bounding_box",
        ),
        (
            document(one(frame({}, {"left": "x"}))),
            "annotation_results[0].object_annotations[0].frames[0].normalized_bounding_box.left",
        ),
        (
            document(one(frame({}, {"top": 1e9}))),
            "annotation_results[0].object_annotations[0].frames[0].normalized_bounding_box.top",
        ),
        (document(one(frame("yesterday"))), "annotation_results[0].object_annotations[0].frames[0].time_offset"),
        (document(one(frame({"seconds": -1}))), "annotation_results[0].object_annotations[0].frames[0].time_offset"),
        (document(one(frame({"seconds": 10**12}))), "annotation_results[0].object_annotations[0].frames[0].time_offset"),
        (document(one(frame({"seconds": "9" * 5000}))), "annotation_results[0].object_annotations[0].frames[0].time_offset"),
        (document(one(frame([1]))), "annotation_results[0].object_annotations[0].frames[0].time_offset"),
        (document(one(frame({})) | {"confidence": "high"}), "annotation_results[0].object_annotations[0].confidence"),
        (document(one(frame({})) | {"confidence": 3}), "annotation_results[0].object_annotations[0].confidence"),
        (document(one(frame({})) | {"entity": 3}), "annotation_results[0].object_annotations[0].entity"),
        (
            document(one(frame({})) | {"frames": {}, "x": 1} | {"frames": {"a": 1}}),
            "annotation_results[0].object_annotations[0].frames",
        ),
        (document(segment={"start_time_offset": "soon"}), "annotation_results[0].segment.start_time_offset"),
        (document(shot_annotations=[{"end_time_offset": [3]}]), "annotation_results[0].shot_annotations[0].end_time_offset"),
    ],
)
def test_a_fault_names_its_place(data: bytes, place: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        read(data)
    assert caught.value.place.startswith(place)


KEYS = (
    *("annotation_results", "objectAnnotations", "object_annotations", "frames", "entity", "segment", "confidence", "error"),
    *("normalized_bounding_box", "time_offset", "seconds", "nanos", "left", "response", "track_id", "shot_annotations"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_no_json_whatever_crashes_the_reader(value: Any) -> None:
    for whole in (value, {"annotation_results": value}, {"annotation_results": [{"object_annotations": [{"frames": value}]}]}):
        with contextlib.suppress(AnnotationError):
            read(json.dumps(whole).encode())


singles = st.floats(-2, 2, width=32)
tracks = st.builds(
    lambda label, confidence, times, seed: Track(
        0,
        label,
        float(str(np.float32(confidence))),
        np.array(sorted(times)) / 1000,
        np.random.default_rng(seed).normal(0.5, 0.5, (len(times), 4)).astype(np.float32),
        entity_id="/m/1",
        language_code="en",
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.floats(0, 1),
    st.sets(st.integers(0, 10**7), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
)


def numbered(given_tracks: list[Track]) -> tuple[Track, ...]:
    return tuple(
        Track(n, t.label, t.confidence, t.times, t.boxes, t.entity_id, t.language_code) for n, t in enumerate(given_tracks)
    )


@given(st.lists(tracks, max_size=4))
def test_what_is_written_reads_back_equal(given_tracks: list[Track]) -> None:
    whole = Annotations(
        numbered(given_tracks),
        (Segment(0.0, 1.5), Segment(1.5, 3.0)),
        "/b/c.mp4",
        Segment(0.0, 3.0),
        (EngineWarning(3, "x"), EngineWarning(9, "y")),
    )
    assert read(write(whole)) == whole


@given(st.lists(tracks, max_size=3))
def test_google_s_own_message_reads_what_is_written(given_tracks: list[Track]) -> None:
    whole = Annotations(numbered(given_tracks), (Segment(0.0, 1.5),), "/b/c.mp4", Segment(0.0, 3.0))
    (result,) = videointelligence.AnnotateVideoResponse(json.loads(write(whole))).annotation_results
    assert result.input_uri == "/b/c.mp4"
    assert [shot.end_time_offset.total_seconds() for shot in result.shot_annotations] == [1.5]
    for ours, theirs in zip(whole.tracks, result.object_annotations, strict=True):
        assert (theirs.entity.description, theirs.entity.entity_id) == (ours.label, ours.entity_id)
        assert np.float32(theirs.confidence) == np.float32(ours.confidence)
        boxes = [f.normalized_bounding_box for f in theirs.frames]
        assert np.array_equal(np.array([[b.left, b.top, b.right, b.bottom] for b in boxes], np.float32), ours.boxes)
        assert [f.time_offset.total_seconds() for f in theirs.frames] == pytest.approx(ours.times.tolist(), abs=1e-6)
        assert theirs.segment.end_time_offset.total_seconds() == pytest.approx(ours.times[-1], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "objects", "boxes"),
    [("output-uri-775-objects", 775, 9681), ("rest-operation-29-objects", 29, 763), ("rest-response-1-cat", 1, 124)],
)
def test_a_real_file_is_read_whole_and_survives_a_round_trip(name: str, objects: int, boxes: int) -> None:
    found = read(shared_data(f"annotations/{name}.json"))
    assert (len(found.tracks), sum(map(len, found.tracks))) == (objects, boxes)
    assert read(write(found)) == found


STREAMED = [
    {"annotationResults": {"objectAnnotations": [{"trackId": "7", "confidence": 0.35, "frames": [frame("0s")]}]}},
    {},
    {
        "annotationResults": [
            {
                "objectAnnotations": [
                    {"trackId": "7", "confidence": 0.95, "entity": {"description": "car"}, "frames": [frame("0.5s")]},
                    {"trackId": "8", "confidence": 0.5, "frames": [frame("0.5s")]},
                ]
            }
        ]
    },
    {"annotationResults": {"objectAnnotations": [{"trackId": "7", "confidence": 0.6, "frames": [frame("1s")]}]}},
]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(STREAMED),
        json.dumps(STREAMED, indent=1),
        "\n".join(map(json.dumps, STREAMED)),
        "\r\n\r\n".join(json.dumps(each, indent=2) for each in STREAMED),
    ],
    ids=["list", "indented list", "lines", "one after the other"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_answers_of_a_stream_are_one_file_in_whatever_way_they_were_saved(data: str, encoding: str) -> None:
    """Objects go on from answer to answer, and the most confident observation says what one is and how sure that is."""
    found = read(data.encode(encoding)).tracks
    assert [(track.label, track.confidence, track.times.tolist()) for track in found] == [
        ("car", 0.95, [0, 0.5, 1]),
        ("object", 0.5, [0.5]),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_what_a_shell_on_windows_redirects_is_read(encoding: str) -> None:
    text = "\ufeff" + document(one(frame({}), label="犬 🐕")).decode()
    assert len(read(text.encode(encoding)).tracks) == 1


@pytest.mark.parametrize("data", [b"\xff\xfe{", b"\xff\xfe\x00\xd8\x00\xd8"])
def test_text_that_is_none_in_its_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(AnnotationError) as caught:
        read(data)
    assert caught.value.problem == "encoding"


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ({"seconds": 1, "microseconds": 500000}, 1.5),
        ({"microseconds": 500000}, 0.5),
        ({"seconds": 1.5}, 1.5),
        ({"seconds": 1, "nanos": 5e8}, 1.5),
        (1.5, 1.5),
        (2, 2.0),
    ],
)
def test_a_time_of_another_library_is_read_whole(time: Any, seconds: float) -> None:
    assert read(document(one(frame(time)))).tracks[0].times.tolist() == [seconds]


@pytest.mark.parametrize("time", [{"seconds": 1, "millis": 5}, {"secs": 1}, {"seconds": True}, "1.5", "1:30", [1], True, 1e300])
def test_a_time_of_which_a_part_would_be_lost_is_refused_with_its_place(time: Any) -> None:
    with pytest.raises(AnnotationError) as caught:
        read(document(one(frame({}), frame(time))))
    assert caught.value.place == "annotation_results[0].object_annotations[0].frames[1].time_offset"


@pytest.mark.parametrize(
    ("results", "holds"),
    [
        ([{"segment_label_annotations": [{}]}], "labels"),
        ([{"segmentLabelAnnotations": [{}]}, {"personDetectionAnnotations": [{}]}], "labels, persons"),
        ([{"face_detection_annotations": [{}], "shot_annotations": [{}]}], "faces"),
        ([{"textAnnotations": [{}]}], "texts"),
    ],
)
def test_a_file_without_objects_says_what_it_holds(results: list[Any], holds: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        read(json.dumps({"annotation_results": results}).encode())
    assert caught.value.problem == f"holds {holds}"


@pytest.mark.parametrize(
    "result", [{}, {"shot_annotations": [{}]}, {"segment_label_annotations": [{}], "object_annotations": []}]
)
def test_a_video_in_which_nothing_was_found_is_no_fault(result: dict[str, Any]) -> None:
    assert read(json.dumps({"annotation_results": [result]}).encode()).tracks == ()


def test_boxes_in_pixels_are_named_as_such() -> None:
    with pytest.raises(AnnotationError) as caught:
        read(document(one(frame({}, {"left": 5, "top": 9, "right": 220, "bottom": 300}))))
    assert (caught.value.problem, caught.value.place.rpartition(".")[2]) == ("pixels", "right")


@pytest.mark.parametrize(
    ("whole", "code", "message"),
    [
        ({"annotation_results": [{"input_uri": "/b/c.mp4", "error": {"code": 13, "message": "oops"}}]}, 13, "oops"),
        ({"annotationResults": [{"error": {"code": 8}}, {"error": {"code": 3, "message": "x"}}]}, 8, ""),
        ({"name": "o", "done": True, "error": {"code": 7, "message": "no"}}, 7, "no"),
        ([{"error": {"code": 5, "message": "gone"}}], 5, "gone"),
    ],
)
def test_a_file_that_holds_only_errors_is_no_empty_video(whole: Any, code: int, message: str) -> None:
    content = json.dumps(whole).encode()
    with pytest.raises(AnnotationRunFailed) as caught:
        read(content)
    assert (caught.value.code, caught.value.problem) == (code, message)
    failed = failure_in(content)
    assert failed is not None
    assert failed.code == code


@pytest.mark.parametrize("content", [b"{", document(), document(error={"code": 3, "message": "x"})])
def test_a_file_with_results_or_with_a_fault_of_its_own_tells_of_no_failed_run(content: bytes) -> None:
    assert failure_in(content) is None


@pytest.mark.parametrize(
    ("name", "confidence"),
    [
        ("streaming-response-one-result-object", 0.9),
        ("streaming-confidence-grows-35-to-95", 0.95),
        ("powershell-redirect-utf16", 0.9),
    ],
)
def test_a_file_that_was_refused_once_is_read(name: str, confidence: float) -> None:
    assert [track.confidence for track in read(shared_case(f"video/{name}.json")).tracks] == [confidence]


def test_the_file_of_labels_that_once_read_as_an_empty_video_is_named() -> None:
    with pytest.raises(AnnotationError) as caught:
        read(shared_case("video/labels-only.json"))
    assert caught.value.problem == "holds labels"


def test_every_problem_of_a_run_is_written_and_read_back() -> None:
    problems = (
        EngineWarning(15, "decoded 2.0 s of 4.0 s", ProblemKind.CUT_SHORT, 1.96, 4.0),
        EngineWarning(15, "lost 25 pictures", ProblemKind.PICTURES_LOST, 2.0, 3.0, 25),
        EngineWarning(15, "another recording follows", ProblemKind.REST_UNREAD, 4.0, 4.0),
        EngineWarning(9, "the camera moves", ProblemKind.CAMERA_MOVES, 5.0, 7.25),
        EngineWarning(13, "segment 2"),
    )
    data = write(Annotations(problems=problems))
    assert read(data).problems == problems
    # As Google's own library reads it.
    found = videointelligence.AnnotateVideoResponse.from_json(data)
    assert (found.annotation_results[0].error.code, found.annotation_results[0].error.message) == (15, "decoded 2.0 s of 4.0 s")


@pytest.mark.parametrize(
    "details",
    [
        "no list",
        ["no object"],
        [{"domain": "another"}],
        [{"domain": "tracklet", "reason": "CUT_SHORT"}],
        [{"domain": "tracklet", "reason": "SOMETHING", "metadata": {}}],
        [
            {
                "domain": "tracklet",
                "reason": "CUT_SHORT",
                "metadata": {"code": "15", "start_s": "nan", "end_s": "4", "pictures": "0"},
            }
        ],
        [
            {
                "domain": "tracklet",
                "reason": "CUT_SHORT",
                "metadata": {"code": "15", "start_s": "5", "end_s": "4", "pictures": "0"},
            }
        ],
        [{"domain": "tracklet", "reason": "CUT_SHORT", "metadata": {"code": [], "start_s": {}, "end_s": "4", "pictures": "0"}}],
    ],
)
def test_details_that_are_not_ours_leave_the_report_itself(details: object) -> None:
    data = document(error={"code": 13, "message": "broken", "details": details})
    assert read(data).problems == (EngineWarning(13, "broken"),)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\x1f\x8b\x08\x00rest", "compressed"),
        (b"PK\x03\x04rest", "compressed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "pointer"),
        (b"<!doctype html><p>Sign in", "markup"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "markup"),
        (b"frame,label\n", "no JSON"),
    ],
)
def test_a_file_of_another_kind_is_told_as_what_it_is(data: bytes, problem: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        read(data)
    assert caught.value.problem == problem


def test_one_result_that_was_saved_by_itself_is_read() -> None:
    seen = Track(0, "person", 0.5, np.array([0.0, 1.0]), np.array([[0.1, 0.1, 0.5, 0.5]] * 2, np.float32))
    whole = json.loads(write(Annotations(tracks=(seen,), segment=Segment(0.0, 4.0))))
    assert read(json.dumps(whole["annotation_results"][0]).encode()) == read(json.dumps(whole).encode())
