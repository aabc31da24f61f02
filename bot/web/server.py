"""
The bot's HTTP server: nobody who sends half a request, or many, keeps it from answering the others.

A request has to be there whole within seconds, headers and body each, and is bounded in size before anything looks at it. Each
connection carries one request: a caller of ours comes a few times a minute, and a connection that is kept is one more that can
be held half open. When all places are taken, the connection that has waited longest for its request gives way, among those of
the peer that holds most. Durations are seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

MAX_BODY_BYTES = 512 << 10
"""
More than the longest that Slack sends: a message of 40,000 characters (docs.slack.dev/reference/methods/chat.postMessage), as
text and as blocks, beside what it was before an edit, of three bytes each; 480 KB. What our own views hold is far less.
"""

_CLOSE_S = 2.0
_LINGER_S = 2.0  # how long what is left of a refused body is read and thrown away, so that the answer arrives


class _NotForRequests(logging.Filter):
    """Keeps what a caller did wrong out of the log: it was answered, and each would be a traceback of anybody's choosing."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_log = logging.getLogger(__name__)
_log.addFilter(_NotForRequests())


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """
    What one caller may use of the server.

    `headers_s` and `body_s` are the longest that a request may take to arrive, `connections` how many are open at once (bodies
    of all: 64 MiB; a process has 1024 files as a rule), `look_s` for how long an answer of /readyz and /metrics is given again.
    """

    headers_s: float = 10.0
    body_s: float = 10.0
    connections: int = 128
    look_s: float = 1.0


class HttpServer:
    """Take a port with `bind`, add routes to `app`, then `start`; `close` at the end."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self.app = web.Application(middlewares=[self._whole], client_max_size=MAX_BODY_BYTES)
        self.port = 0
        self._runner = web.AppRunner(
            self.app,
            access_log=None,
            logger=_log,
            shutdown_timeout=_CLOSE_S,
            # For aiohttp also the time in which a new connection must have sent its headers.
            keepalive_timeout=limits.headers_s,
            lingering_time=_LINGER_S,
            # Slack and Google send nothing compressed; a small body must not become a large one.
            auto_decompress=False,
        )
        self._listener: asyncio.Server | None = None
        self._answering: set[asyncio.BaseProtocol] = set()

    async def bind(self, host: str, port: int) -> None:
        """Take the port, and let nobody in yet; `port` 0 takes a free one."""
        self._listener = await asyncio.get_running_loop().create_server(
            self._connection, host, port, backlog=128, start_serving=False
        )
        self.port = int(self._listener.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen on the port that was taken."""
        assert self._listener is not None, "a port was taken"
        await self._runner.setup()
        await self._listener.start_serving()

    async def close(self) -> None:
        """Stop listening, let answers go out for a moment, and close what is open; once more does no harm."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """Return how many are open."""
        return len(self._open())

    def _open(self) -> list[web.RequestHandler]:
        server = self._runner.server
        return [each for each in server.connections if each.transport is not None] if server is not None else []

    def _connection(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        present = self._open()
        while len(present) >= self._limits.connections:
            waiting = [each for each in present if each not in self._answering]
            if not waiting:
                return _Refusal()
            held = Counter(_peer(each) for each in waiting)
            (most, _), *_ = held.most_common(1)
            longest = next(each for each in waiting if _peer(each) == most)  # in the order in which they came
            longest.force_close()
            present.remove(longest)
        return server() if server is not None else _Refusal()

    @web.middleware
    async def _whole(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand over only what has arrived whole, with its body read, and close the connection after the answer."""
        try:
            await self._read(request)
            self._answering.add(request.protocol)
            response = await handler(request)
        except web.HTTPException as refusal:
            refusal.force_close()
            raise
        finally:
            self._answering.discard(request.protocol)
        response.force_close()
        return response

    async def _read(self, request: web.Request) -> None:
        try:
            async with asyncio.timeout(self._limits.body_s):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except (web.RequestPayloadError, ConnectionError):
            raise web.HTTPBadRequest from None


class _Refusal(asyncio.Protocol):
    """Closes a connection that there is no place for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _peer(handler: web.RequestHandler) -> str:
    peer = handler.peername
    return str(peer[0] if isinstance(peer, tuple) else peer)
