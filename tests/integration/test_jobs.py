"""Jobs without Slack: a real database, real workflows and a real web server; the work and the thread are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from dbos import DBOS

from bot.app import open_storage
from bot.jobs.database import Database
from bot.jobs.facts import Animation, JobFacts, Pause, Summary, SummaryPage, ToldObject
from bot.jobs.model import Job, JobId, JobState, Json, Options, Request, Source, SourceKind, link_id
from bot.jobs.ports import JobReporter
from bot.jobs.remote import RemoteTracking
from bot.jobs.runtime import Runtime
from bot.jobs.service import JobService
from bot.jobs.store import Store
from bot.jobs.testing import FakeTaskRunner
from bot.jobs.workflow import Workflow
from bot.settings import Settings
from tests.integration.bot_workspace import CLIP, eventually
from tracking.engines.base import EngineName, RemoteEngine
from tracking.errors import EngineAbsence, EngineUnavailable, VideoDamaged
from tracking.sources.addresses import AddressPolicy
from tracking.sources.download import Fetched, Fetcher, Progress
from tracking.storage.access import BucketAccess
from tracking.storage.bucket import GoogleStorage

PERSON = "U1"


@dataclass
class RecordingReporter:
    """A `JobReporter` that writes down what it is told, in order, and what it was to show as progress."""

    told: list[tuple[str, object]] = field(default_factory=list)
    shown: list[tuple[JobState, float]] = field(default_factory=list)
    ended: dict[JobId, tuple[JobState, Json | None]] = field(default_factory=dict)
    thread_ts: str = "1.1"

    async def open(self, job: Job) -> str:
        self.told.append(("open", job.id))
        return self.thread_ts

    async def resume(self, job: Job) -> None:
        self.told.append(("resume", job.id))

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None:
        self.shown.append((state, fraction))

    def waits(self, job: Job, before: int | None) -> None: ...

    def pauses(self, job: Job, why: Pause | None) -> None: ...

    async def summary(self, job: Job, pages: Sequence[SummaryPage], objects: Sequence[ToldObject]) -> None:
        self.told.append(("summary", [number for page in pages for number in page.objects]))

    async def list_objects(self, job: Job, summary: Summary, *, next_first: int, next_page: int) -> None:
        self.told.append(("list", (next_first, next_page)))

    async def animations(self, job: Job, animations: Sequence[Animation], objects: Sequence[ToldObject]) -> None:
        self.told.append(("animations", [each.object for each in animations]))

    async def pictures(self, job: Job, kind: str, paths: Sequence[str], objects: Sequence[ToldObject]) -> None:
        self.told.append((kind, [Path(path).name for path in paths]))

    async def close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None:
        self.told.append(("close", state))
        self.ended[job.id] = state, error

    def said(self, what: str) -> list[object]:
        return [fact for kind, fact in self.told if kind == what]


@dataclass
class Jobs:
    """One start of everything that does jobs, and the web server that they fetch from."""

    service: JobService
    store: Store
    runtime: Runtime
    children: FakeTaskRunner
    reporter: RecordingReporter
    web_url: str

    def asked(self, name: str = "clip") -> tuple[JobId, Request]:
        link = f"{self.web_url}/{name}.mp4"
        source = Source(SourceKind.LINK, link, f"{name}.mp4")
        return link_id("T1", "C1", "1.1", link), Request(source, team="T1", channel="C1", user=PERSON)

    async def submitted(self, name: str = "clip") -> Job:
        job, is_new = await self.service.submit(*self.asked(name))
        assert is_new
        return job

    async def over(self, job_id: JobId, state: JobState = JobState.DONE) -> Job:
        """The job, once its workflow has ended, and it in `state`."""
        async with asyncio.timeout(60):
            await (await DBOS.retrieve_workflow_async(job_id)).get_result(polling_interval_sec=0.05)
        job = await self.store.job(job_id)
        assert job is not None
        assert job.state is state, job.error
        return job

    async def is_at(self, task: str) -> None:
        """Wait until the work has come to `task`."""
        await eventually(lambda: self.children.asked and self.children.asked[-1][0] == task)

    def tasks(self) -> list[str]:
        return [task for task, _ in self.children.asked]


@asynccontextmanager
async def web_server() -> AsyncIterator[str]:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=CLIP + request.match_info["name"].encode(), content_type="video/mp4")

    app = web.Application()
    app.router.add_get("/{name}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class NoSharedVideos:
    """The `SharedVideos` of jobs that name links alone."""

    async def fetch(self, job: Job, into: Path, progress: Progress) -> Fetched:
        raise AssertionError("no file is shared here")


async def no_remote_engine() -> RemoteEngine:
    raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.CONFIGURATION)


@asynccontextmanager
async def started(folder: Path, web_url: str) -> AsyncIterator[Jobs]:
    """Start on the data in `folder`; what is left there is gone on with."""
    settings = Settings(data_dir=folder, engine=EngineName.MOTION, allowed_hosts=("127.0.0.1",))
    children, reporter = FakeTaskRunner(), RecordingReporter()
    async with AsyncExitStack() as ending:
        database = Database(settings.database)
        store = Store(database)
        ending.callback(store.close)
        await store.create_tables()
        google = GoogleStorage()
        ending.push_async_callback(google.close)
        links = Fetcher(policy=AddressPolicy(settings.allowed_hosts))
        ending.push_async_callback(links.close)
        storage = open_storage(settings, google)
        remote = RemoteTracking(storage=storage, store=store, open_engine=no_remote_engine)
        ending.push_async_callback(remote.close)

        def reporter_of(_: Job) -> JobReporter:
            return reporter

        workflow = Workflow(
            settings=settings,
            store=store,
            children=children,
            fetcher=links,
            shared=NoSharedVideos(),
            storage=storage,
            access=BucketAccess(google, allowed=()),
            remote=remote,
            reporter=reporter_of,
        )
        runtime = Runtime(settings, database, workflow.run)
        ending.push_async_callback(runtime.stop)
        service = JobService(store=store, runtime=runtime, pipeline=workflow, settings=settings)
        ending.push_async_callback(service.close)
        await runtime.start()
        yield Jobs(service, store, runtime, children, reporter, web_url)


@pytest_asyncio.fixture
async def web_url() -> AsyncIterator[str]:
    async with web_server() as url:
        yield url


@pytest_asyncio.fixture
async def jobs(tmp_path: Path, web_url: str) -> AsyncIterator[Jobs]:
    async with started(tmp_path, web_url) as made:
        yield made


async def test_a_job_goes_from_its_link_to_its_pictures_and_tells_each_once(jobs: Jobs, tmp_path: Path) -> None:
    job = await jobs.submitted()
    done = await jobs.over(job.id)
    assert jobs.reporter.said("summary") == [[1, 2, 3]]
    assert jobs.reporter.said("animations") == [[1, 2, 3]]
    assert jobs.reporter.said("close") == [JobState.DONE]
    assert jobs.tasks() == ["probe", "choose", "track", "summary", "animations"]
    assert done.facts.annotations.startswith("annotations/")
    assert await asyncio.to_thread((tmp_path / done.facts.annotations).is_file)
    assert done.thread_ts == "1.1"


async def test_what_is_submitted_twice_is_one_job(jobs: Jobs) -> None:
    (first, is_new), (second, is_new_again) = await asyncio.gather(*(jobs.service.submit(*jobs.asked()) for _ in range(2)))
    assert first.id == second.id
    assert {is_new, is_new_again} == {True, False}
    await jobs.over(first.id)
    _, is_new = await jobs.service.submit(*jobs.asked())
    assert not is_new
    assert len(jobs.reporter.said("open")) == len(jobs.reporter.said("close")) == 1


@pytest.mark.parametrize("stage", ["probe", "choose", "track", "summary", "animations"])
async def test_a_job_is_cancelled_in_each_stage_of_its_work(jobs: Jobs, stage: str) -> None:
    jobs.children.hold(stage)
    job = await jobs.submitted()
    await jobs.is_at(stage)
    await jobs.service.cancel(job, PERSON)
    cancelled = await jobs.over(job.id, JobState.CANCELLED)
    assert jobs.tasks()[-1] == stage
    assert jobs.reporter.said("animations") == []
    assert jobs.reporter.said("close") == [JobState.CANCELLED]
    assert not await jobs.service.cancel(cancelled, PERSON)


async def test_asking_again_is_one_new_attempt_that_finds_what_was_tracked(jobs: Jobs) -> None:
    first = await jobs.over((await jobs.submitted()).id)
    again, is_new = await jobs.service.again(first, "U2")
    same, is_new_again = await jobs.service.again(first, "U2")
    assert (again.id, is_new, is_new_again) == (same.id, True, False)
    second = await jobs.over(again.id)
    assert (second.attempt, second.request.user, second.request.thread_ts) == (2, "U2", "1.1")
    assert jobs.tasks().count("track") == 1
    assert second.facts.summary == first.facts.summary


async def test_a_step_that_fails_ends_its_job_with_the_reason_and_the_next_attempt_begins_at_the_start(jobs: Jobs) -> None:
    jobs.children.errors["track"] = VideoDamaged("clip.mp4")
    job = await jobs.over((await jobs.submitted()).id, JobState.FAILED)
    assert job.error is not None
    assert job.error["kind"] == "VideoDamaged"
    assert jobs.reporter.ended[job.id] == (JobState.FAILED, job.error)
    assert jobs.reporter.said("summary") == []
    jobs.children.errors.clear()
    again, _ = await jobs.service.again(job, PERSON)
    await jobs.over(again.id)
    assert jobs.tasks().count("probe") == 2


async def test_further_gifs_are_drawn_once_however_often_they_are_asked_for(jobs: Jobs) -> None:
    jobs.children.objects = 13
    job = await jobs.over((await jobs.submitted()).id)
    assert jobs.reporter.said("list") == [(11, 0)]
    for _ in range(2):
        changed = await jobs.service.more_gifs(job, PERSON, 11)
        assert changed.facts.next_first == 0
    (more,) = [each for each in await jobs.store.latest(team="T1") if each.id != job.id]
    await jobs.over(more.id)
    assert jobs.reporter.said("animations") == [list(range(1, 11)), [11, 12, 13]]
    assert jobs.tasks().count("track") == jobs.tasks().count("summary") == 1


async def test_a_further_page_is_drawn_and_the_one_after_it_can_be_asked_for(jobs: Jobs) -> None:
    jobs.children.objects = 60
    job = await jobs.over((await jobs.submitted()).id)
    changed = await jobs.service.more_objects(job, PERSON, 2, page_objects=24)
    assert changed.facts.next_page == 3
    (more,) = [each for each in await jobs.store.latest(team="T1") if each.id != job.id]
    await jobs.over(more.id)
    assert jobs.reporter.said("summary") == [list(range(1, 25)), list(range(25, 49))]


async def test_near_misses_are_included_without_tracking_again(jobs: Jobs) -> None:
    jobs.children.objects, jobs.children.near_misses = 0, 2
    job = await jobs.over((await jobs.submitted()).id)
    assert jobs.reporter.said("summary") == jobs.reporter.said("animations") == []
    included, is_new = await jobs.service.include_near_misses(job, PERSON)
    assert is_new
    assert (included.request.options.min_confidence, included.request.options.min_frames) == (0.5, 3)
    await jobs.over(included.id)
    assert jobs.reporter.said("summary") == [[1, 2]]
    assert jobs.tasks().count("track") == 1


async def test_an_object_keeps_its_number_for_the_whole_thread(jobs: Jobs) -> None:
    jobs.children.objects, jobs.children.near_misses = 4, 3
    first = await jobs.over((await jobs.submitted()).id)
    only_cars = replace(first.request, options=Options(labels=("car",)), thread_ts="1.1")
    second, _ = await jobs.service.submit(JobId("cars:1"), only_cars)
    await jobs.over(second.id)
    included, _ = await jobs.service.include_near_misses(first, PERSON)
    await jobs.over(included.id)
    assert jobs.reporter.said("summary") == [[1, 2, 3, 4], [2], [1, 2, 3, 4, 5, 6, 7]]
    assert jobs.reporter.said("animations") == [[1, 2, 3, 4], [2], [1, 2, 3, 4, 5, 6, 7]]
    assert jobs.tasks().count("track") == 1


async def test_pictures_with_the_numbers_of_another_thread_are_drawn_again(jobs: Jobs) -> None:
    jobs.children.objects = 6
    first = await jobs.over((await jobs.submitted()).id)
    only_cars = replace(first.request, options=Options(labels=("car",)))
    here, _ = await jobs.service.submit(JobId("here:1"), replace(only_cars, thread_ts="1.1"))
    await jobs.over(here.id)
    jobs.reporter.thread_ts = "2.2"
    elsewhere, _ = await jobs.service.submit(JobId("elsewhere:1"), replace(only_cars, channel="C2"))
    await jobs.over(elsewhere.id)
    assert jobs.reporter.said("summary") == [[1, 2, 3, 4, 5, 6], [2, 5], [1, 2]]
    drawn = jobs.tasks().count("summary")
    jobs.reporter.thread_ts = "1.1"
    again, _ = await jobs.service.submit(JobId("again:1"), replace(only_cars, thread_ts="1.1"))
    await jobs.over(again.id)
    assert jobs.reporter.said("summary")[-1] == [2, 5]
    assert jobs.tasks().count("summary") == drawn, "the thread has these pictures already"


async def test_further_pictures_of_a_list_have_its_numbers(jobs: Jobs) -> None:
    jobs.children.objects = 60
    first = await jobs.over((await jobs.submitted()).id)
    only_cars = replace(first.request, options=Options(labels=("car",)), thread_ts="1.1")
    second, _ = await jobs.service.submit(JobId("cars:1"), only_cars)
    second = await jobs.over(second.id)
    cars = list(range(2, 60, 3))
    await jobs.service.more_gifs(second, PERSON, 11)
    (more,) = [each for each in await jobs.store.latest(team="T1") if each.request.parent == second.id]
    await jobs.over(more.id)
    assert jobs.reporter.said("animations")[1:] == [cars[:10], cars[10:20]]


@pytest.mark.parametrize("stage", ["probe", "track", "animations"])
async def test_a_restart_goes_on_after_the_last_step_that_was_recorded(tmp_path: Path, web_url: str, stage: str) -> None:
    async with started(tmp_path, web_url) as before:
        before.children.hold(stage)
        job = await before.submitted()
        await before.is_at(stage)
    async with started(tmp_path, web_url) as after:
        await after.service.tend()
        await after.over(job.id)
    assert after.tasks()[0] == stage
    assert [*before.reporter.said("open"), *after.reporter.said("open")] == [job.id]
    assert after.reporter.said("resume") == [job.id]
    assert [*before.reporter.said("close"), *after.reporter.said("close")] == [JobState.DONE]


async def test_a_job_that_was_noted_and_never_begun_is_begun_by_tending(jobs: Jobs) -> None:
    job, _ = await jobs.store.add_job(*jobs.asked())
    assert not await jobs.runtime.has_ended(job.id)
    await jobs.service.tend()
    await jobs.service.tend()
    await jobs.over(job.id)
    assert jobs.reporter.said("open") == [job.id]


async def test_a_job_whose_workflow_ended_without_it_is_told_as_failed_by_tending(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    job_id, request = jobs.asked()
    await jobs.runtime.submit(job_id, person=request.person)
    async with asyncio.timeout(60):
        await (await DBOS.retrieve_workflow_async(job_id)).get_result(polling_interval_sec=0.05)
    await jobs.store.add_job(job_id, request)
    await jobs.service.tend()
    job = await jobs.store.job(job_id)
    assert job is not None
    assert job.state is JobState.FAILED
    assert jobs.reporter.said("close") == [JobState.FAILED]
    assert "its workflow ended and the job did not" in caplog.text
