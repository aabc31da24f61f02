"""
For whoever watches the bot: is it alive, is it ready, what does it do (`metrics.py`).

However many ask, the database is looked at once at a time, and what was seen is said again for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

T = TypeVar("T")
Check = Callable[[], Awaitable[bool]]

LOOK_S = 5.0  # Kubernetes gives a probe one second as a rule, Prometheus ten


class Look(Generic[T]):
    """
    One look for all who ask at the same time, and for those who ask in the next `again_s` seconds.

    `get` raises `TimeoutError` after `LOOK_S`; a look that takes longer goes on, and no second one joins it.
    """

    def __init__(self, look: Callable[[], Awaitable[T]], *, again_s: float) -> None:
        self._look = look
        self._again_s = again_s
        self._current: asyncio.Future[T] | None = None
        self._looked_at = 0.0

    async def get(self) -> T:
        """Return what was seen; raises what the look raised."""
        now = asyncio.get_running_loop().time()
        if self._current is None or (self._current.done() and now - self._looked_at >= self._again_s):
            self._current = asyncio.ensure_future(self._look())
            self._current.add_done_callback(_retrieved)
            self._looked_at = now
        async with asyncio.timeout(LOOK_S):
            return await asyncio.shield(self._current)

    async def close(self, _: web.Application) -> None:
        """End a look that goes on."""
        if self._current is not None:
            self._current.cancel()
            await asyncio.gather(self._current, return_exceptions=True)


def add_to(
    app: web.Application, *, figures: Callable[[], Awaitable[bytes]], checks: Mapping[str, Check], again_s: float = 1.0
) -> None:
    """Answer `/healthz`, `/readyz` (each of `checks` holds) and `/metrics`; what was seen holds for `again_s` seconds."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def failing_checks() -> list[str]:
        return [name for name, check in checks.items() if not await _holds(check)]

    async def readyz(_: web.Request) -> web.Response:
        try:
            failing = await readiness.get()
        except TimeoutError:
            failing = ["no check has answered yet"]
        return web.Response(
            text="".join(f"not ready: {name}\n" for name in failing) or "ready\n", status=503 if failing else 200
        )

    async def metrics(_: web.Request) -> web.Response:
        try:
            text = await measured.get()
        except Exception as error:  # whatever the database says, it is no reason for a traceback per question
            raise web.HTTPServiceUnavailable from error
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    readiness, measured = Look(failing_checks, again_s=again_s), Look(figures, again_s=again_s)
    app.on_cleanup.extend([readiness.close, measured.close])
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def _holds(check: Check) -> bool:
    try:
        return await check()
    except Exception:  # whatever it is, the answer is no
        return False


def _retrieved(look: asyncio.Future[T]) -> None:
    """Whoever asked may have gone: asyncio would log what nobody takes."""
    if not look.cancelled():
        look.exception()
