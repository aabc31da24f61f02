"""Storage events in each form that Google sends them, and in none."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from bot.web.storage_events import BadEventError, ObjectFinalized, parse

OBJECT = {
    "kind": "storage#object",
    "bucket": "videos",
    "name": "päth/to/clip 1.mp4",
    "generation": "1795375277364906051",
    "size": "1234",
    "contentType": "video/mp4",
}
EXPECTED = ObjectFinalized("videos", "päth/to/clip 1.mp4", 1795375277364906051, 1234, "video/mp4")
ATTRIBUTES = {
    "type": "google.cloud.storage.object.v1.finalized",
    "source": "//storage.googleapis.com/projects/_/buckets/videos",
    "subject": "objects/päth/to/clip 1.mp4",
    "bucket": "videos",
    "id": "1",
}


def pubsub(**changes: object) -> dict[str, object]:
    message: dict[str, object] = {
        "data": base64.b64encode(json.dumps(OBJECT).encode()).decode(),
        "attributes": {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": "videos",
            "objectId": "päth/to/clip 1.mp4",
            "objectGeneration": "1795375277364906051",
            "payloadFormat": "JSON_API_V1",
        },
        "messageId": "2",
        "publishTime": "2026-11-22T19:00:00Z",
        **changes,
    }
    return {"message": message, "subscription": "projects/p/subscriptions/s"}


def read(headers: dict[str, str], body: object) -> ObjectFinalized | None:
    return parse(CIMultiDict(headers), body if isinstance(body, bytes) else json.dumps(body).encode())


def test_a_binary_cloud_event_is_read() -> None:
    headers, body = to_binary(CloudEvent(ATTRIBUTES, OBJECT))
    assert read({**headers, "Content-Type": "application/json"}, body) == EXPECTED


def test_a_structured_cloud_event_is_read() -> None:
    headers, body = to_structured(CloudEvent(ATTRIBUTES, OBJECT))
    assert read(headers, body) == EXPECTED


def test_a_structured_cloud_event_may_hold_its_data_in_base64() -> None:
    data = base64.b64encode(json.dumps(OBJECT).encode()).decode()
    event = {**ATTRIBUTES, "specversion": "1.0", "data_base64": data}
    assert read({"Content-Type": "application/cloudevents+json; charset=utf-8"}, event) == EXPECTED


def test_a_pubsub_push_is_read() -> None:
    assert read({"Content-Type": "application/json"}, pubsub()) == EXPECTED


def test_a_pubsub_push_without_payload_is_read_from_its_attributes() -> None:
    attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": "videos", "objectId": "a", "objectGeneration": "5"}
    for payload in ({"data": ""}, {"data": "!", "attributes": {**attributes, "payloadFormat": "NONE"}}):
        assert read({}, pubsub(**{"attributes": attributes, **payload})) == ObjectFinalized("videos", "a", 5)


def test_a_cloud_event_around_a_pubsub_message_is_read() -> None:
    attributes = {**ATTRIBUTES, "type": "google.cloud.pubsub.topic.v1.messagePublished"}
    headers, body = to_binary(CloudEvent(attributes, pubsub()))
    assert read(headers, body) == EXPECTED


def test_the_same_news_has_the_same_key_in_every_form() -> None:
    binary = read(*to_binary(CloudEvent(ATTRIBUTES, OBJECT)))
    pushed = read({}, pubsub())
    assert binary is not None
    assert pushed is not None
    assert binary.key == pushed.key == "videos/päth/to/clip 1.mp4#1795375277364906051"


@pytest.mark.parametrize("kind", ["deleted", "archived", "metadataUpdated"])
def test_other_news_of_an_object_ask_nothing_of_us(kind: str) -> None:
    attributes = {**ATTRIBUTES, "type": f"google.cloud.storage.object.v1.{kind}"}
    assert read(*to_binary(CloudEvent(attributes, OBJECT))) is None
    assert read({}, pubsub(attributes={"eventType": "OBJECT_DELETE"})) is None


@pytest.mark.parametrize("name", ["path/", "../up", "a//b", "/a"])
def test_a_name_that_no_file_has_is_acknowledged_and_ignored(name: str) -> None:
    assert read(*to_binary(CloudEvent(ATTRIBUTES, {**OBJECT, "name": name}))) is None


BAD = {
    "nothing": ({}, b""),
    "no JSON": ({}, b"{"),
    "nested too deeply": ({}, b"[" * 100_000),
    "a list": ({}, []),
    "no message": ({}, {"bucket": "videos"}),
    "a message that is none": ({}, {"message": 1}),
    "no event type": ({}, pubsub(attributes={})),
    "no base64": ({}, pubsub(data="!")),
    "no bucket": ({}, pubsub(attributes={"eventType": "OBJECT_FINALIZE"}, data=None)),
    "a bucket that cannot be": ({}, pubsub(attributes={"eventType": "OBJECT_FINALIZE", "bucketId": "../x", "objectId": "a"})),
    "no id": ({"ce-type": ATTRIBUTES["type"], "ce-source": "x", "ce-specversion": "1.0"}, OBJECT),
    "another version": ({"ce-type": ATTRIBUTES["type"], "ce-source": "x", "ce-specversion": "0.3", "ce-id": "1"}, OBJECT),
    "no generation": (
        {"ce-type": ATTRIBUTES["type"], "ce-source": "x", "ce-specversion": "1.0", "ce-id": "1"},
        {"bucket": "videos", "name": "a"},
    ),
    "a generation that is none": (
        {"ce-type": ATTRIBUTES["type"], "ce-source": "x", "ce-specversion": "1.0", "ce-id": "1"},
        {"bucket": "videos", "name": "a", "generation": "-1"},
    ),
}


@pytest.mark.parametrize(("headers", "body"), BAD.values(), ids=BAD)
def test_what_is_no_event_is_refused(headers: dict[str, str], body: object) -> None:
    with pytest.raises(BadEventError):
        read(headers, body)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
FIELDS = ["attributes", "data", "eventType", "bucketId", "objectId", "objectGeneration", "bucket", "name", "generation"]
FLAT = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), SCALARS, max_size=4)
INNER = FLAT | st.dictionaries(st.sampled_from(FIELDS), FLAT, max_size=4)
BODIES = (
    INNER
    | st.fixed_dictionaries({"message": INNER})
    | INNER.map(lambda data: {**ATTRIBUTES, "specversion": "1.0", "data": data})
)


@given(BODIES, st.sampled_from(["application/json", "application/cloudevents+json"]))
def test_any_json_is_an_event_or_a_bad_one(body: object, content_type: str) -> None:
    with contextlib.suppress(BadEventError):
        read({"Content-Type": content_type}, body)
