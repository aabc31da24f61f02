"""How often progress messages may be edited, by all processes of a workspace together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.progress import EDITS_AT_ONCE, EVERY_FOR_EACH_S, Budget

SLACKS_EDITS_A_MINUTE = 50  # docs.slack.dev/apis/web-api/rate-limits, tier 3


@pytest.mark.parametrize("shown", [[20], [20, 20, 20], [1, 50, 3]])
def test_processes_that_always_have_news_stay_within_slacks_limit_together(shown: list[int]) -> None:
    budgets = [Budget() for _ in shown]
    minutes = [0, 0, 0]
    for tenth in range(1800):
        for budget, own in zip(budgets, shown, strict=True):
            every_s = EVERY_FOR_EACH_S * (1 + (sum(shown) - own) / own)
            while budget.take(1000 + tenth / 10, every_s=every_s) == 0.0:
                minutes[tenth // 600] += 1
    assert minutes[0] <= SLACKS_EDITS_A_MINUTE + EDITS_AT_ONCE * len(shown)
    assert max(minutes[1:]) <= SLACKS_EDITS_A_MINUTE - 8


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.5, 20.0)), max_size=60))
def test_whoever_waits_as_long_as_told_may_edit(steps: list[tuple[float, float]]) -> None:
    budget, now = Budget(), 50.0
    for pause_s, every_s in steps:
        now += pause_s
        wait_s = budget.take(now, every_s=every_s)
        assert 0.0 <= wait_s <= every_s
        if wait_s:
            now += wait_s + 0.001
            assert budget.take(now, every_s=every_s) == 0.0
