"""
`make fuzz`: thousands of broken files and words; see `campaign.py`. `python -m tests.fuzz --help` for more or others.

Seeds and findings lie in the user's cache, outside of the repository. A finding is named by its kind and number; its file is
there to be looked at, and `--first NUMBER --videos 1` tries it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from tests.fuzz import seeds
from tests.fuzz.campaign import Report, run
from tests.fuzz.trials import content_of

OPTIONS = {"videos": ("video", 10_000), "annotations": ("annotations", 10_000), "requests": ("requests", 10_000)}
OPTIONS |= {"events": ("events", 10_000), "tracks": ("tracks", 10_000)}


def main() -> int:
    """Runs all trials and prints what came of them; the number of findings, at most 100."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    for option, (_, count) in OPTIONS.items():
        parser.add_argument(f"--{option}", type=int, default=count, help=f"how many, by default {count:,}")
    parser.add_argument("--first", type=int, default=0, help="the first number; others make other files")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    folder = platformdirs.user_cache_path("tracklet", appauthor=False) / "fuzz"
    counts = {kind: getattr(given, option) for option, (kind, _) in OPTIONS.items()}
    report = run(counts, folder / "seeds", first=given.first, workers=given.workers)
    _tell(report, counts)
    _keep(report, folder)
    return min(len(report.findings), 100)


def _tell(report: Report, counts: Mapping[str, int]) -> None:
    for kind, count in counts.items():
        outcomes = {outcome: number for (of, outcome), number in report.outcomes.most_common() if of == kind}
        print(f"{kind}: {count:,} tried; " + ", ".join(f"{outcome} {number:,}" for outcome, number in outcomes.items()))
    print(f"{report.took_s:.0f} s; slowest {report.slowest_s:.1f} s; most memory {report.peak_bytes / 1e6:.0f} MB")
    print(f"{len(report.findings)} findings")


def _keep(report: Report, folder: Path) -> None:
    (folder / "findings").mkdir(parents=True, exist_ok=True)
    sources = {"video": seeds.video_seeds(folder / "seeds"), "annotations": seeds.annotation_seeds()}
    alike: dict[str, list[str]] = {}
    for finding in report.findings:
        path = folder / "findings" / f"{finding.kind}-{finding.number}.bin"
        if finding.kind in sources:
            path.write_bytes(content_of(finding.kind, finding.number, sources[finding.kind]))
        alike.setdefault(finding.what.strip(), []).append(path.stem)
    for what, names in alike.items():
        print(f"\n{len(names)} times, such as {', '.join(names[:3])}: {what}")


if __name__ == "__main__":
    sys.exit(main())
