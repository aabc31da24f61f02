"""
How long to wait for a remote engine, and how not to pay it twice.

An engine is started, asked and stopped (`tracking.engines.base`); the waiting itself belongs to the durable job. What the job
needs to do that well is here: how long until the next question, when to give up, and whether an earlier start is still at
work. Times are seconds.
"""

from __future__ import annotations

from typing import Protocol

FIRST_POLL_S = 2.0
LONGEST_POLL_S = 30.0
_GROWTH = 1.5

RUN_LIMIT_S = 6 * 3600.0
"""A run that takes longer hangs: nobody has measured the service's worst case, and a video may last three hours."""

UNANSWERED_GRACE_S = 300.0
"""
How long to look for the annotation file after a start that was not answered, before starting once more.

It may be running, and a second run is billed again; a short video takes the service two or three minutes.
"""


class AnnotationPlace(Protocol):
    """As much of a storage root as is needed to see that an annotation file came."""

    async def generation(self, name: str) -> int:
        """Return a number that changes with every write of the object, 0 when it is not there."""
        ...


def next_poll_delay(polls: int, *, jitter: float) -> float:
    """
    Seconds until the next question, after `polls` of them: 2 s growing to 30 s.

    `jitter` is a random number in 0..1 that takes off up to a quarter, so that jobs which began together spread out.
    """
    delay = min(FIRST_POLL_S * _GROWTH ** min(polls, 20), LONGEST_POLL_S)
    return delay * (1 - jitter / 4)


async def has_arrived(place: AnnotationPlace, name: str, *, since: int) -> bool:
    """
    Return whether the annotation file `name` was written after its generation was noted as `since`.

    Note the generation durably before the first start, and ask before any further one: a crash between the start and the
    note of its handle, or a lost answer, then starts nothing twice once the file is there.
    """
    return await place.generation(name) not in {0, since}
