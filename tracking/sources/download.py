"""
A link, an upload or a path becomes a local file that is a video, or an error that says why not.

Only http(s) and gs are followed. Whatever a name resolves to is checked when the connection is made, and the connection goes
to the very address that was checked, for each redirect anew: a name that answers differently the second time gains nothing.
Bytes and time are bounded while the file streams to disk under another name. What it is decides its content, not its name or
its declared type (`sniffing.py`). Secrets in headers stay with the host they were meant for. Whether the streams inside decode
is left to `tracking/video`; which buckets may be read with credentials is left to `storage/`.

A server that sends too little ends the download within seconds. Times are seconds, sizes bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tracking.atomic import check_room, unfinished
from tracking.errors import (
    NotAVideo,
    SourceFailure,
    SourceNotAVideo,
    SourceNotFound,
    SourceRefusal,
    SourceRefused,
    SourceUnreachable,
    StorageError,
    StorageFault,
    VideoTooLarge,
    file_name,
    is_disk_full,
)
from tracking.sources.addresses import AddressPolicy, literal_address
from tracking.sources.links import http_url, link_name, without_query
from tracking.sources.sniffing import SNIFFED_BYTES, refuse_other_media

CHUNK_BYTES = 1 << 18


LOOKUPS_AT_ONCE = 8


MAX_REDIRECTS = 5


USER_AGENT = "Tracklet (video tracking bot)"


Progress = Callable[[float, float], None]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one download may cost."""

    max_bytes: int = 1 << 30
    connect_s: float = 10.0
    answer_s: float = 30.0  # until the headers are there, redirects included
    stalled_s: float = 20.0
    total_s: float = 900.0
    window_s: float = 20.0
    least_bytes_a_second: int = 16_000  # the largest video would take 18 hours; a modem of 1998 had a third of it


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched; `sha256` is hexadecimal."""

    path: Path
    name: str
    size_bytes: int
    sha256: str


class _Pace:
    """Whether a download is quick enough: in each window of time as many bytes as the least rate gives."""

    def __init__(self, limits: FetchLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._since, self._size = clock(), 0

    def is_too_slow(self, size: int) -> bool:
        """Asked with the bytes so far, whenever some have come."""
        passed_s = self._clock() - self._since
        if passed_s < self._limits.window_s:
            return False
        came, self._since, self._size = size - self._size, self._since + passed_s, size
        return came < self._limits.least_bytes_a_second * passed_s


class Fetcher:
    """Downloads over one pool of connections; close it in the end."""

    def __init__(
        self,
        *,
        policy: AddressPolicy | None = None,
        limits: FetchLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy or AddressPolicy()
        self._limits = limits or FetchLimits()
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._resolver: _CheckedResolver | None = None

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    async def fetch(
        self,
        link: str,
        into: Path,
        *,
        headers: Mapping[str, str] | None = None,
        size_bytes: int | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Fetched:
        """
        Stream what `link` names to the file `into`, which appears only when it is whole.

        `headers` are sent to the link's own host and to no other; `size_bytes` is what the file must have where that is
        known. Raises `SourceError`, also for a server that is too slow or gives only a part; `VideoTooLarge`, `NotAVideo`,
        `StorageError` where the disk takes no more, before the download where its size is known.
        """
        shown = without_query(link)
        limits = self._limits
        with unfinished(into) as aside:
            async with (
                _translated(shown),
                asyncio.timeout(min(limits.answer_s, limits.total_s)) as limit,
                self._answer(link, headers) as answer,
            ):
                limit.reschedule(asyncio.get_running_loop().time() + limits.total_s)
                total = answer.content_length or size_bytes or 0
                if total > limits.max_bytes:
                    raise VideoTooLarge(total, limits.max_bytes)
                await asyncio.to_thread(check_room, into, total)
                sha256, size = hashlib.sha256(), 0
                first = b""
                pace = _Pace(limits, self._clock)
                file = await _opened(aside)
                try:
                    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                        if len(first) < SNIFFED_BYTES:
                            first += chunk[: SNIFFED_BYTES - len(first)]
                            if len(first) >= SNIFFED_BYTES:
                                _refuse_other_media(first, shown, answer, size_bytes)
                        size += len(chunk)
                        if size > limits.max_bytes:
                            raise VideoTooLarge(size, limits.max_bytes)
                        sha256.update(chunk)
                        with _told_as_storage(into):
                            await asyncio.to_thread(file.write, chunk)
                        progress(size, total)
                        if pace.is_too_slow(size):
                            raise SourceUnreachable(shown, 0, SourceFailure.SLOW)
                finally:
                    with _told_as_storage(into):
                        await asyncio.to_thread(file.close)
                if len(first) < SNIFFED_BYTES:
                    _refuse_other_media(first, shown, answer, size_bytes)
                if size_bytes is not None and size != size_bytes:
                    raise SourceUnreachable(shown, answer.status, SourceFailure.INCOMPLETE)
                name = link_name(link)
            aside.replace(into)
        return Fetched(into, name, size, sha256.hexdigest())

    @asynccontextmanager
    async def _answer(self, link: str, headers: Mapping[str, str] | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer, after at most `MAX_REDIRECTS` redirects that are each checked like the link itself."""
        url = http_url(link)
        home = url.origin()
        _checked.set(set())
        for _ in range(MAX_REDIRECTS + 1):
            url = self._with_checked_literal(url)
            own = dict(headers or {}) if url.origin() == home else {}
            async with self._sessions().get(url, headers=own, allow_redirects=False) as answer:
                target = answer.headers.get("Location", "")
                if answer.status in {301, 302, 303, 307, 308} and target:
                    url = _joined(url, target, shown=without_query(link))
                    if home.scheme == "https" and url.scheme != "https":
                        raise SourceRefused(without_query(link), SourceRefusal.DOWNGRADE)
                    continue
                _raise_for(answer, without_query(link))
                yield answer
                return
        raise SourceRefused(without_query(link), SourceRefusal.REDIRECT)

    def _with_checked_literal(self, url: URL) -> URL:
        """Return the link with an address that is written as a number spelt in the usual way. Raises `SourceRefused`."""
        address = literal_address(url.host or "")
        if address is None:
            return url
        if not self._policy.allows(url.host or "", str(address)):
            raise SourceRefused(without_query(str(url)), SourceRefusal.ADDRESS)
        _checked.get().add(str(address))
        return url.with_host(str(address))

    def _sessions(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = self._limits
            self._resolver = _CheckedResolver(self._policy)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver, use_dns_cache=False, limit=32, socket_factory=_socket_to_checked
                ),
                timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_s, sock_read=limits.stalled_s),
                headers={"User-Agent": USER_AGENT, "Accept": "video/*, */*;q=0.5", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


_checked: ContextVar[set[str]] = ContextVar("addresses that this request was allowed")


def _socket_to_checked(info: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket for an address that was checked: whatever way the HTTP library took to it."""
    family, kind, proto, _, address = info
    if str(address[0]) not in _checked.get():
        raise _AddressRefused(str(address[0]))
    return socket.socket(family, kind, proto)


class _AddressRefused(OSError):
    """Every address of a name is one that links must not reach."""


class _CheckedResolver(AbstractResolver):
    """Resolves a name and gives only addresses that the policy allows: the connection is then made to one of these."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        # Of its own: names that nobody answers for must not hold up the writing of files.
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="names")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        ask = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except UnicodeError as error:  # a label that is empty, or longer than any name's
            raise socket.gaierror(socket.EAI_NONAME, "no such name") from error
        results = [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST)
            for kind, _, proto, _, address in found
            if self._policy.allows(host, str(address[0]))
        ]
        if found and not results:
            raise _AddressRefused(host)
        _checked.get().update(result["host"] for result in results)
        return results

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def local_file(path: Path, *, max_bytes: int = 1 << 30) -> Fetched:
    """Return a file on this machine, read once for its digest. Raises `SourceNotFound`, `VideoTooLarge`, `NotAVideo`."""
    if not path.is_file():
        raise SourceNotFound(path.name)
    size = path.stat().st_size
    if size > max_bytes:
        raise VideoTooLarge(size, max_bytes)
    with path.open("rb") as file:
        refuse_other_media(file.read(SNIFFED_BYTES), path.name)
    return Fetched(path, path.name, size, sha256_of(path))


