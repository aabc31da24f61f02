"""What a job needs of others: somebody who tells people of it, and somebody who knows the files that people share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bot.jobs.facts import Animation, JobFacts, Json, Pause, Summary, SummaryPage, ToldObject
from bot.jobs.model import Job, JobState
from tracking.errors import TrackletError
from tracking.sources.download import Fetched, Progress


class JobReporter(Protocol):
    """Tells people of a job. Every post is made once, however often it is asked for."""

    async def open(self, job: Job) -> str:
        """Post the progress message; return the `ts` that the rest is posted below."""
        ...

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None:
        """Show that the job is in `state`, and `fraction` of it is done. Returns at once; not every call is shown."""
        ...

    def waits(self, job: Job, before: int | None) -> None:
        """Show that the job waits for its turn, and `before` others come first; None when it goes on. Returns at once."""
        ...

    def pauses(self, job: Job, why: Pause | None) -> None:
        """Show why the job does not get on, None when it does again. Returns at once."""
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

    async def pictures(self, job: Job, kind: str, paths: Sequence[str], objects: Sequence[ToldObject]) -> None:
        """Post the pictures of one kind, by its key; those of one object are called as it is in `objects`."""
        ...

    async def close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None:
        """Say the last word: edit the progress message for good."""
        ...


class NotReady(Exception):
    """A shared file that may be there in a moment; `error` is what to tell where it is not."""

    def __init__(self, error: TrackletError) -> None:
        super().__init__(error)
        self.error = error


class SharedVideos(Protocol):
    """What knows the files that people share."""

    async def fetch(self, job: Job, into: Path, progress: Progress) -> Fetched:
        """Fetch the job's file, with the name that people see. Raises `TrackletError`, or `NotReady`: ask once more."""
        ...


class NullReporter:
    """The reporter of jobs that nobody asked for in Slack: it says nothing; their pictures are stored (`publishing.py`)."""

    async def open(self, job: Job) -> str:
        return ""

    async def resume(self, job: Job) -> None: ...

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None: ...

    def waits(self, job: Job, before: int | None) -> None: ...

    def pauses(self, job: Job, why: Pause | None) -> None: ...

    async def summary(self, job: Job, pages: Sequence[SummaryPage], objects: Sequence[ToldObject]) -> None: ...

    async def list_objects(self, job: Job, summary: Summary, *, next_first: int, next_page: int) -> None: ...

    async def animations(self, job: Job, animations: Sequence[Animation], objects: Sequence[ToldObject]) -> None: ...

    async def pictures(self, job: Job, kind: str, paths: Sequence[str], objects: Sequence[ToldObject]) -> None: ...

    async def close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None: ...
