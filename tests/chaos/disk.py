"""A file system of its own that can be filled, where one may be mounted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class SmallDisk:
    """A folder on a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "somebody-elses"

    def fill(self, *, but: int = 0) -> None:
        """Take all the room that there is, but for some bytes."""
        free = os.statvfs(self.folder)
        with self._ballast.open("ab", buffering=0) as file:
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, file.tell() + free.f_bavail * free.f_frsize)
            with suppress(OSError):
                while True:
                    file.write(bytes(4096))
            if but:
                file.truncate(os.fstat(file.fileno()).st_size - but)

    def empty(self) -> None:
        """Give it back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk | None]:
    """Give a disk mounted at `folder`, which is made; None where that is not allowed."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    words = ("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    if not mount or subprocess.run((mount, *words), capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=True)
