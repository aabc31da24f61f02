"""
A bot in a workspace of its own, for the tests of everything that is said in Slack.

The workspace is the playground over real HTTP; the work itself is canned, so that a test takes as long as the talking does.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from bot.app import Bot, Timeouts
from bot.jobs.processes import TaskRunner
from bot.jobs.testing import FakeTaskRunner
from bot.knowledge_graph import KNOWLEDGE_GRAPH
from bot.settings import Settings
from bot.web.server import HttpLimits
from bot.web.slack_requests import EVENTS_PATH
from playground import BOT_USER, Message, Playground, Timing, signature
from tracking.engines.remote import PATIENCE, Patience

SECRET = "a-secret-between-two"
CLIP = b"\x00\x00\x00\x18ftypmp42" + bytes(6000)

Json = dict[str, Any]
T = TypeVar("T")


@dataclass
class Workspace:
    """The bot, its Slack, and a web server for links; each test uses messages of its own."""

    slack: Playground
    bot: Bot
    children: FakeTaskRunner
    web_url: str
    web_requests: list[str]
    """Each request to that web server: its method and its path with the query."""

    def replies(self, message: Message) -> list[Message]:
        """What the bot said below a message, in order."""
        return [each for each in self.slack.thread(message.channel_id, message.ts)[1:] if each.user == BOT_USER]

    async def progress(self, message: Message, *, starts: str = "", holds: str = "") -> Message:
        """The bot's first reply, once its text is as wanted."""

        def found() -> Message | None:
            replies = self.replies(message)
            return replies[0] if replies and replies[0].text.startswith(starts) and holds in replies[0].text else None

        reply = await self.slack.until(found)
        assert reply is not None
        return reply

    async def clip(self, channel: str = "wildlife", *, name: str = "fox.mp4", **options: Any) -> Message:
        """Share a video; each call has other bytes."""
        self._clips += 1
        return await self.slack.upload_file(CLIP + self._clips.to_bytes(4, "big"), channel, name=name, **options)

    @contextmanager
    def unheard(self, channel: str) -> Iterator[None]:
        """Do something in a channel of which the bot hears nothing, although it sees it afterwards."""
        self.slack.kick(channel)
        try:
            yield
        finally:
            self.slack.invite(channel)

    async def deliver(self, event: Mapping[str, Any]) -> int:
        """Deliver an event as Slack does; the status of the bot's answer."""
        self._events += 1
        body: Json = {
            "type": "event_callback",
            "team_id": "T0PLAYGRND1",
            "event_id": f"Ev0MADE{self._events:04}",
            "event": event,
        }
        data, stamp = json.dumps(body).encode(), str(int(time.time()))
        headers = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(SECRET, stamp, data),
            "Content-Type": "application/json",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.bot.url + EVENTS_PATH, data=data, headers=headers) as answer,
        ):
            return answer.status

    async def job_count(self) -> int:
        """How many jobs there are, whatever became of them."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.bot.url}/metrics") as answer:
            counts = re.findall(r'tracklet_jobs\{state="\w+"\} (\d+)', await answer.text())
        return sum(map(int, counts))

    async def job_over(self) -> None:
        """Wait until every job is over: for those that nobody is told of."""
        async with asyncio.timeout(30), aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{self.bot.url}/metrics") as answer:
                    counts = re.findall(r'tracklet_jobs\{state="(\w+)"\} (\d+)', await answer.text())
                if all(state in {"done", "failed", "cancelled"} or number == "0" for state, number in counts):
                    return
                await asyncio.sleep(0.05)

    _clips: int = 0
    _events: int = 0


@asynccontextmanager
async def workspace(
    folder: Path,
    *,
    slack: Playground | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    real_work: bool = False,
    children: TaskRunner | None = None,
    knowledge_graph: str = KNOWLEDGE_GRAPH,
    http_limits: HttpLimits = HttpLimits(look_s=0),  # noqa: B008  # frozen
    remote: Patience = PATIENCE,
) -> AsyncIterator[Workspace]:
    """Start all of it; `settings` differ from those of `settings_for`; with `real_work` children work, or `children` do."""
    asked: list[str] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.raw_path}")
        return await _serve_link(request)

    server = web.Application()
    server.router.add_get("/{name}", serve)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        timing = Timing(retry_after_s=(0.0, 0.2, 0.2))
        async with slack or Playground(signing_secret=SECRET, timing=timing, limits=None) as playground:
            fake = FakeTaskRunner()
            bot = Bot(
                settings_for(playground, folder, settings),
                children=None if real_work else children or fake,
                knowledge_graph=knowledge_graph,
                patience=Timeouts(file_event_s=0.1, share_s=2.0, file_pauses_s=(0.1, 0.2, 0.4), token_s=0.0, remote=remote),
                http_limits=http_limits,
            )
            await bot.start()
            playground.bot_url = bot.url + EVENTS_PATH
            try:
                yield Workspace(playground, bot, fake, f"http://127.0.0.1:{runner.addresses[0][1]}", asked)
            finally:
                await bot.stop()
    finally:
        await runner.cleanup()


def settings_for(slack: Playground, folder: Path, changes: Mapping[str, Any]) -> Settings:
    """The settings of a bot in that workspace."""
    values: Json = {
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_signing_secret": SecretStr(SECRET),
        "slack_api_url": slack.api_url,
        "data_dir": folder,
        "http_port": 0,
        "engine": "motion",
        "allowed_hosts": ("127.0.0.1",),
    }
    return Settings(**values | dict(changes))


async def eventually(found: Callable[[], T], *, within_s: float = 60.0) -> T:
    """`found()`, once it is true in the sense of `if`: for what neither the workspace nor a future tells of."""
    async with asyncio.timeout(within_s):
        while not (value := found()):  # noqa: ASYNC110  # another process, or another server, changes it
            await asyncio.sleep(0.01)
    return value


async def _drip(request: web.Request) -> web.StreamResponse:
    """A video whose bytes do not end, and hardly come."""
    answer = web.StreamResponse(headers={"Content-Length": "50000000", "Content-Type": "video/mp4"})
    await answer.prepare(request)
    if request.method == "GET":
        try:
            await answer.write(CLIP)
            with suppress(ConnectionError):
                while True:
                    await asyncio.sleep(1)
                    await answer.write(b"\0")
        finally:
            if request.transport is not None:
                request.transport.abort()
    return answer


async def _serve_link(request: web.Request) -> web.StreamResponse:
    """
    Links by name: `*.mp4` and `watch` are videos, `page` is a page, `wall.mp4` a login form behind a good name.

    `download` and `presigned` are videos that do not say so; the latter takes no HEAD.
    """
    name = request.match_info["name"]
    if name == "wall.mp4":
        return web.Response(text="<html><form><input type=password></form></html>", content_type="text/html")
    if name.startswith("drip"):
        return await _drip(request)
    if name == "presigned" and request.method == "HEAD":
        raise web.HTTPForbidden
    if name in {"download", "presigned"}:
        return web.Response(body=CLIP + name.encode(), content_type="application/octet-stream")
    if name.endswith(".mp4") or name == "watch":
        return web.Response(body=CLIP + name.encode(), content_type="video/mp4")
    if name == "page":
        return web.Response(text="<!doctype html><title>A page</title>", content_type="text/html")
    raise web.HTTPNotFound
