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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import grpc
from google.api_core import exceptions as api_errors
from google.api_core.operations_v1 import OperationsAsyncClient
from google.auth.credentials import Credentials
from google.cloud import videointelligence_v1 as vi
from google.cloud.videointelligence_v1.services.video_intelligence_service.transports import (
    VideoIntelligenceServiceGrpcAsyncIOTransport,
)
from google.longrunning import operations_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tracking.engines.base import GOOGLE_RETIRES, EngineName, Handle, RemoteState
from tracking.errors import (
    Cancelled,
    EngineAbsence,
    EngineError,
    EngineRefusal,
    EngineRefused,
    EngineUnavailable,
    GoogleFault,
    OptionError,
    SourceNotFound,
    SourceUnreachable,
    StorageError,
    StorageFault,
    TrackletError,
    VideoTooLarge,
    file_name,
)
from tracking.formats import video_intelligence as annotation_format
from tracking.google_access import (
    QUOTA_REASONS,
    CredentialsRefused,
    access_refusal,
    bounded,
    find_credentials,
    object_fault,
    project_of,
    sign_in,
    sign_in_refusal,
)
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
# The answer of a finished run holds all of its annotations again: more than the 4 MB that gRPC takes by default.
_CHANNEL_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_GS_URI = re.compile(r"gs://[a-z0-9][a-z0-9._-]++(?:/[^\s'\"<>,;]*+)?+")
# What gRPC says where a token could not be had, and where nobody answered at the address.
_NOT_SIGNED_IN = "Getting metadata from plugin failed"
_NOT_SENT = ("failed to connect to all addresses", "DNS resolution failed", "Connection refused", "Name or service not known")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST_LISTED = 2000  # operations of one location
_MINUTE = re.compile(r"\bper minute\b|PerMinute|/min\b", re.IGNORECASE)
_LONG = re.compile(r"\bper (?:day|month|year)\b|Per(?:Day|Month|Year)|\bdaily\b|/d\b", re.IGNORECASE)


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
        self,
        transport: VideoIntelligenceServiceGrpcAsyncIOTransport,
        *,
        options: VideoIntelligenceOptions,
        credentials: Credentials | None = None,
    ) -> None:
        self._transport = transport
        self._client = vi.VideoIntelligenceServiceAsyncClient(transport=transport)
        self._operations: OperationsAsyncClient = transport.operations_client
        self._options = options
        self._credentials = credentials
        self._account: str = getattr(credentials, "service_account_email", "")
        self._project = project_of(credentials)
        self._signing_in = asyncio.Lock()

    @classmethod
    async def open(cls, options: VideoIntelligenceOptions | None = None) -> VideoIntelligenceEngine:
        """Return an engine that has a token by the application default credentials. Raises `EngineUnavailable`."""
        options = options or VideoIntelligenceOptions()
        endpoint = urlsplit(options.endpoint)
        if endpoint.scheme == "http":
            channel = grpc.aio.insecure_channel(endpoint.netloc, options=_CHANNEL_OPTIONS)
            return cls(VideoIntelligenceServiceGrpcAsyncIOTransport(channel=channel), options=options)
        try:
            # Looks for a metadata server over the network where there is no file.
            credentials = await asyncio.to_thread(find_credentials)
            await asyncio.to_thread(sign_in, credentials)
        except CredentialsRefused as error:
            raise _no_token(error) from error
        host = endpoint.netloc or VideoIntelligenceServiceGrpcAsyncIOTransport.DEFAULT_HOST
        transport = VideoIntelligenceServiceGrpcAsyncIOTransport(host=host, credentials=credentials)
        return cls(transport, options=options, credentials=credentials)

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
        await self._sign_in()
        try:
            started = await self._client.annotate_video(request, retry=None, timeout=timeout_s)
        except api_errors.GoogleAPICallError as error:
            raise self._call_error(error, place=request.input_uri, call="start") from error
        return Handle(started.operation.name)

    async def find(self, video_uri: str, *, since: datetime) -> Sequence[Handle]:
        """See `RemoteEngine.find`. The service may not list its operations, and only does for a project that is known."""
        if not self._project:
            raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.CONFIGURATION, "no project is known")
        await self._sign_in()
        found: list[Handle] = []
        try:
            for location in [self._options.location] if self._options.location else LOCATIONS:
                parent = f"projects/{self._project}/locations/{location}"
                listed = await self._operations.list_operations(parent, "", retry=None, timeout=_CALL_TIMEOUT_S)  # type: ignore[no-untyped-call]  # untyped library
                seen = 0
                async for operation in listed:
                    if _is_over(operation, video_uri, since):
                        found.append(Handle(operation.name))
                    seen += 1
                    if seen == _MOST_LISTED:
                        break
        except api_errors.GoogleAPICallError as error:
            raise self._call_error(error) from error
        return found

    def failure(self, code: int, message: str, *, video_uri: str) -> TrackletError:
        """See `RemoteEngine.failure`."""
        return self._run_error(status_pb2.Status(code=code, message=message), place=video_uri)

    async def poll(self, handle: Handle) -> RemoteState:
        """See `RemoteEngine.poll`; a run in which every part failed counts as failed."""
        operation = await self._operation(handle)
        percent, place = _progress(operation)
        if not operation.done:
            return RemoteState(percent=percent, done=False)
        try:
            response = self._response(operation, place)
            failed = [result for result in response.annotation_results if _is_error(result.error)]
            if failed and len(failed) == len(response.annotation_results):
                raise self._run_error(failed[0].error, place=_gs_uri(failed[0].input_uri) or place)
        except EngineUnavailable as error:
            if error.reason is EngineAbsence.QUOTA:
                return RemoteState(percent=0, done=False, is_out_of_quota=True)
            raise
        problems = tuple(EngineWarning(result.error.code, bounded(result.error.message)) for result in failed)
        return RemoteState(percent=100, done=True, problems=problems)

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

    async def _sign_in(self) -> None:
        """
        Have a token before a call: else the call itself would wait for one, and end without telling whether it was sent.

        Raises `EngineUnavailable`.
        """
        if self._credentials is None or self._credentials.valid:
            return
        async with self._signing_in:
            try:
                await asyncio.to_thread(sign_in, self._credentials)
            except CredentialsRefused as error:
                raise _no_token(error) from error

    async def _operation(self, handle: Handle) -> operations_pb2.Operation:
        await self._sign_in()
        try:
            return await self._operations.get_operation(str(handle), retry=None, timeout=_CALL_TIMEOUT_S)  # type: ignore[no-untyped-call]  # untyped library
        except api_errors.GoogleAPICallError as error:
            raise self._call_error(error) from error

    def _response(self, operation: operations_pb2.Operation, place: str) -> vi.AnnotateVideoResponse:
        """Return the raw message of a finished operation: wrapped by proto-plus it is forty times slower to walk."""
        if operation.HasField("error"):
            raise self._run_error(operation.error, place=place)
        response: vi.AnnotateVideoResponse = vi.AnnotateVideoResponse.pb(vi.AnnotateVideoResponse())
        if not operation.response.Unpack(response):
            raise EngineRefused(EngineName.GOOGLE, EngineRefusal.INTERNAL, "unknown kind of answer")
        return response

    def _call_error(self, error: api_errors.GoogleAPICallError, *, place: str = "", call: str = "ask") -> TrackletError:
        status: grpc.StatusCode | None = error.grpc_status_code
        return translated(
            status.value[0] if status else code_pb2.UNKNOWN,
            str(error.message),
            service_reason=error.reason or "",
            metadata=error.metadata or _NOTHING,
            place=place,
            account=self._account,
            call=call,
        )

    def _run_error(self, status: status_pb2.Status, *, place: str) -> TrackletError:
        info = _error_info(status)
        error = translated(
            status.code,
            status.message,
            service_reason=info.reason,
            metadata=dict(info.metadata),
            place=place,
            account=self._account,
        )
        if isinstance(error, EngineUnavailable):
            error.is_final = True
        return error


