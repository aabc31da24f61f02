"""The processes of a cluster as whoever started them sees them: their log, their children, their end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

READY_S = 60.0
END_S = 20.0


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
    to `log`, through all starts, and line by line to `on_line`.
    """

    name: str
    role: Role
    log: Path
    environment: Mapping[str, str]
    times: tuple[float, ...] = ()
    on_line: Callable[[Member, str], None] = lambda _, __: None
    url: str = ""
    """Where it listens; of a front."""
    process: asyncio.subprocess.Process | None = None
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Return its number, of the last one where none runs."""
        return self.process.pid if self.process else 0

    @property
    def runs(self) -> bool:
        """Return whether a process is there, also one that stands still."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start a process, and wait until it says that it works. Raises `RuntimeError` where it ends before, or takes long."""
        await self.launch()
        await self.ready()

    async def launch(self) -> None:
        """Start a process."""
        self._ready.clear()
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.cluster.member", self.role.value, *map(str, self.times)),
            env=dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for who started it
            limit=1 << 20,
        )
        self._reading = asyncio.create_task(self._read(self.process))

    async def ready(self) -> None:
        """Wait until the process says that it works. Raises `RuntimeError` where it ends before that, or does not in time."""
        assert self.process is not None
        ready, over = asyncio.create_task(self._ready.wait()), asyncio.create_task(self.process.wait())
        try:
            await asyncio.wait({ready, over}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.is_set():
                raise RuntimeError(f"{self.name} did not begin to work; its last words: {self.last_words()}")
        finally:
            ready.cancel()
            over.cancel()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    async def gone(self) -> int:
        """Wait for its end; its status."""
        assert self.process is not None
        return await self.process.wait()

    async def end(self) -> int:
        """Ask it to end, as a system does that shuts down: after a while by force. Return its status."""
        assert self.process is not None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_S):
                await self.process.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()
        if self._reading is not None:
            await self._reading
        return self.process.returncode or 0

    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:]) if self.log.exists() else ""

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self.log.open("ab", buffering=0) as log:
            async for line in process.stdout:
                log.write(line)
                text = line.decode(errors="replace").rstrip()
                message = text.partition(" bot.app: ")[2]
                if message.startswith("listening on "):
                    self.url = message.split()[2]
                if message.startswith("listening on ") or message == "working":
                    self._ready.set()
                self.on_line(self, text)


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
    return words[words.index("bot.jobs.processes") + 1] if "bot.jobs.processes" in words else ""
