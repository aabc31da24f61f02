"""Who may fetch: a few at once, a few of one person, in turns."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.fetch_places import FetchPlaces


class Hall:
    """Downloads that last until they are told to end."""

    def __init__(self, places: FetchPlaces) -> None:
        self.places = places
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}

    async def come(self, name: str) -> None:
        """A download of the person that the name begins with."""
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._fetch(name))
        await settle()

    async def _fetch(self, name: str) -> None:
        async with self.places.place(name[0]):
            self.inside.append(name)
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


async def test_one_persons_downloads_leave_room_for_others() -> None:
    hall = Hall(FetchPlaces(places=4, a_person=2))
    for name in ("a1", "a2", "a3", "a4", "b1"):
        await hall.come(name)
    assert hall.inside == ["a1", "a2", "b1"]
    await hall.end("a1")
    assert hall.inside == ["a2", "b1", "a3"]


async def test_people_take_turns_however_much_one_of_them_asks_for() -> None:
    hall = Hall(FetchPlaces(places=1, a_person=1))
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        await hall.come(name)
    for expected in ("a1", "b1", "c1", "a2", "b2", "a3"):
        assert hall.inside == [expected]
        await hall.end(expected)


async def test_who_leaves_the_queue_holds_up_nobody() -> None:
    hall = Hall(FetchPlaces(places=1, a_person=1))
    for name in ("a1", "b1", "c1"):
        await hall.come(name)
    await hall.cancel("b1")
    await hall.end("a1")
    assert hall.inside == ["c1"]
    await hall.cancel("c1")
    await hall.come("d1")
    assert hall.inside == ["d1"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["come", "end", "cancel"])), max_size=40))
def test_no_place_is_lost_or_given_twice(moves: list[tuple[str, str]]) -> None:
    async def play() -> None:
        hall = Hall(FetchPlaces(places=3, a_person=2))
        for number, (person, move) in enumerate(moves):
            if move == "come":
                await hall.come(f"{person}{number}")
            elif here := [name for name in hall.tasks if name[0] == person and not hall.tasks[name].done()]:
                await getattr(hall, move)(here[0])
            assert len(hall.inside) <= 3
            assert all(sum(name[0] == each for name in hall.inside) <= 2 for each in "abc")
        for task in hall.tasks.values():
            task.cancel()
        await settle()
        async with AsyncExitStack() as stack, asyncio.timeout(60):
            for person in "xyz":
                await stack.enter_async_context(hall.places.place(person))

    asyncio.run(play())


async def test_an_error_gives_the_place_back() -> None:
    places = FetchPlaces(places=1, a_person=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            async with places.place("a"):
                raise ValueError("broken")
