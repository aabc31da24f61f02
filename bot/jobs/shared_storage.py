"""
Whether the processes on one database see the same storage.

Each says what it sees beside its lease: the names of its buckets, and for a folder a number that lies in it as a file.
Processes that see another storage would go on with each other's jobs and not find what those have made.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from tracking.storage.base import Root, Storage
from tracking.storage.bucket import Bucket
from tracking.storage.folder import Folder

MARKER = "tracklet.id"
MARKER_LETTERS = 16


def marked(folder: Path) -> str:
    """Return the number of a folder, which it gets where it has none. Raises `OSError`."""
    if not number_of(folder):
        with contextlib.suppress(FileExistsError), (folder / MARKER).open("x") as file:
            file.write(secrets.token_hex(MARKER_LETTERS // 2))
    return number_of(folder)


def number_of(folder: Path) -> str:
    """Return the number of a folder, "" where it has none that can be read."""
    try:
        with (folder / MARKER).open(encoding="ascii", errors="replace") as file:
            number = file.read(MARKER_LETTERS)
    except OSError:
        return ""
    return number if number.isalnum() else ""


def seen_by(storage: Storage, *, data_dir: Path, is_marked: bool = True) -> str:
    """
    Return what a process sees: one word for each root, the same in every process that sees the same.

    A folder without a number gets one where it `is_marked`, else it stays as it is and is "". Raises `OSError`.
    """

    def place(root: Root) -> str:
        if isinstance(root, Bucket):
            return f"gs://{root.name}"
        assert isinstance(root, Folder)
        folder = data_dir if root.path.is_relative_to(data_dir.resolve()) else root.path
        return f"folder:{marked(folder) if is_marked and folder.is_dir() else number_of(folder)}"

    return " ".join(place(root) for root in (storage.videos, storage.annotations, storage.objects))


def differing(seen: Sequence[str]) -> list[str]:
    """Return the settings of the roots in which processes differ, by what each of them sees."""
    names = ("TRACKLET_VIDEO_BUCKET", "TRACKLET_ANNOTATION_BUCKET", "TRACKLET_OBJECT_BUCKET")
    columns = zip(*(each.split(" ") for each in seen if each.count(" ") == len(names) - 1), strict=True)
    return [name for name, places in zip(names, columns, strict=False) if len(set(places)) > 1]
