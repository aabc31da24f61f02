"""The processes of a cluster as whoever started them sees them: their log, their children, their end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

READY_S = 60.0
END_S = 20.0
CHILDREN = ("bot.jobs.processes", "canned_child.py")
BEGUN, GONE = "template-begun", "template-gone"  # what `member.py` says of its forks


class Role(StrEnum):
    """What a process is for."""

    ALONE = "alone"
    FRONT = "front"
    WORKER = "worker"


@dataclass
class Member:
    """
    A place for a process, in which one is started after the other.

    `environment` is its whole environment, `times` are those of its lease in seconds, () for the ordinary ones. Its log goes
    to `log`, through all starts, and line by line to `on_line`. One that `forks` is started as a fork of a process that has
    imported everything, which takes hundredths of a second instead of seconds.
    """

    name: str
    role: Role
    log: Path
    environment: Mapping[str, str]
    times: tuple[float, ...] = ()
    forks: bool = False
    on_line: Callable[[Member, str], None] = lambda _, __: None
    url: str = ""
    """Where it listens; of a front."""
    pid: int = 0
    """Its number, of the last one where none runs."""
    _over: asyncio.Future[int] | None = None
    _begun: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _template: asyncio.subprocess.Process | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Return whether a process is there, also one that stands still."""
        return self._over is not None and not self._over.done()

    @property
    def works(self) -> bool:
        """Return whether a process is there that has said so."""
        return self.runs and self._ready.is_set()

    async def start(self) -> None:
        """Start a process, and wait until it says that it works. Raises `RuntimeError` where it ends before, or takes long."""
        await self.launch()
        await self.ready()

    async def launch(self) -> None:
        """Start a process."""
        self._ready.clear()
        self._over = asyncio.get_running_loop().create_future()
        if not self.forks:
            process = await self._program(self.role.value, *map(str, self.times))
            self.pid = process.pid
            self._tasks.append(asyncio.create_task(self._wait(process, self._over)))
            return
        if self._template is None:
            self._template = await self._program()
        assert self._template.stdin is not None
        self._begun.clear()
        self._template.stdin.write(json.dumps([self.role.value, *map(str, self.times)]).encode() + b"\n")
        async with asyncio.timeout(READY_S):
            await self._begun.wait()

    async def ready(self) -> None:
        """Wait until the process says that it works. Raises `RuntimeError` where it ends before that, or does not in time."""
        ready = asyncio.create_task(self._ready.wait())
        try:
            assert self._over is not None
            either: set[asyncio.Future[Any]] = {ready, self._over}
            await asyncio.wait(either, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.is_set():
                raise RuntimeError(f"{self.name} did not begin to work; its last words: {self.last_words()}")
        finally:
            ready.cancel()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if self.runs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def gone(self) -> int:
        """Wait for its end; its status, negative for a signal's number."""
        assert self._over is not None
        return await asyncio.shield(self._over)

    async def end(self) -> None:
        """Ask it to end, as a system does that shuts down: after a while by force. Nothing of it is left then."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._over is not None:
            try:
                async with asyncio.timeout(END_S):
                    await self.gone()
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await self.gone()
        if self._template is not None:
            assert self._template.stdin is not None
            self._template.stdin.close()
            await self._template.wait()
            self._template = None
        await asyncio.gather(*self._tasks)
        self._tasks.clear()

    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:]) if self.log.exists() else ""

    async def _program(self, *arguments: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.cluster.member", *arguments),
            env=dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL if arguments else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for who started it
            limit=1 << 20,
        )
        self._tasks.append(asyncio.create_task(self._read(process)))
        return process

    async def _wait(self, process: asyncio.subprocess.Process, over: asyncio.Future[int]) -> None:
        over.set_result(await process.wait())

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self.log.open("ab", buffering=0) as log:
            async for line in process.stdout:
                text = line.decode(errors="replace").rstrip()
                if text.startswith((BEGUN, GONE)):
                    self._tell(text)
                    continue
                log.write(line)
                message = text.partition(" bot.app: ")[2]
                if message.startswith("listening on "):
                    self.url = message.split()[2]
                if message.startswith("listening on ") or message == "working":
                    self._ready.set()
                self.on_line(self, text)

    def _tell(self, text: str) -> None:
        """Hear what the template says of its forks."""
        what, pid, *rest = text.split()
        if what == BEGUN:
            self.pid = int(pid)
            self._begun.set()
        elif int(pid) == self.pid and self._over is not None and not self._over.done():
            self._over.set_result(int(rest[0]))


def children_of(pid: int) -> list[int]:
    """Return the numbers of a process's children; only Linux tells."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def task_of(pid: int) -> str:
    """Return which task of a job a child does, "" for another process."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    place = next((place for place, word in enumerate(words) if word.endswith(CHILDREN)), None)
    return words[place + 1] if place is not None else ""
