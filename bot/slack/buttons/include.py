"""Show the near misses, too: the same video again with the thresholds that just let them pass."""

from __future__ import annotations

from bot.jobs.facts import JobFacts
from bot.jobs.model import Job
from bot.slack.buttons.base import BUTTONS, Button, Click, Json, Place, element
from bot.texts import slack as texts

KEY = "tracklet_include"


def draw(job: Job, facts: JobFacts, place: Place) -> Json | None:
    """Return the button where something came near the thresholds."""
    has_near_misses = facts.summary is not None and facts.summary.near_miss_count > 0
    return element(KEY, texts.INCLUDE, job.id) if has_near_misses and place in {Place.LIST, Place.NOTHING_FOUND} else None


async def act(click: Click) -> str:
    """Start a job with these thresholds."""
    if click.job.facts.summary is None:
        return texts.not_yet()
    await click.jobs.include_near_misses(click.job, click.user)
    return ""


BUTTONS.register(Button(KEY, draw, act, rank=3))
