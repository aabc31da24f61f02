"""
Which processes are at work on one database, and who goes on with the jobs of one that died.

Each process has a row of its own, which it renews by the database's clock. A row that was not renewed for `ttl_s` is of a
process that is gone, or stands still: whoever sees it first puts its jobs back into the queue, from where any process takes
them. Doing that twice does no harm, and a process that stood still and comes back is no longer listened to by the job engine
(dbos 3.4, `owner_xid`). Needed on Postgres alone: SQLite has one process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.jobs.store import Store

logger = logging.getLogger(__name__)

Recover = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How often a lease is renewed, and after how long without that its process counts as dead; seconds."""

    beat_s: float = 2.0
    ttl_s: float = 12.0


DEFAULT_LEASE_TIMES = LeaseTimes()


def new_executor_id() -> str:
    """Return a name that no other start of a process has: under an old name it could strand a job (dbos issue 804)."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Leases:
    """
    Keeps the lease of this process, and an eye on the others.

    `recover` puts back a dead one's jobs, and says if all; `beaten` is called with our own name whenever the lease was renewed.
    """

    def __init__(
        self,
        store: Store,
        executor_id: str,
        recover: Recover,
        *,
        beaten: Callable[[str], Awaitable[None]],
        times: LeaseTimes = DEFAULT_LEASE_TIMES,
    ) -> None:
        self._store = store
        self._executor_id = executor_id
        self._recover = recover
        self._beaten = beaten
        self._times = times
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the lease, and keep it until `stop`."""
        await self._store.renew_lease(self._executor_id)
        await self._beaten(self._executor_id)
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop renewing, and let others have the jobs at once; do nothing where no lease was taken."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._store.end_lease(self._executor_id)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(self._times.beat_s)
            try:
                await self._store.renew_lease(self._executor_id)
                late_s = loop.time() - renewed - self._times.beat_s
                renewed = loop.time()
                await self._beaten(self._executor_id)
                # After a pause of the database all leases look old: each gets the time to renew its own.
                if late_s < self._times.beat_s:
                    await self._take_over()
            except Exception:
                logger.exception("the lease of this process could not be renewed; trying again")

    async def _take_over(self) -> None:
        for executor_id in await self._store.dead_executors(self._times.ttl_s):
            logger.warning("the process %s is gone; its jobs go on elsewhere", executor_id)
            # The row goes last: what could not be put back now is found again at the next beat.
            if await self._recover(executor_id):
                await self._store.forget_executor(executor_id)
