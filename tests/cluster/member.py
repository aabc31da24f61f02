"""
One process of a cluster: `tracklet serve`, `tracklet serve --no-work` or `tracklet worker`, by its real entry points.

    python -m tests.cluster.member alone|front|worker [seconds of a beat, and of a lease]
    python -m tests.cluster.member

The second form is a template: it imports everything once and starts a fork of itself for each line of JSON on standard input,
which holds the arguments of the first form. It says when one begins and when one is gone.

Differs from the command line in three things: the times of its lease can be shorter, it ends when who started it dies, and with
`CANNED_CHILDREN` in the environment its children only pretend to work (`canned_child.py`).
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path

from bot.app import serve, worker
from bot.jobs.leases import DEFAULT_LEASE_TIMES, LeaseTimes
from bot.jobs.processes import ProcessPool
from bot.process.logs import log_for_operators
from bot.settings import read_settings
from tests.cluster.members import BEGUN, GONE
from tracking.errors import TrackletError

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CANNED_CHILD = Path(__file__).with_name("canned_child.py")


class CannedPool(ProcessPool):
    """Child processes that only pretend."""

    def _command(self, task: str) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", str(CANNED_CHILD), task)


def main(role: str, *times: str) -> None:
    """Run it until SIGTERM or SIGINT."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    log_for_operators(verbose=False)
    lease_times = LeaseTimes(*map(float, times)) if times else DEFAULT_LEASE_TIMES
    settings = read_settings()
    children = CannedPool(settings.child_slots) if os.environ.get("CANNED_CHILDREN") else None
    try:
        if role == "worker":
            asyncio.run(worker(settings, children=children, lease_times=lease_times))
        else:
            asyncio.run(serve(settings, takes_work=role != "front", children=children, lease_times=lease_times))
    except TrackletError as error:
        sys.exit(f"it cannot start: {error!r}")


def tell(text: str) -> None:
    """Write a line of one piece: forks write to the same place."""
    os.write(1, text.encode() + b"\n")


def reap(number: int, frame: object) -> None:
    """Tell of each fork that is gone."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        tell(f"{GONE} {pid} {os.waitstatus_to_exitcode(status)}")


def be_template() -> None:
    """Start a fork for each line on standard input, until that ends."""
    signal.signal(signal.SIGCHLD, reap)
    for line in sys.stdin:
        # A fork that is gone at once is told of after its beginning.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid:
            tell(f"{BEGUN} {pid}")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            try:
                main(*json.loads(line))
            except SystemExit as told:
                tell(str(told.code))
                os._exit(1)
            finally:
                sys.stderr.flush()
                os._exit(0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(*sys.argv[1:])
    else:
        be_template()
