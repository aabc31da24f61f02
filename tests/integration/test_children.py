"""How a child process ended is known for certain, and none outlives its task."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.deaths import DEATHS_FORGIVEN
from bot.jobs.processes import ChildCrashed, Fraction, Json, ProcessPool
from bot.jobs.slots import Turn
from bot.jobs.testing import FakeTaskRunner
from tests.integration.bot_workspace import workspace
from tracking.errors import TooCostly


@dataclass
class Scripted(ProcessPool):
    """A pool whose children run a script of their own."""

    script: str

    def __post_init__(self) -> None:
        super().__init__(4)

    def _command(self, task: str) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", "-c", self.script)

    async def fails(self) -> BaseException | None:
        try:
            await self.run("probe", {}, turn=Turn("somebody", 1), cancelled=asyncio.Event())
        except (ChildCrashed, TooCostly) as error:
            return error
        return None


@pytest.mark.skipif(os.name != "posix", reason="signals")
async def test_the_status_of_a_child_that_dies_is_the_one_it_died_with(caplog: pytest.LogCaptureFixture) -> None:
    pool = Scripted("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)")
    with caplog.at_level(logging.WARNING, logger="asyncio"):
        found = await asyncio.gather(*(pool.fails() for _ in range(40)))
    assert [type(each) for each in found] == [TooCostly] * 40
    assert caplog.messages == []
    assert pool.running == 0


async def test_a_child_that_closes_its_pipe_and_goes_on_is_killed() -> None:
    pool = Scripted("import os, time; os.close(1); time.sleep(600)")
    error = await pool.fails()
    assert isinstance(error, ChildCrashed)
    assert pool.running == 0


async def test_a_child_that_answers_and_goes_on_is_killed() -> None:
    pool = Scripted("""import os, time; os.write(1, b'{"result": 1}\\n'); time.sleep(600)""")
    assert await pool.fails() is None
    assert pool.running == 0


@dataclass
class Mortal(FakeTaskRunner):
    """Its child for the summary is killed so many times."""

    deaths: int = 0

    async def run(
        self, task: str, arguments: Json, *, turn: Turn, cancelled: asyncio.Event, fraction: Fraction = lambda _: None
    ) -> Any:
        if task == "summary" and self.deaths:
            self.deaths -= 1
            raise ChildCrashed(task, -9)
        return await super().run(task, arguments, turn=turn, cancelled=cancelled, fraction=fraction)


@pytest.mark.parametrize(
    ("deaths", "said"), [(DEATHS_FORGIVEN, "I found 3 objects"), (DEATHS_FORGIVEN + 1, "Something went wrong")]
)
async def test_a_child_may_be_killed_as_often_as_the_program_itself(tmp_path: Path, deaths: int, said: str) -> None:
    async with workspace(tmp_path, children=Mortal(deaths=deaths)) as there:
        await there.progress(await there.clip(), starts=said)
