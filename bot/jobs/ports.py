"""What a job needs of others: somebody who tells people of it, and somebody who knows the files that people share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.jobs.facts import Animation, JobFacts, Json, Summary, SummaryPage, ToldObject
from bot.jobs.model import Job, JobState
from tracking.sources.download import Fetcher


class JobReporter(Protocol):
    """Tells people of a job. Every post is made once, however often it is asked for."""

    async def open(self, job: Job) -> str:
        """Post the progress message; the `ts` that the rest is posted below."""
        ...

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None:
        """The job is in `state`, and `fraction` of it is done. Returns at once; not every call is shown."""
        ...

    async def resume(self, job: Job) -> None:
        """Go on showing where a job is, after a restart."""
        ...

    async def summary(self, job: Job, pages: Sequence[SummaryPage], objects: Sequence[ToldObject]) -> None:
        """Post pages of the object summary."""
        ...

    async def list_objects(self, job: Job, summary: Summary, *, next_first: int, next_page: int) -> None:
        """Post the list of objects, or change it: what further pictures can be asked for (0: none)."""
        ...

    async def animations(self, job: Job, animations: Sequence[Animation], objects: Sequence[ToldObject]) -> None:
        """Post GIFs in one message."""
        ...

    async def pictures(self, job: Job, kind: str, paths: Sequence[str]) -> None:
        """Post the pictures of one kind, by its key."""
        ...

    async def close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None:
        """The last word: edit the progress message for good."""
        ...


@dataclass(frozen=True, slots=True)
class SharedVideo:
    """Where a shared file is, and the headers that open it; `size_bytes` None where that is not known."""

    link: str
    headers: Mapping[str, str]
    name: str
    size_bytes: int | None


class SharedVideos(Protocol):
    """What knows the files that people share."""

    fetcher: Fetcher

    async def locate(self, job: Job) -> SharedVideo:
        """Where the job's file is. Raises `TrackletError`."""
        ...


class NullReporter:
    """The reporter of jobs that nobody asked for in Slack: it says nothing; their pictures are stored (`publishing.py`)."""

    async def open(self, job: Job) -> str:
        return ""

    async def resume(self, job: Job) -> None: ...

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None: ...

    async def summary(self, job: Job, pages: Sequence[SummaryPage], objects: Sequence[ToldObject]) -> None: ...

    async def list_objects(self, job: Job, summary: Summary, *, next_first: int, next_page: int) -> None: ...

    async def animations(self, job: Job, animations: Sequence[Animation], objects: Sequence[ToldObject]) -> None: ...

    async def pictures(self, job: Job, kind: str, paths: Sequence[str]) -> None: ...

    async def close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None: ...