def translated(
    code: int,
    message: str,
    *,
    service_reason: str = "",
    metadata: Mapping[str, str] = _NOTHING,
    place: str = "",
    account: str = "",
    call: str = "",
    today: date | None = None,
) -> TrackletError:
    """
    Return the error of ours for a google.rpc.Code number.

    `call` is "start" or "ask" when a call failed, "" when the run itself did. `place` is the video's URI where it is known,
    `service_reason` and `metadata` are a google.rpc.ErrorInfo's. Only a failed call can be worth another try, and a quota that
    fills again soon.
    """
    google, detail = EngineName.GOOGLE, bounded(message)
    if code == code_pb2.RESOURCE_EXHAUSTED or service_reason in QUOTA_REASONS:
        return _quota_error(message, metadata)
    if _NOT_SIGNED_IN in message:
        refusal = sign_in_refusal(message)
        return EngineUnavailable(google, refusal.fault if refusal else EngineAbsence.OFFLINE, detail)
    if refusal := access_refusal(message, reason=service_reason, metadata=metadata):
        return EngineUnavailable(google, refusal.fault, detail, refusal.subject)
    if code == code_pb2.UNAUTHENTICATED:
        return EngineUnavailable(google, GoogleFault.CREDENTIALS, detail)
    if code == code_pb2.UNIMPLEMENTED:
        has_ended = (today or date.today()) >= GOOGLE_RETIRES
        return EngineUnavailable(google, EngineAbsence.RETIRED if has_ended else EngineAbsence.ENDPOINT, detail)
    if code == code_pb2.PERMISSION_DENIED and not (place or _GS_URI.search(message)):
        return EngineUnavailable(google, GoogleFault.RIGHT, detail)
    if code in _ABOUT_THE_VIDEO and call == "ask":
        return EngineRefused(google, EngineRefusal.LOST, detail)
    if code in _ABOUT_THE_VIDEO:
        return _video_error(code, message, place=place, account=account)
    if call == "start":
        was_sent = not any(text in message for text in _NOT_SENT)
        return EngineUnavailable(google, EngineAbsence.UNANSWERED if was_sent else EngineAbsence.OFFLINE, detail)
    if call:
        slow = code == code_pb2.DEADLINE_EXCEEDED
        return EngineUnavailable(google, EngineAbsence.TIMEOUT if slow else EngineAbsence.OFFLINE, detail)
    if code == code_pb2.CANCELLED:
        return Cancelled()
    slow = code == code_pb2.DEADLINE_EXCEEDED
    return EngineRefused(google, EngineRefusal.SLOW if slow else EngineRefusal.INTERNAL, detail)


