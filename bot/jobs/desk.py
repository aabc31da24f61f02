"""
Where jobs are asked for, stopped, and asked for again: the store and the engine, joined.

A job is first a row and then a workflow; a crash between the two is mended at the next start.
"""

from __future__ import annotations

import math
from dataclasses import replace

from bot.jobs.model import Job, JobId, Kind, Request, attempt_id, follow_up_id, show_id
from bot.jobs.pipeline import GIFS_A_MESSAGE, WAKE, Pipeline
from bot.jobs.runtime import Runtime
from bot.jobs.store import Store
from tracking.storage.names import ObjectUri


class Desk:
    """What Slack, the triggers and the command line ask of the jobs."""

    def __init__(self, *, store: Store, runtime: Runtime, pipeline: Pipeline) -> None:
        self._store = store
        self._runtime = runtime
        self._pipeline = pipeline

    async def submit(self, job_id: JobId, request: Request, *, attempt: int = 1) -> tuple[Job, bool]:
        """The job of that id; True when it is new."""
        job, is_new = await self._store.add_job(job_id, request, attempt=attempt)
        if not job.is_over:
            await self._runtime.submit(job_id)
        return job, is_new

    async def submit_unasked(self, job_id: JobId, request: Request) -> Job:
        """The job of that id, which nobody asked for in Slack, with one for each channel that watches its object."""
        job, _ = await self.submit(job_id, request)
        uri = ObjectUri.parse(request.source.ref)
        for watch in await self._store.watchers(uri.bucket, uri.name):
            shown = replace(request, team=watch.team, channel=watch.channel, kind=Kind.SHOW, parent=job.id)
            await self.submit(show_id(job.id, watch.team, watch.channel), shown)
        return job

    async def resume(self) -> None:
        """Submit what was noted and not submitted before a crash."""
        for job in await self._store.unfinished():
            await self._runtime.submit(job.id)

    async def cancel(self, job: Job, user: str) -> bool:
        """Stop a job, whatever it does; False when it is over already."""
        if not await self._store.request_cancel(job.id, user):
            return False
        self._pipeline.cancel(job.id)
        await self._runtime.wake(job.id, WAKE)
        return True

    async def wake(self, job_id: JobId) -> None:
        """What a job waits for may be there: let it look."""
        await self._runtime.wake(job_id, WAKE)

    async def again(self, job: Job, user: str) -> tuple[Job, bool]:
        """The same work once more, in the same thread; pressing twice gives one job."""
        request = _below(job, user)
        return await self.submit(attempt_id(job.id, job.attempt + 1), request, attempt=job.attempt + 1)

    async def include_near_misses(self, job: Job, user: str) -> tuple[Job, bool]:
        """The same video with thresholds that let the near misses pass."""
        lowest, options = job.facts["summary"]["lowest"], job.request.options
        request = _below(job, user).with_options(
            min_confidence=min(options.min_confidence, math.floor(lowest["min_confidence"] * 100) / 100),
            min_frames=min(options.min_frames, lowest["min_frames"]),
        )
        return await self.submit(follow_up_id(job.id, "include", 0), request)

    async def more_gifs(self, job: Job, user: str, first: int) -> tuple[Job, bool]:
        """The GIFs from object `first` on; the job with what may be asked for after these."""
        _, is_new = await self.submit(
            follow_up_id(job.id, "gifs", first), replace(_below(job, user), kind=Kind.MORE, parent=job.id, first=first)
        )
        after = first + GIFS_A_MESSAGE
        count = len(job.facts["summary"]["objects"])
        await self._store.update(job.id, facts={"next_first": after if after <= count else 0})
        return await self._store.job(job.id) or job, is_new

    async def more_objects(self, job: Job, user: str, page: int, *, page_objects: int) -> tuple[Job, bool]:
        """Page `page` of the summary; the job with what may be asked for after it."""
        _, is_new = await self.submit(
            follow_up_id(job.id, "page", page), replace(_below(job, user), kind=Kind.MORE, parent=job.id, page=page)
        )
        count = len(job.facts["summary"]["objects"])
        await self._store.update(job.id, facts={"next_page": page + 1 if page * page_objects < count else 0})
        return await self._store.job(job.id) or job, is_new


def _below(job: Job, user: str) -> Request:
    """What was asked, asked by `user` in the job's own thread; what was only shown there becomes a job of its own."""
    kind, parent = job.request.kind, job.request.parent
    if kind is Kind.SHOW:
        kind, parent = Kind.TRACK, ""
    thread_ts = job.thread_ts or job.request.thread_ts
    return replace(job.request, kind=kind, parent=parent, user=user, thread_ts=thread_ts)
