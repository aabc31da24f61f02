"""
How long a job worked, and how long it only waited for its turn: a person is told the one without the other.

Each step is timed while it runs, and what was measured is recorded with its result, so that a restart forgets nothing of it.
Times are seconds since 1970, lengths of time seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar

from bot.jobs.facts import StepTimes

Stretch = tuple[float, float]

STAGES: Mapping[str, str] = {
    "fetch": "fetch",
    "open": "post",
    "post": "post",
    "summary": "draw",
    "animations": "draw",
    "page": "draw",
    "draw": "draw",
}
"""What the steps belong to, by how their names begin; all others are part of tracking."""


class Stopwatch:
    """Times one step, from when it is made until `stop`."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self._clock = clock
        self._began = clock()
        self._waits: list[Stretch] = []
        self._waits_since: float | None = None

    def wait(self) -> None:
        """Note that the step waits from now on, if it did not already."""
        if self._waits_since is None:
            self._waits_since = self._clock()

    def go_on(self) -> None:
        """Note that the step works again."""
        if self._waits_since is not None:
            self._waits.append((self._waits_since, self._clock()))
            self._waits_since = None

    def stop(self) -> StepTimes:
        """Return what was measured."""
        self.go_on()
        return StepTimes(name=self._name, began=self._began, ended=self._clock(), waits=tuple(self._waits))


running: ContextVar[Stopwatch | None] = ContextVar("running", default=None)
"""The stopwatch of the step that runs: two steps of one job may run at the same time."""


def worked_s(steps: Iterable[StepTimes]) -> float:
    """Return how long it took from the first step's begin to the last one's end, without the time in which all only waited."""
    steps = list(steps)
    waits = [stretch for step in steps for stretch in step.waits]
    work = [stretch for step in steps for stretch in _without(step.waits, (step.began, step.ended))]
    idle_s = _covered(waits + work) - _covered(work)
    whole_s = max((step.ended for step in steps), default=0.0) - min((step.began for step in steps), default=0.0)
    return max(whole_s - idle_s, 0.0)


def stage_seconds(steps: Iterable[StepTimes]) -> dict[str, float]:
    """Return how long each stage worked, in the order of a job's life, and under "wait" how long it waited for others."""
    stages: dict[str, list[StepTimes]] = {}
    for step in steps:
        stage = next((stage for name, stage in STAGES.items() if step.name.startswith(name)), "track")
        stages.setdefault(stage, []).append(step)
    found = {"fetch": 0.0, "track": 0.0, "draw": 0.0, "post": 0.0, "wait": 0.0}
    for stage, those in stages.items():
        waited_s = sum(_covered(step.waits) for step in those)
        if stage == "track":  # a remote engine works between the steps
            lasted_s = max(step.ended for step in those) - min(step.began for step in those)
        else:
            lasted_s = sum(step.ended - step.began for step in those)
        found[stage] = max(lasted_s - waited_s, 0.0)
        found["wait"] += waited_s
    return found


def _without(holes: Iterable[Stretch], whole: Stretch) -> list[Stretch]:
    left, rest = [], whole[0]
    for start, end in sorted(holes):
        left.append((rest, start))
        rest = max(rest, end)
    return [stretch for stretch in [*left, (rest, whole[1])] if stretch[1] > stretch[0]]


def _covered(stretches: Iterable[Stretch]) -> float:
    """Return how long at least one of the stretches lasts."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(stretches):
        total += max(end - max(start, until), 0.0)
        until = max(until, end)
    return total
