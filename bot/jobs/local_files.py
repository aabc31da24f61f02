"""
What this machine has of a job's files, and how the rest comes here.

Facts name files below the data folder (`JobPaths.name`), because another machine may go on with a job. Videos and pictures are
caches: a video is fetched again and must have the bytes that were tracked, a picture is drawn again (`steps.py`). An annotation
file that is not here is read from the annotations' bucket, where it has the same name.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bot.jobs.facts import VideoFile
from bot.jobs.model import Request
from bot.jobs.paths import JobPaths
from bot.jobs.store import Store
from tracking.atomic import unfinished, write_whole
from tracking.errors import StorageError, StorageFault
from tracking.sources.download import Fetched, sha256_of
from tracking.storage.base import Root, Storage, crc32c
from tracking.storage.bucket import Bucket


class _Seen(NamedTuple):
    """A version of a file whose digest is known."""

    inode: int
    size_bytes: int
    modified_ns: int
    sha256: str


class LocalFiles:
    """The files below the data folder; a digest is computed once for each version of a file."""

    def __init__(self, *, paths: JobPaths, storage: Storage, store: Store) -> None:
        self.paths = paths
        self._storage = storage
        self._store = store
        self._seen: dict[Path, _Seen] = {}

    async def annotations(self, job_id: str, name: str, request: Request) -> Path:
        """
        Return the annotation file of that name, which `request` led to, from now on one of the job's.

        Raises `FileNotFoundError` where neither this machine nor the bucket has it, and `StorageError`.
        """
        path = self.paths.here(name)
        await self._store.own(job_id, [path.as_uri()])
        try:
            await asyncio.to_thread(use, [path])
        except FileNotFoundError:
            await self._bring_annotations(path, request.annotations)
        return path

    async def _bring_annotations(self, path: Path, taken: str) -> None:
        """Read an annotation file from its bucket; `taken` is its name there where somebody else made it, else ""."""
        root = self._storage.annotations
        if not isinstance(root, Bucket) or not path.is_relative_to(self.paths.results[0]):
            raise FileNotFoundError(path)
        try:
            content = await root.read(taken or self.paths.annotation_name(path))
        except StorageError as error:
            if error.reason is StorageFault.MISSING:
                raise FileNotFoundError(path) from error
            raise
        await asyncio.to_thread(write_whole, path, content)

    async def has(self, video: VideoFile) -> Path | None:
        """Return the video's file, with a fresh date, where this machine has the very bytes that were fetched first."""
        path = self.paths.here(video.path)
        return path if await asyncio.to_thread(self._is, path, video.sha256) else None

    async def settle(self, fetched: Fetched, path: Path) -> Fetched:
        """
        Move a fetched file to `path`; where other bytes lie there, which another job may be drawing from, beside it.

        What one link gives may change from one moment to the next.
        """

        def move() -> Path:
            place = path
            if path.exists() and not self._is(path, fetched.sha256):
                place = path.with_name(f"{path.stem[:80]}.{fetched.sha256[:12]}{path.suffix}")
            place.parent.mkdir(parents=True, exist_ok=True)
            fetched.path.replace(place)
            self._note(place, fetched.sha256)
            return place

        return replace(fetched, path=await asyncio.to_thread(move))

    def _is(self, path: Path, sha256: str) -> bool:
        try:
            stat = path.stat()
            seen = self._seen.get(path)
            if seen is None or seen[:3] != (stat.st_ino, stat.st_size, stat.st_mtime_ns):
                found = sha256_of(path)
            else:
                found = seen.sha256
            use([path])
            self._note(path, found)
        except FileNotFoundError:
            self._seen.pop(path, None)
            return False
        return found == sha256

    def _note(self, path: Path, sha256: str) -> None:
        stat = path.stat()
        self._seen[path] = _Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns, sha256)


async def keep_in(root: Root, name: str, path: Path) -> None:
    """Store a file in a bucket, unless it is there already. Raises `StorageError`."""
    stored = await root.stat(name)
    if stored is None or stored.crc32c != await asyncio.to_thread(crc32c_of, path):
        await root.upload(name, path)


def crc32c_of(path: Path) -> str:
    """Return a file's CRC32C as buckets write it."""
    with path.open("rb") as file:
        return crc32c(file)


@asynccontextmanager
async def arriving(path: Path) -> AsyncIterator[Path]:
    """Give the path, in a folder of its own, to which what will be `path` is fetched; what is left there is removed."""
    with unfinished(path) as folder:
        await asyncio.to_thread(folder.mkdir)
        try:
            yield folder / path.name
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def use(paths: Iterable[str | Path]) -> None:
    """Give files a fresh date, which keeps them from being removed. Raises `FileNotFoundError`."""
    for path in paths:
        os.utime(path)


def is_there(paths: Iterable[str | Path]) -> bool:
    """Return whether each path names a file."""
    return all(path and Path(path).is_file() for path in paths)
