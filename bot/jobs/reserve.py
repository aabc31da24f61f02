"""
Some bytes of the disk that are held back for the database.

When the disk is full, not even the end of a job can be recorded. So a file without meaning lies beside the database, and is
removed when the database finds no room: what is recorded then fits into its place. It is made again once there is room.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from tracking.atomic import unfinished

RESERVE_BYTES = 16 << 20  # four times what SQLite's log grows to before it is folded back: the ends of some thousand jobs
LEAST_FREE_BYTES = 64 << 20  # less than this is a full disk to `/readyz`: a fetched video or a page of pictures may not fit


class DiskReserve:
    """A file of `size_bytes` at `path`; every method may be called from any thread."""

    def __init__(self, path: Path, *, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def hold(self) -> None:
        """Take the room where it is there and left over; do nothing where it is held already."""
        with contextlib.suppress(OSError):
            if self._path.exists() or free_bytes(self._path.parent) < 4 * self._size_bytes:
                return
            with unfinished(self._path) as aside:
                with aside.open("wb") as file:
                    # Written, not only claimed: some file systems give a hole no room.
                    for _ in range(self._size_bytes >> 20):
                        file.write(bytes(1 << 20))
                    os.fsync(file.fileno())
                aside.replace(self._path)

    def release(self) -> bool:
        """Give the room back to the disk; False where it was not held."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def free_bytes(folder: Path) -> int:
    """Return how many bytes a file in `folder` may still take. Raises `OSError`."""
    return shutil.disk_usage(folder).free
