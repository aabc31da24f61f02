"""
Child processes for work that burns CPU: started, followed, bounded, and killed.

Threads beside the event loop cost it seconds under load (p99 2.1 s with two threads, 7 ms with processes), so whatever decodes,
tracks or draws runs in `python -m bot.jobs.processes TASK`, of lower priority, at most one per core; `slots.py` decides which
task is next. The parent writes the arguments as one line of JSON and keeps the pipe open; the child answers with lines of JSON:
`{"progress": [done, total]}`, and at its end `{"result": ...}` or `{"error": {"kind": ..., "facts": ...}}`. What the child
prints otherwise goes to our log.

A child ends with its parent: the closed pipe tells it everywhere, and on Linux the kernel does even when it hangs. What it may
take is in `limits.py`, what it cannot do in `isolation.py`: only the task that opens no foreign file has the network. The
tasks themselves are in `tasks.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from bot.jobs import error_codec as failures
from bot.jobs.isolation import isolate
from bot.jobs.limits import ChildLimits, impose, limits_of, out_of_memory, too_costly
from bot.jobs.slots import Slots, Turn
from tracking.errors import Cancelled, StorageError, StorageFault, TooCostly, TrackletError, is_disk_full

logger = logging.getLogger(__name__)

NICENESS = 10  # the answers to Slack come first
LINE_BYTES = 1 << 24  # the longest answer: a few hundred objects with their texts stay far below
STALLED_S = 600.0  # no sign of life for so long means that it hangs
PR_SET_PDEATHSIG = 1  # linux/prctl.h
WITH_NETWORK = {"choose"}  # it may download a model
ENDS_WITHIN_S = 1.0  # after its answer, or once its pipe is closed
KEPT_S = 1.0  # a job records the result of a step in a few hundredths of that
STAGES = ("probe", "choose", "track", "summary", "animations")  # in the order of a job's life

Report = Callable[[float, float], None]
Fraction = Callable[[float], None]
Json = dict[str, Any]


@dataclass(eq=False)
class ChildCrashed(TrackletError):
    """A child ended without an answer: killed by the system, or by a fault in a codec."""

    task: str
    status: int


class TaskRunner(Protocol):
    """Run tasks of `tasks.py` somewhere; `testing.py` has the fake."""

    slots: int

    @property
    def running(self) -> int:
        """Return how many are at work."""
        ...

    @property
    def waiting(self) -> int:
        """Return how many wait for their turn."""
        ...

    async def run(self, task: str, arguments: Json, *, turn: Turn, cancelled: asyncio.Event, fraction: Fraction = ...) -> Any:
        """Return the task's result. Raises `TrackletError`."""
        ...


