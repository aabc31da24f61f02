"""
Who may fetch a video just now: a few at once, and of these a few for one person.

A slow server then holds up who named it, and nobody else. People wait in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PLACES = 8  # downloads share one network; more at once make each slower, not all sooner
PLACES_A_PERSON = 2


class FetchPlaces:
    """Places for downloads, on one event loop."""

    def __init__(self, *, places: int = PLACES, a_person: int = PLACES_A_PERSON) -> None:
        self._free = places
        self._a_person = a_person
        self._taken: Counter[str] = Counter()
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
        self._let_in()

    def _let_in(self) -> None:
        for entry in list(self._waiting):
            person, turn = entry
            if not self._free:
                return
            if not turn.cancelled() and self._taken[person] < self._a_person:
                self._waiting.remove(entry)
                self._free -= 1
                self._taken[person] += 1
                turn.set_result(None)
