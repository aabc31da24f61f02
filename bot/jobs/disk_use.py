"""How many bytes of each kind of file lie in the data folder; not for an event loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bot.jobs.paths import JobPaths


def bytes_by_kind(paths: JobPaths) -> dict[str, int]:
    """Return the bytes of videos, annotation files, pictures and the database; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    return {
        "videos": _size(_files(*paths.fetched), seen),
        "annotations": _size(_files(paths.results[0]), seen),
        "results": _size(_files(paths.results[1]), seen),
        "pictures": _size(_files(paths.drawn), seen),  # of those, what is not a result as well
        "database": _size((path for path in paths.data.glob("*sqlite*") if path.is_file()), seen),
    }


def _files(*roots: Path) -> Iterator[Path]:
    for root in roots:
        for folder, _, names in os.walk(root):
            yield from (Path(folder, name) for name in names)


def _size(files: Iterator[Path], seen: set[tuple[int, int]]) -> int:
    size_bytes = 0
    for path in files:
        with contextlib.suppress(OSError):  # gone meanwhile
            stat = path.lstat()
            if (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                size_bytes += stat.st_size
    return size_bytes
