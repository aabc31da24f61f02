"""
Which job may post into a thread: one at a time and to its end, so that what is told of one video stands together.

A job takes the thread before it posts its first picture, and gives it back when it is over. After a restart a job that had
begun to post has its thread again before any other job goes on (`take_again`). Where several processes post, the thread is the
job's in the database as well (`claim`), from where no restart takes it, and until the job is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from bot.jobs.model import Job, JobId
from bot.jobs.slots import Entry, Slots, Turn

CLAIM_S = 0.5  # from one look to the next, whether another process has done with a thread

Thread = tuple[str, str, str]
Claim = Callable[[Thread, JobId], Awaitable[bool]]


class Threads:
    """The threads in which jobs post, or wait to; on one event loop. `claim` asks the other processes, where there are any."""

    def __init__(self, claim: Claim | None = None) -> None:
        self._claim = claim
        self._slots: dict[Thread, Slots] = {}
        self._taken: dict[JobId, tuple[Thread, Entry]] = {}

    @property
    def open(self) -> int:
        """Return how many threads a job has or waits for."""
        return len(self._slots)

    async def take(self, job: Job, turn: Turn) -> None:
        """Wait until nobody else posts in the job's thread; return at once where it is the job's already."""
        thread = _thread(job)
        if job.id in self._taken or not thread[-1]:
            return
        slots = self._slots.setdefault(thread, Slots(1))
        try:
            entry = await slots.acquire(turn)
        finally:
            self._forget_idle(thread)
        self._taken[job.id] = thread, entry
        if self._claim is None:
            return
        try:
            while not await self._claim(thread, job.id):  # noqa: ASYNC110  # another process changes it
                await asyncio.sleep(CLAIM_S)
        except BaseException:
            self.give_back(job.id)
            raise

    async def take_again(self, jobs: Iterable[Job]) -> None:
        """Give threads to those of `jobs` that had begun to post when an earlier process ended."""
        for job in jobs:
            if job.facts.summary is not None and _thread(job) not in self._slots:
                await self.take(job, Turn(job.request.person, job.number))

    def give_back(self, job_id: JobId) -> None:
        """Let the next job post, where this one had the thread."""
        if (taken := self._taken.pop(job_id, None)) is not None:
            thread, entry = taken
            self._slots[thread].release(entry)
            self._forget_idle(thread)

    def _forget_idle(self, thread: Thread) -> None:
        if thread in self._slots and self._slots[thread].is_idle:
            del self._slots[thread]


def _thread(job: Job) -> Thread:
    return job.request.team, job.request.channel, job.thread_ts or job.request.thread_ts
