"""
The Video Intelligence service on loopback: real protobuf over real gRPC, scripted failures, no Google.

A run moves with each poll instead of with the clock, so that a test decides how long it takes: `Script` says what a run does,
and the server counts what it was asked. Annotation files go wherever `put` puts them, as the service writes them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

import grpc
from google.cloud import videointelligence_v1 as vi
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # ships no types
from google.rpc import code_pb2, error_details_pb2, status_pb2

Put = Callable[[str, bytes], Awaitable[None]]

SERVICE = "google.cloud.videointelligence.v1.VideoIntelligenceService"
BOX = {"left": 0.25, "top": 0.25, "right": 0.5, "bottom": 0.5}


def annotation_file(
    video_uri: str = "", *, labels: Iterable[str] = ("cat",), frames: int = 12, problem: dict[str, object] | None = None
) -> bytes:
    """A file as the service writes it: snake_case, zeros left out, one object per label, a sighting every 0.1 s."""
    objects = [
        {
            "entity": {"entity_id": f"/m/0{index + 1}", "description": label, "language_code": "en-US"},
            "confidence": 0.9,
            "segment": {"start_time_offset": {}, "end_time_offset": _offset((frames - 1) / 10)},
            "frames": [{"normalized_bounding_box": BOX, "time_offset": _offset(frame / 10)} for frame in range(frames)],
        }
        for index, label in enumerate(labels)
    ]
    result: dict[str, object] = {"input_uri": video_uri.removeprefix("gs:/"), "object_annotations": objects}
    failed: list[dict[str, object]] = [{"input_uri": result["input_uri"], "error": problem}] if problem else []
    return json.dumps({"annotation_results": [result, *failed]}).encode()


def _offset(seconds: float) -> dict[str, int]:
    whole, nanos = divmod(round(seconds * 1e9), 1_000_000_000)
    return {name: value for name, value in (("seconds", whole), ("nanos", nanos)) if value}


@dataclass(slots=True)
class Script:
    """
    What the next runs do. Codes are google.rpc.Code numbers, 0 for none.

    A run is done at its `polls`-th poll, and its output is there then, unless it `hangs`, does not `finish` (the output comes,
    the operation is never done) or does not `write`. `start_code` refuses the start; `loses_answer` begins the run and answers
    UNAVAILABLE, `stalls_answer` begins it and never answers. The first `unavailable_polls` polls answer with `poll_code`.
    `run_code` fails the run. With `at_once` the output is there before the start is answered. An error comes with `message`,
    and with `reason` and `metadata` where there is a reason. Only with `lists` the service lists its operations; a run that
    never `stops` goes on although it is cancelled.
    """

    polls: int = 2
    start_code: int = 0
    loses_answer: bool = False
    stalls_answer: bool = False
    at_once: bool = False
    unavailable_polls: int = 0
    poll_code: int = code_pb2.UNAVAILABLE
    run_code: int = 0
    message: str = "scripted"
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    lists: bool = False
    stops: bool = True
    hangs: bool = False
    finishes: bool = True
    writes: bool = True
    content: bytes = b""
    problem: dict[str, object] | None = None


@dataclass(slots=True)
class Run:
    """One operation, as the server keeps it."""

    name: str
    request: vi.AnnotateVideoRequest
    script: Script
    polls: int = 0
    is_cancelled: bool = False
    is_written: bool = False
    content: bytes = field(default=b"", repr=False)
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class VideoIntelligenceServer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]  # ships no types
    """An async context manager; `endpoint` is what the client is given."""

    def __init__(self, put: Put | None = None, *, script: Script | None = None) -> None:
        self.script = script or Script()
        self.runs: dict[str, Run] = {}
        self.start_calls = 0
        self.endpoint = ""
        self._put = put
        self._server = grpc.aio.server()

    async def __aenter__(self) -> VideoIntelligenceServer:
        annotate = grpc.unary_unary_rpc_method_handler(
            self._annotate,
            request_deserializer=vi.AnnotateVideoRequest.deserialize,
            response_serializer=operations_pb2.Operation.SerializeToString,
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"AnnotateVideo": annotate}),))
        operations_pb2_grpc.add_OperationsServicer_to_server(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self.endpoint = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.stop(None)

    @property
    def only_run(self) -> Run:
        (run,) = self.runs.values()
        return run

    async def write_output(self, run: Run) -> None:
        """Put the run's annotation file where the request wants it; once."""
        if run.request.output_uri and self._put is not None and not run.is_written:
            run.is_written = True
            await self._put(run.request.output_uri, run.content)

    async def _annotate(
        self, request: vi.AnnotateVideoRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> operations_pb2.Operation:
        self.start_calls += 1
        script = self.script
        if script.start_code:
            await _abort(context, script.start_code, script)
        for uri in (request.input_uri, request.output_uri):
            if uri and not uri.startswith("gs://"):
                await _abort(context, code_pb2.INVALID_ARGUMENT, Script(message=f"Unsupported URI: {uri}"))
        if not request.input_uri and not request.input_content:
            await _abort(context, code_pb2.INVALID_ARGUMENT, Script(message="No input."))
        name = f"projects/1/locations/{request.location_id or 'us-east1'}/operations/{len(self.runs) + 1}"
        content = script.content or annotation_file(request.input_uri, problem=script.problem)
        self.runs[name] = Run(name, request, script, content=content)
        if script.at_once:
            await self.write_output(self.runs[name])
        if script.stalls_answer:
            await asyncio.Event().wait()
        if script.loses_answer:
            await _abort(context, code_pb2.UNAVAILABLE, script)
        return operations_pb2.Operation(name=name)

    async def GetOperation(  # noqa: N802 - named by the protocol
        self, request: operations_pb2.GetOperationRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> operations_pb2.Operation:
        run = self.runs.get(request.name)
        if run is None:
            await _abort(context, code_pb2.NOT_FOUND, Script(message=f"Operation not found: {request.name}"))
            raise AssertionError("abort raises")
        run.polls += 1
        script = run.script
        if run.polls <= script.unavailable_polls:
            await _abort(context, script.poll_code, script)
        over = run.polls >= script.polls + script.unavailable_polls and not script.hangs
        done = run.is_cancelled or (over and script.finishes)
        operation = operations_pb2.Operation(name=run.name, done=done)
        operation.metadata.Pack(self._progress(run, done=done))
        if run.is_cancelled:
            operation.error.CopyFrom(status_pb2.Status(code=code_pb2.CANCELLED, message="The operation was cancelled."))
        elif over and script.run_code:
            operation.error.CopyFrom(_status(script.run_code, script))
        elif over:
            if script.writes:
                await self.write_output(run)
            if done:
                operation.response.Pack(vi.AnnotateVideoResponse.pb(vi.AnnotateVideoResponse(json.loads(run.content))))
        return operation

    async def ListOperations(  # noqa: N802 - named by the protocol
        self, request: operations_pb2.ListOperationsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> operations_pb2.ListOperationsResponse:
        if not self.script.lists:
            await _abort(context, code_pb2.UNIMPLEMENTED, self.script)
        listed = operations_pb2.ListOperationsResponse()
        for run in self.runs.values():
            if run.name.startswith(f"{request.name}/"):
                operation = listed.operations.add(name=run.name)
                operation.metadata.Pack(self._progress(run, done=False))
        return listed

    async def CancelOperation(  # noqa: N802 - named by the protocol
        self, request: operations_pb2.CancelOperationRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> empty_pb2.Empty:
        run = self.runs.get(request.name)
        if run is None:
            await _abort(context, code_pb2.NOT_FOUND, Script(message=f"Operation not found: {request.name}"))
            raise AssertionError("abort raises")
        run.is_cancelled = run.script.stops
        return empty_pb2.Empty()

    def _progress(self, run: Run, *, done: bool) -> object:
        percent = 100 if done else min(99, 100 * run.polls // (run.script.polls + run.script.unavailable_polls + 1))
        entry = vi.VideoAnnotationProgress(
            input_uri=run.request.input_uri.removeprefix("gs:/"), progress_percent=percent, start_time=run.began_at
        )
        return vi.AnnotateVideoProgress.pb(vi.AnnotateVideoProgress(annotation_progress=[entry]))


def _status(code: int, script: Script) -> status_pb2.Status:
    """Return an error, with an ErrorInfo where the script gives a reason."""
    status = status_pb2.Status(code=code, message=script.message)
    if script.reason:
        info = error_details_pb2.ErrorInfo(reason=script.reason, domain="googleapis.com", metadata=script.metadata)
        status.details.add().Pack(info)
    return status


async def _abort(context: grpc.aio.ServicerContext[object, object], code: int, script: Script) -> None:
    if script.reason:
        context.set_trailing_metadata((("grpc-status-details-bin", _status(code, script).SerializeToString()),))
    status_code = next(status for status in grpc.StatusCode if status.value[0] == code)
    await context.abort(status_code, script.message)
