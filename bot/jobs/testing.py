"""
Child processes that only pretend: the fake of `ProcessPool`, for tests of everything around the work.

Gives what it was told to give, keeps what it was asked, and can be held at a task until it is let go. Its pictures are real
files, each its own, since Slack looks at bytes. What it is given must be there, as for a process that works.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from bot.jobs.facts import NearMisses, Summary, SummaryPage, Thresholds, ToldObject
from bot.jobs.numbering import NumberedList
from bot.jobs.processes import Fraction, Json, unless_cancelled
from bot.jobs.slots import Turn
from rendering.naming import safe_video_name
from rendering.selection import Numbering
from tracking.errors import TrackletError

LABELS = ("person", "car", "dog")


@dataclass
class FakeTaskRunner:
    """
    `objects` pass and `near_misses` nearly do; a task named in `errors` raises, one in `held` waits for its event.

    `engine` is what `auto` means.
    """

    engine: str = "motion"
    objects: int = 3
    near_misses: int = 0
    errors: dict[str, TrackletError] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    slots: int = 2
    running: int = 0
    waiting: int = 0

    def hold(self, task: str) -> asyncio.Event:
        """Let `task` wait until the event that this gives is set."""
        self.held[task] = asyncio.Event()
        return self.held[task]

    async def run(
        self, task: str, arguments: Json, *, turn: Turn, cancelled: asyncio.Event, fraction: Fraction = lambda _: None
    ) -> Any:
        """See `ProcessPool.run`."""
        for name in ("video", "annotations")[: 1 if task == "track" else 2]:
            assert not arguments.get(name) or await asyncio.to_thread(Path(arguments[name]).is_file), f"{task} lacks {name}"
        self.asked.append((task, arguments))
        self.turns.append(turn)
        fraction(0.5)
        if task in self.held:
            self.running += 1
            try:
                await unless_cancelled(self.held[task].wait(), cancelled)
            finally:
                self.running -= 1
        if task in self.errors:
            raise self.errors[task]
        return getattr(self, f"_{task}")(arguments)

    def _probe(self, arguments: Json) -> Json:
        return {"width": 320, "height": 240, "duration_s": 12.0, "is_drawn": False}

    def _choose(self, arguments: Json) -> Json:
        facts: Json = {"why": "asked", "model": "", "run_key": "canned"}
        return facts | {"engine": arguments["engine"] if arguments["engine"] != "auto" else self.engine}

    def _track(self, arguments: Json) -> Json:
        target = Path(arguments["annotations"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b'{"annotation_results": []}')
        return {"tracks": self.objects + self.near_misses}

    def _summary(self, arguments: Json) -> Json:
        selection = arguments["selection"]
        passing = self.objects if selection["min_confidence"] > 0.5 else self.objects + self.near_misses
        there = [self._told(place) for place in range(self.objects + self.near_misses)]
        objects = _numbered([told for told in there[:passing] if told.label in (selection["labels"] or LABELS)], arguments)
        missed = [told.model_copy(update={"number": 0, "confidence": 0.5}) for told in there[passing:]]
        page = arguments["page"]
        path = Path(arguments["out"]) / f"{safe_video_name(arguments['name'])}.summary_p{page}.jpeg"
        shown = tuple(told.number for told in objects[(page - 1) * 24 : page * 24])
        summary = Summary(
            pages=(SummaryPage(path=_picture(path), objects=shown, width=40, height=30),) if shown else (),
            objects=tuple(objects),
            near_misses=tuple(missed[:8]),
            near_miss_count=len(missed),
            lowest=Thresholds(min_confidence=0.5, min_frames=3),
            near_kinds=tuple(
                NearMisses(label=label, count=count, brief=0, unsure=count, confidence=0.5, frames=25)
                for label, count in Counter(told.label for told in missed).items()
            ),
            labels=tuple(dict.fromkeys(told.label for told in there)),
            step_s=0.1,
        )
        return summary.to_json()

    def _animations(self, arguments: Json) -> Json:
        out = Path(arguments["out"])
        paths = {number: out / f"{safe_video_name(arguments['name'])}.{number - 1:03}.gif" for number in arguments["numbers"]}
        return {"animations": [{"path": _picture(path), "object": each, "size_bytes": 1} for each, path in paths.items()]}

    def _pictures(self, arguments: Json) -> Json:
        path = Path(arguments["out"]) / f"{safe_video_name(arguments['name'])}.{arguments['kind']}.png"
        return {"paths": [_picture(path)]}

    def _told(self, place: int) -> ToldObject:
        label = LABELS[place % len(LABELS)]
        return ToldObject(
            number=place + 1,
            label=label,
            confidence=0.9,
            start_s=float(place),
            end_s=place + 2.5,
            frames=25,
            entity_id="/m/01g317" if label == "person" else "",
            track_id=place,
        )


def _numbered(objects: list[ToldObject], arguments: Json) -> list[ToldObject]:
    """Give objects the numbers that the lists of their thread say, as if all were of one run."""
    lists = [NumberedList.from_json(each) for each in arguments["numbered"]]
    known = {told.track_id: told.number for each in lists for told in each.objects}
    numbers = Numbering(known).numbers_of(told.track_id for told in objects)
    return [told.model_copy(update={"number": number}) for told, number in zip(objects, numbers, strict=True)]


def _picture(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = sum(path.name.encode()) % 256
    Image.new("RGB", (40, 30), (shade, 80, 160)).save(path)
    return str(path)
