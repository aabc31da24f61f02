"""
Cloud Storage on loopback: the emulator from PyPI, behind a front that does what it leaves out.

The front refuses by generation (412), by rights (401 for anybody without a token, 403 for everybody), loses answers, cuts
downloads short, and tells of new objects. What it does not touch is the emulator's. Set `STORAGE_EMULATOR_HOST` to `address`.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from http.server import HTTPServer
from types import TracebackType
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from gcp_storage_emulator.server import APIThread, RequestHandler
from gcp_storage_emulator.storage import Storage

from tracking.storage.base import crc32c

Resource = dict[str, str]
OnFinalized = Callable[[Resource], Awaitable[None]]

_OBJECT = re.compile(r"/(?:download/)?storage/v1/b/(?P<bucket>[^/]+)/o(?:/(?P<name>[^?]+))?$")
_BUCKET = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)(?:/iam/testPermissions)?$")
_UPLOAD = re.compile(r"/upload/storage/v1/b/(?P<bucket>[^/]+)/o$")
_HOP_HEADERS = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


class _Emulator(APIThread):  # type: ignore[misc]  # ships no types
    """The emulator's own thread, which ends at once instead of after half a second."""

    def serve(self) -> str:
        """Start; the address."""
        self.start()
        self.is_running.wait()
        return f"http://127.0.0.1:{self._httpd.server_address[1]}"

    def run(self) -> None:
        self._httpd = HTTPServer((self._host, self._port), partial(RequestHandler, self._storage))
        self.is_running.set()
        self._httpd.serve_forever(poll_interval=0.01)


