"""
How Tracklet holds when many people want much of it at once, and what a day of it leaves behind: `make load`.

    python -m bench.load [burst] [day] [workers] [--database sqlite] [--jobs 1000]

`burst`: 200 commands and 50 shared videos within a minute, from 20 people. The work is real, on clips of a second. `day`: as
many jobs as a busy day has, whose work is canned, then the cleanup of a month later. `workers`: the same canned jobs with one,
two and three workers on Postgres; work that takes time instead of CPU, since this machine's cores would be the limit. The
playground and the people run in one process, beside those of Tracklet. Times on a machine that others use mean little: its
load is told too.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from bench.report import Table
from bot.jobs.store import jobs
from playground import BOT_USER, Delivery, Message
from playground.workspace import User
from tests.chaos.stage import DatabaseKind, Stage, staged
from tests.clips import crossing_scene, draw_clip

PEOPLE = 20
BURST_S = 60.0
COMMANDS, VIDEOS = 200, 50
CHANNELS = ("general", "wildlife")
LEASE = (2.0, 12.0)  # as it is by default
MONTH_S = 31 * 86_400
LOOK_S = 0.5
OVER_S = 3600.0
DAY_CHILDREN, DAY_AT_ONCE = 8, 24
WORKERS_JOBS = 60
SWEEPS = 3  # five hundred workflows each, at a start


@dataclass
class Crowd:
    """People who ask for clips, each with other bytes and the same pictures."""

    stage: Stage
    content: bytes
    users: list[str] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)
    refused: int = 0
    asked: int = 0

    def come(self) -> None:
        """Let them join the workspace and its channels."""
        workspace = self.stage.slack.workspace
        for number in range(PEOPLE):
            user = f"U0LOAD{number:05}"
            workspace.users[user] = User(user, f"person-{number}", f"Person {number}")
            for name in CHANNELS:
                workspace.channel(self.stage.slack.channel_id(name)).members.append(user)
            self.users.append(user)

    def clip(self) -> tuple[str, bytes]:
        """Return the next clip: its name and bytes."""
        self.asked += 1
        # An empty box behind the rest: other bytes for each, and the same pictures.
        return f"clip-{self.asked:05}.mp4", self.content + (12).to_bytes(4, "big") + b"free" + self.asked.to_bytes(4, "big")

    async def command(self) -> None:
        """Type a command with a link, and note how long its answer took."""
        name, content = self.clip()
        self.stage.clips[name] = content
        user, channel = self.users[self.asked % PEOPLE], CHANNELS[self.asked % 2]
        begun = time.perf_counter()
        answer: Delivery | None = await self.stage.slack.slash_command(
            channel, "/track", f"{self.stage.links}/{name}", user=user
        )
        self.answers_s.append(time.perf_counter() - begun)
        self.refused += answer is None or not answer.ok

    async def share(self) -> None:
        """Share a video."""
        name, content = self.clip()
        await self.stage.slack.upload_file(content, CHANNELS[self.asked % 2], name=name, user=self.users[self.asked % PEOPLE])

    def answered(self) -> list[Message]:
        """Return the messages that say what was found."""
        return [
            message
            for name in CHANNELS
            for message in self.stage.slack.workspace.channel(self.stage.slack.channel_id(name)).messages
            if message.user == BOT_USER and "I found" in message.text
        ]


@dataclass
class Memory:
    """The most that each process had resident, in bytes, by its name."""

    stage: Stage
    most: dict[str, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            for member in self.stage.members:
                if member.runs:
                    self.most[member.name] = max(self.most.get(member.name, 0), resident(member.pid))
            await asyncio.sleep(1.0)


def resident(pid: int) -> int:
    """Return the bytes that a process has in memory, 0 where that is not told."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@asynccontextmanager
