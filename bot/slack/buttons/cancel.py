"""Stop a job."""

from __future__ import annotations

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from bot.slack.buttons.base import BUTTONS, Button, Click, Json, Place, element
from bot.texts import slack as texts

KEY = "tracklet_cancel"


def draw(job: Job, facts: JobFacts, place: Place) -> Json | None:
    """Return the button below the progress, which asks once more."""
    if place is not Place.PROGRESS:
        return None
    confirm = {
        "title": {"type": "plain_text", "text": texts.CONFIRM_TITLE},
        "text": {"type": "plain_text", "text": texts.CONFIRM_TEXT},
        "confirm": {"type": "plain_text", "text": texts.CONFIRM_YES},
        "deny": {"type": "plain_text", "text": texts.CONFIRM_NO},
    }
    return element(KEY, texts.CANCEL, job.id) | {"confirm": confirm}


async def act(click: Click) -> str:
    """Cancel the job, unless it is over."""
    return "" if await click.jobs.cancel(click.job, click.user) else texts.over_already(click.job.number)


BUTTONS.register(Button(KEY, draw, act))
