"""
Socket Mode: the app opens a WebSocket with an app-level token and gets everything through it, in envelopes that it
acknowledges.

Envelopes go to one of the open connections. What is not acknowledged in time is sent again by `delivery.py`, as over HTTP.
Addresses carry a secret that works once. Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid

from aiohttp import WSMsgType, web

from playground.delivery import Delivery
from playground.payloads import Json
from playground.workspace import APP_ID

MAX_CONNECTIONS = 10
_ENVELOPES = {"event": "events_api", "command": "slash_commands", "interaction": "interactive"}


class SocketHub:
    """The open connections of the app."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[web.WebSocketResponse] = []
        self.opened = asyncio.Event()
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[object]] = {}
        self._turn = 0

    def open_url(self) -> str:
        """Return the address of a new connection."""
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return f"{self.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP_ID}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection of the app, from hello to close."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or len(self.connections) >= MAX_CONNECTIONS:
            raise web.HTTPForbidden(text="invalid or used ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        info = {"host": "playground", "approximate_connection_time": 3600}
        hello: Json = {"type": "hello", "num_connections": len(self.connections) + 1, "debug_info": info}
        await socket.send_json(hello | {"connection_info": {"app_id": APP_ID}})
        self.connections.append(socket)
        self.opened.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledged(str(message.data))
        finally:
            self.connections.remove(socket)
            if not self.connections:
                self.opened.clear()
        return socket

    def _acknowledged(self, text: str) -> None:
        try:
            body = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.pop(str(body.get("envelope_id")), None) if isinstance(body, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(body.get("payload") or "")

    async def tell(self, delivery: Delivery, timeout_s: float) -> object:
        """Send one envelope, wait for its acknowledgement, and return what came with it."""
        envelope_id = str(uuid.uuid4())
        envelope: Json = {"envelope_id": envelope_id, "type": _ENVELOPES[delivery.kind], "payload": delivery.payload}
        envelope["accepts_response_payload"] = delivery.kind != "event"
        if delivery.kind == "event":
            envelope |= {"retry_attempt": delivery.retry_num, "retry_reason": delivery.retry_reason}
        acknowledged: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = acknowledged
        try:
            async with asyncio.timeout(timeout_s):
                while not self.connections:
                    await self.opened.wait()
                self._turn += 1
                await self.connections[self._turn % len(self.connections)].send_json(envelope)
                return await acknowledged
        finally:
            self._waiting.pop(envelope_id, None)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask the app to connect again, as Slack does every few hours, and close the connections that are open."""
        for socket in tuple(self.connections):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}})
            await socket.close()

    async def close(self) -> None:
        """Close every connection."""
        for socket in tuple(self.connections):
            await socket.close()
