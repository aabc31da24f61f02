"""A database that is locked, full, damaged or in the wrong place."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos._utils import retriable_postgres_exception

from bot.jobs.database import Database, is_passing
from bot.jobs.model import JobId, Request, Source, SourceKind
from bot.jobs.reserve import DiskReserve
from bot.jobs.store import Store
from bot.texts import errors
from tests.integration.bot_workspace import eventually
from tracking.errors import OptionError

REQUEST = Request(Source(SourceKind.LINK, "https://example.org/clip.mp4", "clip.mp4"), team="T1", channel="C1", user="U1")


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'tracklet.sqlite'}"


async def opened(folder: Path) -> Store:
    store = Store(Database(url(folder)))
    await store.create_tables()
    return store


async def test_a_call_waits_for_a_locked_database_and_is_not_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = await opened(tmp_path)
    other = sqlite3.connect(tmp_path / "tracklet.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(store.add_job(JobId("link:1:1"), REQUEST))
    await eventually(lambda: "does not take a call" in caplog.text)
    assert not adding.done()
    other.execute("ROLLBACK")
    job, is_new = await adding
    assert is_new
    assert await store.job(JobId("link:1:1")) == job
    other.close()
    store.close()


async def test_reading_goes_on_while_the_database_is_locked_for_writing(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.add_job(JobId("link:1:1"), REQUEST)
    other = sqlite3.connect(tmp_path / "tracklet.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await store.job(JobId("link:1:1")) is not None
    other.execute("ROLLBACK")
    other.close()
    store.close()


async def test_a_statement_that_is_wrong_is_not_waited_for(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    with sqlite3.connect(tmp_path / "tracklet.sqlite") as other:
        other.execute("DROP TABLE channels")
    with pytest.raises(Exception, match="no such table"):
        await store.auto("T1", "C1")
    other.close()
    store.close()


async def test_a_full_database_uses_the_room_that_was_held_back(tmp_path: Path) -> None:
    """SQLite's own limit of pages stands for the disk's: the fault is the same, and goes the same way."""
    database = Database(url(tmp_path))
    store = Store(database)
    await store.create_tables()
    reserve = tmp_path / ".tracklet.sqlite.reserve"
    assert reserve.stat().st_blocks * 512 >= 16 << 20
    database.make_room(full())
    assert not reserve.exists()
    store.close()


def full() -> sqlite3.Error:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA max_page_count=2")
        connection.execute("CREATE TABLE t (x)")
        try:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        except sqlite3.Error as fault:
            return fault
    raise AssertionError("there was room")


def test_which_faults_pass() -> None:
    assert is_passing(full())
    with sqlite3.connect(":memory:") as connection, pytest.raises(sqlite3.Error) as wrong:
        connection.execute("SELECT * FROM nothing")
    assert not is_passing(wrong.value)


def test_room_is_held_once_given_back_once_and_not_taken_from_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    reserve = DiskReserve(tmp_path / "reserve", size_bytes=1 << 20)
    reserve.hold()
    reserve.hold()
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]
    assert reserve.release()
    assert not reserve.release()
    DiskReserve(tmp_path / "reserve", size_bytes=1 << 60).hold()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 10, "cut"])
async def test_a_damaged_database_is_named_with_what_to_do_and_left_as_it_is(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "tracklet.sqlite"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        store = await opened(tmp_path)
        store.close()
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    before = path.read_bytes()
    store = Store(Database(url(tmp_path)))
    with pytest.raises(OptionError, match="damaged") as told:
        await store.create_tables()
    assert "move it away" in told.value.allowed
    assert path.read_bytes() == before
    store.close()


async def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = Store(Database(url(tmp_path / "file" / "data")))
    with pytest.raises(OptionError) as told:
        await store.create_tables()
    assert told.value.option == "TRACKLET_DATA_DIR"
    store.close()


def modes_in(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.glob("tracklet.sqlite*")}


async def test_nobody_else_may_read_the_database(tmp_path: Path) -> None:
    path = tmp_path / "tracklet.sqlite"
    path.touch(mode=0o644)
    store = await opened(tmp_path)
    await store.add_job(JobId("link:1:1"), REQUEST)
    modes = modes_in(tmp_path)
    assert modes == dict.fromkeys(modes, 0o600)
    assert path.name in modes
    store.close()


async def test_no_error_of_the_database_quotes_what_people_wrote(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    store = Store(database)
    await store.create_tables()
    with sqlite3.connect(tmp_path / "tracklet.sqlite") as other:
        other.execute("DROP TABLE inbox")
    with pytest.raises(sa.exc.SQLAlchemyError) as caught:
        await store.receive("message:1", {"text": "between you and me"})
    assert "between you and me" not in str(caught.value)
    store.close()
    engine = database.engine_for_dbos()
    assert engine.hide_parameters
    engine.dispose()
    other.close()


def test_a_server_that_is_away_is_one_that_dbos_waits_for(tmp_path: Path) -> None:
    # Of a socket that is gone psycopg says "connection is bad", else "connection failed", which alone DBOS knows.
    for address in (f"postgresql://nobody@/none?host={tmp_path}", "postgresql://nobody@127.0.0.1:1/none"):
        engine = Database(address).engine_for_dbos()
        with pytest.raises(sa.exc.OperationalError) as caught, engine.connect():
            pass
        assert retriable_postgres_exception(caught.value), caught.value
        engine.dispose()


def test_what_a_server_says_reaches_dbos_as_it_is(postgres: str) -> None:
    engine = Database(postgres).engine_for_dbos()
    with pytest.raises(sa.exc.ProgrammingError), engine.connect() as connection:
        connection.execute(sa.text("SELECT * FROM nothing_of_that_name"))
    with engine.connect() as connection:
        connection.execute(sa.text("SET statement_timeout = 1"))
        with pytest.raises(sa.exc.OperationalError) as caught:
            connection.execute(sa.text("SELECT pg_sleep(10)"))
    assert "connection failed" not in str(caught.value)
    engine.dispose()


def test_a_postgres_that_takes_no_tables_is_told_before_anything_begins(postgres: str) -> None:
    own = sa.make_url(postgres).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(own, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE USER guest")
        connection.exec_driver_sql("CREATE DATABASE closed")
        connection.exec_driver_sql("CREATE DATABASE guests OWNER guest")
        connection.exec_driver_sql("CREATE DATABASE standby")
        connection.exec_driver_sql("ALTER DATABASE standby SET default_transaction_read_only = on")
        connection.exec_driver_sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    engine.dispose()

    def at(name: str, user: str | None = None) -> Database:
        return Database(own.set(database=name, username=user or own.username).render_as_string(hide_password=False))

    for database, said in (
        (at("closed", "guest"), "guest may not make tables"),
        (at("standby"), "takes no changes"),
        (at("latin"), "LATIN1"),
    ):
        for look in (database.prepare, database.look):
            with pytest.raises(OptionError) as refused:
                look()
            assert said in errors.sentence(refused.value)
    at("guests", "guest").prepare()
