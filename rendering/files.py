"""Files that are either whole or not there: written aside, then renamed."""

from __future__ import annotations

import os
from pathlib import Path

from tracking.errors import StorageError


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, of which nobody ever sees a part. Raises `StorageError`."""
    aside = path.with_name(f".{path.name[:120]}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as error:
        raise StorageError(place=path.name, action="write", reason=error.strerror or "") from error
    finally:
        aside.unlink(missing_ok=True)
