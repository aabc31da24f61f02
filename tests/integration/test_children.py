"""How a child process ended is known for certain, and none outlives its task."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import dataclass

import pytest

from bot.jobs.processes import ChildCrashed, ProcessPool
from bot.jobs.slots import Turn
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
