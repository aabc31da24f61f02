"""
An app that only listens: it checks Slack's signature, writes down what it is told, and answers as a test says.

It stands for the bot in tests of the playground itself; the bot's own tests run the bot.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_sdk.signature import SignatureVerifier

SECRET = "a-secret-between-two"

Answer = Callable[["Heard"], web.StreamResponse]


@dataclass
class Heard:
    """One request: its headers, and its body parsed."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def event(self) -> dict[str, Any]:
        event = self.body.get("event", {})
        assert isinstance(event, dict)
        return event

    @property
    def kind(self) -> str:
        return str(self.event.get("type") or self.body.get("command") or self.body.get("type"))


@dataclass
class ListeningApp:
    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Answer = field(default=lambda heard: web.Response())
    hold: asyncio.Event | None = None
    """While this is not set, no answer goes out."""

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [heard.event for heard in self.heard if heard.event.get("type") == kind]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        assert SignatureVerifier(SECRET).is_valid_request(raw, dict(request.headers))
        if request.content_type == "application/json":
            body = json.loads(raw)
        else:
            form = {name: values[0] for name, values in parse_qs(raw.decode(), keep_blank_values=True).items()}
            body = json.loads(form["payload"]) if "payload" in form else form
        heard = Heard(dict(request.headers), body)
        self.heard.append(heard)
        if body.get("type") == "url_verification":
            return web.json_response({"challenge": body["challenge"]})
        if self.hold is not None:
            await self.hold.wait()
        return self.answer(heard)


@asynccontextmanager
async def listening_app() -> AsyncIterator[ListeningApp]:
    """A running app on a free port."""
    app = ListeningApp()
    server = web.Application()
    server.router.add_post("/slack/events", app.handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield app
    finally:
        await runner.cleanup()
