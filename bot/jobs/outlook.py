"""What a new job has before it, and about how long that takes: told at once to who asks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TIMES_LOOKED_AT = 20  # of the last jobs that were done


@dataclass(frozen=True, slots=True)
class Outlook:
    """So many jobs come first, which takes about so many seconds; None where no job was done yet."""

    before: int
    seconds: float | None


def outlook(unfinished: Mapping[str, int], person: str, *, worked_s: Sequence[float], places: int) -> Outlook:
    """
    Return the outlook of a person's next job.

    `unfinished` are the jobs that are not over, by who asked; `worked_s` how long the last ones worked; `places` how many are
    worked on at once. People take turns, so all of their own come first, and of everybody else's as many and one more.
    """
    own = unfinished.get(person, 0)
    before = own + sum(min(number, own + 1) for other, number in unfinished.items() if other != person)
    if before < places:
        return Outlook(0, 0.0)
    return Outlook(before, statistics.median(worked_s) * before / places if worked_s else None)
