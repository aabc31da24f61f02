"""
The playground: a small, strict Slack workspace on this computer, for trying the bot in a browser and as the Slack of scenario
tests.

    async with Playground(bot_url="http://127.0.0.1:3000/slack/events") as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        message = slack.post_message("wildlife", "look: https://example.org/fox.mp4")
        reply = await slack.until(lambda: slack.thread("wildlife", message.ts)[1:])

The page is at `slack.page_url`, which holds a secret (guard.py). Tokens and secrets are random unless they are given:
`slack.bot_token`, `slack.signing_secret`. With an `app_token` it speaks Socket Mode and never HTTP; without one it posts signed
requests to `bot_url`, which may be set later (the app's port is often known last). Everything lives in memory and a temporary
folder, and listens on 127.0.0.1 alone. `faults` makes calls fail, `calls` and `deliveries` record the traffic in both
directions.

This module joins the parts: workspace.py (state), web_api.py and blocks.py (what is allowed), files.py and file_routes.py,
events.py and delivery.py (to the app), socket_mode.py, people.py (actions of people), driver.py (observing and acting, for
tests and for the page), page.py (the page's HTTP side), and guard.py (access control).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from aiohttp import web

from playground.arguments import read_arguments
from playground.delivery import AppLink, request_url
from playground.driver import Driver
from playground.events import envelope, events_of, is_delivered
from playground.fault_injection import ApiCall, FaultInjector, rate_limited
from playground.faults import Faults, RateLimiter, RateLimits
from playground.file_routes import FileRoutes
from playground.files import Files, Processing
from playground.guard import Guard
from playground.manifest import BOT_EVENTS, BOT_SCOPES, MANIFEST, Shortcut, SlashCommand
from playground.page import Page
from playground.payloads import ApiError
from playground.people import People
from playground.socket_mode import SocketHub
from playground.triggers import Triggers
from playground.web_api import METHODS, WebApi
from playground.workspace import (
    Change,
    Workspace,
)

T = TypeVar("T")

MAX_JSON_BYTES = 4 << 20


@dataclass(frozen=True)
class Timing:
    """
    Durations, in seconds: Slack's own values, made short where a test says so.

    `retry_after_s` are the pauses before an event is sent again (Slack: at once, then 1 and 5 minutes).
    """

    ack_s: float = 3.0
    retry_after_s: Sequence[float] = (0.0, 60.0, 300.0)
    trigger_s: float = 3.0
    response_url_s: float = 1800.0
    response_url_uses: int = 5


class Playground(Driver):
    """The workspace as a server and as an object. Use it as a context manager, or `start` and `aclose`."""

    def __init__(
        self,
        *,
        port: int = 0,
        bot_url: str | None = None,
        signing_secret: str | None = None,
        bot_token: str | None = None,
        app_token: str | None = None,
        samples: Sequence[Path] = (),
        scopes: Collection[str] = BOT_SCOPES,
        bot_events: Collection[str] = BOT_EVENTS,
        commands: Sequence[SlashCommand] = MANIFEST.commands,
        shortcuts: Sequence[Shortcut] = MANIFEST.shortcuts,
        app_name: str = MANIFEST.app_name,
        timing: Timing = Timing(),  # frozen
        processing: Processing = Processing(),  # noqa: B008  # frozen
        limits: RateLimits | None = RateLimits(),  # noqa: B008  # frozen
        max_file_bytes: int = 1 << 30,
    ) -> None:
        self._wanted_port = port
        self._bot_url = bot_url
        self.signing_secret = signing_secret or secrets.token_hex(16)
        self.bot_token = bot_token or f"xoxb-{secrets.token_urlsafe(24)}"
        self.app_token = app_token
        self._revoked = ""
        self.samples = {path.name: path for path in samples}
        self._bot_events = frozenset(bot_events)
        self._commands = tuple(commands)
        self._shortcuts = tuple(shortcuts)
        self._timing = timing
        self._changed = asyncio.Event()
        self.workspace = Workspace(app_name=app_name)
        self.faults = Faults()
        self.limiter = RateLimiter(limits)
        self.files = Files(self.workspace, faults=self.faults, processing=processing, max_file_bytes=max_file_bytes)
        self.triggers = Triggers(
            self.workspace,
            trigger_s=timing.trigger_s,
            response_url_s=timing.response_url_s,
            response_url_uses=timing.response_url_uses,
        )
        self.socket = SocketHub()
        self.web_api = WebApi(self.workspace, self.files, self.triggers, scopes=scopes, open_socket=self.socket.open_url)
        self._injector = FaultInjector(self.faults, self._change)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._page = Page(self)
        self._guard = Guard()
        self.link: AppLink
        self.people: People
        self.port = 0

    # Life

    async def start(self) -> Self:
        """Listen; the address is `url` from then on."""
        self._folder = tempfile.TemporaryDirectory(prefix="playground-", ignore_cleanup_errors=True)
        self.files.folder = Path(self._folder.name)
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self.link = AppLink(
            bot_url=self._bot_url,
            signing_secret=self.signing_secret,
            socket=self.socket if self.app_token else None,
            ack_s=self._timing.ack_s,
            retry_after_s=self._timing.retry_after_s,
            changed=self._change,
            session=self._session,
        )
        self.people = People(
            self.workspace, self.triggers, self.link, self.web_api, commands=self._commands, shortcuts=self._shortcuts
        )
        app = web.Application(middlewares=[self._guard.check], client_max_size=MAX_JSON_BYTES)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/commands/{port}/{secret}", self._response_url)
        app.router.add_get("/link/", self.socket.handle)
        FileRoutes(self.files, self._injector, self._may_read_files).add_to(app)
        self._page.add_to(app)
        app.on_shutdown.append(self._page.close)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._wanted_port)
        await site.start()
        self.port = self._guard.port = int(self._runner.addresses[0][1])
        self.workspace.url = self.socket.url = f"http://127.0.0.1:{self.port}"
        self.workspace.watch(self._on_change)
        return self

    async def aclose(self) -> None:
        """Stop listening and forget everything."""
        await self.socket.close()
        if hasattr(self, "link"):
            await self.link.close()
        self.files.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return self.workspace.url

    @property
    def page_url(self) -> str:
        """The page's address with its secret token, which opens it again and again: for a person's eyes, never for a log."""
        return f"{self.url}/?token={self._guard.key}"

    def single_use_page_url(self) -> str:
        """The page's address with a token that opens it once."""
        return f"{self.url}/?token={self._guard.single_use_key()}"

    @property
    def routes(self) -> list[tuple[str, str]]:
        """Every route: its method, "*" for all, and its path with names in braces."""
        assert self._runner is not None
        found = ((route.method, route.resource) for route in self._runner.app.router.routes())
        return [(method, resource.canonical) for method, resource in found if resource is not None]

    @property
    def api_url(self) -> str:
        """The address for `AsyncWebClient(base_url=...)` and TRACKLET_SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def bot_url(self) -> str | None:
        """The address that requests to the app go to."""
        return self.link.bot_url

    @bot_url.setter
    def bot_url(self, url: str | None) -> None:
        self.link.bot_url = request_url(url)

    async def verify_bot_url(self) -> bool:
        """Perform Slack's handshake with a request URL, and return whether the app passed it."""
        return await self.link.verify()

    async def break_connections(self) -> None:
        """Break the live connections of every page that is open, as sleep does; pages connect again by themselves."""
        await self._page.break_connections()

    def uninstall(self) -> None:
        """Remove the app: it gets the events of that, and its token is refused from then on."""
        self.workspace.announce(Change("tokens_revoked"))
        self.workspace.announce(Change("app_uninstalled"))
        self._revoked, self.bot_token = self.bot_token, ""

    # Inside

    def _on_change(self, change: Change) -> None:
        for name, event in events_of(self.workspace, self.files, change):
            if is_delivered(name, subscribed=self._bot_events, scopes=self.web_api.scopes):
                self.link.send_event(envelope(self.workspace, event))
        self._change()

    def _may_read_files(self, token: str) -> bool | None:
        return "files:read" in self.web_api.scopes if _same(token, self.bot_token) else None

    async def _api(self, request: web.Request) -> web.StreamResponse:
        return await self._injector.run(request, request.match_info["method"], {}, self._call)

    async def _call(self, request: web.Request, call: ApiCall) -> web.StreamResponse:
        name, headers = call.method, dict[str, str]()
        try:
            arguments = await read_arguments(request)
            call.arguments = {key: value for key, value in arguments.given.items() if key != "token"}
            method = METHODS.get(name)
            if method is None:
                raise ApiError("unknown_method", req_method=name)
            self._authorize(request, str(arguments.given.pop("token", "")), app_token=method.app_token)
            if not method.app_token:
                headers = {"X-OAuth-Scopes": ",".join(sorted(self.web_api.scopes))}
                headers |= {"X-Accepted-OAuth-Scopes": ",".join(method.scopes)} if method.scopes else {}
                self.web_api.require(*method.scopes)
            wait_s = self.limiter.wait_for(name, method.tier, arguments.text("channel"))
            if wait_s:
                return rate_limited(wait_s, call)
            call.answer = {"ok": True, **await method.handler(self.web_api, arguments)}
        except ApiError as refusal:
            call.answer = refusal.answer()
        return web.json_response(call.answer, headers=headers)

    def _authorize(self, request: web.Request, argument: str, *, app_token: bool) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token if scheme.lower() == "bearer" else argument
        if not token:
            raise ApiError("not_authed")
        if _same(token, self.bot_token) and not app_token:
            return
        if self.app_token and _same(token, self.app_token) and app_token:
            return
        if _same(token, self.bot_token) or (self.app_token and _same(token, self.app_token)):
            raise ApiError("not_allowed_token_type")
        raise ApiError("account_inactive" if _same(token, self._revoked) else "invalid_auth")

    async def _response_url(self, request: web.Request) -> web.StreamResponse:
        return await self._injector.run(request, "response_url", {}, self._respond)

    async def _respond(self, request: web.Request, call: ApiCall) -> web.StreamResponse:
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise ApiError("invalid_payload")
            call.arguments = body
            self.people.respond(request.match_info["secret"], body)
        except ValueError:
            call.answer = {"ok": False, "error": "invalid_payload"}
        except ApiError as refusal:
            call.answer = refusal.answer()
        else:
            call.answer = {"ok": True}
            return web.Response(text="ok")
        gone = call.answer["error"] in ("used_url", "expired_url", "no_service")
        return web.json_response(call.answer, status=404 if gone else 400)


def _same(given: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