def sha256_of(path: Path) -> str:
    """Return the hexadecimal digest of a file. Raises `OSError`."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()


def _joined(url: URL, target: str, *, shown: str) -> URL:
    """Return where a redirect leads. Raises `SourceRefused`, also for what is no address at all."""
    try:
        return http_url(str(url.join(URL(target))))
    except (ValueError, IndexError):
        raise SourceRefused(shown, SourceRefusal.REDIRECT) from None


@contextlib.contextmanager
def _told_as_storage(into: Path) -> Iterator[None]:
    """A full disk is not the server's fault."""
    try:
        yield
    except OSError as error:
        raise StorageError(into.name, "write", StorageFault.FULL if is_disk_full(error) else error.strerror or "") from error


async def _opened(path: Path) -> BinaryIO:
    """Return a new file to write; none stays open where the caller is cancelled meanwhile."""
    opening = asyncio.ensure_future(asyncio.to_thread(path.open, "wb"))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        (await opening).close()
        raise


def _refuse_other_media(first: bytes, shown: str, answer: aiohttp.ClientResponse, size_bytes: int | None) -> None:
    """Raise `NotAVideo` for a file that is itself no video, `SourceNotAVideo` for what came in its place."""
    try:
        refuse_other_media(first, shown, content_type=answer.content_type, url=str(answer.url))
    except SourceNotAVideo as refused:
        if size_bytes is not None and answer.content_length == size_bytes:
            raise NotAVideo(file_name(shown)) from refused
        raise
    except NotAVideo as empty:
        if size_bytes:  # nothing came of a file that is not empty
            raise SourceUnreachable(shown, answer.status, SourceFailure.INCOMPLETE) from empty
        raise


