"""
The bot as a process of its own, to be killed.

Imports everything once and then starts a fork of itself for each line of JSON on standard input, which holds the environment
of that start; a test can kill and start it often without paying for the imports each time. A fork prints its number and
address, and "ended" when it ends by itself. `REAL_WORK` in the environment lets children work, else the work is canned;
where it stops, dies or stands still is in the environment as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.app import Bot, Timeouts, Worker
from bot.jobs.leases import LeaseTimes
from bot.jobs.processes import Fraction, Json, unless_cancelled
from bot.jobs.slots import Turn
from bot.jobs.testing import FakeTaskRunner
from bot.settings import Settings

LEASE_TIMES = LeaseTimes(beat_s=0.3, ttl_s=2.0)


class Deadly(FakeTaskRunner):
    """Takes the whole process down at the task that the environment names."""

    async def run(
        self, task: str, arguments: Json, *, turn: Turn, cancelled: asyncio.Event, fraction: Fraction = lambda _: None
    ) -> Any:
        if task == os.environ.get("WAITS_AT"):
            await asyncio.to_thread(Path(os.environ["TRACKLET_DATA_DIR"], "waits").touch)
            await unless_cancelled(asyncio.Event().wait(), cancelled)
        if task == os.environ.get("DIES_AT") and "deadly" in arguments["video"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().run(task, arguments, turn=turn, cancelled=cancelled, fraction=fraction)


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    children = None if os.environ.get("REAL_WORK") else Deadly(objects=12)
    patience = Timeouts(file_event_s=0.1, share_s=2.0)
    bot: Bot | Worker
    if os.environ.get("ROLE") == "worker":
        bot = Worker(Settings(), children=children, patience=patience, lease_times=LEASE_TIMES)
    else:
        works = os.environ.get("ROLE") != "front"
        bot = Bot(Settings(), children=children, patience=patience, takes_work=works, lease_times=LEASE_TIMES)
    await bot.start()
    tell(f"{os.getpid()} {bot.url if isinstance(bot, Bot) else '-'}")
    await ended.wait()
    await bot.stop()
    tell("ended")


@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def stand_still(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    """Stand still in the middle of the transaction that the environment names, the first time."""
    if (begin := os.environ.get("STANDS_STILL_AFTER")) and statement.lstrip().startswith(begin):
        del os.environ["STANDS_STILL_AFTER"]
        os.kill(os.getpid(), signal.SIGSTOP)


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def serve_starts() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed ones leave at once
    tell("ready")
    for line in sys.stdin:
        environment = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.environ.update(environment)
            asyncio.run(main())
            os._exit(0)


if __name__ == "__main__":
    serve_starts()
