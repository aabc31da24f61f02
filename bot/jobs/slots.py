"""
A bounded number of slots, and who gets the next one: for downloads, and for child processes that burn CPU.

Work that has come further goes first, so that of ten videos the first is answered before the last is begun. Among work of the
same stage people take turns, and each person's jobs go in the order in which they were asked for. So that nobody's work can
be put off for ever by what others ask for later, it goes first once it was passed over `PASSED_OVER_AT_MOST` times.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PASSED_OVER_AT_MOST = 16  # three jobs of somebody else, whose tasks are about five each

Waits = Callable[[int | None], None]


def tell_nobody(_: int | None) -> None:
    """Ignore how many jobs come first."""


@dataclass(frozen=True, slots=True)
class Turn:
    """
    Whose work it is: `job` is the job's number.

    `waits` hears how many jobs come first, at each change while it waits, and None when the waiting ends with a slot. It is
    not called where no waiting is needed.
    """

    person: str
    job: int
    waits: Waits = tell_nobody


@dataclass(eq=False)
class Entry:
    """A slot that somebody waits for, or holds."""

    turn: Turn
    stage: int
    arrival: int
    granted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    passed_over: int = 0
    told: int | None = None
    kept: asyncio.TimerHandle | None = None

    @property
    def is_overdue(self) -> bool:
        return self.passed_over >= PASSED_OVER_AT_MOST


class Slots:
    """`number` slots, of which one person may hold `a_person`; on one event loop."""

    def __init__(self, number: int, *, a_person: float = math.inf) -> None:
        self.number = number
        self._a_person = a_person
        self._holding: list[Entry] = []
        self._waiting: list[Entry] = []
        self._counter = itertools.count(1)
        self._last_turn: dict[str, int] = {}

    @property
    def waiting(self) -> int:
        """Return how many wait for a slot."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Return whether nobody holds a slot or waits for one."""
        return not self._holding and not self._waiting

    @asynccontextmanager
    async def hold(self, turn: Turn, *, stage: int = 0, kept_s: float = 0.0) -> AsyncIterator[None]:
        """
        Wait for a slot, and hold it while the body runs; work of a higher `stage` goes first.

        After a body that ended well the slot is kept for the same job for `kept_s`: the job asks again as soon as it has noted
        what came of this, and nothing new shall be begun in between.
        """
        entry = await self.acquire(turn, stage=stage)
        try:
            yield
        except BaseException:
            self.release(entry)
            raise
        if kept_s:
            entry.kept = asyncio.get_running_loop().call_later(kept_s, self.release, entry)
        else:
            self.release(entry)

    async def acquire(self, turn: Turn, *, stage: int = 0) -> Entry:
        """Wait for a slot; what this gives must be handed to `release`."""
        entry = Entry(turn, stage, next(self._counter))
        kept = next((each for each in self._holding if each.kept is not None and each.turn.job == turn.job), None)
        if kept is not None and kept.kept is not None:
            kept.kept.cancel()
            self._holding[self._holding.index(kept)] = entry
            return entry
        self._waiting.append(entry)
        self._grant()
        try:
            await entry.granted
        except asyncio.CancelledError:
            self.release(entry)
            raise
        return entry

    def release(self, entry: Entry) -> None:
        """Give a slot back."""
        (self._holding if entry in self._holding else self._waiting).remove(entry)
        if self.is_idle:
            self._last_turn.clear()
        self._grant()

    def _grant(self) -> None:
        while len(self._holding) < self.number:
            held = Counter(entry.turn.person for entry in self._holding)
            entry = next((each for each in self._in_order() if held[each.turn.person] < self._a_person), None)
            if entry is None:
                break
            self._waiting.remove(entry)
            self._holding.append(entry)
            self._last_turn[entry.turn.person] = next(self._counter)
            for other in self._waiting:
                if other.turn.person != entry.turn.person and other.turn.job < entry.turn.job:
                    other.passed_over += 1
            entry.granted.set_result(None)
            if entry.told is not None:
                entry.turn.waits(None)
        self._tell()

    def _in_order(self) -> Iterator[Entry]:
        """Yield who waits, next one first; a cancelled entry is about to leave, and is passed over."""
        held = Counter(entry.turn.person for entry in self._holding)
        places: Counter[tuple[str, int]] = Counter()
        keys: dict[Entry, tuple[int, ...]] = {}
        for entry in sorted(self._waiting, key=lambda each: (each.turn.job, each.arrival)):
            if entry.granted.cancelled():
                continue
            person = entry.turn.person
            # What a person has already, and waits for before this, stands for the turns that the others take meanwhile.
            place = held[person] + places[person, entry.stage]
            places[person, entry.stage] += 1
            keys[entry] = (-entry.stage, place, self._last_turn.get(person, 0), entry.turn.job, entry.arrival)
        yield from sorted((each for each in keys if each.is_overdue), key=lambda each: (each.turn.job, each.arrival))
        yield from sorted((each for each in keys if not each.is_overdue), key=keys.__getitem__)

    def _tell(self) -> None:
        held = Counter(entry.turn.person for entry in self._holding)
        before = list(self._holding)
        for entry in list(self._in_order()):
            # Who has as many slots as a person may waits for their own work alone.
            waits_for_own = held[entry.turn.person] >= self._a_person
            first = {each.turn.job for each in before if not waits_for_own or each.turn.person == entry.turn.person}
            number = len(first - {entry.turn.job})
            before.append(entry)
            if number != entry.told:
                entry.told = number
                entry.turn.waits(number)