def _raise_for(answer: aiohttp.ClientResponse, shown: str) -> None:
    if answer.status in {404, 410}:
        raise SourceNotFound(shown)
    if answer.status in {401, 403, 407}:
        raise SourceNotAVideo(shown, "login")
    if answer.status == 206 or "Content-Range" in answer.headers or answer.content_type == "multipart/byteranges":
        raise SourceUnreachable(shown, answer.status, SourceFailure.INCOMPLETE)
    if answer.status not in {200, 203}:
        raise SourceUnreachable(shown, answer.status)
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise SourceUnreachable(shown, answer.status, SourceFailure.ENCODED)


@asynccontextmanager
async def _translated(shown: str) -> AsyncIterator[None]:
    """Errors of aiohttp as ours."""
    try:
        yield
    except TimeoutError as error:
        raise SourceUnreachable(shown, 0, SourceFailure.TIMEOUT) from error
    except aiohttp.ClientConnectorDNSError as error:
        _raise_resolved(error, shown)
    except aiohttp.InvalidURL as error:
        raise SourceRefused(shown, SourceRefusal.SCHEME) from error
    except aiohttp.ClientPayloadError as error:
        raise SourceUnreachable(shown, 0, SourceFailure.INCOMPLETE) from error
    except aiohttp.ClientSSLError as error:
        raise SourceUnreachable(shown, 0, SourceFailure.CERTIFICATE) from error
    except _AddressRefused as error:
        raise SourceRefused(shown, SourceRefusal.ADDRESS) from error
    except aiohttp.ClientOSError as error:
        if isinstance(error.__cause__, _AddressRefused) or isinstance(getattr(error, "os_error", None), _AddressRefused):
            raise SourceRefused(shown, SourceRefusal.ADDRESS) from error
        raise SourceUnreachable(shown, 0, SourceFailure.CONNECTION) from error
    except (aiohttp.ClientError, OSError) as error:
        raise SourceUnreachable(shown, 0, SourceFailure.CONNECTION) from error


def _raise_resolved(error: aiohttp.ClientConnectorDNSError, shown: str) -> NoReturn:
    if isinstance(error.os_error, _AddressRefused):
        raise SourceRefused(shown, SourceRefusal.ADDRESS) from error
    raise SourceUnreachable(shown, 0, SourceFailure.NAME) from error
