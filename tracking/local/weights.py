"""
Where the detector's network is: a file that was given, or a published one that is downloaded once into the user's cache.

A download appears whole and checked (size and sha256) or not at all. What has arrived before a cut, a kill or a raising
progress callback is kept and continued; two processes that want the same file share one download. What a file contains is
`yolox.py`'s business. Sizes are bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO

import platformdirs

from tracking.engines.base import EngineName
from tracking.errors import EngineAbsence, EngineUnavailable, ModelError, ModelFault, file_name

DownloadProgress = Callable[[int, int], None]  # bytes so far, bytes in all


@dataclass(frozen=True, slots=True)
class Published:
    """A file of a release, and what it must be; the check is ours because the release names no checksums."""

    file: str
    size_bytes: int
    sha256: str


BASE_URL = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"
PUBLISHED: Mapping[str, Published] = {
    "nano": Published("yolox_nano.onnx", 3_659_407, "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d"),
    "tiny": Published("yolox_tiny.onnx", 20_219_662, "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7"),
    "s": Published("yolox_s.onnx", 35_858_002, "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063"),
}
NAMES = frozenset(PUBLISHED)

CHUNK_BYTES = 64 << 10
SILENCE_S = 30.0  # a server that says nothing for so long is given up
WAIT_S = 0.2  # how often a process looks whether another one's download is over
MOST_CUTS = 5  # in a row, each after something arrived
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416


def no_download_progress(_done: int, _total: int) -> None:
    """For callers that do not show any."""


def locate(
    model: str | Path,
    *,
    progress: DownloadProgress = no_download_progress,
    folder: Path | None = None,
    base_url: str = BASE_URL,
    published: Mapping[str, Published] = PUBLISHED,
) -> Path:
    """
    The file of `model`: a path, or one of the published names, which is downloaded when the cache has it not yet.

    May take minutes: not for an event loop. `progress` may raise to stop; what has arrived is kept. Raises `ModelError` for a
    path without a file ("missing"), a name that is none ("name"), or a download that is not what was published ("size",
    "checksum"); `EngineUnavailable` when it can't be had ("offline") or not be kept ("configuration").
    """
    if not isinstance(model, str) or model not in published:
        return _given(model)
    release = published[model]
    folder = folder or _cache()
    path = folder / release.file
    try:
        if _has(path, release):
            return path
        folder.mkdir(parents=True, exist_ok=True)
        partial = _Partial(folder / f"{release.file}.partial", release)
        with _alone(folder / f"{release.file}.lock", waiting=lambda: progress(partial.size_bytes, release.size_bytes)):
            if not _has(path, release):
                _download(model, base_url + release.file, partial, progress)
                partial.move_to(path)
    except OSError as error:
        # The network's own errors were translated in `_download`: this is the disk.
        raise EngineUnavailable(
            EngineName.YOLOX, EngineAbsence.CONFIGURATION, error.strerror or type(error).__name__
        ) from error
    return path


def is_here(model: str, *, folder: Path | None = None) -> bool:
    """Whether the published model of this name was downloaded before."""
    return _has((folder or _cache()) / PUBLISHED[model].file, PUBLISHED[model])


def _cache() -> Path:
    return platformdirs.user_cache_path("tracklet", appauthor=False) / "models"


def _given(model: str | Path) -> Path:
    path = Path(model).expanduser()
    if path.is_file():
        return path
    looks_like_a_name = isinstance(model, str) and path.name == model and not path.suffix
    raise ModelError(model=file_name(path), problem=ModelFault.NAME if looks_like_a_name else ModelFault.MISSING)


def _has(path: Path, release: Published) -> bool:
    """Whether the file is in the cache; its content was checked before it was put there."""
    try:
        return path.stat().st_size == release.size_bytes
    except FileNotFoundError:
        return False


@dataclass(frozen=True, slots=True)
class _Partial:
    """What has arrived of a file, and the server's tag of it, without which a changed file would be continued wrongly."""

    path: Path
    release: Published

    @property
    def size_bytes(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def tag(self) -> str:
        try:
            return self._tag_path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def start(self, tag: str) -> None:
        """Empty it; `tag` belongs to what follows."""
        self.path.write_bytes(b"")
        self._tag_path.write_text(tag, encoding="ascii", errors="ignore")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._tag_path.unlink(missing_ok=True)

    def move_to(self, path: Path) -> None:
        self.path.replace(path)
        self._tag_path.unlink(missing_ok=True)

    def is_right(self) -> bool:
        """Whether its content is what was published."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.release.sha256

    @property
    def _tag_path(self) -> Path:
        return self.path.with_name(self.path.name + ".etag")


class _Unreachable(Exception):
    """The network's fault, in a few words that may be shown."""


def _download(model: str, url: str, partial: _Partial, progress: DownloadProgress) -> None:
    """Complete `partial` and check it; where nothing more arrives, say so and keep what there is."""
    total = partial.release.size_bytes
    cuts = 0
    continued = partial.size_bytes > 0
    started_anew = False
    while True:
        before = partial.size_bytes
        if before < total:
            try:
                continued = _fetch(model, url, partial, progress) or cuts > 0
            except _Unreachable as error:
                cuts += 1
                if partial.size_bytes <= before or cuts > MOST_CUTS:
                    raise EngineUnavailable(EngineName.YOLOX, EngineAbsence.OFFLINE, str(error)) from error.__cause__
                continue
        if partial.size_bytes == total and partial.is_right():
            return
        partial.discard()
        if started_anew or not continued:
            raise ModelError(model=model, problem=ModelFault.CHECKSUM, detail=partial.release.sha256)
        # Pieces of two files were put together, or the machine stopped in the middle of a write: once more, whole.
        started_anew = True


def _fetch(model: str, url: str, partial: _Partial, progress: DownloadProgress) -> bool:
    """
    Ask for what is missing and append it; True where the server went on from what was there.

    Raises `_Unreachable` when the answer is no file or ends early, `ModelError` ("size") when the file has another size.
    """
    have = partial.size_bytes
    total = partial.release.size_bytes
    request = urllib.request.Request(  # noqa: S310  # the opener knows no schemes but HTTP and HTTPS
        url, headers={"User-Agent": "tracklet", "Accept-Encoding": "identity"}
    )
    if have:
        request.add_header("Range", f"bytes={have}-")
        if partial.tag:
            request.add_header("If-Range", partial.tag)
    try:
        with _OPENER.open(request, timeout=SILENCE_S) as response:
            continues: bool = response.status == PARTIAL_CONTENT
            if continues and _starts_at(response.headers) != have:
                partial.discard()
                raise _Unreachable("an answer to another question")
            if not continues:
                partial.start(_strong_tag(response.headers))
                have = 0
            announced = response.headers.get("Content-Length", "")
            if announced.isdigit() and have + int(announced) != total:
                partial.discard()
                raise ModelError(model=model, problem=ModelFault.SIZE, detail=str(have + int(announced)))
            progress(have, total)
            _append(model, response, partial, progress)
            return continues
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == RANGE_NOT_SATISFIABLE:
            partial.discard()
        raise _Unreachable(f"HTTP {error.code}") from error
    except (urllib.error.URLError, http.client.HTTPException, ssl.SSLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise _Unreachable(getattr(reason, "strerror", None) or type(reason).__name__) from error


def _append(model: str, response: http.client.HTTPResponse, partial: _Partial, progress: DownloadProgress) -> None:
    done = partial.size_bytes
    total = partial.release.size_bytes
    with partial.path.open("ab") as file:
        while True:
            chunk = response.read1(CHUNK_BYTES)
            if not chunk:
                break
            done += len(chunk)
            if done > total:
                break
            file.write(chunk)
            progress(done, total)
        file.flush()
        os.fsync(file.fileno())
    if done > total:
        partial.discard()
        raise ModelError(model=model, problem=ModelFault.SIZE, detail=f"more than {total}")
    if done < total:
        raise _Unreachable("the connection was cut")


def _starts_at(headers: Message) -> int:
    """The first byte of a partial answer, -1 where it does not say. `Content-Range: bytes 100-199/200`, RFC 9110 14.4."""
    unit, _, span = headers.get("Content-Range", "").partition(" ")
    start = span.partition("-")[0]
    return int(start) if unit == "bytes" and start.isdigit() else -1


def _strong_tag(headers: Message) -> str:
    """The entity tag, or "": a weak one must not be used to continue (RFC 9110 13.1.5)."""
    tag = headers.get("ETag", "").strip()
    return tag if tag.startswith('"') else ""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows from HTTPS to HTTPS only."""

    max_redirections = 5

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise _Unreachable("a redirect that leaves HTTPS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS only, through the proxies of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _SafeRedirects(),
    ):
        opener.add_handler(handler)
    return opener


_OPENER = _opener()


@contextlib.contextmanager
def _alone(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file, whose lock ends with its process; calls `waiting` now and then while another process holds it."""
    with path.open("ab") as file:
        while not _locked(file.fileno()):
            waiting()
            time.sleep(WAIT_S)
        yield


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