class ProcessPool:
    """A bounded number of child processes."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._slots = Slots(slots)
        self._running: set[asyncio.subprocess.Process] = set()

    @property
    def waiting(self) -> int:
        """Return how many tasks wait for a process."""
        return self._slots.waiting

    @property
    def running(self) -> int:
        """Return how many are at work."""
        return len(self._running)

    async def run(
        self, task: str, arguments: Json, *, turn: Turn, cancelled: asyncio.Event, fraction: Fraction = lambda _: None
    ) -> Any:
        """
        Return the result of `tasks.TASKS[task](arguments)`, run in a child once it is the turn of this work.

        `fraction` hears 0..1 as the child tells. Raises the child's `TrackletError`, `TooCostly` where it took more than
        `limits_of` allows, `ChildCrashed`, or `Cancelled` as soon as `cancelled` is set; then, and when the caller is
        cancelled, the child is killed.
        """
        return await unless_cancelled(self._in_turn(task, arguments, turn, fraction), cancelled)

    async def _in_turn(self, task: str, arguments: Json, turn: Turn, fraction: Fraction) -> Any:
        async with self._slots.hold(turn, stage=_stage(task), kept_s=KEPT_S if task in STAGES[:-1] else 0.0):
            return await self._run(task, arguments, fraction)

    def _command(self, task: str) -> tuple[str, ...]:
        """Return what a child for `task` is started by."""
        return (sys.executable, "-m", __name__, task)

    async def _run(self, task: str, arguments: Json, fraction: Fraction) -> Any:
        process = await asyncio.create_subprocess_exec(
            *self._command(task),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            env=_environment(),
        )
        self._running.add(process)
        try:
            return await _follow(process, task, arguments, fraction)
        except asyncio.CancelledError:
            _kill(process)
            raise
        finally:
            await asyncio.shield(_ended(process))
            # The pipe to a killed child is closed by its transport only once the loop has seen both ends.
            if process.stdin is not None:
                process.stdin.close()
            self._running.discard(process)


def _stage(task: str) -> int:
    """Return how far a job has come that asks for `task`; what is not in `STAGES` is a drawing."""
    return STAGES.index(task if task in STAGES else "summary")


async def _follow(process: asyncio.subprocess.Process, task: str, arguments: Json, fraction: Fraction) -> Any:
    limits = limits_of(task, arguments)
    try:
        async with asyncio.timeout(limits.wall_s):
            return await _answer(process, task, arguments, limits, fraction)
    except TimeoutError as error:
        _kill(process)
        raise TooCostly("time", int(limits.wall_s)) from error


async def _ended(process: asyncio.subprocess.Process) -> int:
    """
    Return the status of a process that has said its last word; one that does not end by itself is killed.

    Not killed at once: that would take the status of one that has just ended from under asyncio, which then says 255.
    """
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            return await process.wait()
    except TimeoutError:
        _kill(process)
        return await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def _answer(
    process: asyncio.subprocess.Process, task: str, arguments: Json, limits: ChildLimits, fraction: Fraction
) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(json.dumps(arguments).encode() + b"\n")
        await process.stdin.drain()
    while True:
        try:
            async with asyncio.timeout(STALLED_S):
                line = await process.stdout.readline()
        except TimeoutError:
            logger.exception("a child for %s gave no sign of life for %.0f s", task, STALLED_S)
            line = b""
        if not line:
            status = await _ended(process)
            raise too_costly(status, limits) or ChildCrashed(task, status)
        message = json.loads(line)
        if "result" in message:
            return message["result"]
        if "error" in message:
            raise failures.from_json(message["error"])
        done, total = message["progress"]
        fraction(min(done / total, 1.0) if total > 0 else 0.0)


async def unless_cancelled(work: Any, cancelled: asyncio.Event) -> Any:
    """Return the result of `work`, unless `cancelled` is set first: then `Cancelled`, after `work` has cleaned up."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Cancelled
    finally:
        for future in (task, stop):
            future.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


def _environment() -> dict[str, str]:
    """Return ours without its secrets: a codec that a hostile file takes over must find none."""
    return {
        name: value
        for name, value in os.environ.items()
        if not any(word in name for word in ("TOKEN", "SECRET", "KEY", "DATABASE"))
    }


def main(task: str) -> None:
    """Be the child: read the arguments, work, answer."""
    # Ctrl-C in a terminal reaches the whole group; the parent decides what becomes of its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    os.nice(NICENESS)
    # Libraries print where they like: the answers get a descriptor of their own, the rest goes to standard error.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    arguments = json.loads(sys.stdin.buffer.readline())
    limits = limits_of(task, arguments)
    impose(limits)
    if task not in WITH_NETWORK:
        isolate()
    threading.Thread(target=_watch_parent, args=(sys.stdin.buffer,), daemon=True).start()

    from bot.jobs import tasks as work  # here, so that a slow import is already at low priority and ends with the parent

    def answer(message: Json) -> None:
        answers.write(json.dumps(message).encode() + b"\n")

    try:
        result = work.TASKS[task](arguments, lambda done, total: answer({"progress": [done, total]}))
    except TrackletError as error:
        answer({"error": failures.to_json(error)})
    except MemoryError:
        logger.warning("a child for %s ran out of the %d bytes that it may take", task, limits.memory_bytes)
        answer({"error": failures.to_json(out_of_memory(limits))})
    except Exception as error:
        if isinstance(error, OSError) and is_disk_full(error):
            answer({"error": failures.to_json(StorageError("disk", "write", StorageFault.FULL))})
        else:
            logger.exception("a child failed at %s", task)
            answer({"error": failures.UNFORESEEN})
    else:
        answer({"result": result})
    answers.close()
    # Without the interpreter's farewell: decoder and inference threads have nothing left to say.
    sys.stderr.flush()
    os._exit(0)


def _watch_parent(pipe: BinaryIO) -> None:
    pipe.read()
    os._exit(1)


def _die_with_parent() -> None:
    if sys.platform != "linux":
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died between the two lines
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
