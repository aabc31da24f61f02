"""
Google's Video Intelligence API as a remote engine: OBJECT_TRACKING, started once and asked by operation name.

The service is deprecated and ends on `tracking.engines.base.GOOGLE_RETIRES`. Every call is sent once, without the client
library's own retries: one that re-sends `AnnotateVideo` is billed twice. Waiting, trying again and looking for the annotation
file are the job's (`tracking.engines.remote`); putting the video into a bucket is the caller's. Errors become those of
`tracking.errors`, with what the service said as their detail. Open an engine inside of the event loop that uses it, and close
it.

The rules of the service and where they are from: docs/google.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import google.auth
import grpc
from google.api_core import exceptions as api_errors
from google.api_core.operations_v1 import OperationsAsyncClient
from google.auth import exceptions as auth_errors
from google.cloud import videointelligence_v1 as vi
from google.cloud.videointelligence_v1.services.video_intelligence_service.transports import (
    VideoIntelligenceServiceGrpcAsyncIOTransport,
)
from google.longrunning import operations_pb2
from google.rpc import code_pb2

from tracking.engines.base import EngineName, Handle, RemoteState
from tracking.errors import (
    Cancelled,
    EngineAbsence,
    EngineRefusal,
    EngineRefused,
    EngineUnavailable,
    OptionError,
    SourceNotFound,
    SourceUnreachable,
    TrackletError,
    VideoTooLarge,
    file_name,
)
from tracking.formats import video_intelligence as annotation_format
from tracking.model import Annotations, EngineWarning, Segment
from tracking.storage.names import ObjectUri

LOCATIONS: Final = ("us-east1", "us-west1", "europe-west1", "asia-east1")
"""Source: the comment of `AnnotateVideoRequest.location_id`."""

MODELS: Final = ("builtin/stable", "builtin/latest")
"""Source: the comment of `ObjectTrackingConfig.model`."""

INLINE_LIMIT_BYTES: Final = 4_000_000
"""The largest video that travels inside of a request; no official number is known, this one is under gRPC's usual limit."""

_CALL_TIMEOUT_S = 30.0
_INLINE_TIMEOUT_S = 120.0
_DETAIL_LIMIT = 300
# The answer of a finished run holds all of its annotations again: more than the 4 MB that gRPC takes by default.
_CHANNEL_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_GS_URI = re.compile(r"gs://[a-z0-9][a-z0-9._-]++(?:/[^\s'\"<>,;]*+)?+")
# google.rpc.ErrorInfo reasons of a project that is not set up, which come as PERMISSION_DENIED.
_SETUP_REASONS = frozenset(
    {"SERVICE_DISABLED", "BILLING_DISABLED", "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
)
_KEY_REASONS = frozenset({"API_KEY_INVALID", "ACCOUNT_STATE_INVALID", "ACCESS_TOKEN_EXPIRED", "CREDENTIALS_MISSING"})


@dataclass(frozen=True, slots=True)
class VideoIntelligenceOptions:
    """
    How the service is used.

    `location` is "" for the one nearest to the file, `model` "" for the stable one. `endpoint` is "" for Google's own,
    `http://host:port` for plaintext without credentials, or `https://host:port`. Raises `OptionError`.
    """

    location: str = ""
    model: str = ""
    endpoint: str = ""

    def __post_init__(self) -> None:
        if self.location not in {"", *LOCATIONS}:
            raise OptionError("google-location", self.location, ", ".join(LOCATIONS))
        if self.model not in {"", *MODELS}:
            raise OptionError("google-model", self.model, ", ".join(MODELS))
        parts = urlsplit(self.endpoint)
        if self.endpoint and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}):
            raise OptionError("google-endpoint", self.endpoint, "http://host:port, https://host:port")