_ABOUT_THE_VIDEO = {
    code_pb2.PERMISSION_DENIED,
    code_pb2.NOT_FOUND,
    code_pb2.INVALID_ARGUMENT,
    code_pb2.OUT_OF_RANGE,
    code_pb2.FAILED_PRECONDITION,
}


def _video_error(code: int, message: str, *, place: str, account: str) -> TrackletError:
    """Return what is wrong with the video, its bucket or that of its annotations."""
    google, detail = EngineName.GOOGLE, bounded(message)
    named = _GS_URI.search(message)
    where = named.group().rstrip(".") if named else place
    is_video = where == place
    if fault := object_fault(message):
        return StorageError(where or "gs://", "read" if is_video else "write", fault, detail)
    if code == code_pb2.PERMISSION_DENIED:
        role = "roles/storage.objectViewer" if is_video else "roles/storage.objectUser"
        return EngineRefused(google, EngineRefusal.PERMISSION, detail, place=where, account=account, role=role)
    if code == code_pb2.NOT_FOUND:
        if not where:
            return EngineRefused(google, EngineRefusal.PRECONDITION, detail)
        return SourceNotFound(where) if is_video else StorageError(where, "write", StorageFault.MISSING, detail)
    if code == code_pb2.OUT_OF_RANGE:
        return EngineRefused(google, EngineRefusal.SEGMENT, detail)
    if re.search(r"\b(?:location|region)", message, re.IGNORECASE):
        return EngineRefused(google, EngineRefusal.REGION, detail)
    if code == code_pb2.FAILED_PRECONDITION:
        return EngineRefused(google, EngineRefusal.PRECONDITION, detail)
    return EngineRefused(google, EngineRefusal.UNSUPPORTED, detail)


def _quota_error(message: str, metadata: Mapping[str, str]) -> EngineError:
    """Return whether a quota fills again within minutes: all do but those by the day, and those of nothing."""
    named = f"{message} {metadata.get('quota_limit', '')} {metadata.get('quota_unit', '')}"
    is_nothing = metadata.get("quota_limit_value") == "0"
    if is_nothing or (_LONG.search(named) and not _MINUTE.search(named)):
        return EngineRefused(EngineName.GOOGLE, EngineRefusal.QUOTA, bounded(message))
    return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.QUOTA, bounded(message))


def _no_token(error: CredentialsRefused) -> EngineUnavailable:
    if error.refusal is None:
        return EngineUnavailable(EngineName.GOOGLE, EngineAbsence.OFFLINE, error.detail)
    return EngineUnavailable(EngineName.GOOGLE, error.refusal.fault, error.detail, error.refusal.subject)


def _is_error(status: status_pb2.Status) -> bool:
    """Whether a result failed; a status of code 0 is no error (google.rpc.Code), unless it says something all the same."""
    return bool(status.code or status.message)


def _error_info(status: status_pb2.Status) -> error_details_pb2.ErrorInfo:
    """Return the reason that comes with a status, an empty one where none does."""
    info = error_details_pb2.ErrorInfo()
    next((detail for detail in status.details if detail.Unpack(info)), None)
    return info


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
    """Return the bytes of a file that may travel inside of a request; never reads more than the limit."""
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


def _is_over(operation: operations_pb2.Operation, video_uri: str, since: datetime) -> bool:
    """Return whether an operation looks at an object, and began at `since` or later; one that has not begun counts."""
    progress = vi.AnnotateVideoProgress.pb(vi.AnnotateVideoProgress())
    if not operation.metadata.Unpack(progress):
        return False
    return any(
        _gs_uri(entry.input_uri) == video_uri
        and (entry.start_time.ToDatetime(UTC) >= since if entry.HasField("start_time") else not operation.done)
        for entry in progress.annotation_progress
    )


def _mean(percents: Iterable[int]) -> int:
    numbers = [min(max(percent, 0), 100) for percent in percents]
    return sum(numbers) // len(numbers) if numbers else 0


def _gs_uri(service_name: str) -> str:
    """Return the service calls `gs://bucket/object` by `/bucket/object`."""
    return f"gs:/{service_name}" if service_name.startswith("/") else service_name
