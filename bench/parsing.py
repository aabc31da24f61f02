"""Reading annotation files: ours against the JSON parser alone and against Google's own message, in one run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import orjson
from google.cloud import videointelligence

from bench.report import Table
from tests.shared_data import SHARED_DATA
from tracking.formats.video_intelligence import read, write
from tracking.model import Annotations, Track

REAL_FILE = SHARED_DATA / "annotations/output-uri-775-objects.json"


def made_annotations() -> bytes:
    """775 objects with 9,681 boxes in all, as the real file has, for machines without it."""
    rng = np.random.default_rng(0)
    tracks = [
        Track(n, "person", 0.9, np.arange(12.5) / 10 + n / 10, rng.uniform(0, 1, (13, 4)).astype(np.float32))
        for n in range(775)
    ]
    return write(Annotations(tuple(tracks)))


def cpu_s(work: Callable[[], object], *, runs: int = 9) -> float:
    """Median CPU seconds of `work`."""
    taken = []
    for _ in range(runs):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def main() -> None:
    """Measures, and prints a table."""
    data = REAL_FILE.read_bytes() if REAL_FILE.exists() else made_annotations()
    found = read(data)
    ours = cpu_s(lambda: read(data))
    table = Table(
        f"Reading annotations: {len(found.tracks)} objects, {sum(map(len, found.tracks)):,} boxes, {len(data) / 1e6:.1f} MB",
        ("what", "CPU ms, median of 9", "times ours"),
    )
    rows: list[tuple[str, Callable[[], object]]] = [
        ("the JSON parser alone", lambda: orjson.loads(data)),
        ("the standard library's JSON parser alone", lambda: json.loads(data)),
        ("Google's AnnotateVideoResponse", lambda: videointelligence.AnnotateVideoResponse(json.loads(data))),
    ]
    table.add("read()", f"{ours * 1000:.0f}", "1.0")
    for name, work in rows:
        taken = cpu_s(work)
        table.add(name, f"{taken * 1000:.0f}", f"{taken / ours:.1f}")
    taken = cpu_s(lambda: write(found))
    table.add("write()", f"{taken * 1000:.0f}", f"{taken / ours:.1f}")
    print(table)


if __name__ == "__main__":
    main()
