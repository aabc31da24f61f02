"""
How long to wait for a remote engine, and how not to pay it twice.

An engine is started, asked and stopped (`tracking.engines.base`); the waiting itself belongs to the durable job. What the job
needs to do that well is here: how long until the next question, when to give up, and whether an earlier start is still at
work. Times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

FIRST_POLL_S = 2.0
LONGEST_POLL_S = 30.0
_GROWTH = 1.5

RUN_LIMIT_S = 6 * 3600.0
"""A run that takes longer hangs: nobody has measured the service's worst case, and a video may last three hours."""

AGAIN_S = 60.0
"""From a start that was refused for a while to the next: the service counts its quotas by the minute."""

AGAIN_LIMIT_S = 3600.0
"""How long to send starts that are refused for a while, all in all."""

UNANSWERED_S = 300.0
"""How long to look for the run of a start that was not answered, at least; a short video takes two or three minutes."""

UNANSWERED_LIMIT_S = 3600.0
_PACE = 4.0  # the one run that was timed took four times as long as its video (a sample of Google's: 151 s for 38.6 s)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a job waits for a remote engine; tests are less patient."""

    first_poll_s: float = FIRST_POLL_S
    run_limit_s: float = RUN_LIMIT_S
    again_s: float = AGAIN_S
    again_limit_s: float = AGAIN_LIMIT_S
    unanswered_s: float = UNANSWERED_S

    def poll_delay(self, polls: int, *, jitter: float) -> float:
        """
        Return how long to wait until the next question, after `polls` of them: 2 s growing to 30 s.

        `jitter` is a random number in 0..1 that takes off up to a quarter, so that jobs which began together spread out.
        """
        return min(self.first_poll_s * _GROWTH ** min(polls, 20), LONGEST_POLL_S) * (1 - jitter / 4)

    def again_delay(self, *, jitter: float) -> float:
        """Return how long to wait before a start is sent again: a minute, and up to a quarter more by `jitter` in 0..1."""
        return self.again_s * (1 + jitter / 4)

    def unanswered_limit_s(self, duration_s: float) -> float:
        """Return how long to look for the run of a start without an answer over a video of `duration_s`; an hour at most."""
        return min(self.unanswered_s * max(1.0, _PACE * duration_s / UNANSWERED_S), UNANSWERED_LIMIT_S)


PATIENCE = Patience()


class AnnotationPlace(Protocol):
    """As much of a storage root as is needed to see that an annotation file came."""

    async def generation(self, name: str) -> int:
        """Return a number that changes with every write of the object, 0 when it is not there."""
        ...


async def has_arrived(place: AnnotationPlace, name: str, *, since: int) -> bool:
    """
    Return whether the annotation file `name` was written after its generation was noted as `since`.

    Note the generation durably before the first start, and ask before any further one: a crash between the start and the
    note of its handle, or a lost answer, then starts nothing twice once the file is there.
    """
    return await place.generation(name) not in {0, since}
