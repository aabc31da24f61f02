"""How long a job worked: without the time in which it only waited for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.facts import StepTimes
from bot.jobs.stopwatch import Stopwatch, stage_seconds, worked_s


def step(name: str, began: float, ended: float, *waits: tuple[float, float]) -> StepTimes:
    return StepTimes(name=name, began=began, ended=ended, waits=waits)


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([], 0.0),
        ([step("track", 10, 14)], 4.0),
        ([step("fetch", 0, 1), step("track", 1, 25, (1, 21))], 5.0),
        # The summary was posted while the GIFs waited for their turn: only what is left of the wait was idle.
        ([step("post-summary", 0, 5), step("animations", 0, 10, (0, 8))], 7.0),
        # A remote engine works between two steps.
        ([step("start", 0, 1), step("poll-1", 60, 61), step("collect", 61, 62)], 62.0),
    ],
)
def test_a_job_took_as_long_as_somebody_worked_for_it(steps: list[StepTimes], seconds: float) -> None:
    assert worked_s(steps) == pytest.approx(seconds)


def test_each_stage_has_its_seconds_and_waiting_its_own() -> None:
    steps = [
        step("open", 0, 1),
        step("fetch", 1, 4, (1, 3)),
        step("probe", 4, 5),
        step("start", 5, 6),
        step("poll-1", 36, 37),
        step("summary", 37, 40),
        step("post-summary", 40, 42),
        step("animations", 40, 45, (40, 41)),
        step("post-animations", 45, 46),
    ]
    assert stage_seconds(steps) == {"fetch": 1.0, "track": 33.0, "draw": 7.0, "post": 4.0, "wait": 3.0}


Stretches = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda pair: (min(pair), max(pair))), max_size=6)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), Stretches), min_size=1, max_size=6))
def test_waiting_never_makes_a_job_longer_and_work_is_never_lost(
    found: list[tuple[float, float, list[tuple[float, float]]]],
) -> None:
    steps = [step("track", min(a, b), max(a, b), *waits) for a, b, waits in found]
    whole_s = max(each.ended for each in steps) - min(each.began for each in steps)
    assert 0.0 <= worked_s(steps) <= whole_s + 1e-9
    without = [step("track", each.began, each.ended) for each in steps]
    assert worked_s(without) == pytest.approx(whole_s)


def test_a_wait_that_a_cancel_cuts_short_is_counted_until_the_steps_end() -> None:
    moments = iter([10.0, 11.0, 12.0, 13.0, 20.0, 30.0, 31.0])
    stopwatch = Stopwatch("track", clock=lambda: next(moments))
    stopwatch.wait()
    stopwatch.wait()
    stopwatch.go_on()
    stopwatch.go_on()
    stopwatch.wait()
    measured = stopwatch.stop()
    assert measured == step("track", 10.0, 30.0, (11.0, 12.0), (13.0, 20.0))
