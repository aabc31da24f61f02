"""Real videos and annotation files for tests, kept outside of the project: a test that wants one skips where it is absent."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The path of one file of the shared data; skips the calling test where it is not there."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"the shared file {name} is not on this machine")
    return path
