"""What the tests of the command line have in common; the fixture `run` is in conftest.py."""

from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def files(folder: Path) -> list[str]:
    """The names of all files in a folder and below."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