async def crowd(
    kind: DatabaseKind, *, real_work: bool, workers: int = 2, children: int = 0
) -> AsyncIterator[tuple[Stage, Crowd, Memory]]:
    """A running Tracklet, and the people."""
    folder = Path(tempfile.mkdtemp(prefix="tracklet-load-"))
    try:
        clip = draw_clip(folder / "scene.mp4", crossing_scene(1.0), size=(160, 120)).path.read_bytes()
        async with staged(folder, kind, lease=LEASE, workers=workers, real_work=real_work, disk_megabytes=None) as stage:
            for member in stage.members:
                member.environment = {**member.environment, "TRACKLET_CHILDREN": str(children)}
            people, memory = Crowd(stage, clip), Memory(stage)
            people.come()
            async with stage.supervised():
                while not all(member.works for member in stage.members):  # noqa: ASYNC110  # other processes change it
                    await asyncio.sleep(LOOK_S)
                watching = asyncio.create_task(memory.watch())
                try:
                    yield stage, people, memory
                finally:
                    watching.cancel()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def until(found: Callable[[], bool]) -> float:
    """Wait until it is so; seconds that it took. Raises `TimeoutError`."""
    begun = time.monotonic()
    async with asyncio.timeout(OVER_S):
        while not found():  # noqa: ASYNC110  # other processes change it
            await asyncio.sleep(LOOK_S)
    return time.monotonic() - begun


def quantile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the others lies."""
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)]


async def burst(kind: DatabaseKind) -> Table:
    """Ask for everything within a minute, and wait until the last is answered."""
    table = Table(
        f"{COMMANDS} commands and {VIDEOS} videos in {BURST_S:.0f} s from {PEOPLE} people, {kind}", ("what", "measured")
    )
    async with crowd(kind, real_work=True) as (_, people, memory):
        begun, wanted = time.monotonic(), COMMANDS + VIDEOS
        asking = []
        for number in range(wanted):
            ask = people.share if number % (wanted // VIDEOS) == 0 else people.command
            asking.append(asyncio.create_task(ask()))
            await asyncio.sleep(max(0.0, begun + (number + 1) * BURST_S / wanted - time.monotonic()))
        await asyncio.gather(*asking)
        at_end = len(people.answered())
        await until(lambda: len(people.answered()) >= wanted)
        whole_s = time.monotonic() - begun
        times = sorted(people.answers_s)
        told = (f"{1000 * quantile(times, 0.5):.0f}", f"{1000 * quantile(times, 0.99):.0f}", f"{1000 * times[-1]:.0f}")
        table.add("answers to commands: median, p99, longest", f"{' ms, '.join(told)} ms")
        table.add("commands that Slack could not deliver", str(people.refused))
        table.add("answered at the end of the minute; all", f"{at_end}; after {whole_s:.0f} s")
        table.add("jobs done, of all that were asked for", f"{len(people.answered())} of {wanted}")
        table.add("most memory of a process", ", ".join(f"{name} {most >> 20} MiB" for name, most in memory.most.items()))
    return table


async def day(kind: DatabaseKind, number: int) -> Table:
    """Work off a day's jobs, then let a month go by."""
    table = Table(f"{number} jobs, then a month later, {kind}", ("what", "after the jobs", "after the cleanup"))
    async with crowd(kind, real_work=False, children=DAY_CHILDREN) as (stage, people, memory):
        begun = time.monotonic()
        asking = asyncio.create_task(_keep_asking(people, number))
        await until(lambda: len(people.answered()) >= number)
        await asking
        whole_s = time.monotonic() - begun
        await until(lambda: _unfinished(stage) == 0)
        before = [*sizes(stage), rows(stage)]
        # A month later all are started again, as often as sweeps are wanted.
        for clock in stage.clocks.values():
            clock.move(MONTH_S)
        for _ in range(SWEEPS):
            for member in stage.members:
                member.signal(signal.SIGTERM)
                await member.gone()
            await until(lambda: all(member.works for member in stage.members))
            await asyncio.sleep(3.0)
        after = [*sizes(stage), rows(stage)]
        for what, then, now in zip(
            ("database in use, bytes", "data folder without it, bytes", "rows"), before, after, strict=True
        ):
            table.add(what, f"{then:,}", f"{now:,}")
        table.add("a job", f"{before[0] / number:,.0f} + {before[1] / number:,.0f} bytes", f"{after[0] / number:,.0f} bytes")
        table.add("time", f"{whole_s:.0f} s", "-")
        table.add("most memory", ", ".join(f"{name} {most >> 20} MiB" for name, most in memory.most.items()), "-")
    return table


