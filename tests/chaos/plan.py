"""
What is broken, when and how: drawn from a seed, so that a run can be asked for again.

The moment at which a blow meets a process is not in the seed's power; which blows come, in which order and how hard, is.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Blow(StrEnum):
    """What can happen to a running Tracklet."""

    KILL = "kill a process"
    KILL_CHILD = "kill a child at work"
    KILL_WATCHDOG = "kill a watchdog"
    FREEZE = "freeze a process"
    ROLL = "restart one after the other"
    DATABASE_CRASH = "crash the database"
    DATABASE_STOP = "restart the database"
    SLACK = "let Slack fail"
    STORAGE = "let the storage fail"
    DISK = "fill the disk"
    CLOCK = "move a clock"


KILLS = frozenset({Blow.KILL, Blow.KILL_CHILD, Blow.KILL_WATCHDOG})

WEIGHTS = {
    Blow.KILL: 6,
    Blow.KILL_CHILD: 9,
    Blow.KILL_WATCHDOG: 1,
    Blow.FREEZE: 1.5,
    Blow.ROLL: 0.5,
    Blow.DATABASE_CRASH: 1,
    Blow.DATABASE_STOP: 1,
    Blow.SLACK: 6,
    Blow.STORAGE: 2,
    Blow.DISK: 1,
    Blow.CLOCK: 1.5,
}
"""How often each comes, as a share of all."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One blow: seconds after the one before; `where` and `how`, in 0..1, choose among what is there then."""

    blow: Blow
    after_s: float
    where: float
    how: float


def plan(seed: int, *, kills: int, pace_s: float, blows: Collection[Blow] = tuple(Blow)) -> Iterator[Planned]:
    """Yield blows of the given kinds, `pace_s` seconds apart in the mean, until so many of them are kills."""
    chance = random.Random(seed)
    kinds = sorted(blows)
    weights = [WEIGHTS[each] for each in kinds]
    while kills > 0:
        (blow,) = chance.choices(kinds, weights)
        kills -= blow in KILLS
        yield Planned(blow, min(chance.expovariate(1 / pace_s), 4 * pace_s), chance.random(), chance.random())
