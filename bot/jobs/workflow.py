"""
The workflow: from what was asked to what the thread shows.

    received -> fetching -> tracking -> rendering -> posting -> done        any -> failed | cancelled

Each line that awaits `_step` is recorded by DBOS: after a crash the workflow starts from the top and passes over what is
recorded. A step that was under way runs again, twice and no more (`deaths.py`); what each does is in `steps.py`. Steps give
plain JSON (`facts.py`); what went wrong is a result too, because a recorded exception would come back as another class.
Nothing between the steps looks at a clock, the network or chance. Every way out of a workflow, foreseen or not, tells the
thread and is recorded as the job's end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from dbos import DBOS

from bot.jobs import error_codec as failures
from bot.jobs.deaths import Deaths
from bot.jobs.facts import (
    Animations,
    Drawable,
    Drawn,
    Fact,
    Found,
    JobFacts,
    Json,
    Nothing,
    Opened,
    ParentSeen,
    Pictures,
    Probe,
    StepTimes,
    Summary,
    Tracked,
    VideoFile,
)
from bot.jobs.model import Job, JobId, JobState, Kind, digest
from bot.jobs.openings import Openings
from bot.jobs.operator_faults import needs_operator, translated
from bot.jobs.ports import JobReporter, SharedVideos
from bot.jobs.processes import TaskRunner, unless_cancelled
from bot.jobs.remote import RemoteTracking
from bot.jobs.remote_run import RemoteRun
from bot.jobs.steps import FILE_PAUSES_S, GIFS_A_MESSAGE, Steps
from bot.jobs.stopwatch import Stopwatch, running, stage_seconds, worked_s
from bot.jobs.store import Store, Total
from bot.jobs.threads import Threads
from bot.settings import Settings
from tracking import plain_text
from tracking.engines.base import EngineName
from tracking.engines.remote import LONGEST_POLL_S, PATIENCE, Patience
from tracking.errors import (
    Cancelled,
    EngineUnavailable,
    TrackletError,
    service_words,
)
from tracking.sources.download import Fetcher
from tracking.storage.access import BucketAccess
from tracking.storage.base import Storage

logger = logging.getLogger(__name__)

FactT = TypeVar("FactT", bound=Fact)
OtherT = TypeVar("OtherT", bound=Fact)

WAKE = "wake"  # the topic of messages that end a wait early
CANCEL_LOOK_S = 1.0
SHOW_POLL_S = 0.5  # two rows are read; it grows to the pace of the remote engines


class _Stopped(Exception):
    """A step ended the job: cancelled or failed."""

    def __init__(self, error: Json, step: str = "") -> None:
        super().__init__(error["kind"])
        self.error = error
        self.step = step


class Workflow:
    """Runs jobs, each as a durable workflow."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        children: TaskRunner,
        fetcher: Fetcher,
        shared: SharedVideos,
        storage: Storage,
        access: BucketAccess,
        remote: RemoteTracking,
        reporter: Callable[[Job], JobReporter],
        file_pauses_s: Sequence[float] = FILE_PAUSES_S,
        patience: Patience = PATIENCE,
    ) -> None:
        self._patience = patience
        self._store = store
        self._data_dir = settings.data_dir
        self._remote = remote
        self._reporter = reporter
        self._deaths = Deaths(store)
        self._cancelled: dict[str, asyncio.Event] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._threads = Threads(None if settings.uses_sqlite else store.claim_thread)
        self._openings = Openings()
        self._is_alone = settings.uses_sqlite
        self._times: dict[str, list[StepTimes]] = {}
        self._announced: dict[JobId, tuple[Job, int]] = {}
        self._steps = Steps(
            settings=settings,
            store=store,
            children=children,
            fetcher=fetcher,
            shared=shared,
            storage=storage,
            access=access,
            remote=remote,
            reporter=reporter,
            openings=self._openings,
            cancelled=self._event,
            file_pauses_s=file_pauses_s,
        )

    def cancel(self, job_id: JobId) -> None:
        """Stop a job that runs in this process, whether or not the wish could be noted."""
        if (event := self._cancelled.get(job_id)) is not None:
            event.set()

    def runs(self, job_id: JobId) -> bool:
        """Return whether the job is at work in this process."""
        return job_id in self._cancelled

    async def ended(self, job_id: JobId) -> None:
        """Wait until the job is not at work in this process any more."""
        if self.runs(job_id):
            await self._ended.setdefault(job_id, asyncio.Event()).wait()

    async def keep_looking_for_cancels(self) -> None:
        """Stop what runs here and was cancelled at another process, until cancelled itself."""
        while True:
            await asyncio.sleep(CANCEL_LOOK_S)
            if running := [JobId(each) for each in self._cancelled]:
                try:
                    for job_id in await self._store.cancelled_among(running):
                        self.cancel(job_id)
                except Exception:
                    logger.exception("could not look for jobs that are to be stopped")

    async def prepare(self) -> None:
        """Give back their threads to the jobs that had begun to post when the last process ended; before anything goes on."""
        await self._threads.take_again(await self._store.unfinished())

    def expect(self, job: Job) -> None:
        """Note that a job was asked for and is about to begin: what is asked for later opens its answer later."""
        # Among several processes another one may open it, and nobody here would hear of that.
        if self._is_alone:
            self._openings.expect(job)

    async def announce(self, job: Job, *, before: int) -> None:
        """Tell the thread of a job that cannot begin before `before` others of the same person are over."""
        self._announced[job.id] = job, before
        await self._steps.open(job)
        if job.id in self._announced:
            self._reporter(job).waits(job, self._announced[job.id][1])

    def _move_up(self, over: Job) -> None:
        """Tell those who wait behind a job that it is over."""
        for job, before in list(self._announced.values()):
            if job.request.person == over.request.person and job.number > over.number:
                self._announced[job.id] = job, before - 1
                self._reporter(job).waits(job, before - 1)

    async def run(self, job_id: JobId) -> str:
        """Run a job to its end, which is recorded; return its final state."""
        # Before the row is read: a wish that comes in between is in one or the other.
        event = self._cancelled.setdefault(job_id, asyncio.Event())
        try:
            job = await self._store.job(job_id)
            if job is None:
                return "unknown"
            if self._announced.pop(job_id, None) is not None:
                self._reporter(job).waits(job, None)
            if job.is_over:
                return job.state.value
            if job.cancelled_by:
                event.set()
            await self._reporter(job).resume(job)
            state, facts = JobState.DONE, JobFacts()
            error: Json | None = None
            step = ""
            try:
                facts = await self._work(job)
            except _Stopped as stopped:
                state, error, step = _state_after(stopped.error), stopped.error, stopped.step
            await self._end(job, state, facts, error, step)
            self._move_up(job)
            return state.value
        except Exception:
            logger.exception("job %s: its workflow failed", digest(job_id))
            return (await self.abandon(job_id)).value
        finally:
            self._openings.opened(job_id)
            self._threads.give_back(job_id)
            self._times.pop(job_id, None)
            self._cancelled.pop(job_id, None)
            if (ended := self._ended.pop(job_id, None)) is not None:
                ended.set()

    async def abandon(self, job_id: JobId) -> JobState:
        """End a job whose workflow cannot go on, if it has no end yet; its state from then on."""
        job = await self._store.job(job_id)
        if job is None or job.is_over:
            return job.state if job else JobState.FAILED
        error = failures.to_json(Cancelled()) if job.cancelled_by else job.error or failures.UNFORESEEN
        state = _state_after(error)
        await self._close(job, state, JobFacts(), error)
        self._announced.pop(job_id, None)
        self._openings.opened(job_id)
        self._threads.give_back(job_id)
        self._move_up(job)
        logger.info("%s", _line(job, state, JobFacts(), error, step="its workflow", times=()))
        await self._count(state, error, ())
        return state

    async def _work(self, job: Job) -> JobFacts:
        match job.request.kind:
            case Kind.MORE:
                return await self._more(job)
            case Kind.MAKE:
                return await self._make(job)
            case Kind.SHOW:
                return await self._show(job)
            case _:
                return await self._track(job)

    async def _track(self, job: Job) -> JobFacts:
        """Go with a video from its source to its pictures."""
        steps = self._steps
        opened = await self._step(job, "open", Opened, lambda: steps.open(job))
        job = replace(job, thread_ts=opened.thread_ts)
        video = await self._step(job, "fetch", VideoFile, lambda: steps.fetch(job), JobState.FETCHING)
        probed = await self._step(job, "probe", Probe, lambda: steps.probe(job, video), JobState.TRACKING)
        found = await self._step(job, "look", Found, lambda: steps.cache.look_up(job, video, probed))
        annotations, summary = found.annotations, found.summary
        if summary is None:
            if not annotations:
                annotations = await self._annotations(job, video, probed)
            summary = await self._step(
                job, "summary", Summary, lambda: steps.summary(job, video, probed, annotations), JobState.RENDERING
            )
        facts = Drawable(
            thread_ts=opened.thread_ts,
            video=video,
            probed=probed,
            annotations=annotations,
            summary=summary,
            earlier=found.earlier,
        )
        batch = summary.numbers[:GIFS_A_MESSAGE]

        # The summary never waits for the GIFs, and the cores do not wait for Slack.
        posting = self._step(job, "post-summary", Nothing, lambda: steps.post_summary(job, facts), posts=True)
        drawing = self._step(job, "animations", Animations, lambda: steps.animations(job, facts, batch, known=found.animations))
        _, drawn = await _both(posting, drawing)
        await self._post_animations(job, facts, drawn)
        # Some pictures are posted already, and no state goes back.
        await self._further_kinds(job, facts, JobState.POSTING)
        if not job.request.channel and steps.publisher.keeps_pictures_elsewhere:
            await self._store_the_rest(job, facts)
        return _facts_of(facts, drawn)

    async def _annotations(self, job: Job, video: VideoFile, probed: Probe) -> str:
        """Return the annotation file of the video: somebody else's, a remote engine's or a direct one's."""
        steps = self._steps
        target = steps.annotations_path(job, video, probed)
        if job.request.annotations:
            await self._step(job, "take", Nothing, lambda: steps.take(job, target), JobState.TRACKING)
        elif probed.engine == EngineName.GOOGLE:
            await self._track_remotely(job, video, probed, target)
        else:
            await self._step(job, "track", Tracked, lambda: steps.track(job, video, probed, target), JobState.TRACKING)
        return steps.recorded(target)

    async def _track_remotely(self, job: Job, video: VideoFile, probed: Probe, target: Path) -> None:
        """Have the annotation file from an engine that works elsewhere; a run that nobody waits for any more is stopped."""
        reporter, run_key = self._reporter(job), self._steps.cache.run_key(job, probed)

        async def step(name: str, kind: type[FactT], work: Callable[[], Awaitable[FactT]]) -> FactT:
            return await self._step(job, name, kind, work, JobState.TRACKING)

        async def wait(seconds: float) -> None:
            await DBOS.recv_async(WAKE, timeout_seconds=seconds)

        run = RemoteRun(
            job,
            self._remote,
            video=partial(self._steps.have_video, job, video),
            patience=self._patience,
            step=step,
            wait=wait,
            pauses=partial(reporter.pauses, job),
            show=partial(reporter.show, job, JobState.TRACKING),
        )
        try:
            place = partial(self._steps.place, job, video, run_key=run_key)
            await run.annotate(place, target, duration_s=probed.duration_s)
        except (_Stopped, EngineUnavailable) as error:
            # Where only the questions were refused, the run goes on, and whoever asks again has its result (`RemoteTracking`).
            is_refused = isinstance(error, _Stopped) and error.error["kind"] == EngineUnavailable.__name__
            if run.placed is not None and run.may_go_on and not is_refused:
                await DBOS.run_step_async({"name": "stop"}, self._remote.stop, job, run.placed, run.handle)
            if isinstance(error, EngineUnavailable):
                raise _Stopped(failures.to_json(error), "poll") from error
            raise

    async def _store_the_rest(self, job: Job, facts: Drawable) -> None:
        """Draw and store the pictures that a thread offers by buttons, where nobody can press one."""
        steps, numbers, shown = self._steps, facts.summary.numbers, facts.summary.shown
        page = 2
        while 0 < shown < len(numbers):
            drawn = await self._step(
                job, f"page-{page}", Drawn, partial(steps.store_page, job, facts, page), JobState.RENDERING
            )
            shown = shown + drawn.objects if drawn.objects else len(numbers)
            page += 1
        for first in range(GIFS_A_MESSAGE, len(numbers), GIFS_A_MESSAGE):
            batch = numbers[first : first + GIFS_A_MESSAGE]
            store = partial(steps.store_animations, job, facts, batch)
            await self._step(job, f"animations-{first}", Nothing, store, JobState.RENDERING)

    async def _more(self, job: Job) -> JobFacts:
        """Draw and post further GIFs, or a further page, of an earlier job."""
        steps = self._steps
        parent = await self._store.job(JobId(job.request.parent))
        if parent is None or parent.facts.summary is None:
            raise _Stopped(failures.UNFORESEEN)
        facts = Drawable.of(parent.facts)
        if job.request.page:
            draw = partial(steps.further_page, job, facts, job.request.page)
            page = await self._step(job, "summary", Summary, draw, JobState.RENDERING)
            post = partial(steps.post_pages, job, facts, page.pages, page=job.request.page)
            await self._step(job, "post-page", Nothing, post, JobState.POSTING, posts=True)
        else:
            batch = facts.summary.numbers[job.request.first - 1 :][:GIFS_A_MESSAGE]
            drawn = await self._step(
                job, "animations", Animations, lambda: steps.animations(job, facts, batch), JobState.RENDERING
            )
            await self._post_animations(job, facts, drawn)
        return JobFacts(thread_ts=facts.thread_ts)

    async def _further_kinds(self, job: Job, facts: Drawable, state: JobState) -> None:
        """Draw and post the kinds of pictures that were asked for beside the summary and the GIFs."""
        steps, make = self._steps, job.request.options.make
        for place, kind in enumerate(make):
            share = place / len(make), (place + 1) / len(make)
            draw = partial(steps.pictures, job, facts, kind, state=state, share=share)
            made = await self._step(job, f"draw-{kind}", Pictures, draw, state)
            post = partial(steps.post_pictures, job, facts, kind, made.paths)
            await self._step(job, f"post-{kind}", Nothing, post, state, posts=True)

    async def _make(self, job: Job) -> JobFacts:
        """Make further kinds of pictures of an earlier job, once that has all of its own."""
        opened = await self._step(job, "open", Opened, lambda: self._steps.open(job))
        job = replace(job, thread_ts=opened.thread_ts)
        facts = Drawable.of(await self._facts_of_parent(job, "animations"))
        await self._further_kinds(job, facts, JobState.RENDERING)
        return JobFacts(thread_ts=opened.thread_ts)

    async def _show(self, job: Job) -> JobFacts:
        """Tell one channel what a job that nobody asked for makes: its summary as soon as that is drawn, then its GIFs."""
        steps = self._steps
        opened = await self._step(job, "open", Opened, lambda: steps.open(job))
        job = replace(job, thread_ts=opened.thread_ts)
        seen = Drawable.of(await self._facts_of_parent(job, "summary"))
        facts = seen.model_copy(update={"thread_ts": opened.thread_ts, "animations": ()})
        await self._step(job, "post-summary", Nothing, lambda: steps.post_summary(job, facts), JobState.POSTING, posts=True)
        later = await self._facts_of_parent(job, "animations")
        drawn = Animations(animations=later.animations or ())
        await self._post_animations(job, facts, drawn)
        await self._further_kinds(job, facts, JobState.POSTING)
        return _facts_of(facts, drawn)

    async def _facts_of_parent(self, job: Job, wanted: str) -> JobFacts:
        """Return the facts of the job `parent`, once `wanted` is among them."""
        polls = 0
        while True:
            if polls:
                await DBOS.recv_async(WAKE, timeout_seconds=min(SHOW_POLL_S * 1.2 ** min(polls, 30), LONGEST_POLL_S))
            look = partial(self._look_at_parent, job, wanted)
            seen = await self._step(job, f"wait-{wanted}-{polls}", ParentSeen, look)
            if seen.error:
                raise _Stopped(seen.error)
            if seen.facts is not None:
                return seen.facts
            polls += 1

    async def _look_at_parent(self, job: Job, wanted: str) -> ParentSeen:
        parent = await self._store.job(JobId(job.request.parent))
        if parent is None:
            return ParentSeen(error=failures.UNFORESEEN)
        self._reporter(job).pauses(job, parent.facts.pause if parent.state is JobState.TRACKING else None)
        if getattr(parent.facts, wanted) is not None:
            return ParentSeen(facts=parent.facts)
        if parent.is_over:
            return ParentSeen(error=parent.error or failures.to_json(Cancelled()))
        self._reporter(job).show(job, parent.state)
        return ParentSeen()

    async def _post_animations(self, job: Job, facts: Drawable, drawn: Animations) -> None:
        post = partial(self._steps.post_animations, job, facts, drawn.animations)
        await self._step(job, "post-animations", Nothing, post, JobState.POSTING, posts=True)

    # ---- how a step is recorded ------------------------------------------------------------------------------------------

    async def _step(
        self,
        job: Job,
        name: str,
        kind: type[FactT],
        work: Callable[[], Awaitable[FactT]],
        state: JobState | None = None,
        *,
        posts: bool = False,
    ) -> FactT:
        """
        Return the recorded result of `work`; raises `_Stopped` where it failed or the job was cancelled.

        A step that `posts` has the thread for its job from then on, to the job's end.
        """

        async def timed() -> Json:
            stopwatch = Stopwatch(name)
            running.set(stopwatch)
            return await attempt() | {"times": stopwatch.stop().to_json()}

        async def attempt() -> Json:
            try:
                # Before the first call of the store, which may wait long: a job can be stopped at any time.
                if self._event(job).is_set():
                    raise Cancelled
                return {"ok": (await self._counted(job, name, work, state, posts=posts)).to_json()}
            except TrackletError as error:
                if needs_operator(error):
                    kind_of, facts = failures.to_json(error).values()
                    told = plain_text.plain(str(facts))
                    said = "job %d: %s failed with %s in %s, which only you can mend: %s"
                    logger.error(said, job.number, name, kind_of, self._data_dir, told)
                elif words := service_words(error):
                    logger.warning("job %d: %s: %s", job.number, name, words)
                return {"failure": failures.to_json(error)}
            except Exception as error:
                if isinstance(error, OSError) and (fault := translated(error)) is not None:
                    file = plain_text.plain(str(error.filename or self._data_dir))
                    logger.error("job %d: %s failed at %s, which only you can mend: %s", job.number, name, file, error.strerror)
                    return {"failure": failures.to_json(fault)}
                logger.exception("job %d: %s failed", job.number, name)
                return {"failure": failures.UNFORESEEN}

        result = await DBOS.run_step_async({"name": name}, timed)
        if "times" in result:
            self._times.setdefault(job.id, []).append(StepTimes.from_json(result["times"]))
        if "failure" in result:
            raise _Stopped(result["failure"], name)
        return kind.from_json(result["ok"])

    async def _counted(
        self, job: Job, name: str, work: Callable[[], Awaitable[FactT]], state: JobState | None, *, posts: bool
    ) -> FactT:
        """Return the result of a step. Raises `Cancelled` at once, also while the store does not answer; `ProcessDied`."""
        async with AsyncExitStack() as stack:
            event = self._event(job)
            await unless_cancelled(stack.enter_async_context(self._deaths.counted(job.id, name)), event)
            if state is not None:
                await unless_cancelled(self._store.update(job.id, state=state), event)
                self._reporter(job).show(job, state)
            if posts:
                await unless_cancelled(self._threads.take(job, self._steps.turn(job, is_told=False)), event)
            return await work()

    async def _end(self, job: Job, state: JobState, facts: JobFacts, error: Json | None, step: str) -> None:
        times = self._times.get(job.id, [])

        async def attempt() -> Json:
            timed = facts.model_copy(update={"took_s": round(worked_s(times), 3)})
            await self._close(job, state, timed, error)
            logger.info("%s", _line(job, state, timed, error, step=step, times=times))
            await self._count(state, error, times)
            return {}

        await DBOS.run_step_async({"name": "end"}, attempt)

    async def _count(self, state: JobState, error: Json | None, times: Sequence[StepTimes]) -> None:
        """Add the job to the figures of all."""
        outcome = error["kind"] if error is not None and state is JobState.FAILED else state.value
        stages = [Total("stage", stage, 1, seconds) for stage, seconds in stage_seconds(times).items()]
        await self._store.add_totals([Total("outcome", outcome, 1), *stages])

    async def _close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None:
        """Say the last word, then note that it was said; that it cannot be said fails nothing."""
        # First, because the last word has buttons that need them.
        await self._store.update(job.id, facts=facts, error=error)
        try:
            await self._reporter(job).close(job, state, facts, error)
        except TrackletError as failure:
            logger.info("job %d: its thread could not be told of its end: %s", job.number, type(failure).__name__)
        except Exception:
            logger.exception("job %d: its thread could not be told of its end", job.number)
        await self._store.update(job.id, state=state)

    def _event(self, job: Job) -> asyncio.Event:
        return self._cancelled.setdefault(job.id, asyncio.Event())


