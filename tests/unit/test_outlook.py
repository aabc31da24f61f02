"""Who asks is told how many come first, by the turns that people take, and about how long that takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.outlook import Outlook, outlook
from bot.texts.slack import queued


@pytest.mark.parametrize(
    ("unfinished", "before"),
    [
        ({}, 0),
        ({"kim": 1}, 0),  # there is a place left
        ({"kim": 50}, 0),  # one of them has the other place
        ({"kim": 50, "lee": 1}, 2),
        ({"kim": 50, "lee": 3, "you": 1}, 5),  # one of one's own, and two turns of each
        ({"you": 7}, 7),
    ],
)
def test_people_take_turns(unfinished: dict[str, int], before: int) -> None:
    assert outlook(unfinished, "you", worked_s=[4.0], places=2) == Outlook(before, 4.0 * before / 2)


def test_how_long_it_takes_is_what_the_last_ones_took() -> None:
    assert outlook({"you": 6}, "you", worked_s=[2.0, 90.0, 10.0], places=3) == Outlook(6, 20.0)
    assert outlook({"you": 6}, "you", worked_s=[], places=3) == Outlook(6, None)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50)), st.integers(1, 8))
def test_nobody_has_more_before_them_than_there_is_and_no_less_than_their_own(unfinished: dict[str, int], places: int) -> None:
    found = outlook(unfinished, "a", worked_s=[1.0], places=places)
    own = unfinished.get("a", 0)
    assert found.before <= sum(unfinished.values())
    assert found.before >= own or own < places


@pytest.mark.parametrize(
    ("before", "seconds", "said"),
    [
        (7, 183.0, "7 videos are before yours, about 3 min."),
        (1, 42.0, "1 video is before yours, about 40 s."),
        (2, 5.0, "2 videos are before yours, about 10 s."),
        (250, 5400.0, "250 videos are before yours, about 1 h 30 min."),
        (3, None, "3 videos are before yours."),
    ],
)
def test_the_answer_says_how_many_come_first_and_about_how_long_that_takes(
    before: int, seconds: float | None, said: str
) -> None:
    assert queued(before, seconds) == said
