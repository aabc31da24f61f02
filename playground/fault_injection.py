"""
Fault injection: requests of the app meet the faults that were asked for, and are recorded with their answers.

Used for the Web API and for the bytes of files alike. A token never gets into the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from playground.faults import FaultKind, Faults, OtherAnswer, merged
from playground.payloads import ApiError, Json


@dataclass
class ApiCall:
    """
    One call by the app: a method of the Web API, or "upload", "download", "response_url".

    `status` 0 means that the connection broke; `answer` is then the answer that was lost. `error` is the refusal, if it was
    one.
    """

    method: str
    arguments: Json
    status: int = 0
    answer: Json | None = None

    @property
    def ok(self) -> bool:
        return self.status == 200 and (self.answer is None or self.answer.get("ok") is True)

    @property
    def error(self) -> str:
        return str((self.answer or {}).get("error", ""))


Handler = Callable[[web.Request, ApiCall], Awaitable[web.StreamResponse]]


class FaultInjector:
    """The runner of handlers with the faults of `faults`; `calls` is the record, `changed` is called after each line of it."""

    def __init__(self, faults: Faults, changed: Callable[[], None]) -> None:
        self.faults = faults
        self.calls: list[ApiCall] = []
        self._changed = changed

    async def run(
        self,
        request: web.Request,
        method: str,
        arguments: Json,
        handler: Handler,
    ) -> web.StreamResponse:
        """Answer a request by `handler`, which may add to the record of the call, or by the fault that is waiting for it."""
        call = ApiCall(method, arguments)
        self.calls.append(call)
        try:
            response = await self._faulted(request, method, handler, call)
            call.status = response.status if request.transport and not request.transport.is_closing() else 0
            return response
        finally:
            self._changed()

    async def _faulted(self, request: web.Request, method: str, handler: Handler, call: ApiCall) -> web.StreamResponse:
        fault = self.faults.take(method)
        if fault is None:
            return await handler(request, call)
        if fault.kind is FaultKind.DELAYED:
            await asyncio.sleep(fault.amount)
            return await handler(request, call)
        if fault.kind is FaultKind.LOST_RESPONSE:
            response = await handler(request, call)
            _hang_up(request)
            return response
        if fault.kind is FaultKind.LOST_REQUEST:
            _hang_up(request)
            return web.Response()
        if fault.other is not None:
            return await _something_else(request, fault.other, handler, call)
        if fault.kind is FaultKind.ALTERED:
            response = await handler(request, call)
            if call.answer is not None and response.status == 200:
                call.answer = merged(call.answer, fault.changes)
                return web.json_response(call.answer)
            return response
        if fault.kind is FaultKind.SERVER_ERROR:
            return web.Response(status=500, text="internal server error")
        if fault.kind is FaultKind.RATE_LIMITED:
            return rate_limited(int(fault.amount), call)
        if fault.error.isdigit():
            return web.Response(status=int(fault.error), text="refused")
        call.answer = ApiError(fault.error).answer()
        return web.json_response(call.answer)


async def _something_else(request: web.Request, other: OtherAnswer, handler: Handler, call: ApiCall) -> web.Response:
    if other.is_done:
        await handler(request, call)
    call.answer = None
    return web.Response(status=other.status, body=other.body, content_type=other.content_type)


def rate_limited(retry_after_s: int, call: ApiCall) -> web.Response:
    """Return HTTP 429 as Slack sends it."""
    call.answer = {"ok": False, "error": "ratelimited"}
    return web.json_response(call.answer, status=429, headers={"Retry-After": str(retry_after_s)})


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