def _line(job: Job, state: JobState, facts: JobFacts, error: Json | None, *, step: str, times: Sequence[StepTimes]) -> str:
    """Return what the log says of a job that is over: one line, in which nothing comes from outside."""
    said = f"job {job.number} {state} in {facts.took_s:.1f} s"
    if stages := ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stage_seconds(times).items() if seconds >= 0.05):
        said += f" ({stages})"
    told = [job.request.channel or "no channel"]
    if facts.summary is not None:
        told.insert(0, f"{len(facts.summary.objects)} objects")
    if facts.probed is not None and facts.probed.engine:
        told.insert(0, facts.probed.engine)
    if error is not None and state is JobState.FAILED:
        told.insert(0, f"{error['kind']} at {step}")
    return f"{said}: {', '.join(told)}"


def _facts_of(facts: Drawable, drawn: Animations) -> JobFacts:
    return JobFacts.from_json(facts.model_copy(update={"animations": drawn.animations}).to_json())


def _state_after(error: Json) -> JobState:
    return JobState.CANCELLED if error["kind"] == Cancelled.__name__ else JobState.FAILED


async def _both(first: Awaitable[FactT], second: Awaitable[OtherT]) -> tuple[FactT, OtherT]:
    """Return both results. Where one fails the other still ends before that is told: both are recorded steps."""
    results = await asyncio.gather(first, second, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results[0], results[1]  # type: ignore[return-value]  # no exceptions are left
