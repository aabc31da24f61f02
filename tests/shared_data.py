"""Real videos, annotation files and cases, kept outside of the project: a test that wants one skips where it is absent."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
SHARED_DATA = SHARED / "data"


def shared_data(name: str) -> Path:
    """The path of one file of the shared data; skips the calling test where it is not there."""
    return _shared(f"data/{name}")


def shared_case(name: str) -> Path:
    """The path of a small file on which the program was wrong once; skips as `shared_data`."""
    return _shared(f"cases/{name}")


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the shared file {name} is not on this machine")
    return path
