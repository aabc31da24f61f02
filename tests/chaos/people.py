"""People who share videos and type commands, so that there is always work to be broken."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from playground import BOT_USER, KIM, YOU, Delivery, Message
from tests.chaos.stage import Stage
from tests.clips import crossing_scene, draw_clip

CHANNEL = "wildlife"
COMMANDS = 0.25  # of all that is asked for; the rest are shared videos
LOOK_S = 0.1


@dataclass
class Asked:
    """What somebody asked for: a message with a video, or a command, of which the answer to the request is known."""

    name: str
    message: Message | None = None
    delivery: Delivery | None = None

    @property
    def trigger(self) -> str:
        """Return what a job's id has of a command, "" of a message."""
        return str(self.delivery.payload["trigger_id"]) if self.delivery else ""

    @property
    def must_be_done(self) -> bool:
        """Return whether it may not be lost: a command that Slack could not deliver was told as failed to who typed it."""
        return self.delivery is None or self.delivery.ok


class People:
    """Keeps `at_once` things under way."""

    def __init__(self, stage: Stage, *, seed: int, at_once: int) -> None:
        self._stage = stage
        self._chance = random.Random(f"people {seed}")
        self._at_once = at_once
        self._clip = draw_clip(stage.folder / "scene.mp4", crossing_scene(1.0), size=(160, 120)).path.read_bytes()
        self._is_over = False
        self.asked: list[Asked] = []

    async def go_on(self) -> None:
        """Ask for more whenever there is room, until `stop`."""
        while not self._is_over:
            if sum(map(self.is_open, self.asked)) < self._at_once:
                await self.ask()
            else:
                await asyncio.sleep(LOOK_S)

    def stop(self) -> None:
        """Ask for nothing more."""
        self._is_over = True

    async def ask(self) -> None:
        """Share a video, or type a command with a link to one."""
        number = len(self.asked) + 1
        asked = Asked(f"clip-{number:04}.mp4")
        user = self._chance.choice((YOU, KIM))
        # An empty box behind the rest: other bytes for each, and the same pictures.
        content = self._clip + (12).to_bytes(4, "big") + b"free" + number.to_bytes(4, "big")
        if self._chance.random() < COMMANDS:
            self._stage.clips[asked.name] = content
            link = f"{self._stage.links}/{asked.name}"
            asked.delivery = await self._stage.slack.slash_command(CHANNEL, "/track", link, user=user)
        else:
            asked.message = await self._stage.slack.upload_file(content, CHANNEL, name=asked.name, user=user)
        self.asked.append(asked)

    def is_open(self, asked: Asked) -> bool:
        """Return whether the thread says that it goes on, or says nothing although it must."""
        progress = self._progress_of(asked)
        return asked.must_be_done if progress is None else "tracklet_cancel" in str(progress.blocks)

    def _progress_of(self, asked: Asked) -> Message | None:
        if asked.message is not None:
            said = self._stage.slack.thread(asked.message.channel_id, asked.message.ts)[1:]
            return next((each for each in said if each.user == BOT_USER), None)
        said = self._stage.slack.messages(CHANNEL)
        return next((each for each in said if asked.trigger and asked.trigger in str(each.metadata)), None)
