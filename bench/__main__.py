"""
All benchmarks, one after the other, each in a process of its own: `make bench`, or `python -m bench [name ...]`.

Figures are medians and ratios within one run, so that they hold on a machine that others use, too.
"""

from __future__ import annotations

import platform
import subprocess
import sys

from tracking.local.following import cores

NAMES = ("parsing", "local_engine", "association", "rendering", "answers")


def main() -> int:
    """Runs the benchmarks that were named, by default all; the number of those that failed."""
    print(f"Python {platform.python_version()}, {cores()} cores, {platform.machine()}\n", flush=True)
    return sum(subprocess.run([sys.executable, "-m", f"bench.{name}"]).returncode != 0 for name in sys.argv[1:] or NAMES)


if __name__ == "__main__":
    sys.exit(main())
