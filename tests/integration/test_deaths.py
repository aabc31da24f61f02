"""Work that takes its process down is tried three times, and what died beside it is not held responsible."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.jobs.database import Database
from bot.jobs.deaths import Deaths
from bot.jobs.store import Store
from tests.integration.bot_workspace import eventually
from tracking.errors import ProcessDied


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(Database(f"sqlite:///{tmp_path / 'tracklet.sqlite'}"))
    await made.create_tables()
    yield made
    made.close()


async def died(store: Store, work: str, *, times: int) -> None:
    """A process began the work and never came to its end, so often."""
    for _ in range(times):
        await store.begin(work, "track")


async def runs(store: Store, work: str) -> bool:
    try:
        async with Deaths(store).counted(work, "track"):
            return True
    except ProcessDied:
        return False


@pytest.mark.parametrize(("deaths", "tried_again"), [(0, True), (1, True), (2, True), (3, False), (4, False)])
async def test_a_step_is_refused_after_its_third_death(store: Store, deaths: int, tried_again: bool) -> None:
    await died(store, "job", times=deaths)
    assert await runs(store, "job") is tried_again


async def test_each_end_of_a_step_begins_its_count_again(store: Store) -> None:
    await died(store, "job", times=2)
    assert await runs(store, "job")
    await died(store, "job", times=2)
    assert await runs(store, "job")


async def test_an_error_and_a_stop_are_ends_and_no_deaths(store: Store) -> None:
    for fault in (ValueError(), asyncio.CancelledError()):
        with pytest.raises(type(fault)):
            async with Deaths(store).counted("job", "track"):
                raise fault
    assert await store.begun("job", "track") == 0


async def test_other_steps_of_a_job_do_not_count(store: Store) -> None:
    await died(store, "job", times=3)
    async with Deaths(store).counted("job", "summary"):
        pass


async def test_what_died_twice_runs_one_at_a_time_so_that_only_what_runs_is_counted(store: Store) -> None:
    deaths = Deaths(store)
    for work in ("first", "second"):
        await died(store, work, times=2)
    entered: list[str] = []
    go_on = asyncio.Event()

    async def run(work: str) -> None:
        async with deaths.counted(work, "track"):
            entered.append(work)
            await go_on.wait()

    tasks = [asyncio.create_task(run(work)) for work in ("first", "second", "young")]
    await eventually(lambda: len(entered) == 2)
    suspects = [work for work in entered if work != "young"]
    assert len(suspects) == 1
    assert "young" in entered
    (waiting,) = {"first", "second"} - set(suspects)
    assert await store.begun(waiting, "track") == 2
    go_on.set()
    await asyncio.gather(*tasks)
    assert await store.begun(waiting, "track") == 0
