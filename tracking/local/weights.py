"""
Where the detector's network is: a file that was given, or a published one that is downloaded once into the user's cache.

A download appears whole and checked (size and sha256) or not at all; one that was cut starts again from the beginning.
Processes that want the same file share one download. What a file contains is `detectors/`'s business. Sizes are bytes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import platformdirs
import pooch
import requests
from filelock import FileLock, Timeout

from tracking.engines.base import EngineName
from tracking.errors import EngineAbsence, EngineUnavailable, ModelError, ModelFault, file_name
from tracking.local.detectors.base import PublishedModel, published_models

DownloadProgress = Callable[[int, int], None]  # bytes so far, bytes in all


CHUNK_BYTES = 64 << 10
SILENCE_S = 30.0  # a server that says nothing for so long is given up
REACH_S = 5.0  # for a server to say that it has the file
WAIT_S = 0.2  # how often a process looks whether another one's download is over

pooch.get_logger().setLevel("WARNING")  # it tells standard error of each download


def no_download_progress(_done: int, _total: int) -> None:
    """For callers that do not show any."""


def locate(
    model: str | Path,
    *,
    progress: DownloadProgress = no_download_progress,
    folder: Path | None = None,
    published: Mapping[str, PublishedModel] | None = None,
) -> Path:
    """
    Return the file of `model`: a path, or one of the published names, which is downloaded when the cache has it not yet.

    May take minutes: not for an event loop. `progress` may raise to stop. Raises `ModelError` for a
    path without a file ("missing"), a name that is none ("name"), or a download that is not what was published ("size",
    "checksum"); `EngineUnavailable` when it can't be had ("offline") or not be kept ("configuration").
    """
    published = published_models() if published is None else published
    if not isinstance(model, str) or model not in published:
        return _given(model, ", ".join(published))
    release = published[model]
    folder = folder or _cache()
    path = folder / release.file
    try:
        if _has(path, release):
            return path
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(path, waiting=lambda: progress(0, release.size_bytes)):
            if not _has(path, release):
                _download(model, path, release, progress)
    except OSError as error:
        # The network's own errors were translated in `_download`: this is the disk.
        raise EngineUnavailable(
            EngineName.YOLOX, EngineAbsence.CONFIGURATION, error.strerror or type(error).__name__
        ) from error
    return path


def is_here(model: str, *, folder: Path | None = None) -> bool:
    """Return whether the published model of this name was downloaded before."""
    published = published_models()[model]
    return _has((folder or _cache()) / published.file, published)


def reach(model: str, *, folder: Path | None = None, published: Mapping[str, PublishedModel] | None = None) -> None:
    """
    See that the published model of this name could be downloaded and kept, without doing so.

    Takes seconds: not for an event loop. Raises `EngineUnavailable` where its server ("offline") or the cache
    ("configuration") can't be used.
    """
    release = (published_models() if published is None else published)[model]
    folder = folder or _cache()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise EngineUnavailable(EngineName.YOLOX, EngineAbsence.CONFIGURATION, f"{there} can't be written")
    try:
        with requests.head(release.url, timeout=REACH_S, allow_redirects=True, headers={"User-Agent": "tracklet"}) as answer:
            answer.raise_for_status()
    except requests.RequestException as error:
        raise EngineUnavailable(EngineName.YOLOX, EngineAbsence.OFFLINE, _reason(error)) from error


def _cache() -> Path:
    return platformdirs.user_cache_path("tracklet", appauthor=False) / "models"


def _given(model: str | Path, known: str) -> Path:
    path = Path(model).expanduser()
    if path.is_file():
        return path
    looks_like_a_name = isinstance(model, str) and path.name == model and not path.suffix
    raise ModelError(model=file_name(path), problem=ModelFault.NAME if looks_like_a_name else ModelFault.MISSING, known=known)


def _has(path: Path, release: PublishedModel) -> bool:
    """Return whether the file is in the cache; its content was checked before it was put there."""
    try:
        return path.stat().st_size == release.size_bytes
    except FileNotFoundError:
        return False


class _Progress:
    """What `pooch` takes for a progress bar. Raises `ModelError` ("size") as soon as the file has another size."""

    def __init__(self, model: str, release: PublishedModel, progress: DownloadProgress) -> None:
        self._model, self._release, self._progress = model, release, progress
        self._done = 0
        self._ended = False

    @property
    def total(self) -> int:
        return self._release.size_bytes

    @total.setter
    def total(self, announced: int) -> None:
        """`announced` is 0 where the server does not say it."""
        if announced and announced != self._release.size_bytes:
            raise ModelError(model=self._model, problem=ModelFault.SIZE, detail=str(announced))
        self._progress(0, self._release.size_bytes)

    def update(self, size_bytes: int) -> None:
        """`size_bytes` is that of a whole chunk for the last one, too."""
        if self._ended:
            return
        if self._done >= self._release.size_bytes:
            raise ModelError(model=self._model, problem=ModelFault.SIZE, detail=f"more than {self._release.size_bytes}")
        self._done += size_bytes
        self._progress(min(self._done, self._release.size_bytes), self._release.size_bytes)

    def reset(self) -> None:
        """All has arrived."""
        self._ended = True

    def close(self) -> None:
        """Nothing is open."""


def _download(model: str, path: Path, release: PublishedModel, progress: DownloadProgress) -> None:
    """Put the published file at `path`. Raises `EngineUnavailable` ("offline"), `ModelError` ("size", "checksum")."""
    # A folder of its own, so that what a killed process leaves is found and cleared by the next one.
    folder = path.with_name(f"{path.name}.download")
    shutil.rmtree(folder, ignore_errors=True)
    answers = contextlib.ExitStack()

    def close_at_the_end(response: requests.Response, **_: object) -> None:
        answers.callback(response.close)  # `pooch` leaves it open where it raises

    downloader = pooch.HTTPDownloader(
        progressbar=_Progress(model, release, progress),
        chunk_size=CHUNK_BYTES,
        timeout=SILENCE_S,
        headers={"User-Agent": "tracklet", "Accept-Encoding": "identity"},
        hooks={"response": close_at_the_end},
    )

    def download(url: str, output_file: str, source: object) -> None:
        downloader(url, output_file, source)
        size_bytes = Path(output_file).stat().st_size
        if size_bytes != release.size_bytes:
            raise ModelError(model=model, problem=ModelFault.SIZE, detail=str(size_bytes))

    try:
        pooch.retrieve(release.url, f"sha256:{release.sha256}", fname=release.file, path=folder, downloader=download)
        (folder / release.file).replace(path)
    except requests.RequestException as error:
        raise EngineUnavailable(EngineName.YOLOX, EngineAbsence.OFFLINE, _reason(error), model) from error
    except ValueError as error:
        raise ModelError(model=model, problem=ModelFault.CHECKSUM, detail=release.sha256) from error
    finally:
        answers.close()
        shutil.rmtree(folder, ignore_errors=True)


def _reason(error: requests.RequestException) -> str:
    """Return its cause in a few words that may be shown: the texts of `requests` quote addresses."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


@contextlib.contextmanager
def _lock(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of `path`, which ends with its process; call `waiting` now and then while another process holds it."""
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=WAIT_S)
            break
        except Timeout:
            waiting()
    try:
        yield
    finally:
        lock.release()
