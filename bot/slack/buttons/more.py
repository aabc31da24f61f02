"""Show the GIFs of further objects; `next_first` in the job's facts says which are next."""

from __future__ import annotations

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from bot.jobs.steps import GIFS_A_MESSAGE
from bot.slack.buttons.base import BUTTONS, Button, Click, Json, Place, element
from bot.texts import slack as texts

KEY = "tracklet_more"


def draw(job: Job, facts: JobFacts, place: Place) -> Json | None:
    """Return the button below the list of objects, while there are GIFs that were not shown."""
    if place is not Place.LIST or not facts.next_first or facts.summary is None:
        return None
    number = min(GIFS_A_MESSAGE, len(facts.summary.objects) - facts.next_first + 1)
    return element(KEY, texts.more_gifs(number), f"{job.id} {facts.next_first}")


async def act(click: Click) -> str:
    """
    Draw and post the next GIFs, once, and offer those after them.

    The list is brought up to date at every click, also where the work was asked for before: the program may have ended between
    the two.
    """
    if not click.argument.isdecimal() or click.job.facts.summary is None:
        return texts.not_yet()
    await click.thread.update_list(await click.jobs.more_gifs(click.job, click.user, int(click.argument)))
    return ""


BUTTONS.register(Button(KEY, draw, act, rank=1))
