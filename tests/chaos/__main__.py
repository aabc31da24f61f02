"""
Break everything at random, and count: `make chaos`.

    python -m tests.chaos [--kills 100] [--seed 1] [--database sqlite,postgres] [--pace 1.0] [--real]

Prints what was dealt, what became of all that was asked for, and every fault; the status is 1 where there is one. The folder of
a run with faults is kept, with the log of each process.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import get_args

from tests.chaos.campaign import Campaign, Outcome
from tests.chaos.plan import Blow
from tests.chaos.stage import DatabaseKind


def say(line: str = "") -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def listed(counts: Counter[str]) -> str:
    """Return counts as words, the most frequent first."""
    return ", ".join(f"{number} x {what}" for what, number in counts.most_common()) or "none"


def report(outcome: Outcome) -> None:
    """Print what a run was and what it found."""
    verdict = outcome.verdict
    say(f"{outcome.kind}, seed {outcome.seed}: {outcome.kills} kills in {outcome.seconds:.0f} s, {outcome.starts} starts")
    say(f"  dealt: {listed(outcome.blows)}")
    if outcome.left_out:
        say(f"  not possible here: {', '.join(outcome.left_out)}")
    said = f"{outcome.asked} asked for: {listed(verdict.states)}; {verdict.messages} messages, {verdict.pictures} pictures"
    say(f"  {said}; over {outcome.calm_s:.0f} s after the last blow; the slowest end {outcome.slowest_end_s:.1f} s")
    if verdict.sentences:
        say(f"  told as failed: {listed(verdict.sentences)}")
    for line, number in outcome.logged.most_common():
        say(f"  log: {number} x {line}")
    say(f"  faults: {len(outcome.faults)}")
    for fault in outcome.faults:
        say(f"  FAULT: {fault}")


def main() -> int:
    """Return 0 where all held."""
    parser = argparse.ArgumentParser(description="Break everything at random, and count.")
    parser.add_argument("--kills", type=int, default=100, help="how many processes are killed on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="sqlite,postgres")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two blows, in the mean")
    parser.add_argument("--only", default="", help="blows between commas, of: " + ", ".join(Blow))
    parser.add_argument("--real", action="store_true", help="let children really decode, track and draw: slower, and dearer")
    parser.add_argument("--keep", action="store_true", help="keep the folder, with the logs, of a run without faults as well")
    parser.add_argument("--quiet", action="store_true", help="print the end alone")
    given = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # callers that die in the middle of a request are meant to
    blows = [Blow(each.strip()) for each in given.only.split(",")] if given.only else list(Blow)
    bad = 0
    for kind in get_args(DatabaseKind):
        if kind not in given.database.split(","):
            continue
        folder = Path(tempfile.mkdtemp(prefix="tracklet-chaos-"))
        campaign = Campaign(folder, kind, given.seed, given.kills, pace_s=given.pace, blows=blows, real_work=given.real)
        if not given.quiet:
            campaign.say = lambda line: say(f"  {line}")
        outcome = asyncio.run(campaign.run())
        report(outcome)
        bad += bool(outcome.faults)
        if outcome.faults or given.keep:
            say(f"  kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
