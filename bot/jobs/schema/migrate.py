"""Bring the tables to the version that this program knows, once, whatever number of processes start at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.texts import start
from tracking.errors import OptionError

POSTGRES_LOCK = 0x54524B4C  # the number of our advisory lock: "TRKL"

_alembic = threading.Lock()  # Alembic keeps the migration that runs in a global of its own


def migrate(connection: sa.Connection, *, name: str, to: str = "head") -> None:
    """
    Run the migrations that are missing, all or none, in the transaction of `connection`.

    Other processes wait for a lock meanwhile; no lock is taken where nothing is missing. Not for an event loop. `name` is what
    the operator calls the database, `to` the version up to which they run. Raises `OptionError` where its version is one that
    this program does not know; then nothing was changed.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    if _is_current(connection, script, name):
        return
    if connection.dialect.name == "sqlite":
        # The driver begins none before a statement that makes a table.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(POSTGRES_LOCK)))
    # Another process may have been faster, and newer.
    if _is_current(connection, script, name):
        return
    with _alembic:
        command.upgrade(config, to)


def _is_current(connection: sa.Connection, script: ScriptDirectory, name: str) -> bool:
    """Return whether no migration is missing. Raises `OptionError` for a version that is none of ours."""
    found = set(MigrationContext.configure(connection).get_current_heads())
    known = {revision.revision for revision in script.walk_revisions()}
    if unknown := found - known:
        raise OptionError("TRACKLET_DATABASE_URL", name, start.newer_database(", ".join(sorted(unknown))))
    return found == set(script.get_heads())