class VideoIntelligenceEngine:
    """`RemoteEngine` on Google's service; made by `open`."""

    name = EngineName.GOOGLE

    def __init__(
        self, transport: VideoIntelligenceServiceGrpcAsyncIOTransport, *, options: VideoIntelligenceOptions, account: str = ""
    ) -> None:
        self._transport = transport
        self._client = vi.VideoIntelligenceServiceAsyncClient(transport=transport)
        self._operations: OperationsAsyncClient = transport.operations_client
        self._options = options
        self._account = account

    @classmethod
    async def open(cls, options: VideoIntelligenceOptions | None = None) -> VideoIntelligenceEngine:
        """An engine with the application default credentials. Raises `EngineUnavailable`, reason "credentials"."""
        options = options or VideoIntelligenceOptions()
        endpoint = urlsplit(options.endpoint)
        if endpoint.scheme == "http":
            channel = grpc.aio.insecure_channel(endpoint.netloc, options=_CHANNEL_OPTIONS)
            return cls(VideoIntelligenceServiceGrpcAsyncIOTransport(channel=channel), options=options)
        try:
            # Looks for a metadata server over the network where there is no file.
            credentials, _ = await asyncio.to_thread(google.auth.default, scopes=_SCOPES)
        except auth_errors.GoogleAuthError as error:
            raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.CREDENTIALS, _bounded(str(error))) from error
        host = endpoint.netloc or VideoIntelligenceServiceGrpcAsyncIOTransport.DEFAULT_HOST
        transport = VideoIntelligenceServiceGrpcAsyncIOTransport(host=host, credentials=credentials)
        return cls(transport, options=options, account=getattr(credentials, "service_account_email", ""))

    @property
    def run_key(self) -> str:
        """The model; equal keys and bytes give equal annotations as far as the service goes."""
        return f"google-{(self._options.model or MODELS[0]).removeprefix('builtin/')}"

    async def start(self, video: str | Path, *, annotations_uri: str = "", segment: Segment | None = None) -> Handle:
        """
        See `RemoteEngine.start`. `video` is a `gs://` URI, or a file of at most `INLINE_LIMIT_BYTES`.

        A location that was asked for holds for inline videos too. Both URIs are checked: `SourceRefused`.
        """
        request = vi.AnnotateVideoRequest(features=[vi.Feature.OBJECT_TRACKING], location_id=self._options.location)
        timeout_s = _CALL_TIMEOUT_S
        if isinstance(video, Path):
            request.input_content = await asyncio.to_thread(_small_file, video)
            timeout_s = _INLINE_TIMEOUT_S
        else:
            request.input_uri = str(ObjectUri.parse(video))
        if annotations_uri:
            request.output_uri = str(ObjectUri.parse(annotations_uri))
        request.video_context = _context(self._options.model or MODELS[0], segment)
        try:
            started = await self._client.annotate_video(request, retry=None, timeout=timeout_s)
        except api_errors.GoogleAPICallError as error:
            raise self._call_error(error, place=request.input_uri, starting=True) from error
        return Handle(started.operation.name)

    async def poll(self, handle: Handle) -> RemoteState:
        """See `RemoteEngine.poll`; a run in which every part failed counts as failed."""
        operation = await self._operation(handle)
        percent, place = _progress(operation)
        if not operation.done:
            return RemoteState(percent=percent, done=False)
        response = self._response(operation, place)
        problems = [(result.error, _gs_uri(result.input_uri)) for result in response.annotation_results if result.error.code]
        if problems and len(problems) == len(response.annotation_results):
            error, failed_uri = problems[0]
            raise translated(error.code, error.message, place=failed_uri or place, account=self._account)
        return RemoteState(
            percent=100, done=True, problems=tuple(EngineWarning(error.code, _bounded(error.message)) for error, _ in problems)
        )

    async def annotations(self, handle: Handle) -> Annotations:
        """See `RemoteEngine.annotations`; `EngineUnavailable` while the run is not done."""
        operation = await self._operation(handle)
        if not operation.done:
            raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.TIMEOUT, "not done")
        response = self._response(operation, _progress(operation)[1])
        wrapped = vi.AnnotateVideoResponse.wrap(response)
        return await asyncio.to_thread(lambda: annotation_format.read(vi.AnnotateVideoResponse.to_json(wrapped).encode()))

    async def cancel(self, handle: Handle) -> None:
        """See `RemoteEngine.cancel`."""
        try:
            await self._operations.cancel_operation(str(handle), retry=None, timeout=_CALL_TIMEOUT_S)  # type: ignore[no-untyped-call]  # untyped library
        except (api_errors.NotFound, api_errors.FailedPrecondition):
            return
        except api_errors.GoogleAPICallError as error:
            raise self._call_error(error) from error

    async def close(self) -> None:
        """Close the connection; the engine is of no use afterwards."""
        await self._transport.close()  # type: ignore[no-untyped-call]  # untyped library

    async def _operation(self, handle: Handle) -> operations_pb2.Operation:
        try:
            return await self._operations.get_operation(str(handle), retry=None, timeout=_CALL_TIMEOUT_S)  # type: ignore[no-untyped-call]  # untyped library
        except api_errors.GoogleAPICallError as error:
            raise self._call_error(error) from error

    def _response(self, operation: operations_pb2.Operation, place: str) -> vi.AnnotateVideoResponse:
        """The raw message of a finished operation: wrapped by proto-plus it is forty times slower to walk."""
        if operation.HasField("error"):
            raise translated(operation.error.code, operation.error.message, place=place, account=self._account)
        response: vi.AnnotateVideoResponse = vi.AnnotateVideoResponse.pb(vi.AnnotateVideoResponse())
        if not operation.response.Unpack(response):
            raise EngineRefused(EngineName.GOOGLE, EngineRefusal.INTERNAL, "unknown kind of answer")
        return response

    def _call_error(self, error: api_errors.GoogleAPICallError, *, place: str = "", starting: bool = False) -> TrackletError:
        status: grpc.StatusCode | None = error.grpc_status_code
        return translated(
            status.value[0] if status else code_pb2.UNKNOWN,
            str(error.message),
            service_reason=error.reason or "",
            place=place,
            account=self._account,
            call="start" if starting else "ask",
        )


