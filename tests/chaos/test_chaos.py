"""A minute of chaos with a fixed seed on each database, a longer one is `make chaos`; and the parts of its machinery."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.clock import Clock, compiled
from tests.chaos.disk import small_disk
from tests.chaos.plan import KILLS, Blow, plan
from tests.chaos.stage import DatabaseKind

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: Postgres listens in it, and the name of a socket is limited."""
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@linux
@pytest.mark.parametrize(("kind", "seed"), [("sqlite", 4), ("postgres", 5)])
async def test_after_some_chaos_nothing_is_lost_or_doubled_or_left_over(folder: Path, kind: DatabaseKind, seed: int) -> None:
    outcome = await Campaign(folder, kind, seed=seed, kills=5, pace_s=1.5, at_once=3, calm_s=180.0).run()
    assert outcome.faults == [], f"what was logged: {outcome.logged}"
    assert outcome.kills > 0
    assert outcome.verdict.states["done"] > 0


def test_a_seed_gives_the_same_blows_and_as_many_kills_as_are_wanted() -> None:
    blows = list(plan(7, kills=20, pace_s=1.0))
    assert blows == list(plan(7, kills=20, pace_s=1.0))
    assert blows != list(plan(8, kills=20, pace_s=1.0))
    assert sum(each.blow in KILLS for each in blows) == 20
    assert {each.blow for seed in range(20) for each in plan(seed, kills=20, pace_s=1.0)} == set(Blow)


def test_of_some_blows_no_other_is_planned() -> None:
    wanted = {Blow.KILL, Blow.SLACK}
    assert {each.blow for each in itertools.islice(plan(1, kills=50, pace_s=1.0, blows=wanted), 200)} == wanted


def test_a_moved_clock_is_that_of_the_process_and_of_its_children_alone(tmp_path: Path) -> None:
    library = compiled(tmp_path)
    if library is None:
        pytest.skip("a clock of one's own takes a C compiler and Linux")
    clock = Clock(tmp_path / "clock", library)
    child = "import time; print(time.time())"
    script = "\n".join(
        (
            "import datetime, subprocess, sys",
            f"subprocess.run((sys.executable, '-c', {child!r}))",
            "print(datetime.datetime.now().timestamp())",
        )
    )
    for hours in (0, 5, -9):
        clock.move(hours * 3600)
        told = subprocess.run((sys.executable, "-c", script), env=clock.environment, capture_output=True, text=True, check=True)
        for line in told.stdout.split():
            assert abs(float(line) - time.time() - hours * 3600) < 60


def test_a_filled_disk_takes_nothing_more_until_it_is_emptied(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:
        if disk is None:
            pytest.skip("a file system of its own takes the right to mount one")
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            (disk.folder / "file").write_bytes(bytes(4096))
        disk.empty()
        (disk.folder / "file").write_bytes(bytes(4096))
