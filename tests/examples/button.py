"""A button with state: below the list of objects, until somebody has pressed it."""

from __future__ import annotations

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from bot.slack.buttons.base import BUTTONS, Button, Click, Json, Place, element

KEY = "example_thanks"


def draw(job: Job, facts: JobFacts, place: Place) -> Json | None:
    """Return the button below a list that offers a further page: in a real one, a field of `JobFacts` is its state."""
    return element(KEY, "Well done", job.id) if place is Place.LIST and facts.next_page else None


async def act(click: Click) -> str:
    """Note that it was pressed, and show the list without it."""
    changed = await click.jobs.note(click.job, JobFacts(next_page=0))
    await click.thread.update_list(changed)
    return "Thank you."


BUTTONS.register(Button(KEY, draw, act, rank=9))
