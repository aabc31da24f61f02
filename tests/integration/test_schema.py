"""The tables' versions: a new database, one from before there were versions, and one that is newer than the program."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.jobs.database import Database
from bot.jobs.facts import JobFacts
from bot.jobs.model import JobId, JobState
from bot.jobs.schema.migrate import migrate
from bot.jobs.store import Store, Total, Watch, metadata
from tests.integration.command import Run
from tracking.errors import OptionError

BEFORE_VERSIONS = (Path(__file__).parent / "databases" / "before_versions.sql").read_text(encoding="utf-8")
OURS = set(metadata.tables)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tracklet.sqlite'}"
    url = sa.make_url(request.getfixturevalue("postgres")).set(drivername="postgresql+psycopg")
    name = f"test_{abs(hash(tmp_path))}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


async def opened(address: str) -> Store:
    store = Store(Database(address))
    await store.create_tables()
    return store


def differences(address: str) -> list[object]:
    """What of our tables is not as the program describes it; other tables are none of our business."""
    engine = Database(address).engine()
    try:
        with engine.connect() as connection:
            options = {"include_name": lambda name, kind, _: kind != "table" or name in OURS}
            return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
    finally:
        engine.dispose()


def change(address: str, *statements: str) -> None:
    engine = Database(address).engine()
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


LATEST = "0004"


def version(address: str) -> list[str]:
    engine = Database(address).engine()
    with engine.connect() as connection:
        found = [row[0] for row in connection.exec_driver_sql("SELECT version_num FROM alembic_version")]
    engine.dispose()
    return found


async def test_the_migrations_make_the_tables_that_the_program_describes(address: str) -> None:
    (await opened(address)).close()
    assert differences(address) == []
    assert version(address) == [LATEST]


async def test_a_table_that_differs_is_noticed(address: str) -> None:
    (await opened(address)).close()
    change(address, "DROP INDEX jobs_by_state", "ALTER TABLE posts ADD COLUMN mood TEXT")
    assert len(differences(address)) == 2


async def test_many_that_start_at_the_same_time_make_the_tables_once(address: str) -> None:
    stores = await asyncio.gather(*(opened(address) for _ in range(6)))
    for store in stores:
        store.close()
    assert version(address) == [LATEST]
    assert differences(address) == []


async def test_tables_of_others_stay_as_they_are(address: str) -> None:
    change(address, "CREATE TABLE workflow_status (id TEXT)", "INSERT INTO workflow_status VALUES ('one')")
    (await opened(address)).close()
    engine = Database(address).engine()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id FROM workflow_status").scalar_one() == "one"
    engine.dispose()


async def test_migrations_that_fail_in_the_middle_leave_nothing_behind(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'tracklet.sqlite'}"
    change(address, "CREATE TABLE jobs_by_state (in_the_way TEXT)")
    store = Store(Database(address))
    with pytest.raises(sa.exc.OperationalError, match="jobs_by_state"):
        await store.create_tables()
    store.close()
    with sqlite3.connect(tmp_path / "tracklet.sqlite") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("jobs_by_state",)]
    connection.close()


@pytest.mark.parametrize("lacking", [(), ("attempts",)], ids=["latest", "older, without attempts"])
async def test_a_database_from_before_there_were_versions_keeps_its_jobs(tmp_path: Path, lacking: tuple[str, ...]) -> None:
    with sqlite3.connect(tmp_path / "tracklet.sqlite") as connection:
        connection.executescript(BEFORE_VERSIONS)
        for table in lacking:
            connection.execute(f"DROP TABLE {table}")
    connection.close()
    address = f"sqlite:///{tmp_path / 'tracklet.sqlite'}"
    store = await opened(address)
    done, running = await store.job(JobId("link:T1:C1:1")), await store.job(JobId("link:T1:C1:2"))
    assert done is not None
    assert (done.number, done.state, done.request.source.name) == (1, JobState.DONE, "street.mp4")
    assert done.facts == JobFacts(next_first=11)
    assert running is not None
    assert await store.unfinished() == [running]
    assert await store.with_same(result_key="def", but=running.id) == done
    post = await store.post(done.id, "summary")
    assert post is not None
    assert post.ts == "1764100050.000100"
    assert await store.is_own_file("F1")
    assert await store.watches_of("T1", "C1") == [Watch("T1", "C1", "videos", "cameras/")]
    assert not await store.auto("T1", "C1")
    assert await store.begun(running.id, "track") == (0 if lacking else 1)
    store.close()
    assert version(address) == [LATEST]
    assert differences(address) == []


async def test_a_postgres_from_before_there_were_versions_keeps_its_rows(postgres: str) -> None:
    url = sa.make_url(postgres).set(drivername="postgresql+psycopg")
    address = url.render_as_string(hide_password=False)
    engine = Database(address).engine()
    first = ["jobs", "inbox", "posts", "own_files", "own_objects", "watches", "attempts", "channels"]
    metadata.create_all(engine, tables=[metadata.tables[name] for name in first])  # as the version before did
    engine.dispose()
    change(address, "INSERT INTO channels VALUES ('T1', 'C1', false)", "DROP TABLE attempts")
    store = await opened(address)
    assert not await store.auto("T1", "C1")
    store.close()
    assert differences(address) == []


async def test_a_process_of_the_version_before_goes_on_beside_the_new_tables(address: str) -> None:
    """Machines are upgraded one after the other, the tables by the first of them."""
    engine = Database(address).engine()
    with engine.begin() as connection:
        migrate(connection, name="test", to="0003")
    assert version(address) == ["0003"]
    before = "INSERT INTO executors (id, renewed_at) VALUES ('{}', 1.0)"
    change(address, before.format("one"))
    store = await opened(address)
    assert version(address) == [LATEST]
    change(address, before.format("two"), "UPDATE executors SET renewed_at = 2.0 WHERE id = 'one'")
    await store.add_totals([Total("stage", "fetch", 1, 0.5), Total("stage", "fetch", 2, 0.25)])
    assert await store.totals() == [Total("stage", "fetch", 3, 0.75)]
    store.close()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id, storage, shown FROM executors ORDER BY id").all() == [
            ("one", "", 0),
            ("two", "", 0),
        ]
    engine.dispose()
    assert differences(address) == []


async def test_a_newer_database_is_named_with_what_to_do_and_left_as_it_is(address: str) -> None:
    (await opened(address)).close()
    change(address, "UPDATE alembic_version SET version_num = '9999'", "DROP TABLE attempts")
    path = Database(address).path
    before = path.read_bytes() if path else b""
    store = Store(Database(address))
    with pytest.raises(OptionError, match=r"newer Tracklet .* 9999") as newer:
        await store.create_tables()
    store.close()
    assert newer.value.option == "TRACKLET_DATABASE_URL"
    assert newer.value.value == Database(address).name
    assert version(address) == ["9999"]
    assert differences(address) != []
    if path:
        assert path.read_bytes() == before


def test_serving_with_a_newer_database_ends_with_a_sentence(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "tracklet.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('9999')")
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    before = path.read_bytes()
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "secret")
    status, out, error = run("serve")
    assert (status, out) == (2, "")
    assert "tracklet.sqlite" in error
    assert "Run that newer version again" in error
    assert "Traceback" not in error
    assert path.read_bytes() == before


async def test_what_was_received_before_is_known_on_either_database(address: str) -> None:
    store = await opened(address)
    assert await store.receive("message:1", {})
    assert not await store.receive("message:1", {})
    store.close()
