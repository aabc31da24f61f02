"""The `JobReporter` of jobs that nobody asked for in Slack: their pictures are where `places.py` published them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.jobs.model import Job, JobState, Json


class NullReporter:
    """Says nothing to nobody."""

    async def open(self, job: Job) -> str:
        return ""

    async def resume(self, job: Job) -> None: ...

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None: ...

    async def summary(self, job: Job, pages: Sequence[Json], objects: Sequence[Json]) -> None: ...

    async def list_objects(self, job: Job, facts: Json, *, next_first: int, next_page: int) -> None: ...

    async def animations(self, job: Job, animations: Sequence[Json], objects: Sequence[Json]) -> None: ...

    async def close(self, job: Job, state: JobState, facts: Json, error: Json | None) -> None: ...
