"""
In which order jobs open their answers: as they were asked for, so that of ten videos in a message the answers stand as they do.

The order is a courtesy to who reads, so nothing waits for it longer than `ORDER_S`. It holds where one process does all work.
"""

from __future__ import annotations

import asyncio

from bot.jobs.model import Job, JobId

ORDER_S = 10.0

Place = tuple[str, str, str, str]


class Openings:
    """The jobs that are about to open their answers, by who asked and where; on one event loop."""

    def __init__(self) -> None:
        self._expected: dict[JobId, tuple[Place, asyncio.Event]] = {}

    def expect(self, job: Job) -> None:
        """Let those that are expected later in the same place wait until this one has opened, `ORDER_S` at most."""
        request = job.request
        self._expected[job.id] = (request.team, request.channel, request.thread_ts, request.user), asyncio.Event()
        asyncio.get_running_loop().call_later(ORDER_S, self.opened, job.id)

    async def turn(self, job_id: JobId) -> None:
        """Wait until those that were expected before the job have opened; one that nobody expects does not wait."""
        if job_id not in self._expected:
            return
        place = self._expected[job_id][0]
        earlier = []
        for other, (there, opened) in self._expected.items():
            if other == job_id:
                break
            if there == place:
                earlier.append(opened)
        for opened in earlier:
            await opened.wait()

    def opened(self, job_id: JobId) -> None:
        """Let the next one open; for a job that is over before it opened, too."""
        if (expected := self._expected.pop(job_id, None)) is not None:
            expected[1].set()
