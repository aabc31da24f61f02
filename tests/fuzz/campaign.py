"""
Many trials on all cores, and what they found: tracebacks, crashes, hangs over 30 s, more than 1 GB of memory.

Workers live long and are replaced when they die. Numbers are all that goes to them, so that a finding can be made again.
"""

from __future__ import annotations

import contextlib
import json
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypedDict

from tests.fuzz.seeds import video_seeds

HANG_S = 30.0
START_S = 60.0
MAX_BYTES = 1_000_000_000
TRIALS_A_WORKER = 2_000


class Answer(TypedDict):
    """What a worker says of one trial."""

    outcome: str
    finding: str
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What went wrong with a number."""

    kind: str
    number: int
    what: str


@dataclass(slots=True)
class Report:
    """What came of all trials."""

    took_s: float = 0.0
    peak_bytes: int = 0
    slowest_s: float = 0.0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def run(counts: dict[str, int], seed_folder: Path, *, first: int = 0, workers: int = 2) -> Report:
    """Try `counts[kind]` numbers of each kind, from `first` on."""
    video_seeds(seed_folder)
    jobs: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
    for kind, count in counts.items():
        for number in range(first, first + count):
            jobs.put((kind, number))
    report = Report()
    lock = threading.Lock()
    started = time.monotonic()
    threads = [threading.Thread(target=_serve, args=(jobs, seed_folder, report, lock)) for _ in range(workers)]
    for thread in threads:
        jobs.put(None)
        thread.start()
    for thread in threads:
        thread.join()
    report.took_s = time.monotonic() - started
    return report


def _serve(jobs: queue.SimpleQueue[tuple[str, int] | None], seed_folder: Path, report: Report, lock: threading.Lock) -> None:
    with tempfile.TemporaryDirectory() as folder:
        worker: subprocess.Popen[str] | None = None
        trials = 0
        while (job := jobs.get()) is not None:
            if worker is None or trials == TRIALS_A_WORKER:
                _end(worker)
                worker, trials = _worker(seed_folder, Path(folder)), 0
            kind, number = job
            started = time.monotonic()
            answer = _asked(worker, kind, number, HANG_S if trials else HANG_S + START_S)
            took_s = time.monotonic() - started if trials else 0.0
            trials += 1
            with lock:
                if isinstance(answer, str):
                    report.findings.append(Finding(kind, number, answer))
                    _end(worker)
                    worker = None
                    continue
                report.outcomes[kind, answer["outcome"]] += 1
                report.peak_bytes = max(report.peak_bytes, answer["peak_bytes"])
                report.slowest_s = max(report.slowest_s, took_s)
                if answer["finding"]:
                    report.findings.append(Finding(kind, number, answer["finding"]))
                elif answer["peak_bytes"] > MAX_BYTES:
                    report.findings.append(Finding(kind, number, f"took {answer['peak_bytes']:,} bytes"))
        _end(worker)


def _worker(seed_folder: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.worker", str(seed_folder), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _asked(worker: subprocess.Popen[str], kind: str, number: int, limit_s: float) -> Answer | str:
    """The worker's answer, or what became of it instead."""
    stdin, stdout = _pipes(worker)
    try:
        stdin.write(f"{kind} {number}\n")
        stdin.flush()
    except BrokenPipeError:
        return f"ended with status {worker.wait()}"
    if not select.select([stdout], [], [], limit_s)[0]:
        return f"took more than {limit_s:.0f} s"
    line = stdout.readline()
    if not line:
        return f"ended with status {worker.wait()}"
    answer: Answer = json.loads(line)
    return answer


def _pipes(worker: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    return worker.stdin, worker.stdout


def _end(worker: subprocess.Popen[str] | None) -> None:
    if worker is None:
        return
    worker.kill()
    worker.wait()
    for pipe in _pipes(worker):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
