"""
Files that are either whole or not there: written aside under a hidden name, then renamed.

Every file that Tracklet writes goes this way, so that what stands under a name is whole, also after a kill. What a killed
process leaves is told by its name (`is_unfinished`) and may be removed when nothing is being written.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tracking.errors import StorageError, StorageFault, is_disk_full

UNFINISHED = ".tracklet-"  # how the name of a file or folder begins that is not whole yet


@contextlib.contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """
    Give a path beside `target` that nobody else uses, to write to and then to rename to `target`; its folder is made.

    What is still there in the end is removed. Two writers of one target do not meet: the last rename counts. Raises `OSError`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        yield aside
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def write_whole(target: Path, data: bytes) -> None:
    """Write `data` to `target`, of which nobody ever sees a part. Raises `StorageError`."""
    try:
        with unfinished(target) as aside:
            aside.write_bytes(data)
            aside.replace(target)
    except OSError as error:
        raise StorageError(target.name, "write", StorageFault.FULL if is_disk_full(error) else error.strerror or "") from error


def check_room(target: Path, size_bytes: int) -> None:
    """See that the disk takes a file of that size at `target`, whose folder is made. Raises `StorageError` ("full")."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise StorageError(target.name, "write", StorageFault.FULL if is_disk_full(error) else error.strerror or "") from error
    if free_bytes < size_bytes:
        raise StorageError(target.name, "write", StorageFault.FULL)


def is_unfinished(path: Path) -> bool:
    """Return whether a process that wrote `path` was killed before it was whole, when nobody is writing now."""
    # Versions up to 0.1 wrote ".name.part".
    return path.name.startswith(UNFINISHED) or (path.name.startswith(".") and path.name.endswith(".part"))
