"""
What an order does, and what is said to whom gave it: help, status, cancel, auto and watches, typed or said to the bot.

The answer is for the asker alone. Who may stop a job is decided here, at the moment of asking.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import assert_never

from bot.jobs.model import Job
from bot.jobs.service import JobService
from bot.jobs.store import Store, Watch
from bot.requests.grammar import Auto, Cancel, Help, Order, Status, Unwatch, WatchBucket, Watches
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.lookups import SlackLookups
from bot.slack.permissions import may_act
from bot.texts import slack as texts
from tracking.errors import SourceRefused, StorageError
from tracking.storage.access import BucketAccess

JOBS_LISTED = 100
MOST_CANCELLED = 1000
MAX_WATCHES = 20


@dataclass(frozen=True, slots=True)
class Asker:
    """Who gives an order, and where; `thread_ts` is "" outside of threads."""

    team: str
    channel: str
    user: str
    thread_ts: str = ""


class Answers:
    """Carries out orders."""

    def __init__(
        self, *, store: Store, jobs: JobService, directory: SlackLookups, access: BucketAccess, workspace_url: str
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory
        self._access = access
        self._workspace_url = workspace_url

    async def answer(self, order: Order, asker: Asker) -> Message:
        """Do what the order says, and return what its asker is told."""
        match order:
            case Help():
                return blocks.help_message()
            case Status():
                jobs = await self._store.latest(team=asker.team, user=asker.user, limit=JOBS_LISTED)
                return blocks.status(jobs, now=time.time(), workspace_url=self._workspace_url)
            case Cancel():
                return blocks.plain(await self._cancel(order, asker))
            case Auto(on):
                await self._store.set_auto(asker.team, asker.channel, on)
                return blocks.plain(texts.auto_set(on))
            case WatchBucket(uri):
                return blocks.plain(await self._watch(uri, asker))
            case Unwatch(uri):
                bucket, _, prefix = uri.removeprefix("gs://").partition("/")
                count = await self._store.unwatch(asker.team, asker.channel, bucket=bucket, prefix=prefix)
                return blocks.plain(texts.unwatched(count))
            case Watches():
                watched = await self._store.watches_of(asker.team, asker.channel)
                return blocks.plain(texts.watches([watch.uri for watch in watched]))
            case _ as unknown:
                assert_never(unknown)

    async def _cancel(self, order: Cancel, asker: Asker) -> str:
        if order.number is not None:
            job = await self._store.job_of_number(asker.team, order.number)
            # A job that one may not see answers like one that there is not.
            if job is None or not await self._may_stop(job, asker):
                return texts.no_such_job(order.number)
            return await self._stop([job], asker)
        running = [job for job in await self._in_question(asker, every=order.every) if not job.is_over]
        if asker.thread_ts and not order.every:
            running = [job for job in running if await self._may_stop(job, asker)]
            return await self._stop(running, asker) if running else texts.nothing_runs_in_thread()
        if not running or (len(running) > 1 and not order.every):
            return texts.which_to_cancel([job.number for job in running])
        return await self._stop(running, asker)

    async def _in_question(self, asker: Asker, *, every: bool) -> list[Job]:
        """Return the jobs of the thread where the asker is in one, else the asker's own."""
        if asker.thread_ts and not every:
            return await self._store.jobs_of_thread(asker.team, asker.channel, asker.thread_ts)
        return await self._store.latest(team=asker.team, user=asker.user, limit=MOST_CANCELLED)

    async def _may_stop(self, job: Job, asker: Asker) -> bool:
        is_own = job.request.team == asker.team and job.request.user == asker.user
        return is_own or await may_act(self._directory, job, team=asker.team, channel=asker.channel, user=asker.user)

    async def _stop(self, running: list[Job], asker: Asker) -> str:
        stopped = [job.number for job in running if await self._jobs.cancel(job, asker.user)]
        return texts.cancelling(stopped) if stopped else texts.over_already(running[0].number)

    async def _watch(self, uri: str, asker: Asker) -> str:
        try:
            bucket, prefix = await self._access.watched(uri)
        except (SourceRefused, StorageError) as error:
            return texts.not_watched(error)
        if len(await self._store.watches_of(asker.team, asker.channel)) >= MAX_WATCHES:
            return texts.too_many_watches(MAX_WATCHES)
        watch = Watch(asker.team, asker.channel, bucket, prefix)
        return texts.watched(watch.uri, is_new=await self._store.watch(watch, asker.user))
