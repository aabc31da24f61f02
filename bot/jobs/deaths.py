"""
Work that takes its process down is not tried for ever.

A step is noted before it begins and forgotten when it ends, whatever its result; what is noted at the next start died with the
process. Other work that ran beside it died with it too, so what died often enough to be suspected runs one at a time: if the
process dies then, it is known by what. The count begins again with each step that ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.jobs.store import Store
from tracking.errors import ProcessDied

DEATHS_FORGIVEN = 2  # a machine that restarts, and memory that was short once, are nobody's fault


class Deaths:
    """Counts in the store how often a process died in a step."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._suspects = asyncio.Lock()

    @asynccontextmanager
    async def counted(self, work_id: str, step: str) -> AsyncIterator[None]:
        """Run the body as `step` of some work. Raises `ProcessDied`, without running it, after its third death."""
        if await self._store.begun(work_id, step) < DEATHS_FORGIVEN:
            async with self._noted(work_id, step):
                yield
        else:
            async with self._suspects, self._noted(work_id, step):
                yield

    @asynccontextmanager
    async def _noted(self, work_id: str, step: str) -> AsyncIterator[None]:
        deaths = await self._store.begin(work_id, step)
        try:
            if deaths > DEATHS_FORGIVEN:
                raise ProcessDied(step, deaths)
            yield
        finally:
            await self._store.end(work_id, step)
