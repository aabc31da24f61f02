"""Fixtures of the tests that run the command line."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.commands import main
from bot.process import logs
from tests.cluster.postgres import started
from tests.integration.command import Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """Runs a command in this process, in an empty folder and environment: exit status, stdout, stderr."""
    handlers = list(logging.root.handlers)
    loggers = [logging.root, *map(logging.getLogger, (*logs.OURS, *logs.LIBRARIES))]
    levels = [logger.level for logger in loggers]
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("TRACKLET_", "SLACK_"))]:
        monkeypatch.delenv(name)

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tracklet", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    yield command
    # A command sets up the log of its process, which here is that of all tests.
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.root.handlers[:] = handlers


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a Postgres of this test module's own."""
    # Not in pytest's folder, which every other run of tests closes to the user that Postgres runs as.
    made = tempfile.TemporaryDirectory(prefix="tracklet-postgres-", ignore_cleanup_errors=True)
    try:
        with made as folder, started(Path(folder) / "data") as server:
            yield server.address
    except Exception as error:  # whatever keeps it from starting here: a test that is skipped says so
        pytest.skip(f"the embedded Postgres does not start here: {error}")
