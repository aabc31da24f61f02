"""
The one database that our tables and DBOS's share: opened privately, checked, and waited for.

A fault that passes (a lock, a full disk, a file that cannot be opened just now) is waited for, not answered with an error: our
own calls are repeated by `Store`, DBOS's by DBOS, which repeats whatever looks like a lock to it. Every other fault is raised.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.jobs.reserve import DiskReserve
from bot.texts import start
from tracking.errors import OptionError

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 2_000  # how long a thread waits inside SQLite; the rest of the waiting costs no thread
POOL_SIZE = 8
DBOS_POOL_SIZE = 20  # as DBOS takes by itself
# A process that stands still in the middle of a transaction keeps its locks, so that nobody can go on with its jobs: the server
# ends such a session well before the lease of its process does (`leases.py`), and the call is repeated should it wake up.
IDLE_TRANSACTION_S = 5
CONNECT_S = 10  # a server that swallows packets would hold up the start for minutes
CHECKED_BYTES = 256 << 20  # a larger database is not read whole at the start: a second for each 200 MB

# sqlite.org/rescode.html: what a later try may find mended.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


# Since Postgres 15 only its owner makes tables in the schema "public" of a new database.
_WHAT_IT_ALLOWS = """
    SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
           current_setting('server_encoding'),
           current_user::text,
           (to_regclass('alembic_version') IS NULL AND NOT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false))
           OR (to_regnamespace('dbos') IS NULL AND NOT has_database_privilege(current_database(), 'CREATE'))
"""


class Database:
    """
    Engines for one address; `reserve` is None where the database is not a file of ours.

    `setting` decides where a file of SQLite lies: errors about its folder name it.
    """

    def __init__(self, url: str, *, setting: str = "TRACKLET_DATA_DIR") -> None:
        self.setting = setting
        self.url = _address(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        name = self.url.database or ""
        self.path = Path(name) if self.is_sqlite and name not in {"", ":memory:"} else None
        self.reserve = DiskReserve(self.path.with_name(f".{self.path.name}.reserve")) if self.path else None

    @property
    def name(self) -> str:
        """What the operator may be told: no user, no password."""
        return self.path.name if self.path else f"{self.url.host or ''}/{self.url.database or ''}".strip("/")

    def prepare(self) -> None:
        """
        Make the file, for its owner alone, and see that it is whole.

        It holds links that open videos. Raises `OptionError` for a folder or file that cannot be written, for a damaged
        database, and for a server that does not let us in; then nothing was changed.
        """
        if self.path is None:
            self._reach()
            return
        _make_private(self.path, setting=self.setting)
        if self.path.stat().st_size <= CHECKED_BYTES:
            self._check()
        if self.reserve is not None:
            self.reserve.hold()

    def look(self) -> None:
        """See that the database answers and is whole, and change nothing. Raises `OptionError`, `sqlite3.Error`."""
        if self.path is None:
            self._reach()
            return
        if not self.path.is_file() or not os.access(self.path, os.R_OK | os.W_OK):
            raise OptionError("TRACKLET_DATABASE_URL", str(self.path), "it is not a file that I may read and write")
        self._check()

    def engine(self) -> sa.Engine:
        """Return an engine for our own tables; no error of it quotes a row, which holds what people wrote."""
        if not self.is_sqlite:
            engine = sa.create_engine(self.url, pool_size=POOL_SIZE, pool_pre_ping=True, hide_parameters=True)
            sa.event.listen(engine, "connect", _bound_transactions)
            return engine
        engine = sa.create_engine(self.url, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_connection)
        return engine

    def engine_for_dbos(self) -> sa.Engine:
        """
        Return an engine for DBOS, which repeats what it takes for a lock or a lost connection; at the rest a workflow fails.

        So what passes is told to it in those words: a full disk of SQLite as a lock (dbos 3.4, `retriable_sqlite_exception`),
        and every way in which psycopg says that no server is there as the one that DBOS knows (`retriable_postgres_exception`).
        """
        if not self.is_sqlite:
            engine = sa.create_engine(
                self.url,
                pool_size=DBOS_POOL_SIZE,
                max_overflow=0,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": CONNECT_S},
            )
            sa.event.listen(engine, "connect", _bound_transactions)
            sa.event.listen(engine, "handle_error", _told_as_lost)
            return engine
        engine = sa.create_engine(self.url, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_connection)

        @sa.event.listens_for(engine, "handle_error")
        def wait(context: sa.ExceptionContext) -> Exception | None:
            fault = context.original_exception
            if not is_passing(fault):
                return None
            self.make_room(fault)
            told = sqlite3.OperationalError(f"database is locked ({fault})")
            return sa.exc.OperationalError(context.statement, None, told)

        return engine

    def make_room(self, fault: BaseException) -> None:
        """Give back what was held, where `fault` says that the disk is full."""
        if self.reserve is not None and _code(fault) in _NO_ROOM and self.reserve.release():
            logger.error("the disk is full: the room that was held back for the database is used now")

    def _reach(self) -> None:
        """Connect once, without the patience that calls have later: at the start the address is more often wrong than busy."""
        if self.is_sqlite:
            return
        engine = sa.create_engine(self.url, connect_args={"connect_timeout": CONNECT_S}, poolclass=sa.NullPool)
        address = self.url.set(query={}).render_as_string(hide_password=True)
        try:
            with engine.connect() as connection:
                is_read_only, encoding, user, lacks_rights = connection.execute(sa.text(_WHAT_IT_ALLOWS)).one()
        except sa.exc.SQLAlchemyError as error:
            why = start.database_unreachable(self._said(error))
            raise OptionError("TRACKLET_DATABASE_URL", address, why) from None  # the error's text may hold the password
        if is_read_only:
            raise OptionError("TRACKLET_DATABASE_URL", address, start.database_read_only())
        if encoding != "UTF8":
            raise OptionError("TRACKLET_DATABASE_URL", address, start.database_encoding(encoding))
        if lacks_rights:
            raise OptionError("TRACKLET_DATABASE_URL", address, start.database_without_rights(user))

    def _said(self, error: sa.exc.SQLAlchemyError) -> str:
        """Return the server's own words, without what is secret."""
        lines = str(getattr(error, "orig", None) or type(error).__name__).splitlines()
        secrets = [self.url.password, *(str(value) for value in self.url.query.values())]
        told = lines[0] if lines else ""
        for secret in filter(None, secrets):
            told = told.replace(secret, "***")
        return told

    def _check(self) -> None:
        assert self.path is not None
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if not is_passing(error):
                raise
            return
        except sqlite3.DatabaseError as error:
            raise _damaged(self.path, str(error)) from error
        if found is None or found[0] != "ok":
            raise _damaged(self.path, "its pages contradict each other")


