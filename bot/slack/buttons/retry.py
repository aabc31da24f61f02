"""Do the same work once more, after a failure or a stop."""

from __future__ import annotations

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from bot.slack.buttons.base import BUTTONS, Button, Click, Json, Place, element
from bot.texts import slack as texts

KEY = "tracklet_retry"
LABELS = {Place.FAILED: texts.TRY_AGAIN, Place.STOPPED: texts.START_AGAIN}


def draw(job: Job, facts: JobFacts, place: Place) -> Json | None:
    """Return the button below what ended without a result."""
    return element(KEY, LABELS[place], job.id) if place in LABELS else None


async def act(click: Click) -> str:
    """Start the next attempt."""
    await click.jobs.again(click.job, click.user)
    return ""


BUTTONS.register(Button(KEY, draw, act))
