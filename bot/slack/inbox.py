"""
What Slack sent, kept durably before Slack is answered, and worked off afterwards.

Bolt answers an event before its listener runs, so an event that is only in memory is lost with the process. Here it becomes a
row first. The key names the thing (a message, a click), so retries and twin events are one row. What was not worked off when
the process ended is worked off at the next start; each handler can be repeated. The payload is forgotten once it is handled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from bot.jobs.model import Json
from bot.jobs.store import Store
from bot.slack.errors import SlackRefused

logger = logging.getLogger(__name__)

AT_ONCE = 8
PAUSES_S = (1.0, 5.0, 30.0)
DRAIN_S = 2.0

Handler = Callable[[str, Json], Awaitable[None]]


class Inbox:
    """Takes payloads in and hands each to the handler of its kind."""

    def __init__(self, store: Store, handlers: Mapping[str, Handler]) -> None:
        self._store = store
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()
        # Each kind has room of its own: uploads that Slack is slow to tell of must not keep a click on Cancel waiting.
        self._rooms = {kind: asyncio.Semaphore(AT_ONCE) for kind in handlers}

    async def take(self, kind: str, key: str, payload: Json) -> bool:
        """Keep a payload and start on it; False when it had come before. Raises when it could not be kept."""
        key = f"{kind}:{key}"
        if not await self._store.receive(key, {"kind": kind, "payload": payload}):
            return False
        self._start(key, kind, payload)
        return True

    async def resume(self) -> None:
        """Go on with what an earlier process left."""
        for key, kept in await self._store.unhandled():
            self._start(key, kept["kind"], kept["payload"])

    async def close(self) -> None:
        """Let what is under way end, briefly; the rest waits for the next start."""
        if not self._tasks:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, key: str, kind: str, payload: Json) -> None:
        task = asyncio.create_task(self._work_off(key, kind, payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, key: str, kind: str, payload: Json) -> None:
        for pause_s in (*PAUSES_S, None):
            try:
                async with self._rooms[kind]:
                    await self._handlers[kind](key, payload)
                break
            except SlackRefused as refused:
                logger.warning("what came in as %s could not be answered: %s", kind, refused.reason)
                break
            except Exception:
                logger.exception("what came in as %s could not be handled", kind)
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
        await self._store.handled(key)