class StorageServer:
    """
    An async context manager with the buckets given.

    `closed` buckets want a token, `denied` ones refuse everybody, `refusals` gives the status, reason and message of others.
    In those of `rights` only what is named is allowed ("get", "create", "delete", "list"; "test" says so beforehand), as a role
    on objects does: the bucket itself is not shown. A `retained` bucket keeps every object as it is.
    Objects in `gzipped` are kept compressed and sent so. `lost_sessions` counts resumable uploads that are forgotten in the
    middle (410), `short_pieces` pieces of which less is kept than was sent (308), `lost_answers` uploads that happen and are
    answered 503, `cut_downloads` downloads that end in the middle, `failures` any requests that are answered 503 without
    happening.
    A download that stalls does so in the middle too, and an upload before its second piece; each sets `stalled`, and ends with
    the server, or by `ends`.
    """

    def __init__(self, *buckets: str, on_finalized: OnFinalized | None = None) -> None:
        self.address = ""
        self.closed: set[str] = set()
        self.denied: set[str] = set()
        self.refusals: dict[str, tuple[int, str, str]] = {}
        self.rights: dict[str, set[str]] = {}
        self.retained: set[str] = set()
        self.gzipped: set[str] = set()
        self.lost_sessions = 0
        self.short_pieces = 0
        self.lost_answers = 0
        self.cut_downloads = 0
        self.failures = 0
        self.stalls_downloads = False
        self.stalls_uploads = False
        self.stalled = asyncio.Event()
        self.requests: list[str] = []
        self._buckets = buckets
        self._on_finalized = on_finalized
        self._emulator = _Emulator("127.0.0.1", 0, Storage(use_memory_fs=True))
        self._uploads: dict[str, tuple[str, str, str]] = {}
        self._lock = asyncio.Lock()
        self.ends = asyncio.Event()

    async def __aenter__(self) -> StorageServer:
        self._behind = self._emulator.serve()
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        for bucket in self._buckets:
            async with self._session.post(f"{self._behind}/storage/v1/b", json={"name": bucket}) as answer:
                answer.raise_for_status()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.ends.set()
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.to_thread(self._emulator.join)

    async def put(self, uri: str, content: bytes) -> Resource:
        """Store an object as somebody else would, with the event that follows."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        async with self._session.post(
            f"{self.address}/upload/storage/v1/b/{bucket}/o",
            params={"uploadType": "media", "name": name},
            data=io.BytesIO(content),
            # The emulator wants to understand what is declared as JSON.
            headers={"Content-Type": "application/octet-stream", "Authorization": "Bearer somebody"},
        ) as answer:
            answer.raise_for_status()
            stored: Resource = await answer.json()
            return stored

    async def names(self, bucket: str) -> list[str]:
        """The names of a bucket's objects."""
        async with self._session.get(f"{self._behind}/storage/v1/b/{bucket}/o") as answer:
            return [item["name"] for item in (await answer.json())["items"]]

    async def get(self, uri: str) -> Resource | None:
        """An object's metadata, None where it is not there."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        return await self._metadata(bucket, name)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(f"{request.method} {request.path_qs}")
        if self.failures:
            self.failures -= 1
            return _refusal(503, "backendError", "scripted")
        bucket, name = self._target(request, body)
        if bucket in self.refusals:
            return _refusal(*self.refusals[bucket])
        if bucket and bucket not in self._buckets:
            return _refusal(404, "notFound", "The specified bucket does not exist.")
        if bucket in self.denied:
            return _refusal(403, "forbidden", "The caller does not have storage.objects.get access.")
        if bucket in self.rights and (missing := await self._right_missing(request, bucket, name)):
            return _refusal(403, "forbidden", f"bot@film.iam.gserviceaccount.com does not have storage.{missing} access to it.")
        if bucket in self.retained and request.method == "DELETE":
            return _refusal(403, "retentionPolicyNotMet", "Object is subject to bucket's retention policy.")
        if bucket in self.closed and "Authorization" not in request.headers:
            return _refusal(401, "required", "Anonymous caller does not have storage.objects.get access.")
        if request.path.endswith("/iam/testPermissions"):
            asked = request.query.getall("permissions")
            rights = self.rights.get(bucket)
            granted = [each for each in asked if rights is None or each.rpartition(".")[2] in rights]
            return web.json_response({"kind": "storage#testIamPermissionsResponse", "permissions": granted})
        if self.stalls_uploads and request.method == "PUT" and not request.headers["Content-Range"].startswith("bytes 0-"):
            self.stalled.set()
            await self.ends.wait()
        async with self._lock:
            upload_id = request.query.get("upload_id", "")
            if upload_id and self.lost_sessions and request.method == "PUT":
                self.lost_sessions -= 1
                return _refusal(410, "uploadBrokenConnection", "The upload was forgotten.")
            if upload_id and self.short_pieces and request.method == "PUT":
                self.short_pieces -= 1
                return web.Response(status=308, headers={"Range": "bytes=0-262143"})
            wanted = request.query.get("ifGenerationMatch", "")
            if upload_id in self._uploads and _is_last_piece(request):
                bucket, name, wanted = self._uploads[upload_id]
            if wanted and not await self._matches(bucket, name, wanted):
                return _refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
            answer = await self._forward(request, body)
        if "location" in answer.headers and request.query.get("uploadType") == "resumable":
            upload_id = answer.headers["location"].rpartition("upload_id=")[2]
            self._uploads[upload_id] = (bucket, name, wanted)
        if answer.status == 200 and _UPLOAD.match(request.path) and _is_object(answer):
            if self._on_finalized is not None:
                await self._on_finalized(json.loads(_content(answer)))
            if self.lost_answers:
                self.lost_answers -= 1
                return _refusal(503, "backendError", "lost")
        if request.query.get("alt") == "media" and f"gs://{bucket}/{name}" in self.gzipped:
            answer = _gzipped(answer)
        if request.query.get("alt") == "media" and (self.cut_downloads or self.stalls_downloads):
            return await self._cut(request, answer)
        return answer

    async def _right_missing(self, request: web.Request, bucket: str, name: str) -> str:
        rights = self.rights[bucket]
        if request.path.endswith("/iam/testPermissions"):
            return "" if "test" in rights else "buckets.get"
        if not _OBJECT.match(request.rel_url.raw_path) and not _UPLOAD.match(request.path):
            return "buckets.get"
        wanted = {"POST": "create", "PUT": "create", "DELETE": "delete"}.get(request.method, "get" if name else "list")
        is_there = wanted == "create" and await self._metadata(bucket, name) is not None
        needed = ["create", "delete"] if is_there else [wanted]
        return next((f"objects.{right}" for right in needed if right not in rights), "")

    def _target(self, request: web.Request, body: bytes) -> tuple[str, str]:
        """The bucket and object that a request is about, "" where it is about none."""
        if match := _UPLOAD.match(request.path):
            return match["bucket"], request.query.get("name") or _name_in(body, request.content_type)
        if match := _OBJECT.match(request.rel_url.raw_path) or _BUCKET.match(request.path):
            return match["bucket"], unquote(match.groupdict().get("name") or "")
        return "", ""

    async def _matches(self, bucket: str, name: str, generation: str) -> bool:
        found = await self._metadata(bucket, name)
        return generation == (found["generation"] if found else "0")

    async def _metadata(self, bucket: str, name: str) -> Resource | None:
        async with self._session.get(f"{self._behind}/storage/v1/b/{bucket}/o") as answer:
            items: list[Resource] = (await answer.json())["items"]
        return next((item for item in items if item["name"] == name), None)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_HEADERS}
        async with self._session.request(
            request.method, self._behind + request.raw_path, headers=headers, data=io.BytesIO(body), allow_redirects=False
        ) as answer:
            content = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_HEADERS}
            return web.Response(status=answer.status, headers=kept, body=content)

    async def _cut(self, request: web.Request, answer: web.Response) -> web.StreamResponse:
        """Half of an answer, then the end of the connection, for a stalled one when the server ends."""
        content = _content(answer)
        cut = web.StreamResponse(status=answer.status, headers={**answer.headers, "Content-Length": str(len(content))})
        await cut.prepare(request)
        await cut.write(content[: len(content) // 2])
        if self.stalls_downloads:
            self.stalled.set()
            await self.ends.wait()
        else:
            self.cut_downloads -= 1
        if request.transport is not None:
            request.transport.close()
        return cut


def _is_last_piece(request: web.Request) -> bool:
    """Whether a PUT of a resumable upload ends it: `bytes 0-9/10` rather than `bytes 0-9/*`."""
    content_range = request.headers.get("Content-Range", "")
    return not content_range.endswith("/*")


def _name_in(body: bytes, content_type: str) -> str:
    """The object's name in the JSON that an upload begins with."""
    if content_type.startswith("multipart/"):
        body = body.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
    try:
        name: str = json.loads(body).get("name", "")
    except ValueError:
        return ""
    return name


def _content(answer: web.Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body


def _gzipped(answer: web.Response) -> web.Response:
    """Return an object as the service sends one that it keeps compressed: whole, whatever range was asked for."""
    content = gzip.compress(_content(answer), mtime=0)
    checksum = crc32c(io.BytesIO(content))
    headers = {
        "Content-Type": answer.headers["Content-Type"],
        "Content-Encoding": "gzip",
        "X-Goog-Stored-Content-Encoding": "gzip",
        "X-Goog-Hash": f"crc32c={checksum}",
    }
    return web.Response(status=200, headers=headers, body=content)


def _is_object(answer: web.Response) -> bool:
    return b'"storage#object"' in _content(answer)


def _refusal(status: int, reason: str, message: str) -> web.Response:
    """Answer with an error in the form of the JSON API."""
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return web.json_response({"error": {"code": status, "message": message, "errors": errors}}, status=status)
