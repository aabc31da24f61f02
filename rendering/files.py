"""Files that are either whole or not there: written aside, then renamed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tracking.errors import OptionError, StorageError, is_disk_full


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, of which nobody ever sees a part. Raises `StorageError`."""
    aside = path.with_name(f".{path.name[:120]}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        reason = "full" if is_disk_full(error) else error.strerror or ""
        raise StorageError(place=path.name, action="write", reason=reason) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Raises `OptionError` where files cannot be put into `folder`, without making it."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        usable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except (OSError, ValueError):
        usable = False
    if not usable:
        raise OptionError("folder", str(folder), "a folder that can be made and written to is needed")