async def _keep_asking(people: Crowd, number: int) -> None:
    while people.asked < number:
        while people.asked - len(people.answered()) < DAY_AT_ONCE and people.asked < number:
            await people.share()
        await asyncio.sleep(0.1)


async def workers() -> Table:
    """Work off the same jobs with one, two and three workers."""
    table = Table(f"{WORKERS_JOBS} jobs on Postgres, children that sleep", ("workers", "s", "jobs a minute", "of one worker's"))
    alone = 0.0
    for number in (1, 2, 3):
        async with crowd("postgres", real_work=False, workers=number, children=2) as (_, people, _):
            begun = time.monotonic()
            for _each in range(WORKERS_JOBS):
                await people.share()
            await until(lambda people=people: len(people.answered()) >= WORKERS_JOBS)  # type: ignore[misc]  # mypy can't infer it
            whole_s = time.monotonic() - begun
            rate = WORKERS_JOBS / whole_s * 60
            alone = alone or rate
            table.add(str(number), f"{whole_s:.0f}", f"{rate:.0f}", f"{rate / alone:.2f}")
    return table


def sizes(stage: Stage) -> tuple[int, int]:
    """Return the bytes that the database uses, and those of the other files in the data folder."""
    engine = sa.create_engine(stage.address)
    with engine.connect() as connection:
        if stage.kind == "postgres":
            database = int(connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)
        else:
            pages, free, size = (
                int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)
                for name in ("page_count", "freelist_count", "page_size")
            )
            database = (pages - free) * size
    engine.dispose()
    files = {}
    for path in stage.data.rglob("*"):
        if path.is_file() and "tracklet.sqlite" not in path.name:
            stat = path.stat()
            files[stat.st_ino] = stat.st_size  # what has two names takes its place once
    return database, sum(files.values())


def rows(stage: Stage) -> int:
    """Return how many rows all tables have together."""
    engine = sa.create_engine(stage.address)
    inspector, total = sa.inspect(engine), 0
    with engine.connect() as connection:
        for schema in inspector.get_schema_names() if stage.kind == "postgres" else [None]:
            if schema != "information_schema":
                for table in inspector.get_table_names(schema=schema):
                    name = f'"{schema}"."{table}"' if schema else f'"{table}"'
                    total += int(connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) or 0)
    engine.dispose()
    return total


def _unfinished(stage: Stage) -> int:
    engine = sa.create_engine(stage.address)
    with engine.connect() as connection:
        found = int(
            connection.scalar(
                sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state.not_in(("done", "failed", "cancelled")))
            )
            or 0
        )
    engine.dispose()
    return found


def main() -> int:
    """Run what was named, by default all."""
    parser = argparse.ArgumentParser(description="How Tracklet holds when many people want much of it.")
    parser.add_argument("what", nargs="*", default=["burst", "day", "workers"])
    parser.add_argument("--database", default="sqlite,postgres")
    parser.add_argument("--jobs", type=int, default=1000)
    given = parser.parse_args()
    logging.disable(logging.ERROR)
    kinds: list[DatabaseKind] = [kind for kind in ("sqlite", "postgres") if kind in given.database.split(",")]
    for what in given.what:
        for kind in kinds if what != "workers" else kinds[-1:]:
            loads = f"{os.getloadavg()[0]:.1f}"
            table = asyncio.run(burst(kind) if what == "burst" else day(kind, given.jobs) if what == "day" else workers())
            print(f"{table}\nLoad of the machine before and after: {loads} and {os.getloadavg()[0]:.1f}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
