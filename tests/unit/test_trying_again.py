"""Pressing Try again starts one more attempt, whichever attempt's button is pressed and however often."""

from pathlib import Path
from typing import cast

import pytest

from bot.jobs.database import Database
from bot.jobs.model import Job, JobId, JobState, Request, Source, SourceKind
from bot.jobs.runtime import Runtime
from bot.jobs.service import DOUBLE_PRESS_S, JobService
from bot.jobs.store import Store
from bot.jobs.workflow import Workflow
from bot.settings import Settings

REQUEST = Request(Source(SourceKind.LINK, "https://example.org/clip.mp4", "clip.mp4"), team="T1", channel="C1", user="U1")


class Queue:
    """Stands for the runtime, and keeps what it was asked to run."""

    def __init__(self) -> None:
        self.jobs: list[JobId] = []

    async def submit(self, job_id: JobId, *, person: str) -> None:
        self.jobs.append(job_id)


class Pipeline:
    """Stands for the workflow, which hears of each new job."""

    def __init__(self) -> None:
        self.expected: list[JobId] = []

    def expect(self, job: Job) -> None:
        self.expected.append(job.id)


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    store = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    await store.create_tables()
    return store


async def test_the_button_of_an_older_attempt_starts_the_next_one(store: Store) -> None:
    queue, pipeline = Queue(), Pipeline()
    jobs = JobService(store=store, runtime=cast(Runtime, queue), pipeline=cast(Workflow, pipeline), settings=Settings())
    first, _ = await store.add_job(JobId("link:1:1"), REQUEST)
    await store.update(first.id, state=JobState.FAILED)

    second, is_new = await jobs.again(first, "U1")
    assert (second.id, is_new) == ("link:1:2", True)
    assert await jobs.again(first, "U1") == (second, False)  # it is under way

    await store.update(second.id, state=JobState.FAILED)
    quick, is_new = await jobs.again(first, "U1", now=second.created_at + DOUBLE_PRESS_S / 2)
    assert (quick.id, is_new) == (second.id, False)  # the same press

    later = second.created_at + DOUBLE_PRESS_S
    third, is_new = await jobs.again(first, "U1", now=later)
    assert (third.id, third.attempt, is_new) == ("link:1:3", 3, True)
    assert (await jobs.again(second, "U1", now=later))[0].id == third.id
    assert queue.jobs == pipeline.expected == ["link:1:2", "link:1:3"]
    store.close()
