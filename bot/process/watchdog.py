"""
Ends a program whose event loop stands still, so that whoever runs it starts it again.

A thread cannot notice that: what holds the interpreter's lock holds up every thread. So a process of its own listens to a beat
of the loop. It does not count the time during which the machine slept, or the program was stopped by a signal. Before the end
every thread's place in the code goes to standard error; values are not shown there. Seconds throughout.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

STANDSTILL_S = 10.0
BEAT_S = 1.0
SLEPT_S = 3.0  # a wait of one second that took so long: the machine slept, or is too busy to judge anybody
LAST_WORDS_S = 0.5


class Watchdog:
    """Watches the loop that calls `start`."""

    def __init__(self, *, standstill_s: float = STANDSTILL_S) -> None:
        self._standstill_s = standstill_s
        self._process: subprocess.Popen[bytes] | None = None
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Watch from now on; do nothing where the system has no signals for it (Windows)."""
        if os.name != "posix":
            return
        faulthandler.register(signal.SIGUSR2)
        # A handler that needs no interpreter, and that ends the first process of a container, which no default action can.
        libc = ctypes.CDLL(None)
        libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
        libc.signal(signal.SIGABRT, ctypes.cast(libc._exit, ctypes.c_void_p))
        self._watch()
        self._beating = asyncio.create_task(self._beat())

    def _watch(self) -> None:
        command = (sys.executable, "-I", "-S", __file__, str(os.getpid()), str(self._standstill_s))
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    async def stop(self) -> None:
        """Watch no longer."""
        if self._beating is None or self._process is None:
            return
        self._beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._beating
        process = self._process
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.to_thread(process.wait)
        self._beating = self._process = None

    async def _beat(self) -> None:
        while True:
            assert self._process is not None
            assert self._process.stdin is not None
            try:
                os.write(self._process.stdin.fileno(), b".")
            except BlockingIOError:
                pass  # a full pipe beats already
            except OSError:
                # Somebody killed the process that listens: another one does from now on.
                self._process.stdin.close()
                await asyncio.to_thread(self._process.wait)
                self._watch()
            await asyncio.sleep(BEAT_S)


def watch(pid: int, standstill_s: float) -> None:
    """Read beats from standard input until they end; when none comes for `standstill_s`, end the process `pid`."""
    silent_s, looked = 0.0, time.monotonic()
    while silent_s < standstill_s:
        heard, _, _ = select.select([0], [], [], BEAT_S)
        waited_s, looked = time.monotonic() - looked, time.monotonic()
        if heard:
            if not os.read(0, 4096):
                return
            silent_s = 0.0
        elif waited_s < SLEPT_S and not _is_stopped(pid):
            silent_s += waited_s
    # Nobody may read the log any more: a full pipe must not keep the program alive.
    with contextlib.suppress(OSError):
        os.set_blocking(2, False)
        os.write(2, f"The event loop stood still for {silent_s:.0f} s. The program ends, to be started again.\n".encode())
    for number in (signal.SIGUSR2, signal.SIGABRT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        time.sleep(LAST_WORDS_S)


def _is_stopped(pid: int) -> bool:
    """Return whether a signal or a debugger stopped the process; only Linux tells."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"T", "t"}
    except (OSError, IndexError):
        return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's to answer
    watch(int(sys.argv[1]), float(sys.argv[2]))
