"""
Threads for pixel work, which happens outside of Python's lock, while the caller decodes.

Tasks with one key run one after the other in the order given; a picture's tasks form a group, and only few groups are under way
at a time, so that memory stays bounded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Self

MAX_GROUPS = 3

# One core is the decoding caller's: a thread for that, too, takes longer, since all of them wait for Python's lock.
MAX_THREADS = 4

Task = Callable[[], None]


class _Group:
    """Counts the tasks of one group that are still to come."""

    def __init__(self, size: int, done: Callable[[], None]) -> None:
        self._left = size
        self._lock = threading.Lock()
        self._done = done

    def finish_one(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        self._done()


class Workers:
    """A context manager; an error in a task is raised in the caller, at the next group or at the end."""

    def __init__(self) -> None:
        self._room = threading.Semaphore(MAX_GROUPS)
        self._queues: list[SimpleQueue[tuple[Task, _Group] | None]] = []
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        for _ in range(min(MAX_THREADS, max(1, cores - 1))):
            queue: SimpleQueue[tuple[Task, _Group] | None] = SimpleQueue()
            thread = threading.Thread(target=self._serve, args=(queue,), daemon=True, name="rendering")
            thread.start()
            self._queues.append(queue)
            self._threads.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped = self._stopped or error is not None
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join()
        if error is None:
            self._raise_error()

    def wait_for_room(self) -> None:
        """Until another group may come; to be called before its pictures are made, and followed by `submit`."""
        self._room.acquire()
        self._raise_error()

    def submit(self, tasks: Sequence[tuple[int, Task]]) -> None:
        """One group of tasks with their keys, one task at least."""
        group = _Group(len(tasks), self._room.release)
        for key, task in tasks:
            self._queues[key % len(self._queues)].put((task, group))

    def _serve(self, queue: SimpleQueue[tuple[Task, _Group] | None]) -> None:
        while (item := queue.get()) is not None:
            task, group = item
            try:
                if not self._stopped:
                    task()
            except BaseException as error:  # handed to the caller, whatever it is
                self._error = self._error or error
                self._stopped = True
            finally:
                del task, item
                group.finish_one()

    def _raise_error(self) -> None:
        if self._error:
            raise self._error
