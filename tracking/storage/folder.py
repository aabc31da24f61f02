"""
A folder as a root: for one machine, without any account.

A generation is the file's modification time in nanoseconds, made to rise with each write of ours. Files appear whole: they are
written beside their place under a hidden name, then moved. Writers in other processes are kept apart by a lock on the folder
(POSIX only). Links that lead out of the folder are not followed.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from tracking.atomic import UNFINISHED, unfinished
from tracking.errors import StorageError, StorageFault
from tracking.storage.base import ANNOTATION_LIMIT_BYTES, StoredObject, content_type_of, crc32c
from tracking.storage.names import checked_name, is_object_name

ResultT = TypeVar("ResultT")


class Folder:
    """`Root` on a folder, which is made when something is written; two folders of one name count as one bucket."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @property
    def name(self) -> str:
        return self.path.name

    def uri(self, name: str) -> str:
        return self._place(name, "read").as_uri()

    async def stat(self, name: str) -> StoredObject | None:
        place = self._place(name, "read")
        return await self._in_thread(lambda: _stat(place, name), name, "read")

    async def generation(self, name: str) -> int:
        found = await self.stat(name)
        return found.generation if found else 0

    async def read(self, name: str, *, limit_bytes: int = ANNOTATION_LIMIT_BYTES) -> bytes:
        place = self._place(name, "read")

        def content() -> bytes:
            with place.open("rb") as file:
                return file.read(limit_bytes + 1)

        found = await self._in_thread(content, name, "read")
        if len(found) > limit_bytes:
            raise StorageError(self._shown(name), "read", StorageFault.TOO_LARGE)
        return found

    async def fetch(self, name: str, into: Path, *, limit_bytes: int, if_generation: int | None = None) -> Path:
        found = await self.stat(name)
        if found is None:
            raise StorageError(self._shown(name), "read", StorageFault.MISSING)
        if if_generation is not None and found.generation != if_generation:
            raise StorageError(self._shown(name), "read", StorageFault.CONFLICT)
        if found.size_bytes > limit_bytes:
            raise StorageError(self._shown(name), "read", StorageFault.TOO_LARGE)
        return self._place(name, "read")

    async def write(
        self, name: str, content: bytes, *, content_type: str = "", if_generation: int | None = None
    ) -> StoredObject:
        place = self._place(name, "write")
        return await self._in_thread(lambda: self._store(io.BytesIO(content), place, name, if_generation), name, "write")

    async def upload(
        self, name: str, source: Path, *, content_type: str = "", if_generation: int | None = None
    ) -> StoredObject:
        place = self._place(name, "write")

        def copy() -> StoredObject:
            with source.open("rb") as file:
                return self._store(file, place, name, if_generation)

        return await self._in_thread(copy, name, "write")

    async def link(self, name: str, source: Path) -> None:
        """
        Have a file of this machine under `name` as well, its bytes on the disk once; copied where the system can't link it.

        Nobody may write into `source` afterwards: a new version is another file that takes its place.
        """
        place = self._place(name, "write")

        def link() -> bool:
            with unfinished(place) as aside:
                try:
                    os.link(source, aside)
                except FileNotFoundError:
                    raise
                except OSError:
                    return False
                with self._locked():
                    aside.replace(place)
            return True

        if not await self._in_thread(link, name, "write"):
            await self.upload(name, source)

    async def delete(self, name: str, *, if_generation: int | None = None) -> None:
        place = self._place(name, "delete")

        def remove() -> None:
            if self.path.is_dir():
                with self._locked():
                    self._check_generation(place, name, if_generation, "delete")
                    place.unlink(missing_ok=True)

        await self._in_thread(remove, name, "delete")

    async def objects(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        found = await self._in_thread(lambda: sorted(self._names(prefix)), prefix, "list")
        for name in found:
            # A file may vanish between the two looks.
            if (stored := await self.stat(name)) is not None:
                yield stored

    def _place(self, name: str, action: str) -> Path:
        """Return the file of an object, proven to be inside of the folder."""
        place = self.path.joinpath(*checked_name(name, place=self.path.name, action=action).split("/"))
        if place.name.startswith(UNFINISHED) or not place.resolve().is_relative_to(self.path):
            raise StorageError(self.path.name, action, StorageFault.NAME)
        return place

    def _store(self, source: BinaryIO, place: Path, name: str, if_generation: int | None) -> StoredObject:
        with unfinished(place) as aside:
            with aside.open("xb") as file:
                checksum = crc32c(source, copy_to=file)
                file.flush()
                os.fsync(file.fileno())
            with self._locked():
                current = self._check_generation(place, name, if_generation, "write")
                generation = max(aside.stat().st_mtime_ns, current + 1)
                os.utime(aside, ns=(generation, generation))
                aside.replace(place)
                # What the file system made of the time counts: some keep fewer digits.
                written = place.stat()
        return StoredObject(name, written.st_size, written.st_mtime_ns, content_type_of(name), checksum)

    def _check_generation(self, place: Path, name: str, if_generation: int | None, action: str) -> int:
        """Return the generation that is there now, 0 for none; the lock is held."""
        found = _stat(place, name)
        current = found.generation if found else 0
        if if_generation is not None and current != if_generation:
            raise StorageError(self._shown(name), action, StorageFault.CONFLICT)
        return current

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the folder meanwhile; released by the system when this process dies."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _names(self, prefix: str) -> Iterator[str]:
        """Yield the names of all files below; hidden unfinished ones, links and names that no object can have are left out."""
        for folder, _, files in os.walk(self.path):
            for file in files:
                path = Path(folder, file)
                name = path.relative_to(self.path).as_posix()
                if (
                    name.startswith(prefix)
                    and not file.startswith(UNFINISHED)
                    and is_object_name(name)
                    and path.resolve().is_relative_to(self.path)
                ):
                    yield name

    async def _in_thread(self, work: Callable[[], ResultT], name: str, action: str) -> ResultT:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise StorageError(self._shown(name), action, _reason(error)) from error

    def _shown(self, name: str) -> str:
        return f"{self.path.name}/{name}"


def _stat(place: Path, name: str) -> StoredObject | None:
    try:
        found = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not place.is_file():
        return None
    return StoredObject(name, found.st_size, max(found.st_mtime_ns, 1), content_type_of(name))


def _reason(error: OSError) -> StorageFault | str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.EISDIR:
            return StorageFault.MISSING
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StorageFault.PERMISSION
        case errno.ENOSPC | errno.EDQUOT:
            return StorageFault.FULL
        case errno.ENAMETOOLONG:
            return StorageFault.NAME
        case _:
            return error.strerror or "system"
