"""How many calls of this process to other services ended how, until somebody takes the numbers away to add them up."""

from __future__ import annotations

import threading
from collections import Counter


class CallCounts:
    """Counts by service, method and result, all of them words of ours; every method may be called from any thread."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, service: str, method: str, result: str) -> None:
        """Count one call."""
        with self._lock:
            self._counts[service, method, result] += 1

    def take(self) -> dict[tuple[str, str, str], int]:
        """Return what was counted since the last time."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return dict(taken)

    def put_back(self, counts: dict[tuple[str, str, str], int]) -> None:
        """Count again what could not be added up."""
        with self._lock:
            self._counts.update(counts)


CALLS = CallCounts()
"""Of this process."""
