"""A short run of the fuzz, and proof that it would notice; `make fuzz` is the long one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fuzz.campaign import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the workers' bounds are those of a Unix system")

COUNTS = {"video": 300, "annotations": 300, "tracks": 300, "requests": 300, "events": 300}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds")


def test_broken_files_and_words_end_in_an_answer_or_an_error_of_ours(seeds: Path) -> None:
    report = run(COUNTS, seeds, workers=min(os.cpu_count() or 1, 4))
    assert [f"{finding.kind} {finding.number}: {finding.what}" for finding in report.findings] == []
    for kind, count in COUNTS.items():
        assert sum(number for (of, _), number in report.outcomes.items() if of == kind) == count
        # Most of it gets far into a reader, instead of failing at the door.
        assert report.outcomes[kind, "read"] > count / 10


def test_a_traceback_and_a_crash_are_findings(seeds: Path) -> None:
    report = run({"no such kind": 1, "crash": 1, "requests": 5}, seeds, workers=1)
    found = {finding.kind: finding.what for finding in report.findings}
    assert "KeyError" in found["no such kind"]
    assert "ended with status" in found["crash"]
    assert sum(report.outcomes.values()) == 6, "the rest is tried by another worker"


# Found by runs of 50,000. The numbers make the same files wherever the encoders write the same bytes.
CRASHES = {"damaged VP9, decoded by frame threads": ("video", 1012421), "a bracketed user in a link": ("requests", 1000303)}


@pytest.mark.parametrize(("kind", "number"), CRASHES.values(), ids=CRASHES)
def test_what_crashed_once_does_so_no_more(kind: str, number: int, seeds: Path) -> None:
    assert run({kind: 1}, seeds, first=number, workers=1).findings == []
