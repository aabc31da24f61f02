"""
A video with its tracks in the browser: `tracklet view`.

The page and the video are served to this computer alone, under an address that holds a random token.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from bot.texts import cli
from rendering.viewer.page import view_of
from tracking.errors import OptionError
from tracking.formats import video_intelligence

HOST = "127.0.0.1"
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


def page_of(video: Path, annotations: Sequence[Path]) -> bytes:
    """Return the page of a video with one or more annotation files, named as these are. Raises `InputError`."""
    return view_of(video, video.name, "video", [(path.name, video_intelligence.read(path)) for path in annotations])


async def serve_view(video: Path, page: bytes, *, port: int, opens_browser: bool, ready: Callable[[str], None]) -> None:
    """Serve the page until SIGTERM or SIGINT; `ready` gets its address. Raises `OptionError` where the port is taken."""
    ended = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    token = secrets.token_urlsafe(24)

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="text/html", charset="utf-8", headers=HEADERS)

    async def play(_: web.Request) -> web.FileResponse:
        return web.FileResponse(video, headers=HEADERS)

    app = web.Application()
    app.router.add_get(f"/{token}/", show)
    app.router.add_get(f"/{token}/video", play)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise OptionError("--port", str(port), cli.view_port_taken()) from error
        address = f"http://{HOST}:{runner.addresses[0][1]}/{token}/"
        ready(address)
        if opens_browser:
            await asyncio.to_thread(webbrowser.open, address)
        await ended.wait()
    finally:
        await runner.cleanup()
