"""
What Slack sent, kept durably before Slack is answered, and worked off afterwards.

Bolt answers an event before its listener runs, so an event that is only in memory is lost with the process. Here it becomes a
row first. The key names the thing (a message, a click), so retries and twin events are one row. What was not worked off when
the process ended is worked off at the next start; each handler can be repeated. The payload is forgotten once it is handled.
What the database does not take in time is begun from memory, since a person waits, and kept when it is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from enum import Enum, auto
from typing import Any

from bot.jobs.deaths import Deaths
from bot.jobs.model import Json
from bot.jobs.store import Store
from bot.slack.errors import SlackRefused
from tracking.errors import ProcessDied

logger = logging.getLogger(__name__)

AT_ONCE = 8
PAUSES_S = (1.0, 5.0, 30.0)
DRAIN_S = 2.0

KEPT_WITHIN_S = 1.0  # Slack waits three seconds for an answer, and has the way to us in it

Handler = Callable[[Json], Awaitable[None]]
Apologise = Callable[[Json], Awaitable[None]]
TellRefusal = Callable[[Json, SlackRefused], Awaitable[None]]


class Taken(Enum):
    """What became of a payload: kept as a new one, known before, or begun although it is not kept yet."""

    NEW = auto()
    KNOWN = auto()
    NOT_KEPT = auto()


class Inbox:
    """Takes payloads in and hands each to the handler of its kind."""

    def __init__(
        self, store: Store, handlers: Mapping[str, Handler], *, apologise: Apologise, tell_refusal: TellRefusal
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._apologise = apologise
        self._tell_refusal = tell_refusal
        self._deaths = Deaths(store)
        self._tasks: set[asyncio.Future[Any]] = set()
        # Each kind has room of its own: uploads that Slack is slow to tell of must not keep a click on Cancel waiting.
        self._rooms = {kind: asyncio.Semaphore(AT_ONCE) for kind in handlers}

    async def take(self, kind: str, key: str, payload: Json) -> Taken:
        """Keep a payload and start on it, unless it had come before. Raises when it can never be kept."""
        key = f"{kind}:{key}"
        keeping = asyncio.ensure_future(self._store.receive(key, {"kind": kind, "payload": payload}))
        self._hold(keeping)
        done, _ = await asyncio.wait({keeping}, timeout=KEPT_WITHIN_S)
        if not done:
            self._start(key, kind, payload, keeping)
            return Taken.NOT_KEPT
        if not keeping.result():
            return Taken.KNOWN
        self._start(key, kind, payload)
        return Taken.NEW

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

    def _start(self, key: str, kind: str, payload: Json, keeping: asyncio.Future[bool] | None = None) -> None:
        self._hold(asyncio.create_task(self._work_off(key, kind, payload, keeping)))

    def _hold(self, task: asyncio.Future[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, key: str, kind: str, payload: Json, keeping: asyncio.Future[bool] | None) -> None:
        for pause_s in (*PAUSES_S, None):
            try:
                async with self._rooms[kind], AsyncExitStack() as stack:
                    if keeping is None:
                        await stack.enter_async_context(self._deaths.counted(key, "handle"))
                    await self._handlers[kind](payload)
                break
            except ProcessDied as died:
                logger.error("what came in as %s ended the program %d times, and is given up", kind, died.deaths)
                await self._apologise(payload)
                break
            except SlackRefused as refused:
                logger.warning("what came in as %s could not be answered: %s", kind, refused.reason)
                await self._tell_refusal(payload, refused)
                break
            except Exception:
                logger.exception("what came in as %s could not be handled", kind)
                if pause_s is None:
                    await self._apologise(payload)
                else:
                    await asyncio.sleep(pause_s)
        if keeping is not None:
            await keeping
        await self._store.handled(key)
