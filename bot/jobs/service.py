"""
Where jobs are asked for, stopped, and asked for again: the store and the engine, joined.

A job is first a row and then a workflow; a crash between the two is mended at the next start, and so is a job whose workflow
ended without telling (`tend`).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from bot.jobs import error_codec
from bot.jobs.facts import JobFacts, Summary
from bot.jobs.model import Job, JobId, Kind, Request, attempt_id, follow_up_id, show_id
from bot.jobs.outlook import TIMES_LOOKED_AT, Outlook, outlook
from bot.jobs.runtime import Runtime
from bot.jobs.steps import GIFS_A_MESSAGE
from bot.jobs.store import Store
from bot.jobs.workflow import WAKE, Workflow
from bot.settings import Settings
from tracking.errors import TooManyJobs, TrackletError
from tracking.storage.names import ObjectUri

T = TypeVar("T")

logger = logging.getLogger(__name__)

TENDED_EVERY_S = 60.0
DOUBLE_PRESS_S = 5.0  # an attempt may fail before the second press of a double click arrives
NOTED_WITHIN_S = 1.0  # whoever asks in Slack has three seconds in all


class JobService:
    """What Slack, the triggers and the command line ask of the jobs."""

    def __init__(
        self,
        *,
        store: Store,
        runtime: Runtime,
        pipeline: Workflow,
        settings: Settings,
        slots: int = 1,
        takes_work: bool = True,
    ) -> None:
        self._slots = slots
        self._takes_work = takes_work
        self._store = store
        self._runtime = runtime
        self._pipeline = pipeline
        self._settings = settings
        self._under_way: set[asyncio.Task[Any]] = set()

    async def submit(self, job_id: JobId, request: Request, *, attempt: int = 1) -> tuple[Job, bool]:
        """Return the job of that id, made and begun where there was none, and True when it is new."""
        job, is_new = await self._store.add_job(job_id, request, attempt=attempt)
        if is_new and request.kind is Kind.TRACK and request.channel and (refusal := await self._refusal(request)) is not None:
            # Told in its thread, from where it can be asked for again.
            await self._store.update(job.id, error=error_codec.to_json(refusal))
            self._begin(self._pipeline.abandon(job.id))
            return job, is_new
        if is_new and request.channel and request.kind is not Kind.MORE:
            self._pipeline.expect(job)
        if not job.is_over:
            await self._runtime.submit(job_id, person=request.person)
        if is_new and request.kind in {Kind.TRACK, Kind.MAKE} and request.channel:
            before = await self._store.unfinished_before(job)
            if before >= self._settings.jobs_at_once_per_person:
                self._begin(self._announce(job, before))
        return job, is_new

    async def _refusal(self, request: Request) -> TooManyJobs | None:
        """Return why a new job is one too many, None where it is not."""
        settings = self._settings
        if await self._store.unfinished_of(request.team, request.user) > settings.jobs_per_person:
            return TooManyJobs(settings.jobs_per_person, is_persons=True)
        if await self._store.unfinished_of(request.team) > settings.jobs_per_workspace:
            return TooManyJobs(settings.jobs_per_workspace, is_persons=False)
        return None

    async def _announce(self, job: Job, before: int) -> None:
        try:
            await self._pipeline.announce(job, before=before)
        except TrackletError as error:
            # The job tells what is wrong when its turn comes.
            logger.info("job %d: its waiting could not be told: %s", job.number, type(error).__name__)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def outlook(self, person: str) -> Outlook:
        """Return what the next job of a person has before it, as things are now."""
        unfinished = await self._store.unfinished_by_person()
        if not unfinished:
            return Outlook(0, 0.0)
        # Processes on one database are taken to be alike; on SQLite none has a lease.
        workers = len(await self._store.lease_ages()) - (not self._takes_work)
        worked_s = await self._store.last_times(TIMES_LOOKED_AT)
        return outlook(unfinished, person, worked_s=worked_s, places=self._slots * max(workers, 1))

    async def submit_triggered(self, job_id: JobId, request: Request) -> Job:
        """Return the job of that id, which nobody asked for in Slack, with one for each channel that watches its object."""
        job, _ = await self.submit(job_id, request)
        uri = ObjectUri.parse(request.source.ref)
        for watch in await self._store.watchers(uri.bucket, uri.name):
            shown = replace(request, team=watch.team, channel=watch.channel, kind=Kind.SHOW, parent=job.id)
            await self.submit(show_id(job.id, watch.team, watch.channel), shown)
        return job

    async def tend(self) -> None:
        """Submit every job that is not over and has no workflow, and end each whose workflow is over."""
        for job in await self._store.unfinished():
            if self._pipeline.runs(job.id):
                continue
            if not await self._runtime.has_ended(job.id):
                await self._runtime.submit(job.id, person=job.request.person)
            elif not self._pipeline.runs(job.id):
                logger.error("job %d: its workflow ended and the job did not; it is told as failed", job.number)
                await self._pipeline.abandon(job.id)

    async def keep_tending(self) -> None:
        """Tend every minute, until cancelled."""
        while True:
            await asyncio.sleep(TENDED_EVERY_S)
            try:
                await self.tend()
            except Exception:
                logger.exception("the jobs could not be looked after")

    async def cancel(self, job: Job, user: str) -> bool:
        """
        Stop a job, whatever it does; False when it is over already.

        The wish is noted first, so that the thread can say whose it was; where the database does not take it within a second,
        the job is stopped all the same, and the wish noted later.
        """
        noting = self._begin(self._note_cancel(job.id, user))
        done, _ = await asyncio.wait({noting}, timeout=NOTED_WITHIN_S)
        self._pipeline.cancel(job.id)
        return noting.result() if done else True

    async def stopped(self, job: Job, *, within_s: float) -> None:
        """Wait until a job that was cancelled does nothing more in this process. Raises `TimeoutError`."""
        async with asyncio.timeout(within_s):
            await self._pipeline.ended(job.id)

    async def _note_cancel(self, job_id: JobId, user: str) -> bool:
        if not await self._store.request_cancel(job_id, user):
            return False
        if self._pipeline.runs(job_id):
            await self._runtime.wake(job_id, WAKE)
        else:
            # It waits for others, and would hear of this when they are done.
            await self._pipeline.abandon(job_id)
        return True

    async def close(self) -> None:
        """Let go of wishes that the database has not taken, and of what else goes on."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def wake(self, job_id: JobId) -> None:
        """Let a job look whether what it waits for is there."""
        await self._runtime.wake(job_id, WAKE)

    async def again(self, job: Job, user: str, *, now: float | None = None) -> tuple[Job, bool]:
        """
        Ask for the same work once more, in the same thread, whichever attempt the button stands below.

        While an attempt is under way, and for `DOUBLE_PRESS_S` after it was asked for, pressing again gives that one.
        """
        at = time.time() if now is None else now
        attempt = job.attempt + 1
        while (made := await self._store.job(attempt_id(job.id, attempt))) is not None:
            if not made.is_over or at - made.created_at < DOUBLE_PRESS_S:
                return made, False
            attempt += 1
        return await self.submit(attempt_id(job.id, attempt), _below(job, user), attempt=attempt)

    async def include_near_misses(self, job: Job, user: str) -> tuple[Job, bool]:
        """Ask for the same video with thresholds that let the near misses pass."""
        lowest, options = _summary(job).lowest, job.request.options
        request = _below(job, user).with_options(
            min_confidence=min(options.min_confidence, math.floor(lowest.min_confidence * 100) / 100),
            min_frames=min(options.min_frames, lowest.min_frames),
        )
        return await self.submit(follow_up_id(job.id, "include", 0), request)

    async def more_gifs(self, job: Job, user: str, first: int) -> Job:
        """Ask once for the GIFs from object `first` on; return the job with what may be asked for next."""
        request = replace(_below(job, user), kind=Kind.MORE, parent=job.id, first=first)
        await self.submit(follow_up_id(job.id, "gifs", first), request)
        after = first + GIFS_A_MESSAGE
        return await self._store.offer(job.id, next_first=after if after <= len(_summary(job).objects) else 0)

    async def more_objects(self, job: Job, user: str, page: int, *, page_objects: int) -> Job:
        """Ask once for page `page` of the summary; return the job with what may be asked for next."""
        request = replace(_below(job, user), kind=Kind.MORE, parent=job.id, page=page)
        await self.submit(follow_up_id(job.id, "page", page), request)
        return await self._store.offer(job.id, next_page=page + 1 if page * page_objects < len(_summary(job).objects) else 0)

    async def note(self, job: Job, facts: JobFacts) -> Job:
        """Note what a button has changed, and return the job as it is then; what `facts` does not set stays."""
        await self._store.update(job.id, facts=facts)
        return await self._store.job(job.id) or job


def _summary(job: Job) -> Summary:
    assert job.facts.summary is not None, "only a job with a summary offers more of it"
    return job.facts.summary


def _below(job: Job, user: str) -> Request:
    """Return what was asked, asked by `user` in the job's own thread; what was only shown there becomes a job of its own."""
    kind, parent = job.request.kind, job.request.parent
    if kind is Kind.SHOW:
        kind, parent = Kind.TRACK, ""
    thread_ts = job.thread_ts or job.request.thread_ts
    return replace(job.request, kind=kind, parent=parent, user=user, thread_ts=thread_ts, response_url="")
