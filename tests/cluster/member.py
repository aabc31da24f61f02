"""
One process of a cluster: `tracklet serve`, `tracklet serve --no-work` or `tracklet worker`, by its real entry points.

    python -m tests.cluster.member alone|front|worker [seconds of a beat, and of a lease]

Differs from the command line in two things: the times of its lease can be shorter, and it ends when who started it dies.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys

from bot.app import serve, worker
from bot.jobs.leases import DEFAULT_LEASE_TIMES, LeaseTimes
from bot.process.logs import log_for_operators
from bot.settings import read_settings

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(role: str, *times: str) -> None:
    """Run it until SIGTERM or SIGINT."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    log_for_operators(verbose=False)
    lease_times = LeaseTimes(*map(float, times)) if times else DEFAULT_LEASE_TIMES
    settings = read_settings()
    if role == "worker":
        asyncio.run(worker(settings, lease_times=lease_times))
    else:
        asyncio.run(serve(settings, takes_work=role != "front", lease_times=lease_times))


if __name__ == "__main__":
    main(*sys.argv[1:])
