"""How each blow is dealt, and how what it broke is mended again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests.chaos.plan import KILLS, Blow, Planned
from tests.chaos.stage import Stage
from tests.cluster.members import Member, Role, children_of, task_of

T = TypeVar("T")

CHILD_WITHIN_S = 5.0  # in which one is waited for that can be killed
LOOK_S = 0.02
HOUR_S = 3600

METHODS = (
    "*",
    "chat.postMessage",
    "chat.update",
    "files.getUploadURLExternal",
    "upload",
    "files.completeUploadExternal",
    "files.info",
    "conversations.replies",
    "download",
)
PAGE = "<!doctype html><title>Slack</title><p>Something went wrong."


class Hand:
    """Deals blows; `dealt` counts those that met something."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.dealt: Counter[Blow] = Counter()
        self.slowest_end_s = 0.0
        self._database = asyncio.Lock()
        self._rolling = asyncio.Lock()
        self._lasting: set[asyncio.Task[None]] = set()

    @property
    def kills(self) -> int:
        """Return how many processes were killed."""
        return sum(self.dealt[each] for each in KILLS)

    @property
    def possible(self) -> list[Blow]:
        """Return what can be done to this stage."""
        stage = self._stage
        missing = {
            Blow.DATABASE_CRASH: stage.postgres is None,
            Blow.DATABASE_STOP: stage.postgres is None,
            Blow.STORAGE: stage.storage is None,
            Blow.DISK: stage.disk is None,
            Blow.CLOCK: not stage.clocks,
        }
        return [each for each in Blow if not missing.get(each)]

    async def deal(self, planned: Planned) -> None:
        """Deal one blow; what lasts goes on beside the next ones."""
        match planned.blow:
            case Blow.KILL:
                self._kill(planned, [member.pid for member in self._stage.members if member.runs])
            case Blow.KILL_CHILD:
                self._kill(planned, await self._children_at_work())
            case Blow.KILL_WATCHDOG:
                self._kill(planned, [pid for member in self._stage.members for pid in _watchdogs(member)])
            case Blow.SLACK:
                self._slack(planned)
            case Blow.STORAGE:
                self._storage(planned)
            case Blow.FREEZE:
                self._begin(self._freeze(planned))
            case Blow.ROLL:
                self._begin(self._roll(planned))
            case Blow.DATABASE_CRASH | Blow.DATABASE_STOP:
                self._begin(self._restart_database(planned))
            case Blow.DISK:
                self._begin(self._fill_disk(planned))
            case Blow.CLOCK:
                self._begin(self._move_clock(planned))

    async def mend(self) -> None:
        """Wait until what lasts is over, and take back what still waits to happen."""
        await asyncio.gather(*self._lasting)
        self._stage.slack.faults.clear()
        if self._stage.storage is not None:
            self._stage.storage.failures = self._stage.storage.lost_answers = self._stage.storage.cut_downloads = 0

    async def close(self) -> None:
        """Leave everything, mended or not."""
        for task in self._lasting:
            task.cancel()
        await asyncio.gather(*self._lasting, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    def _kill(self, planned: Planned, pids: Sequence[int]) -> None:
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(_chosen(pids, planned.where), signal.SIGKILL)
                self.dealt[planned.blow] += 1

    async def _children_at_work(self) -> list[int]:
        for _ in range(int(CHILD_WITHIN_S / LOOK_S)):
            found = [pid for member in self._stage.members for pid in children_of(member.pid) if task_of(pid)]
            if found:
                return found
            await asyncio.sleep(LOOK_S)
        return []

    async def _freeze(self, planned: Planned) -> None:
        members = [member for member in self._stage.members if member.runs]
        if not members:
            return
        pid = _chosen(members, planned.where).pid
        self.dealt[planned.blow] += 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            # Longer than the lease, where there is one.
            await asyncio.sleep(self._stage.lease_s * (1.2 + planned.how) + 2.0)
            os.kill(pid, signal.SIGCONT)

    async def _roll(self, planned: Planned) -> None:
        async with self._rolling:
            self.dealt[planned.blow] += 1
            loop = asyncio.get_running_loop()
            for member in self._stage.members:
                if not member.runs:
                    continue
                begun = loop.time()
                member.signal(signal.SIGTERM)
                if await member.gone() == 0:
                    self.slowest_end_s = max(self.slowest_end_s, loop.time() - begun)
                await asyncio.sleep(planned.how * 4)

    async def _restart_database(self, planned: Planned) -> None:
        postgres = self._stage.postgres
        assert postgres is not None
        async with self._database:
            self.dealt[planned.blow] += 1
            await asyncio.to_thread(postgres.stop, "immediate" if planned.blow is Blow.DATABASE_CRASH else "fast")
            await asyncio.sleep(planned.how * 6)
            await asyncio.to_thread(postgres.start)

    async def _fill_disk(self, planned: Planned) -> None:
        disk = self._stage.disk
        assert disk is not None
        self.dealt[planned.blow] += 1
        await asyncio.to_thread(disk.fill)
        await asyncio.sleep(0.5 + planned.how * 4)
        await asyncio.to_thread(disk.empty)

    async def _move_clock(self, planned: Planned) -> None:
        member = _chosen(self._stage.members, planned.where)
        hours = round(planned.how * 18 - 9) or 9
        self.dealt[planned.blow] += 1
        self._stage.clocks[member.name].move(hours * HOUR_S)
        if member.role is not Role.WORKER:
            # Whoever takes Slack's requests refuses all of them meanwhile: they are signed with the time.
            await asyncio.sleep(2.0 + planned.where * 4)
            self._stage.clocks[member.name].move(0)

    def _slack(self, planned: Planned) -> None:
        faults, method = self._stage.slack.faults, _chosen(METHODS, planned.where)
        share = planned.where * len(METHODS) % 1
        times = 1 + int(share * 3)
        ways: tuple[Callable[[], None], ...] = (
            lambda: faults.answer(method, "request timeout", status=408, times=times),
            lambda: faults.rate_limit(method, times=times),
            lambda: faults.server_error(method, times=times),
            lambda: faults.answer(method, PAGE, content_type="text/html", times=times),
            lambda: faults.answer(method, times=times),
            lambda: faults.lose_request(method, times=times),
            lambda: faults.lose_response(method, times=times),
            lambda: faults.answer(method, status=500, is_done=True, times=times),
            lambda: faults.answer(method, PAGE, content_type="text/html", is_done=True, times=times),
            lambda: faults.delay(method, 10.0 * share, times=times),
        )
        _chosen(ways, planned.how)()
        self.dealt[planned.blow] += 1

    def _storage(self, planned: Planned) -> None:
        storage, times = self._stage.storage, 1 + int(planned.where * 4)
        assert storage is not None
        if planned.how < 1 / 3:
            storage.failures += times
        elif planned.how < 2 / 3:
            storage.lost_answers += times
        else:
            storage.cut_downloads += times
        self.dealt[planned.blow] += 1


def _chosen(among: Sequence[T], where: float) -> T:
    return among[int(where * len(among))]


def _watchdogs(member: Member) -> list[int]:
    found = []
    for pid in children_of(member.pid):
        with contextlib.suppress(OSError):
            if b"watchdog" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found
