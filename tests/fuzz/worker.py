"""
A process that tries one number after the other, under the bounds of a child: `python -m tests.fuzz.worker SEEDS FOLDER`.

Reads lines of "kind number"; answers each with a line of JSON: the outcome, or the traceback of a finding, and the memory that
the process took at its height, in bytes.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bot.jobs.isolation import isolate
from bot.jobs.limits import impose, limits_of


def main() -> None:
    """Until the input ends."""
    # A worker tries thousands of files: the time of each is held by the parent.
    impose(replace(limits_of("track", {}), cpu_s=1e6))
    isolate()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from tests.fuzz.trials import Trials

    trials = Trials(Path(sys.argv[1]), Path(sys.argv[2]))
    for line in sys.stdin:
        kind, _, number = line.strip().rpartition(" ")
        if kind == "crash":  # for the test that it is noticed
            os.abort()
        _forget_peak()
        try:
            answer = {"outcome": trials.kinds[kind](int(number)), "finding": ""}
        except Exception:
            answer = {"outcome": "finding", "finding": traceback.format_exc(limit=-6)}
        answers.write(json.dumps(answer | {"peak_bytes": _peak_bytes()}) + "\n")
    os._exit(0)


def _forget_peak() -> None:
    """Where the kernel can (Linux), count the peak from now on."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_bytes() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
