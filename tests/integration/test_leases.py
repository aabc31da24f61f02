"""A process has its lease before it takes work, and gives it back when nothing of its work is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import cast

import pytest_asyncio
import sqlalchemy as sa

from bot.app import JobParts
from bot.jobs.database import Database
from bot.jobs.leases import Leases, LeaseTimes
from bot.jobs.runtime import Runtime
from bot.jobs.service import JobService
from bot.jobs.store import Store, executors
from bot.jobs.workflow import Workflow


@dataclass
class Work:
    """Stands for the runtime and for the workflow; notes how many leases there were when it began."""

    store: Store
    leases: list[int] = field(default_factory=list)

    async def start(self) -> None:
        self.leases.append(len(await self.store.lease_ages()))

    async def keep_looking_for_cancels(self) -> None:
        """Nothing is ever cancelled."""


@pytest_asyncio.fixture
async def store(postgres: str) -> AsyncIterator[Store]:
    made = Store(Database(postgres))
    await made.create_tables()
    for executor_id in await made.all_executors():
        await made.forget_executor(executor_id)
    yield made
    made.close()


async def never(executor_id: str) -> bool:
    raise AssertionError(executor_id)


async def nothing(executor_id: str) -> None:
    """Tell nobody."""


def keeps(store: Store, executor_id: str) -> Callable[[str], Awaitable[None]]:
    """Another process that renews its lease as often as ours."""

    async def beaten(_: str) -> None:
        await store.renew_lease(executor_id)

    return beaten


def age(address: str, executor_id: str) -> None:
    """Let a lease be an hour old."""
    engine = Database(address).engine()
    with engine.begin() as connection:
        row = sa.update(executors).where(executors.c.id == executor_id)
        connection.execute(row.values(renewed_at=executors.c.renewed_at - 3600.0))
    engine.dispose()


async def nobody() -> set[str]:
    return set()


async def test_a_process_has_its_lease_before_it_takes_work(store: Store) -> None:
    work, leases = Work(store), Leases(store, "machine-1-a", never, at_work=nobody, beaten=nothing)
    parts = JobParts(cast(Workflow, work), cast(Runtime, work), cast(JobService, None), leases)
    async with AsyncExitStack() as ending:
        ending.push_async_callback(leases.stop)
        await parts.start(ending)
    assert work.leases == [1]
    assert not await store.lease_ages()


async def test_a_lease_that_was_never_taken_is_not_given_back(store: Store) -> None:
    store.close()  # it would raise
    await Leases(store, "machine-1-b", never, at_work=nobody, beaten=nothing).stop()


async def test_jobs_of_a_process_that_has_no_row_any_more_go_on_as_well(store: Store) -> None:
    # It stood still, was forgotten, took jobs when it woke up, and died before its next beat.
    await store.renew_lease("machine-2-a")
    recovered: list[str] = []
    done = asyncio.Event()

    async def recover(executor_id: str) -> bool:
        recovered.append(executor_id)
        done.set()
        return True

    async def at_work() -> set[str]:
        return {"machine-1-c", "machine-2-a", "machine-3-a"}

    times = LeaseTimes(beat_s=0.02, ttl_s=0.1)
    leases = Leases(store, "machine-1-c", recover, at_work=at_work, beaten=keeps(store, "machine-2-a"), times=times)
    await leases.start()
    async with asyncio.timeout(60):
        await done.wait()
    await leases.stop()
    assert set(recovered) == {"machine-3-a"}


async def test_who_starts_after_a_pause_of_the_database_leaves_the_others_the_time_to_come_back(
    store: Store, postgres: str
) -> None:
    await store.renew_lease("machine-2-b")
    beats = 0
    enough = asyncio.Event()

    async def beaten(_: str) -> None:
        nonlocal beats
        beats += 1
        if beats == 4:
            await store.renew_lease("machine-2-b")
        if beats == 8:
            enough.set()

    # Its row is older than the lease at each of the first beats.
    leases = Leases(store, "machine-1-d", never, at_work=nobody, beaten=beaten, times=LeaseTimes(beat_s=0.01, ttl_s=30.0))
    age(postgres, "machine-2-b")
    await leases.start()
    async with asyncio.timeout(60):
        await enough.wait()
    await leases.stop()
