"""The figures for Prometheus: each is documented, and what is documented is there."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bot.jobs.disk_use import bytes_by_kind
from bot.jobs.paths import JobPaths
from bot.jobs.store import Queue, Total
from bot.jobs.testing import FakeTaskRunner
from bot.web.metrics import CALLS_TOTAL, Figures, families, families_here, written

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
FIGURES = Figures(
    jobs={"done": 3},
    finished=(3, 12.5),
    posts=9,
    queue=Queue(2, 4.5),
    totals=[Total("outcome", "NotAVideo", 1), Total("stage", "track", 3, 1.5), Total(CALLS_TOTAL, "slack chat.update ok", 7)],
    lease_ages_s={"vm-1-2": 0.5},
)


def test_every_figure_is_documented_and_nothing_else() -> None:
    text = written([*families(FIGURES), *families_here(FakeTaskRunner(), {"videos": 5}, 10)]).decode()
    found = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in text_string_to_metric_families(text)
    }
    documented = set(re.findall(r"^\| `(tracklet_\w++)", OPERATING.read_text(), re.MULTILINE))
    assert found == documented
    assert 'tracklet_calls_total{method="chat.update",result="ok",service="slack"} 7.0' in text
    assert 'tracklet_stage_seconds_sum{stage="track"} 1.5' in text


def test_a_picture_with_two_names_counts_once(tmp_path: Path) -> None:
    paths = JobPaths(tmp_path)
    picture = paths.drawn / "job" / "clip.gif"
    stored = paths.results[1] / "videos" / "clip.gif"
    for each in (picture, stored):
        each.parent.mkdir(parents=True)
    picture.write_bytes(bytes(70))
    stored.hardlink_to(picture)
    (picture.parent / "clip.jpeg").write_bytes(bytes(5))
    found = bytes_by_kind(paths)
    assert (found["results"], found["pictures"], found["videos"]) == (70, 5, 0)
