"""
What a button is: where it stands, when, what it says, and what a click on it does.

Nothing else knows the buttons one by one, so that a new one is a new module in this folder (docs/extending.md). What a button
must know later, such as what was shown already, is a field of `JobFacts`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from tracking.registry import Registry

if TYPE_CHECKING:
    from bot.jobs.service import JobService
    from bot.slack.posting import ThreadPoster

Json = dict[str, Any]

LABEL_LETTERS = 75  # Slack's limit


class Place(StrEnum):
    """The messages that have buttons."""

    PROGRESS = "progress"
    LIST = "list"
    NOTHING_FOUND = "nothing-found"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Click:
    """Somebody who may pressed the button; `argument` is what stands behind the job's id in its value."""

    job: Job
    user: str
    argument: str
    jobs: JobService
    thread: ThreadPoster


Draw = Callable[[Job, JobFacts, Place], Json | None]
Act = Callable[[Click], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Button:
    """
    One button.

    `key` is its `action_id`. `draw` gives the element (`element`) for a job with these facts, None where it does not stand.
    `act` does what a click asks for, and gives a sentence for whoever clicked, "" where what happens says enough. Buttons of
    one message stand in the order of their `rank`.
    """

    key: str
    draw: Draw
    act: Act
    rank: int = 0


BUTTONS: Registry[Button] = Registry("bot.slack.buttons")


def drawn(place: Place, job: Job, facts: JobFacts) -> list[Json]:
    """Return the buttons of one message."""
    elements = [button.draw(job, facts, place) for button in sorted(BUTTONS.values(), key=lambda button: button.rank)]
    return [element for element in elements if element is not None]


def element(key: str, label: str, value: str, *, style: str = "") -> Json:
    """Return the Block Kit element of a button."""
    text = {"type": "plain_text", "text": label[:LABEL_LETTERS]}
    made: Json = {"type": "button", "action_id": key, "text": text, "value": value}
    return made | ({"style": style} if style else {})
