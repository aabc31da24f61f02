"""
Make all recordings, compare each way to their pictures with a full decode, and say what does not hold.

`make torture`, or `python -m tests.torture [part of a name]`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.torture.passes import faults
from tests.torture.recordings import Recipe, recipes, record


def _tried(recipe: Recipe) -> tuple[str, list[str]]:
    with tempfile.TemporaryDirectory(prefix="tracklet-torture-") as folder:
        try:
            recording = record(recipe, Path(folder))
        except Exception as error:
            return recipe.name, [f"could not be made: {error!r}"]
        try:
            return recipe.name, faults(recording)
        except Exception as error:
            return recipe.name, [f"failed: {error!r}"]


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Return 0 where all holds."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [recipe for recipe in recipes() if part in recipe.name]
    started = time.monotonic()
    bad = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, found in pool.map(_tried, chosen):
            bad += bool(found)
            for fault in found:
                say(f"{name}: {fault}")
    say(f"{len(chosen)} recordings, {len(chosen) - bad} as a full decode, {time.monotonic() - started:.0f} s")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
