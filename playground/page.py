"""
The HTTP side of the page: its files, its content as JSON, its live WebSocket, and the actions of the person.

The person is always "you". Everything here belongs to the page alone: `guard.py` lets nobody else in. The page itself runs
nothing but its own files (Content-Security-Policy).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from pathlib import Path

from aiohttp import WSMsgType, web

from playground.driver import Driver
from playground.file_routes import file_response
from playground.files import CHUNK_BYTES, FileState, StoredFile, TooManyBytes
from playground.payloads import ApiError, Json
from playground.people import NoSuchElement, Target
from playground.workspace import BOT_USER, DIRECT, WILDLIFE, YOU, Change, Channel, Ephemeral, Message, View

STATIC = Path(__file__).parent / "static"
MAX_MESSAGES = 500
MAX_TEXT = 12_000

MAX_FILES = 10
"""Slack's client takes no more files in one message."""

_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

Action = Callable[[Json], Awaitable[Json]]


class Page:
    """Routes and live connections of the page."""

    def __init__(self, playground: Driver) -> None:
        self.playground = playground
        self.workspace = playground.workspace
        self._live: set[asyncio.Queue[Json]] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self._stop_watching: Callable[[], None] | None = None

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application, and watch the workspace."""
        for path in ("/", "/archives/{channel}/{message}", "/files/{user}/{file_id}/{slug}"):
            app.router.add_get(path, self._index)
        app.router.add_get("/favicon.ico", self._no_icon)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/playground/state", self._state)
        app.router.add_get("/playground/live", self._live_updates)
        app.router.add_get("/playground/files/{file_id}", self._file)
        app.router.add_post("/playground/upload", self._upload)
        for name, action in self._actions().items():
            app.router.add_post(f"/playground/{name}", self._acting(action))
        self._stop_watching = self.workspace.watch(self._on_change)

    async def close(self, app: web.Application) -> None:
        """Close the live connections."""
        if self._stop_watching:
            self._stop_watching()
        await self.break_connections()

    async def break_connections(self) -> None:
        """Close the live connections; pages that are open come back."""
        for socket in tuple(self._sockets):
            await socket.close()

    # The page's own files

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return self._own_file("index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return self._own_file(request.match_info["name"])

    async def _no_icon(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    def _own_file(self, name: str) -> web.StreamResponse:
        path = STATIC / name
        if path.parent != STATIC or path.suffix not in _TYPES or not path.is_file():
            raise web.HTTPNotFound
        # Requested again each time, answered with 304 while the file is the same: a new version is never mixed with an old one.
        headers = _PAGE_HEADERS | {"Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8", "Cache-Control": "no-cache"}
        return web.FileResponse(path, headers=headers)

    # What is shown

    async def _state(self, request: web.Request) -> web.StreamResponse:
        return _json(self.snapshot())

    def snapshot(self) -> Json:
        """Return everything that the page shows, for its start and after a lost connection."""
        workspace = self.workspace
        home = workspace.homes.get(YOU)
        return {
            "me": YOU,
            "app": {"user": BOT_USER, "name": workspace.app_name, "direct": DIRECT, "start": WILDLIFE},
            "users": [
                {"id": user.id, "name": user.name, "real_name": user.real_name, "is_bot": bool(user.bot_id)}
                for user in workspace.users.values()
            ],
            "channels": [self._channel(channel) for channel in workspace.channels.values() if YOU in channel.members],
            "messages": {
                channel.id: [self._message(message) for message in channel.messages[-MAX_MESSAGES:]]
                for channel in workspace.channels.values()
                if YOU in channel.members
            },
            "ephemerals": [self._ephemeral(shown) for shown in workspace.ephemerals if shown.user == YOU],
            "views": [self._view(view) for view in workspace.views.values() if view.user == YOU],
            "home": self._view(home) if home else None,
            "commands": [vars(command) for command in self.playground.people.commands.values()],
            "shortcuts": [vars(shortcut) for shortcut in self.playground.people.shortcuts.values()],
            "samples": list(self.playground.samples),
            "max_file_bytes": self.playground.files.max_file_bytes,
            "max_files": MAX_FILES,
        }

    def _channel(self, channel: Channel) -> Json:
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "purpose": channel.purpose,
            "members": channel.members,
            "archived": channel.archived,
        }

    def _message(self, message: Message) -> Json:
        shown = self.workspace.message_json(message)
        shown |= {"channel": message.channel_id, "broadcast": message.broadcast}
        shown["blocks"] = self._with_pictures(message.blocks)
        shown["files"] = [self._file_json(str(file["id"])) for file in message.files]
        return shown

    def _ephemeral(self, shown: Ephemeral) -> Json:
        return {
            "type": "ephemeral",
            "channel": shown.channel_id,
            "ts": shown.ts,
            "text": shown.text,
            "blocks": self._with_pictures(shown.blocks),
            "thread_ts": shown.thread_ts,
            "user": BOT_USER if shown.from_app else "",
        }

    def _view(self, view: View) -> Json:
        shown = self.workspace.view_json(view)
        return shown | {"blocks": self._with_pictures(view.view["blocks"]), "channel": view.channel_id}

    def _with_pictures(self, blocks: list[Json]) -> list[Json]:
        """Return blocks with the addresses of their pictures; a picture that the person may not see has none."""
        shown = deepcopy(blocks)
        for block in shown:
            for element in (block, block.get("accessory"), *block.get("elements", [])):
                if isinstance(element, dict) and isinstance(element.get("slack_file"), dict):
                    file = self._picture(element.pop("slack_file"))
                    if file is not None:
                        element["src"] = f"/playground/files/{file.id}"
        return shown

    def _picture(self, reference: Json) -> StoredFile | None:
        for file in self.playground.files.by_id.values():
            body = self.playground.files.file_json(file)
            if reference.get("id") == file.id or reference.get("url") in (body.get("url_private"), body.get("permalink")):
                return file if self._may_see(file) else None
        return None

    def _may_see(self, file: StoredFile) -> bool:
        try:
            self.playground.files.visible(file.id, YOU)
        except ApiError:
            return False
        return True

    def _file_json(self, file_id: str) -> Json:
        file = self.playground.files.by_id[file_id]
        if file.state is FileState.DELETED or file.mode in ("tombstone", "hidden_by_limit"):
            return {"id": file.id, "mode": "tombstone" if file.state is FileState.DELETED else file.mode}
        return {
            "id": file.id,
            "mode": file.mode,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "size": file.size_bytes,
            "width": file.width_px,
            "height": file.height_px,
            "alt": file.alt_text,
            "src": f"/playground/files/{file.id}" if file.mode == "hosted" else "",
        }

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            file = self.playground.files.visible(request.match_info["file_id"], YOU)
        except ApiError:
            raise web.HTTPNotFound from None
        if not file.path.exists():
            raise web.HTTPNotFound
        return file_response(file.path, mimetype=file.mimetype, name=file.name, download="download" in request.query)

    # Live

    async def _live_updates(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=30, max_msg_size=1 << 10)
        await socket.prepare(request)
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._live.add(queue)
        self._sockets.add(socket)
        sender = asyncio.create_task(_send_all(socket, queue))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self._live.discard(queue)
            self._sockets.discard(socket)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket

    def _on_change(self, change: Change) -> None:
        update = self._update(change)
        if update is not None:
            for queue in self._live:
                queue.put_nowait(update)

    def _update(self, change: Change) -> Json | None:
        kind, message = change.kind, change.message
        channel = self.workspace.channels.get(change.channel_id)
        if channel is not None and YOU not in channel.members:
            return None
        if kind == "message_deleted" and message is not None and message.subtype != "tombstone":
            return {"type": "message_deleted", "channel": message.channel_id, "ts": message.ts}
        if message is not None and kind != "file_shared":
            fresh = kind == "message"
            return {"type": "message", "message": self._message(message), "fresh": fresh}
        if kind == "file_changed":
            return {"type": "file", "file": self._file_json(change.file_id)}
        if change.ephemeral is not None and change.ephemeral.user == YOU:
            return {"type": kind, "message": self._ephemeral(change.ephemeral)}
        if kind == "channel" and channel is not None:
            return {"type": "channel", "channel": self._channel(channel)}
        if change.view is not None and change.user == YOU:
            return {"type": kind, "view": self._view(change.view)}
        return None

    # What the person does

    def _actions(self) -> dict[str, Action]:
        return {
            "messages": self._post,
            "discard": self._discard,
            "commands": self._command,
            "click": self._click,
            "shortcut": self._shortcut,
            "sample": self._sample,
            "invite": self._invite,
            "view/submit": self._submit,
            "view/close": self._close_view,
            "home": self._open_home,
            "dismiss": self._dismiss,
        }

    def _acting(self, action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType
            try:
                body = await request.json()
                if not isinstance(body, dict):
                    raise web.HTTPBadRequest
                return _json(await action(body))
            except (ValueError, KeyError, TypeError):
                raise web.HTTPBadRequest from None
            except (ApiError, NoSuchElement) as refusal:
                return _json({"error": str(refusal)}, status=409)

        return handle

    async def _post(self, body: Json) -> Json:
        """Post a message of the person's: its text, and the files that were uploaded for it."""
        channel_id, text, thread_ts = _own_channel(self, body), str(body["text"])[:MAX_TEXT], body.get("thread_ts")
        if self.workspace.channel(channel_id).archived:
            raise ApiError("is_archived")
        files = [self._unsent(file_id) for file_id in dict.fromkeys(body.get("files", []))]
        if len(files) > MAX_FILES:
            raise ApiError("too_many_files")
        if not files and not text.strip():
            raise ApiError("no_text")
        if thread_ts is not None:
            self.workspace.check_thread(channel_id, thread_ts)
        if files:
            message = await self.playground.share_uploads(files, channel_id, thread_ts=thread_ts, text=text)
        else:
            message = self.playground.post_message(channel_id, text, thread_ts=thread_ts)
        return {"ts": message.ts}

    async def _discard(self, body: Json) -> Json:
        self.playground.files.discard(self._unsent(body["file"]))
        return {}

    def _unsent(self, file_id: str) -> StoredFile:
        """Return a file that the person uploaded and has not sent yet."""
        file = self.playground.files.by_id.get(file_id)
        if file is None or file.user != YOU or file.state is not FileState.UPLOADED:
            raise ApiError("file_not_found")
        return file

    async def _command(self, body: Json) -> Json:
        delivery = await self.playground.slash_command(
            _own_channel(self, body), str(body["command"]), str(body.get("text", ""))[:MAX_TEXT]
        )
        return {"ok": bool(delivery and delivery.ok)}

    def _target(self, body: Json) -> Target:
        if "view_id" in body:
            view = self.workspace.views.get(str(body["view_id"])) or self.workspace.homes.get(YOU)
            if view is None or view.user != YOU or view.id != body["view_id"]:
                raise ApiError("not_found")
            return view
        ts = str(body["ts"])
        for shown in self.workspace.ephemerals:
            if shown.ts == ts and shown.user == YOU:
                return shown
        message = self.workspace.find_message(_own_channel(self, body), ts)
        if message is None:
            raise ApiError("message_not_found")
        return message

    async def _click(self, body: Json) -> Json:
        values = body.get("values")
        delivery = await self.playground.click(
            self._target(body),
            str(body["action_id"]),
            value=body.get("value"),
            block_id=str(body.get("block_id", "")),
            values=values if isinstance(values, dict) else {},
        )
        return {"ok": delivery.ok}

    async def _shortcut(self, body: Json) -> Json:
        target = self._target(body) if "ts" in body else None
        message = target if isinstance(target, Message) else None
        channel = _own_channel(self, body) if "channel" in body else ""
        delivery = await self.playground.open_shortcut(str(body["callback_id"]), message, channel=channel)
        return {"ok": delivery.ok}

    async def _sample(self, body: Json) -> Json:
        path = self.playground.samples[str(body["name"])]
        message = await self.playground.upload_file(path, _own_channel(self, body), thread_ts=body.get("thread_ts"))
        return {"ts": message.ts}

    async def _invite(self, body: Json) -> Json:
        self.playground.invite(_own_channel(self, body))
        return {}

    async def _submit(self, body: Json) -> Json:
        view = self._target(body)
        if not isinstance(view, View):
            raise ApiError("not_found")
        values = body.get("values")
        return await self.playground.submit_view(view, values if isinstance(values, dict) else {})

    async def _close_view(self, body: Json) -> Json:
        view = self._target(body)
        if isinstance(view, View):
            await self.playground.close_view(view, clear=bool(body.get("clear")))
        return {}

    async def _open_home(self, body: Json) -> Json:
        self.playground.open_home(tab="home" if body.get("tab") == "home" else "messages")
        return {}

    async def _dismiss(self, body: Json) -> Json:
        target = self._target(body)
        if isinstance(target, Ephemeral):
            self.workspace.hide(target)
        return {}

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Stream in a file from the person's computer, which nobody else sees until it is sent; its name is in the query."""
        files, query = self.playground.files, request.query
        size = request.content_length
        if size is None or not query.get("name"):
            raise web.HTTPLengthRequired if size is None else web.HTTPBadRequest
        if size > files.max_file_bytes:
            raise web.HTTPRequestEntityTooLarge(files.max_file_bytes, size)
        file = files.expect(name=query["name"], size_bytes=size, user=YOU)
        try:
            await files.receive(file, request.content.iter_chunked(CHUNK_BYTES))
        except (TooManyBytes, ConnectionError):
            raise web.HTTPBadRequest from None
        if file.state is not FileState.UPLOADED:
            raise web.HTTPBadRequest
        return _json({"file": file.id})


def _own_channel(page: Page, body: Json) -> str:
    """Return the id of the channel that a request names; `channel_not_found` where the person is not in it."""
    channel = page.workspace.channel(str(body["channel"]))
    if YOU not in channel.members:
        raise ApiError("channel_not_found")
    return channel.id


def _json(body: Json, *, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(body, status=status, headers=headers)


async def _send_all(socket: web.WebSocketResponse, queue: asyncio.Queue[Json]) -> None:
    while True:
        await socket.send_json(await queue.get())
