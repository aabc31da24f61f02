"""A process has its lease before it takes work, and gives it back when nothing of its work is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import cast

import pytest_asyncio

from bot.app import JobParts
from bot.jobs.database import Database
from bot.jobs.leases import Leases
from bot.jobs.runtime import Runtime
from bot.jobs.service import JobService
from bot.jobs.store import Store
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
    yield made
    made.close()


async def never(executor_id: str) -> bool:
    raise AssertionError(executor_id)


async def nothing(executor_id: str) -> None:
    """Tell nobody."""


async def test_a_process_has_its_lease_before_it_takes_work(store: Store) -> None:
    work, leases = Work(store), Leases(store, "machine-1-a", never, beaten=nothing)
    parts = JobParts(cast(Workflow, work), cast(Runtime, work), cast(JobService, None), leases)
    async with AsyncExitStack() as ending:
        ending.push_async_callback(leases.stop)
        await parts.start(ending)
    assert work.leases == [1]
    assert not await store.lease_ages()


async def test_a_lease_that_was_never_taken_is_not_given_back(store: Store) -> None:
    store.close()  # it would raise
    await Leases(store, "machine-1-b", never, beaten=nothing).stop()
