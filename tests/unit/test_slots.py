"""Who gets the next slot: what has come further, then people in turns, then the older job; and nobody waits for ever."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.slots import PASSED_OVER_AT_MOST, Slots, Turn

LAST_STAGE = "4"


class Work:
    """Pieces of work that last until they are told to end; each is named by its person, its job and its stage: "a1", "b2+3"."""

    def __init__(self, slots: Slots, *, kept_s: float = 0.0) -> None:
        self.slots = slots
        self.kept_s = kept_s
        self.inside: list[str] = []
        self.begun: list[str] = []
        self.before: dict[str, int] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}

    async def come(self, *names: str) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._hold(name))
            await settle()

    async def _hold(self, name: str) -> None:
        job, _, stage = name[1:].partition("+")

        def waits(before: int | None) -> None:
            self.before.pop(name, None)
            if before is not None:
                self.before[name] = before

        kept_s = 0.0 if stage == LAST_STAGE else self.kept_s
        async with self.slots.hold(Turn(name[0], int(job), waits), stage=int(stage or 0), kept_s=kept_s):
            self.inside.append(name)
            self.begun.append(name)
            try:
                await self.ends[name].wait()
            finally:
                self.inside.remove(name)

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await settle()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        await settle()


async def settle() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_persons_work_leaves_room_for_others() -> None:
    work = Work(Slots(4, a_person=2))
    await work.come("a1", "a2", "a3", "a4", "b5")
    assert work.inside == ["a1", "a2", "b5"]
    await work.end("a1")
    assert work.inside == ["a2", "b5", "a3"]


async def test_people_take_turns_however_much_one_of_them_asks_for() -> None:
    work = Work(Slots(1))
    await work.come("a1", "a2", "a3", "b4", "b5", "c6")
    for expected in ("a1", "b4", "c6", "a2", "b5", "a3"):
        assert work.inside == [expected]
        await work.end(expected)


async def test_what_has_come_further_goes_before_what_is_new() -> None:
    work = Work(Slots(1))
    await work.come("a1", "a2+1", "b3+1", "a4+2")
    for expected in ("a1", "a4+2", "b3+1", "a2+1"):
        assert work.inside == [expected]
        await work.end(expected)


async def test_a_persons_jobs_go_in_the_order_in_which_they_were_asked_for() -> None:
    work = Work(Slots(1))
    await work.come("a9", "a3", "a1", "a2")
    for expected in ("a9", "a1", "a2", "a3"):
        assert work.inside == [expected]
        await work.end(expected)


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("people", [1, 10])
async def test_of_ten_videos_each_is_finished_before_as_many_others_as_can_work_are_begun(slots: int, people: int) -> None:
    work = Work(Slots(slots), kept_s=60.0)
    names = [("abcdefghij"[number % people], number + 1) for number in range(10)]

    async def job(person: str, number: int) -> None:
        for stage in range(int(LAST_STAGE) + 1):
            name = f"{person}{number}+{stage}"
            work.ends[name] = asyncio.Event()
            work.ends[name].set()
            await work._hold(name)
            await settle()  # the result is noted, and somebody else could take the slot

    await asyncio.gather(*(job(*each) for each in names))
    begun: set[str] = set()
    finished = 0
    for name in work.begun:
        job_name, _, stage = name.partition("+")
        begun.add(job_name)
        finished += stage == LAST_STAGE
        assert len(begun) - finished <= slots


async def test_a_slot_that_is_kept_for_a_job_that_does_not_come_back_is_free_again() -> None:
    work = Work(Slots(1), kept_s=1e-9)
    await work.come("a1", "b2")
    await work.end("a1")
    async with asyncio.timeout(60):
        while work.inside != ["b2"]:  # noqa: ASYNC110  # a timer of the loop changes it
            await asyncio.sleep(0)


async def test_a_slot_is_not_kept_for_a_job_that_failed() -> None:
    slots = Slots(1)
    with pytest.raises(ValueError, match="broken"):
        async with slots.hold(Turn("a", 1), kept_s=60.0):
            raise ValueError("broken")
    assert slots.is_idle


async def test_whoever_waits_hears_how_many_jobs_come_first_at_each_change() -> None:
    work = Work(Slots(2))
    await work.come("a1", "a2", "a3", "a4", "a5")
    assert work.before == {"a3": 2, "a4": 3, "a5": 4}
    await work.come("b6")
    assert work.before == {"b6": 2, "a3": 3, "a4": 4, "a5": 5}
    await work.end("a1")
    assert work.inside == ["a2", "b6"]
    assert work.before == {"a3": 2, "a4": 3, "a5": 4}
    await work.come("a2+1")
    assert work.before == {"a2+1": 1, "a3": 2, "a4": 3, "a5": 4}
    await work.cancel("a3")
    assert work.before == {"a2+1": 1, "a3": 2, "a4": 2, "a5": 3}  # a3 itself has nobody to tell any more


async def test_whoever_has_as_many_slots_as_a_person_may_waits_for_their_own_work_alone() -> None:
    work = Work(Slots(4, a_person=1))
    await work.come("a1", "b2", "c3", "a4")
    assert work.before == {"a4": 1}


async def test_newer_work_that_has_come_further_puts_nobody_off_for_ever() -> None:
    work = Work(Slots(1))
    await work.come("a1", "b2")
    for number in range(3, 3 + PASSED_OVER_AT_MOST + 5):
        await work.come(f"a{number}+1")
        await work.end(work.inside[0])
    assert work.begun[-1] != "b2"
    assert work.begun.index("b2") == PASSED_OVER_AT_MOST + 1


async def test_who_leaves_the_queue_holds_up_nobody() -> None:
    work = Work(Slots(1))
    await work.come("a1", "b2", "c3")
    await work.cancel("b2")
    await work.end("a1")
    assert work.inside == ["c3"]
    await work.cancel("c3")
    await work.come("d4")
    assert work.inside == ["d4"]


Moves = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["come", "end", "cancel"]), st.integers(0, 2)), max_size=40)


@given(Moves)
def test_no_slot_is_lost_or_given_twice(moves: list[tuple[str, str, int]]) -> None:
    async def play() -> None:
        work = Work(Slots(3, a_person=2))
        for number, (person, move, stage) in enumerate(moves):
            if move == "come":
                await work.come(f"{person}{number}+{stage}")
            elif here := [name for name in work.tasks if name[0] == person and not work.tasks[name].done()]:
                await getattr(work, move)(here[0])
            assert len(work.inside) <= 3
            counts = {each: sum(name[0] == each for name in work.inside) for each in "abc"}
            assert max(counts.values()) <= 2
            waiting = [name for name, task in work.tasks.items() if not task.done() and name not in work.inside]
            assert work.slots.waiting == len(waiting)
            # A free slot stays free only where whoever waits holds as many as a person may.
            assert len(work.inside) == 3 or all(counts[name[0]] == 2 for name in waiting)
        for task in work.tasks.values():
            task.cancel()
        await settle()
        async with AsyncExitStack() as stack, asyncio.timeout(60):
            for person in "xyz":
                await stack.enter_async_context(work.slots.hold(Turn(person, 1)))

    asyncio.run(play())


async def test_an_error_gives_the_slot_back() -> None:
    slots = Slots(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            async with slots.hold(Turn("a", 1)):
                raise ValueError("broken")
