"""
One job's run at a remote engine, from its start to its annotation file.

    start ─▶ poll ... ─▶ collect       a start that is refused for a while is sent again; one without an answer is looked for

Each question is a recorded step, each wait a durable one that an event can end early; what they ask is in `remote.py`. So after
a restart the job goes on where it was, with the same waits behind it. Nothing here looks at a clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from bot.jobs.facts import Collected, Fact, Pause, Placement, RemoteState, Started
from bot.jobs.model import Job
from bot.jobs.remote import RemoteTracking
from tracking.engines.base import EngineName
from tracking.engines.remote import Patience
from tracking.errors import EngineAbsence, EngineUnavailable
from tracking.model import Segment

SILENT_POLLS = 3  # in a row, before people are told that the service does not answer

FactT = TypeVar("FactT", bound=Fact)


class Steps(Protocol):
    """Runs a recorded step of the job (`workflow.py`)."""

    async def __call__(self, name: str, kind: type[FactT], work: Callable[[], Awaitable[FactT]]) -> FactT: ...


class RemoteRun:
    """
    Waits for one run; `wait` sleeps durably, `pauses` shows why the job does not get on, None when it does.

    `video` gives the video's file on this machine, `show` shows what share of the run is done, 0..1.
    """

    def __init__(
        self,
        job: Job,
        remote: RemoteTracking,
        *,
        video: Callable[[], Awaitable[Path]],
        patience: Patience,
        step: Steps,
        wait: Callable[[float], Awaitable[None]],
        pauses: Callable[[Pause | None], None],
        show: Callable[[float], None],
    ) -> None:
        self._job = job
        self._remote = remote
        self._video = video
        self._patience = patience
        self._step = step
        self._wait = wait
        self._pauses = pauses
        self._show = show
        # No chance in a workflow: the job's number spreads those that began together.
        self._jitter = job.number % 10 / 10
        self._starts = self._looks = self._polls = self._runs = 0
        self._waited_s = 0.0
        self.handle = ""
        self.placed: Placement | None = None
        self._is_lost = False

    @property
    def may_go_on(self) -> bool:
        """Return whether a run may be at work that has to be stopped when the job is."""
        return bool(self.handle) or self._is_lost

    async def annotate(self, place: Callable[[], Awaitable[Placement]], target: Path, *, duration_s: float) -> None:
        """Have the annotations of a video of `duration_s` in `target`. Raises `EngineUnavailable`, and what a step raises."""
        self._pauses(Pause.STARTING)
        self.placed = await self._step("place", Placement, place)
        while True:
            self.handle = await self._started(self.placed, duration_s)
            is_out_of_quota = bool(self.handle) and not await self._is_done(self.placed)
            if not is_out_of_quota:
                collect = partial(self._remote.collect, self.placed, self.handle, target)
                is_out_of_quota = (await self._step(self._numbered("collect", self._runs), Collected, collect)).is_out_of_quota
            if not is_out_of_quota:
                return
            if self._waited_s >= self._patience.again_limit_s:
                raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.QUOTA)
            self._runs += 1
            renew = partial(self._remote.renew, self._job, self.placed)
            self.placed = await self._step(f"place-{self._runs + 1}", Placement, renew)
            self.handle = ""
            await self._pause(Pause.QUOTA)

    async def _started(self, placed: Placement, duration_s: float) -> str:
        """Return the handle of the run, "" where its annotations are there already."""
        segment = self._job.request.options.segment
        while True:
            is_last = self._waited_s >= self._patience.again_limit_s
            start = partial(self._start, placed, segment, is_last=is_last)
            started = await self._step(self._numbered("start", self._starts), Started, start)
            self._starts += 1
            if started.pause is Pause.UNANSWERED:
                return await self._found(placed, duration_s)
            if started.pause is None:
                self._pauses(None)
                return started.handle
            await self._pause(started.pause)

    async def _start(self, placed: Placement, segment: Segment | None, *, is_last: bool) -> Started:
        if not placed.uri:
            # Its bytes go along, and another machine may have fetched them.
            placed = placed.model_copy(update={"file": str(await self._video())})
        return await self._remote.start(self._job, placed, segment, is_last=is_last)

    async def _pause(self, why: Pause) -> None:
        """Wait until a start may be sent again."""
        self._pauses(why)
        wait_s = self._patience.again_delay(jitter=self._jitter)
        await self._wait(wait_s)
        self._waited_s += wait_s

    async def _found(self, placed: Placement, duration_s: float) -> str:
        """Return the handle of a start that was not answered, "" where its annotations came first."""
        looks, waited_s = 0, 0.0
        self._is_lost = True
        while True:
            self._pauses(Pause.UNANSWERED)
            is_last = waited_s >= self._patience.unanswered_limit_s(duration_s)
            self._looks += 1
            look = partial(self._remote.look, self._job, placed, is_last=is_last)
            found = await self._step(f"look-{self._looks}", Started, look)
            if found.pause is None:
                self._is_lost = False
                self._pauses(None)
                return found.handle
            wait_s = self._patience.poll_delay(looks, jitter=self._jitter)
            await self._wait(wait_s)
            looks, waited_s = looks + 1, waited_s + wait_s

    async def _is_done(self, placed: Placement) -> bool:
        """Return True when the run is done, and False when it ended because a quota was used up."""
        polls, waited_s, silent, refusals = 0, 0.0, 0, 0
        while True:
            if waited_s > self._patience.run_limit_s:
                raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.TIMEOUT)
            wait_s = self._patience.poll_delay(polls, jitter=self._jitter)
            await self._wait(wait_s)
            polls, waited_s = polls + 1, waited_s + wait_s
            self._polls += 1
            poll = partial(self._remote.poll, self._job, placed, self.handle, refusals=refusals)
            state = await self._step(f"poll-{self._polls}", RemoteState, poll)
            refusals = refusals + 1 if state.refuses else 0
            silent = silent + 1 if state.pause is Pause.OFFLINE else 0
            is_told = state.pause is Pause.QUOTA or silent >= SILENT_POLLS
            self._pauses(state.pause if is_told else None)
            if state.pause is None:
                self._show(state.percent / 100)
            if state.done or state.is_out_of_quota:
                return state.done

    def _numbered(self, name: str, before: int) -> str:
        """Return a step's name; the first of its kind has the one that it had when there was no other."""
        return f"{name}-{before + 1}" if before else name
