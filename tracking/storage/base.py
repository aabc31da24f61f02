"""
The port to a place for files: a folder or a bucket, which the rest of Tracklet does not tell apart.

Names are relative, with `/` between their parts (`names.is_object_name`); sizes are bytes. A generation is a number that
rises with every write of one object; 0 stands for "not there". Whoever must not overwrite the work of another gives the
generation that it knows: `if_generation=0` creates and never replaces. No method holds a whole video in memory; `read` and
`write` are for annotation files and pictures.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import google_crc32c

ANNOTATION_LIMIT_BYTES = 256 * 1024 * 1024
"""More than any annotation file that was seen by far (775 objects: 2.9 MB); what is larger is no annotation file."""

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it was when it was looked at; `crc32c` is in base64, big-endian, or "" where the place does not keep it."""

    name: str
    size_bytes: int
    generation: int
    content_type: str = ""
    crc32c: str = ""


class Root(Protocol):
    """
    Where one kind of thing is kept.

    Every method raises `StorageError`; its reason is "missing" for an object that is not there, "conflict" where a generation
    does not match, "name" for a name that no object can have.
    """

    @property
    def name(self) -> str:
        """The bucket's name; a folder's own name stands for one."""
        ...

    def uri(self, name: str) -> str:
        """`gs://bucket/name`, or the `file://` address of the file."""
        ...

    async def stat(self, name: str) -> StoredObject | None:
        """Return what is known of an object, None when it is not there."""
        ...

    async def generation(self, name: str) -> int:
        """Return an object's generation, 0 when it is not there."""
        ...

    async def read(self, name: str, *, limit_bytes: int = ANNOTATION_LIMIT_BYTES) -> bytes:
        """Return an object's content; reason "too-large" above the limit."""
        ...

    async def fetch(self, name: str, into: Path, *, limit_bytes: int, if_generation: int | None = None) -> Path:
        """
        Return a local file with an object's content, at most `limit_bytes` of it.

        A bucket's object is streamed into the folder `into`; a folder answers with its own file, which must be left alone.
        """
        ...

    async def write(
        self, name: str, content: bytes, *, content_type: str = "", if_generation: int | None = None
    ) -> StoredObject:
        """Store `content`, all of it or nothing."""
        ...

    async def upload(
        self, name: str, source: Path, *, content_type: str = "", if_generation: int | None = None
    ) -> StoredObject:
        """Store a file, all of it or nothing."""
        ...

    async def delete(self, name: str, *, if_generation: int | None = None) -> None:
        """Remove an object; nothing happens when it is not there."""
        ...

    def objects(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """Return every object whose name starts with `prefix`, by name."""
        ...


@dataclass(frozen=True, slots=True)
class Storage:
    """The three roots."""

    videos: Root
    annotations: Root
    objects: Root


def crc32c(source: BinaryIO, *, copy_to: BinaryIO | None = None) -> str:
    """Return the CRC32C of what is left to read of `source`, in base64, big-endian; `copy_to` gets each piece as it is read."""
    checksum = 0
    while piece := source.read(_PIECE_BYTES):
        checksum = google_crc32c.extend(checksum, piece)
        if copy_to is not None:
            copy_to.write(piece)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()


def content_type_of(name: str) -> str:
    """Return the content type that a name's ending stands for."""
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"