def translated(
    code: int, message: str, *, service_reason: str = "", place: str = "", account: str = "", call: str = ""
) -> TrackletError:
    """
    The error of ours for a google.rpc.Code number.

    `call` is "start" or "ask" when a call failed, "" when the run itself did. `place` is the video's URI where it is known,
    `service_reason` a google.rpc.ErrorInfo reason. Only a failed call can be worth another try.
    """
    detail = _bounded(message)
    named = _GS_URI.search(message)
    if code == code_pb2.UNAUTHENTICATED or service_reason in _KEY_REASONS or "Getting metadata from plugin failed" in message:
        return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.CREDENTIALS, detail)
    if code == code_pb2.PERMISSION_DENIED:
        if service_reason in _SETUP_REASONS:
            return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.CONFIGURATION, detail)
        where = named.group().rstrip(".") if named else place
        role = "roles/storage.objectViewer" if where == place else "roles/storage.objectUser"
        return EngineRefused(EngineName.GOOGLE, EngineRefusal.PERMISSION, detail, place=where, account=account, role=role)
    if code == code_pb2.NOT_FOUND:
        return SourceNotFound(place) if place else EngineRefused(EngineName.GOOGLE, EngineRefusal.LOST, detail)
    if code == code_pb2.UNIMPLEMENTED:
        return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.RETIRED, detail)
    if code in {code_pb2.INVALID_ARGUMENT, code_pb2.FAILED_PRECONDITION, code_pb2.OUT_OF_RANGE}:
        about_region = re.search(r"\b(location|region)", message, re.IGNORECASE)
        return EngineRefused(EngineName.GOOGLE, EngineRefusal.REGION if about_region else EngineRefusal.UNSUPPORTED, detail)
    if code == code_pb2.RESOURCE_EXHAUSTED:
        if call:
            return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.QUOTA, detail)
        return EngineRefused(EngineName.GOOGLE, EngineRefusal.QUOTA, detail)
    if call == "start":
        return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.UNANSWERED, detail)
    if call:
        slow = code == code_pb2.DEADLINE_EXCEEDED
        return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.TIMEOUT if slow else EngineAbsence.OFFLINE, detail)
    return Cancelled() if code == code_pb2.CANCELLED else EngineRefused(EngineName.GOOGLE, EngineRefusal.INTERNAL, detail)


def _context(model: str, segment: Segment | None) -> vi.VideoContext:
    segments = (
        []
        if segment is None
        else [
            vi.VideoSegment(
                start_time_offset=timedelta(seconds=segment.start_s), end_time_offset=timedelta(seconds=segment.end_s)
            )
        ]
    )
    return vi.VideoContext(segments=segments, object_tracking_config=vi.ObjectTrackingConfig(model=model))


def _small_file(path: Path) -> bytes:
    """The bytes of a file that may travel inside of a request; never reads more than the limit."""
    try:
        with path.open("rb") as file:
            content = file.read(INLINE_LIMIT_BYTES + 1)
            size = path.stat().st_size
    except OSError as error:
        raise SourceUnreachable(file_name(path)) from error
    if len(content) > INLINE_LIMIT_BYTES:
        raise VideoTooLarge(size, INLINE_LIMIT_BYTES)
    return content


def _progress(operation: operations_pb2.Operation) -> tuple[int, str]:
    """Percent done and the video's URI, 0 and "" where the operation does not say."""
    progress = vi.AnnotateVideoProgress.pb(vi.AnnotateVideoProgress())
    if not operation.metadata.Unpack(progress):
        return 0, ""
    entries = progress.annotation_progress
    return _mean(entry.progress_percent for entry in entries), next((_gs_uri(entry.input_uri) for entry in entries), "")


def _mean(percents: Iterable[int]) -> int:
    numbers = [min(max(percent, 0), 100) for percent in percents]
    return sum(numbers) // len(numbers) if numbers else 0


def _gs_uri(service_name: str) -> str:
    """The service calls `gs://bucket/object` by `/bucket/object`."""
    return f"gs:/{service_name}" if service_name.startswith("/") else service_name


def _bounded(message: str) -> str:
    return " ".join(message.split())[:_DETAIL_LIMIT]
