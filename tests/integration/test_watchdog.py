"""A program whose event loop stands still is ended; one that was stopped by a signal is not."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.bot_workspace import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs POSIX signals, and /proc to see who is stopped")

PROGRAM = """
import asyncio, re, sys
from bot.process.watchdog import Watchdog
async def main():
    watchdog = Watchdog(standstill_s=2.0)
    await watchdog.start()
    print("watched", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    {after}
    await watchdog.stop()
    print("ended", flush=True)
asyncio.run(main())
"""
FULL_LOG = "import fcntl, os; os.write(2, b'x' * fcntl.fcntl(2, fcntl.F_GETPIPE_SZ))"
BACKTRACKING = 're.match(r"(?:a|a)*b", "a" * 60)  # holds the interpreter, and would for years'


def started(after: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        (sys.executable, "-c", PROGRAM.format(after=after)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"watched\n"
    return process


def test_a_loop_that_an_expression_holds_is_ended_and_its_place_in_the_code_told() -> None:
    process = started(BACKTRACKING)
    _, told = process.communicate(b"go\n", timeout=60)
    assert process.returncode == signal.SIGABRT  # as a status: also the first process of a container ends
    assert b"stood still" in told
    assert b"in main" in told


def test_a_loop_is_ended_although_nobody_reads_the_log() -> None:
    process = started(f"{FULL_LOG}; {BACKTRACKING}")
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    assert process.wait(timeout=60) == signal.SIGABRT
    process.communicate(timeout=60)


def test_a_loop_that_turns_is_left_alone() -> None:
    process = started("await asyncio.sleep(0)")
    out, told = process.communicate(b"go\n", timeout=60)
    assert (process.returncode, out, told) == (0, b"ended\n", b"")


async def test_a_program_that_was_stopped_for_longer_goes_on() -> None:
    process = started("await asyncio.sleep(0)")
    watcher = watcher_of(process.pid)
    os.kill(process.pid, signal.SIGSTOP)
    looked = looks(watcher)
    # So many looks would have been enough to end it, were it not stopped.
    await eventually(lambda: looks(watcher) > looked + 4)
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate(b"go\n", timeout=60)
    assert (process.returncode, out) == (0, b"ended\n")


async def test_a_watcher_that_was_killed_is_followed_by_another() -> None:
    process = started("await asyncio.sleep(0)")
    first = watcher_of(process.pid)
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: watchers_of(process.pid) not in ([], [first]))
    out, told = process.communicate(b"go\n", timeout=60)
    assert (process.returncode, out, told) == (0, b"ended\n", b"")


def test_the_watcher_ends_with_the_program() -> None:
    process = started("await asyncio.sleep(0)")
    watcher = watcher_of(process.pid)
    descriptor = os.pidfd_open(watcher)
    process.kill()
    process.communicate(timeout=60)
    os.set_blocking(descriptor, True)
    assert select.select([descriptor], [], [], 60)[0]
    os.close(descriptor)


def watcher_of(pid: int) -> int:
    return watchers_of(pid)[0]


def watchers_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def looks(pid: int) -> int:
    """How often the process has waited and looked: its voluntary switches."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("voluntary_ctxt_switches")).split()[1])
