"""
What a storage event says: an object was finalised, or something that is none of our business.

Cloud Storage's news come as CloudEvents (Eventarc; binary or structured mode, also one that wraps a Pub/Sub message) or as
Pub/Sub push. Both deliver at least once, in any order, also for overwriting, copying and restoring; bucket, name and generation
together tell a repetition. Pure functions; nothing here trusts what it reads. Where the forms are from: docs/google.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from tracking.storage.names import is_bucket_name, is_object_name

FINALIZED = "google.cloud.storage.object.v1.finalized"
_PUBSUB = "google.cloud.pubsub.topic.v1.messagePublished"
_STRUCTURED = "application/cloudevents+json"


class BadEventError(ValueError):
    """A body that is no event; the text says what is wrong with it and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class ObjectFinalized:
    """A new object, or a new generation of one; `size_bytes` is -1 and `content_type` "" where the event does not say."""

    bucket: str
    name: str
    generation: int
    size_bytes: int = -1
    content_type: str = ""

    @property
    def key(self) -> str:
        """The same for each delivery of the same news."""
        return f"{self.bucket}/{self.name}#{self.generation}"


def parse(headers: Mapping[str, str], body: bytes) -> ObjectFinalized | None:
    """
    Return the event in a request, None for one that asks nothing of us. Raises `BadEventError`.

    `headers` must ignore the case of its keys, as aiohttp's do.
    """
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type == _STRUCTURED:
        envelope = _mapping(_json(body), "event")
        data = envelope.get("data")
        if "data_base64" in envelope:
            data = _json(_decoded(envelope["data_base64"]))
        return _cloud_event({key: value for key, value in envelope.items() if isinstance(value, str)}, data)
    if "ce-type" in headers:
        attributes = {
            name: unquote(headers.get(f"ce-{name}", "")) for name in ("id", "source", "specversion", "type", "subject")
        }
        attributes["bucket"] = headers.get("ce-bucket", "")
        return _cloud_event(attributes, _json(body) if body else {})
    envelope = _mapping(_json(body), "body")
    if "message" not in envelope:
        raise BadEventError("neither a CloudEvent nor a Pub/Sub push")
    return _pubsub(envelope)


def _cloud_event(attributes: Mapping[str, str], data: object) -> ObjectFinalized | None:
    for name in ("id", "source", "specversion", "type"):
        if not attributes.get(name):
            raise BadEventError(f"a CloudEvent without {name}")
    if not attributes["specversion"].startswith("1."):
        raise BadEventError("a CloudEvent of an unknown version")
    if attributes["type"] == _PUBSUB:
        return _pubsub(_mapping(data, "data"))
    if attributes["type"] != FINALIZED:
        return None
    known = {"bucket": attributes.get("bucket", ""), "name": attributes.get("subject", "").removeprefix("objects/")}
    return _finalized({**known, **_mapping(data, "data")})


def _pubsub(envelope: Mapping[str, object]) -> ObjectFinalized | None:
    message = _mapping(envelope.get("message"), "message")
    attributes = _mapping(message.get("attributes") or {}, "attributes")
    if "eventType" not in attributes:
        raise BadEventError("a message without eventType")
    if attributes["eventType"] != "OBJECT_FINALIZE":
        return None
    known = {
        "bucket": attributes.get("bucketId"),
        "name": attributes.get("objectId"),
        "generation": attributes.get("objectGeneration"),
    }
    data: Mapping[str, object] = {}
    if message.get("data") and attributes.get("payloadFormat") != "NONE":
        data = _mapping(_json(_decoded(message["data"])), "data")
    return _finalized({**data, **{name: value for name, value in known.items() if value}})


def _finalized(data: Mapping[str, object]) -> ObjectFinalized | None:
    bucket, name = data.get("bucket"), data.get("name")
    if not isinstance(bucket, str) or not is_bucket_name(bucket):
        raise BadEventError("no bucket")
    if not isinstance(name, str) or not name:
        raise BadEventError("no object name")
    generation = _number(data.get("generation"))
    if generation <= 0:
        raise BadEventError("no generation")
    if not is_object_name(name):
        return None  # a folder's placeholder, or a name that we could never read or write: no use in getting it again
    content_type = data.get("contentType")
    return ObjectFinalized(
        bucket,
        name,
        generation,
        size_bytes=_number(data.get("size")),
        content_type=content_type if isinstance(content_type, str) else "",
    )


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadEventError(f"{what} is no object")
    return value


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadEventError("not JSON") from error
    return value


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError) as error:
        raise BadEventError("not base64") from error


def _number(value: object) -> int:
    """Return a 64-bit number as Google's JSON gives it, in a string; -1 for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else -1
