"""
Who may fetch a video just now: a few at once, and of these a few for one person.

A slow server then holds up who named it, and nobody else. People take turns: next is who has the fewest places, and of these
who was let in longest ago.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PLACES = 8  # downloads share one network; more at once make each slower, not all sooner
PLACES_A_PERSON = 2


class FetchPlaces:
    """JobPaths for downloads, on one event loop."""

    def __init__(self, *, places: int = PLACES, a_person: int = PLACES_A_PERSON) -> None:
        self._free = places
        self._a_person = a_person
        self._taken: Counter[str] = Counter()
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def place(self, person: str) -> AsyncIterator[None]:
        """Hold a place for `person` while the body runs; wait for one first."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((person, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(person)
            else:
                self._waiting.remove((person, turn))
            raise
        try:
            yield
        finally:
            self._give_back(person)

    def _give_back(self, person: str) -> None:
        self._free += 1
        self._taken[person] -= 1
        if not self._taken[person]:
            del self._taken[person]
        if not self._taken and not self._waiting:
            self._last_turn.clear()
        self._let_in()

    def _let_in(self) -> None:
        while self._free:
            entries = [each for each in self._waiting if not each[1].cancelled() and self._taken[each[0]] < self._a_person]
            if not entries:
                return
            person, turn = min(entries, key=lambda each: (self._taken[each[0]], self._last_turn.get(each[0], 0)))
            self._waiting.remove((person, turn))
            self._free -= 1
            self._taken[person] += 1
            self._last_turn[person] = next(self._turns)
            turn.set_result(None)
