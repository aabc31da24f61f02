"""
The bytes of files over HTTP as the app sees them: the upload address of the v2 flow, and `url_private` with a bearer token.

Without a valid token Slack redirects to a sign-in page, and without `files:read` it answers 200 with one; so does this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import BodyPartReader, web

from playground.fault_injection import ApiCall, FaultInjector
from playground.files import CHUNK_BYTES, Files, TooManyBytes
from playground.payloads import ApiError
from playground.workspace import BOT_USER

_SIGN_IN = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head>
<body><h1>Sign in to Playground</h1><p>Enter your email address to go on.</p></body></html>"""

# What a browser may show in place; anything else is offered for saving, since a page of ours must not run what people upload.
_SHOWN_IN_PLACE = ("image/png", "image/jpeg", "image/gif", "image/webp", "video/", "audio/")


def file_response(path: Path, *, mimetype: str, name: str, download: bool = False) -> web.FileResponse:
    """Return a file with support of ranges, its detected type, and nothing in it allowed to run."""
    shown = mimetype.startswith(_SHOWN_IN_PLACE) and not download
    safe_name = "".join(letter for letter in name if letter.isascii() and letter.isprintable() and letter not in '"\\')
    return web.FileResponse(
        path,
        chunk_size=CHUNK_BYTES,
        headers={
            "Content-Type": mimetype or "application/octet-stream",
            "Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{safe_name or "file"}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, max-age=3600",
        },
    )


class FileRoutes:
    """The routes of files. `granted` tells whether a token may read files; None for a token that is not the app's."""

    def __init__(self, files: Files, injector: FaultInjector, granted: Callable[[str], bool | None]) -> None:
        self.files = files
        self.injector = injector
        self.granted = granted

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_post("/upload/v1/{ticket}", self.upload)
        app.router.add_get("/files-pri/{team}-{file_id}/{tail:.*}", self.download)
        app.router.add_get("/signin", self.sign_in)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Receive the bytes of a file, raw or as a form; their number must be the declared one."""
        return await self.injector.run(request, "upload", {}, self._upload)

    async def _upload(self, request: web.Request, call: ApiCall) -> web.Response:
        file = self.files.by_ticket(request.match_info["ticket"])
        if file is None:
            return web.Response(status=404, text="no such upload")
        try:
            await self.files.receive(file, _chunks(request))
        except TooManyBytes:
            return web.Response(status=400, text="more bytes than declared")
        if file.received_bytes != file.size_bytes:
            return web.Response(status=400, text="fewer bytes than declared")
        return web.Response(text=f"OK - {file.size_bytes}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Return the bytes of a file to a token that may read it."""
        return await self.injector.run(request, "download", {"file": request.match_info["file_id"]}, self._download)

    async def _download(self, request: web.Request, call: ApiCall) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        granted = self.granted(token) if scheme.lower() == "bearer" else None
        if granted is None:
            return web.Response(status=302, headers={"Location": f"{self.files.workspace.url}/signin"})
        if not granted:
            return await self.sign_in(request)
        try:
            file = self.files.visible(request.match_info["file_id"], BOT_USER)
        except ApiError:
            return web.Response(status=404, text="not found")
        if not file.path.exists():
            return web.Response(status=404, text="not found")
        return file_response(
            file.path, mimetype=file.mimetype, name=file.name, download=request.match_info["tail"].startswith("download/")
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """Return the page that comes instead of a file."""
        return web.Response(text=_SIGN_IN, content_type="text/html")


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    if request.content_type != "multipart/form-data":
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            yield chunk
        return
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            while chunk := await part.read_chunk(CHUNK_BYTES):
                yield bytes(chunk)
            return
