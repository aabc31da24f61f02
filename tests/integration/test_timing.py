"""What happens at the wrong moment: between two reads, at once, or right before a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from bot.jobs.database import Database
from bot.jobs.facts import JobFacts
from bot.jobs.model import Job, JobId, JobState, Request, Source, SourceKind
from bot.jobs.ports import NullReporter
from bot.jobs.store import Store
from bot.jobs.workflow import Workflow
from bot.settings import Settings
from bot.slack.blocks import Message
from bot.slack.errors import SlackRefused
from bot.slack.inbox import AT_ONCE, Inbox
from bot.slack.progress import ProgressBoard
from tests.integration.bot_workspace import eventually

Json = dict[str, Any]

REQUEST = Request(Source(SourceKind.LINK, "https://example.org/clip.mp4", "clip.mp4"), team="T1", channel="C1", user="U1")
ID = JobId("link:1:1")


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    await made.create_tables()
    yield made
    made.close()


class Interrupted(Store):
    """Somebody presses Cancel right after a job's row was read."""

    pipeline: Workflow

    async def job(self, job_id: JobId) -> Job | None:
        found = await super().job(job_id)
        assert await self.request_cancel(job_id, "U2")
        self.pipeline.cancel(job_id)
        return found


class Recorded(NullReporter):
    """Remembers which jobs are followed again."""

    def __init__(self) -> None:
        self.resumed: list[str] = []

    async def resume(self, job: Job) -> None:
        self.resumed.append(job.id)


class Workless(Workflow):
    """Only asks whether the job was cancelled."""

    saw_cancel = False

    async def _work(self, job: Job) -> JobFacts:
        self.saw_cancel = self._event(job).is_set()
        return JobFacts()

    async def _end(self, job: Job, state: JobState, facts: JobFacts, error: Json | None, step: str) -> None: ...


def workless(store: Store, audience: NullReporter) -> Workless:
    nothing = cast("Any", SimpleNamespace(videos=SimpleNamespace(name="videos")))
    return Workless(
        settings=Settings(),
        store=store,
        children=nothing,
        fetcher=nothing,
        shared=nothing,
        storage=nothing,
        access=nothing,
        remote=nothing,
        reporter=lambda _: audience,
    )


async def remember_nothing(job: Job, state: JobState, fraction: float) -> None: ...


async def say_nothing(payload: Json, refusal: SlackRefused | None = None) -> None: ...


