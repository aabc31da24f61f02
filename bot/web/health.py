"""
For whoever watches the bot: is it alive, is it ready, what does it do.

`/metrics` is Prometheus's text form, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). No label comes from
outside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.jobs.model import JobState
from bot.jobs.processes import TaskRunner
from bot.jobs.store import Store

Check = Callable[[], Awaitable[bool]]


def add_to(app: web.Application, *, store: Store, children: TaskRunner, checks: Mapping[str, Check]) -> None:
    """Answer `/healthz`, `/readyz` (each of `checks` holds) and `/metrics`."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        failing = [name for name, check in checks.items() if not await _holds(check)]
        return web.Response(
            text="".join(f"not ready: {name}\n" for name in failing) or "ready\n", status=503 if failing else 200
        )

    async def metrics(_: web.Request) -> web.Response:
        counts = await store.counts()
        finished, seconds = await store.time_spent()
        lines = ["# TYPE tracklet_jobs gauge"]
        lines += [f'tracklet_jobs{{state="{state}"}} {counts.get(state, 0)}' for state in JobState]
        for name, kind, value in (
            ("tracklet_children_running", "gauge", children.running),
            ("tracklet_children_waiting", "gauge", children.waiting),
            ("tracklet_children_slots", "gauge", children.slots),
            ("tracklet_job_seconds_count", "counter", finished),
            ("tracklet_job_seconds_sum", "counter", round(seconds, 3)),
            ("tracklet_posts_total", "counter", await store.post_count()),
        ):
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
        return web.Response(text="\n".join(lines) + "\n", headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def _holds(check: Check) -> bool:
    try:
        return await check()
    except Exception:  # whatever it is, the answer is no
        return False
