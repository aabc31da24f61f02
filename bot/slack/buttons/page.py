"""Show a further page of the summary; `next_page` in the job's facts says which is next."""

from __future__ import annotations

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from bot.slack.buttons.base import BUTTONS, Button, Click, Json, Place, element
from bot.texts import slack as texts
from rendering.selection import PAGE_OBJECTS

KEY = "tracklet_page"


def draw(job: Job, facts: JobFacts, place: Place) -> Json | None:
    """Return the button below the list of objects, while there are pages that were not shown."""
    if place is not Place.LIST or not facts.next_page:
        return None
    return element(KEY, texts.more_objects(facts.next_page), f"{job.id} {facts.next_page}")


async def act(click: Click) -> str:
    """Draw and post the next page, once, and offer the one after it; the list is brought up to date at every click."""
    if not click.argument.isdecimal() or click.job.facts.summary is None:
        return texts.not_yet()
    page = int(click.argument)
    await click.thread.update_list(await click.jobs.more_objects(click.job, click.user, page, page_objects=PAGE_OBJECTS))
    return ""


BUTTONS.register(Button(KEY, draw, act, rank=2))