async def test_a_cancel_between_reading_a_job_and_following_it_is_heard(tmp_path: Path) -> None:
    store = Interrupted(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    await store.create_tables()
    await store.add_job(ID, REQUEST)
    store.pipeline = pipeline = workless(store, NullReporter())
    await pipeline.run(ID)
    store.close()
    assert pipeline.saw_cancel


@pytest.mark.parametrize(("state", "followed"), [(JobState.TRACKING, [ID]), (JobState.DONE, [])])
async def test_after_a_crash_only_a_job_that_is_not_over_is_followed_again(
    store: Store, state: JobState, followed: list[str]
) -> None:
    await store.add_job(ID, REQUEST)
    await store.update(ID, state=state)
    audience = Recorded()
    await workless(store, audience).run(ID)
    assert audience.resumed == followed


async def test_a_job_that_is_followed_again_is_shown_where_it_was(store: Store) -> None:
    shown: list[str] = []

    async def edit(job: Job, ts: str, message: Message) -> None:
        shown.append(message.text)

    await store.add_job(ID, REQUEST)
    await store.update(ID, state=JobState.RENDERING)
    job = await store.job(ID)
    assert job is not None
    moments = iter(range(0, 1000, 100))
    board = ProgressBoard(edit, remember_nothing, clock=lambda: float(next(moments)))
    other = await store.add_job(JobId("link:2:1"), REQUEST)
    board.add(job, "1.1", None)
    board.show(other[0], JobState.TRACKING, 0.0)
    board.add(other[0], "1.2", None)
    board.show(other[0], JobState.TRACKING, 0.0)
    await eventually(lambda: len(shown) >= 2)
    await board.close()
    assert "Drawing the pictures" in shown[0]


def has_reached(kept: list[tuple[JobState, float]], wanted: tuple[int, float]) -> bool:
    return bool(kept) and (kept[-1][0].rank, kept[-1][1]) >= wanted


async def test_progress_never_goes_back_and_a_restart_shows_no_less_than_before(store: Store) -> None:
    shown: list[Message] = []
    kept: list[tuple[JobState, float]] = []

    async def edit(job: Job, ts: str, message: Message) -> None:
        shown.append(message)

    async def remember(job: Job, state: JobState, fraction: float) -> None:
        kept.append((state, fraction))

    moments = iter(range(0, 100_000, 100))
    board = ProgressBoard(edit, remember, clock=lambda: float(next(moments)))
    job, _ = await store.add_job(ID, REQUEST)
    board.add(job, "1.1", None)
    told = [
        (JobState.TRACKING, 0.6),
        (JobState.TRACKING, 0.2),
        (JobState.FETCHING, 0.9),
        (JobState.RENDERING, 0.5),
        (JobState.TRACKING, 1.0),
        (JobState.RENDERING, 0.1),
    ]
    for state, fraction in told:
        board.show(job, state, fraction)
        await eventually(partial(has_reached, kept, (state.rank, fraction)))
    await board.close()
    assert kept == sorted(kept, key=lambda each: (each[0].rank, each[1]))
    assert kept[-1] == (JobState.RENDERING, 0.5)
    again = ProgressBoard(edit, remember, clock=lambda: float(next(moments)))
    again.add(replace(job, state=JobState.RENDERING), "1.1", None, fraction=0.5)
    again.show(job, JobState.RENDERING, 0.0)
    await eventually(lambda: len(kept) > 2)
    await again.close()
    assert kept[-1] == (JobState.RENDERING, 0.5)


@pytest.mark.parametrize("later", list(JobState))
async def test_the_state_of_a_job_never_goes_back(store: Store, later: JobState) -> None:
    await store.add_job(ID, REQUEST)
    await store.update(ID, state=later)
    for state in JobState:
        if state.rank < later.rank:
            await store.update(ID, state=state)
    job = await store.job(ID)
    assert job is not None
    assert job.state is later


async def test_facts_that_are_added_at_once_are_all_kept(store: Store) -> None:
    await store.add_job(ID, REQUEST)
    parts = [JobFacts(next_first=1), JobFacts(next_page=2), JobFacts(handle="h"), JobFacts(earlier="e")]
    await asyncio.gather(*(store.update(ID, facts=part) for part in parts * 15))
    job = await store.job(ID)
    assert job is not None
    assert job.facts.to_json() == {"next_first": 1, "next_page": 2, "handle": "h", "earlier": "e"}


async def test_what_is_offered_next_only_goes_forward_and_its_end_stays(store: Store) -> None:
    await store.add_job(ID, REQUEST)
    places = (11, 31, 21, 11, 31, 0, 11, 41)
    offered = [(await store.offer(ID, next_first=place, next_page=2)).facts.next_first for place in places]
    assert offered == [11, 31, 31, 31, 31, 0, 0, 0]
    at_once = await asyncio.gather(*(store.offer(ID, next_page=page) for page in (5, 3, 9, 7, 4, 8)))
    assert max(each.facts.next_page for each in at_once) == 9
    assert (await store.offer(ID)).facts == JobFacts(next_first=0, next_page=9)


async def test_a_click_does_not_wait_for_uploads(store: Store) -> None:
    slow, clicked = asyncio.Event(), asyncio.Event()

    async def file(payload: Json) -> None:
        await slow.wait()

    async def click(payload: Json) -> None:
        clicked.set()

    inbox = Inbox(store, {"file": file, "click": click}, apologise=say_nothing, tell_refusal=say_nothing)
    for number in range(AT_ONCE):
        await inbox.take("file", f"{number}", {})
    await inbox.take("click", "1", {})
    async with asyncio.timeout(60):
        await clicked.wait()
    slow.set()
    await inbox.close()
