"""Waiting for a remote engine, and what its errors mean."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2
from hypothesis import given
from hypothesis import strategies as st

from tracking.engines.remote import AGAIN_S, FIRST_POLL_S, LONGEST_POLL_S, PATIENCE, UNANSWERED_LIMIT_S, UNANSWERED_S
from tracking.engines.video_intelligence import translated
from tracking.errors import EngineRefused, EngineUnavailable, TrackletError


def test_questions_come_less_and_less_often_up_to_a_limit() -> None:
    delays = [PATIENCE.poll_delay(polls, jitter=0.0) for polls in range(30)]
    assert delays[0] == FIRST_POLL_S
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_POLL_S


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_jitter_takes_off_up_to_a_quarter(polls: int, jitter: float) -> None:
    whole = PATIENCE.poll_delay(polls, jitter=0.0)
    assert whole * 0.75 <= PATIENCE.poll_delay(polls, jitter=jitter) <= whole


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_a_lost_start_is_looked_for_longer_over_a_longer_video_but_not_for_ever(duration_s: float, jitter: float) -> None:
    limit_s = PATIENCE.unanswered_limit_s(duration_s)
    assert UNANSWERED_S <= limit_s <= UNANSWERED_LIMIT_S
    assert limit_s >= min(4 * duration_s, UNANSWERED_LIMIT_S)
    assert AGAIN_S <= PATIENCE.again_delay(jitter=jitter) <= 1.25 * AGAIN_S


@given(st.integers(-5, 100), st.text(max_size=1000), st.sampled_from(["", "start", "ask"]))
def test_every_code_is_an_error_of_ours_with_a_short_detail_on_one_line(code: int, message: str, call: str) -> None:
    error = translated(code, message, call=call)
    assert isinstance(error, TrackletError)
    detail = getattr(error, "detail", "")
    assert len(detail) <= 300
    assert "\n" not in detail


@pytest.mark.parametrize("code", [code_pb2.UNAVAILABLE, code_pb2.DEADLINE_EXCEEDED, code_pb2.INTERNAL, code_pb2.UNKNOWN])
def test_only_a_call_is_worth_another_try(code: int) -> None:
    assert isinstance(translated(code, "x", call="ask"), EngineUnavailable)
    assert isinstance(translated(code, "x"), EngineRefused)