def _address(url: str) -> sa.URL:
    """Raise `OptionError` for what is no address of SQLite or Postgres; it may hold a password, so it is not shown."""
    try:
        parsed = sa.make_url(url)
        kind = parsed.drivername.partition("+")[0]
        if kind in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        elif kind != "sqlite":
            raise OptionError("TRACKLET_DATABASE_URL", "", start.database_address_wanted())
    except (sa.exc.ArgumentError, ValueError):
        raise OptionError("TRACKLET_DATABASE_URL", "", start.database_address_wanted()) from None
    return parsed


def is_passing(fault: BaseException) -> bool:
    """Return whether a later try of the same statement may succeed without anybody changing the program."""
    original = getattr(fault, "orig", None) or fault
    if isinstance(original, sqlite3.Error):
        return _code(original) in _PASSING
    if isinstance(fault, sa.exc.DBAPIError) and fault.connection_invalidated:
        return True  # psycopg has an internal error for a session that the server ended
    return isinstance(fault, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError)


def _told_as_lost(context: sa.ExceptionContext) -> Exception | None:
    fault = context.original_exception
    is_lost = isinstance(context.sqlalchemy_exception, sa.exc.OperationalError) and getattr(fault, "sqlstate", None) is None
    if not is_lost or "connection failed" in str(fault):
        return None
    return sa.exc.OperationalError(context.statement, None, type(fault)(f"connection failed ({fault})"))


def _code(fault: BaseException) -> int:
    """SQLite's primary result code, 0 for another fault."""
    return int(getattr(getattr(fault, "orig", None) or fault, "sqlite_errorcode", None) or 0) & 0xFF


def _bound_transactions(connection: Any, _: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_S * 1000}")
    connection.commit()


def _prepare_connection(connection: Any, _: object) -> None:
    # Persistent, and set before DBOS opens the file: 23 -> 57 workflows a second (measured, docs/jobs.md).
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL would lose the last commits when the machine stops: "durable before the answer" wants FULL.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.isolation_level = "IMMEDIATE"


def make_private(folder: Path) -> None:
    """
    Make a folder, parents included, that nobody but its owner may enter; narrow one that is ours already.

    Raises `OptionError` where that fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.name == "posix" and folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, PermissionError("not writable"))


@contextlib.contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """
    Have the folder for this process alone while the body runs: on SQLite two would each go on with the same jobs.

    The system lets go when the process dies. Raises `OptionError` where another process has the folder; a file system
    without locks hinders nobody.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OptionError("TRACKLET_DATA_DIR", str(folder), start.folder_in_use()) from error
        except OSError:
            logger.info("the data folder's file system has no locks")
        yield
    finally:
        os.close(handle)


def _make_private(path: Path, *, setting: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).chmod(0o600)
    except OSError as error:
        raise _unwritable(path.parent, error, setting) from error


def _unwritable(folder: Path, error: OSError, setting: str = "TRACKLET_DATA_DIR") -> OptionError:
    why = {13: "I may not write there", 28: "its disk is full", 30: "it is on a file system that is read-only"}
    told = why.get(error.errno or 13, (error.strerror or "it cannot be used").lower())
    allowed = f"{told}. Give me a folder that I may write to, or make this one writable for my user"
    return OptionError(setting, str(folder), allowed)


def _damaged(path: Path, detail: str) -> OptionError:
    allowed = (
        f"that database is damaged ({detail}). Put a copy of it from before in its place, or move it away and start again with "
        "an empty one: videos, annotation files and pictures stay as they are, the list of jobs begins anew"
    )
    return OptionError("TRACKLET_DATABASE_URL", path.name, allowed)
