"""
One run: people ask, blows fall, then everything calms down and is held against what must be.

A run is the library's whole interface: `Campaign(...).run()` gives an `Outcome`, whose `faults` are empty where all holds.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from bot.jobs.database import Database
from bot.jobs.store import Store
from playground import TEAM_ID
from tests.chaos import verdict as judged
from tests.chaos.blows import Hand
from tests.chaos.people import People
from tests.chaos.plan import Blow, plan
from tests.chaos.stage import DatabaseKind, Stage, processes_of, staged
from tests.chaos.verdict import Verdict
from tracking.atomic import is_unfinished

START_S = 120.0
LOOK_S = 0.5
ALL = 1 << 20


@dataclass
class Outcome:
    """What a run was, and what is wrong."""

    seed: int
    kind: DatabaseKind
    seconds: float = 0.0
    calm_s: float = 0.0
    """From the last blow until all was over."""
    asked: int = 0
    starts: int = 0
    kills: int = 0
    blows: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)
    slowest_end_s: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)
    logged: Counter[str] = field(default_factory=Counter)
    """Warnings and errors of the log, with what differs from one to the next left out."""

    @property
    def faults(self) -> list[str]:
        return self.verdict.faults


@dataclass
class Campaign:
    """
    `kills` processes are killed, blows fall `pace_s` apart in the mean, and `at_once` things are under way; seconds throughout.

    `lease` has the times of a lease. After the last blow all must be over within `calm_s`, of which Slack's lost answers alone
    can take two minutes.
    """

    folder: Path
    kind: DatabaseKind
    seed: int
    kills: int
    pace_s: float = 2.0
    at_once: int = 4
    lease: tuple[float, float] = (0.5, 3.0)
    blows: Collection[Blow] = tuple(Blow)
    calm_s: float = 400.0
    real_work: bool = False
    say: Callable[[str], None] = lambda _: None

    async def run(self) -> Outcome:
        """Run it, end everything, and tell what was found."""
        begun = time.monotonic()
        outcome = Outcome(self.seed, self.kind)
        async with staged(self.folder, self.kind, lease=self.lease, real_work=self.real_work) as stage:
            hand = Hand(stage)
            people = People(stage, seed=self.seed, at_once=self.at_once)
            try:
                async with stage.supervised():
                    await _all_work(stage)
                    await self._break(hand, people)
                    await hand.mend()
                    outcome.calm_s, late = await self._calm(stage, people)
                await self._judge(stage, people, outcome)
                outcome.faults.extend(late)
            finally:
                await hand.close()
            outcome.asked, outcome.starts = len(people.asked), stage.starts
            outcome.kills, outcome.slowest_end_s = hand.kills, hand.slowest_end_s
            outcome.blows = Counter({each.value: times for each, times in hand.dealt.items()})
            outcome.left_out = [each.value for each in self.blows if each not in hand.possible]
            outcome.logged = _logged(stage)
        outcome.seconds = time.monotonic() - begun
        return outcome

    async def _break(self, hand: Hand, people: People) -> None:
        asking = asyncio.create_task(people.go_on())
        try:
            wanted = [each for each in hand.possible if each in self.blows]
            for planned in plan(self.seed, kills=self.kills, pace_s=self.pace_s, blows=wanted):
                await asyncio.sleep(planned.after_s)
                await hand.deal(planned)
                self.say(f"{planned.blow} ({hand.kills} kills, {len(people.asked)} asked for)")
                if asking.done():
                    break
        finally:
            people.stop()
            await asking

    async def _calm(self, stage: Stage, people: People) -> tuple[float, list[str]]:
        """Wait until all is over; return after how long that was, and what was not after `calm_s`."""
        begun = time.monotonic()
        store = Store(Database(stage.address))
        try:
            while True:
                late = [f"{each.name} has no end" for each in people.asked if people.is_open(each)]
                late += ["Slack still tells of something"] * stage.slack.link.busy
                late += [f"job {job.number} is {job.state}" for job in await store.unfinished()]
                late += await asyncio.to_thread(lambda: list(judged.of_rows(stage, leases=len(stage.members))))
                self.say(f"calming: {len(late)} things are not over, {late[:1]}")
                if not late or time.monotonic() - begun > self.calm_s:
                    return time.monotonic() - begun, late
                await asyncio.sleep(LOOK_S)
        finally:
            store.close()

    async def _judge(self, stage: Stage, people: People, outcome: Outcome) -> None:
        store = Store(Database(stage.address))
        try:
            jobs = await store.latest(team=TEAM_ID, limit=ALL)
        finally:
            store.close()
        outcome.verdict = judged.of_threads(stage, people.asked, jobs)
        outcome.faults.extend(judged.of_posts(stage, jobs))
        outcome.faults.extend([f"a process that outlives all: {command}" for _, command in processes_of(stage)])
        await _tidied(stage)
        outcome.faults.extend(judged.of_files(stage, jobs))


async def _all_work(stage: Stage) -> None:
    async with asyncio.timeout(START_S):
        while not all(member.works for member in stage.members):  # noqa: ASYNC110  # other processes change it
            await asyncio.sleep(LOOK_S)


async def _tidied(stage: Stage) -> None:
    """Let hours go by, and one more process start: what was half-made goes then."""
    for clock in stage.clocks.values():
        clock.move(0)
    for path in stage.data.rglob("*"):
        if is_unfinished(path):
            os.utime(path, (0, 0))
    await stage.members[-1].start()
    await stage.members[-1].end()


def _logged(stage: Stage) -> Counter[str]:
    found: Counter[str] = Counter()
    for member in stage.members:
        for line in member.log.read_text(errors="replace").splitlines():
            if re.match(r"\S+ (WARNING|ERROR|CRITICAL) ", line):
                found[re.sub(r"\d++|vm-[-\w]++", "N", line.partition(" ")[2])[:160]] += 1
            elif re.match(r"[\w.]+(Error|Exception|Interrupt)\b", line):
                found[re.sub(r"\d++", "N", line)[:160]] += 1
    return found
