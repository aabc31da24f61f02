"""
Clicks on buttons: which job they are about, and whether this person may; what they do is in `buttons/`.

A click is a row of the inbox before Slack is answered. The button's value only names a job; who clicked, and where, is taken
from Slack's signed request and held against that job.
"""

from __future__ import annotations

import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import JobId, Json
from bot.jobs.service import JobService
from bot.jobs.store import Store
from bot.slack.api import call_with_retry
from bot.slack.blocks import OFFER
from bot.slack.buttons.base import BUTTONS, Click
from bot.slack.errors import SlackRefused
from bot.slack.lookups import SlackLookups
from bot.slack.permissions import may_act
from bot.slack.posting import ThreadPoster
from bot.slack.respond import Responder
from bot.slack.shares import Shares
from bot.texts import slack as texts

logger = logging.getLogger(__name__)


class Actions:
    """Handles clicks."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: JobService,
        directory: SlackLookups,
        thread: ThreadPoster,
        shares: Shares,
        responder: Responder,
        client: AsyncWebClient,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory
        self._thread = thread
        self._shares = shares
        self._responder = responder
        self._client = client

    async def click(self, payload: Json) -> None:
        """One click."""
        team, channel, user = payload["team"]["id"], payload["channel"]["id"], payload["user"]["id"]
        action, value = str(payload["actions"][0]["action_id"]), str(payload["actions"][0].get("value") or "")
        if action == OFFER:
            if await self._directory.is_member(channel, user):
                await self._shares.offered(team, channel, user, value)
                await self._delete(channel, payload["message"]["ts"])
            return
        job_id, _, argument = value.partition(" ")
        job = await self._store.job(JobId(job_id))
        if job is None or not await may_act(self._directory, job, team=team, channel=channel, user=user):
            await self._responder.respond(payload["response_url"], texts.not_allowed())
            return
        click = Click(job, user, argument, jobs=self._jobs, thread=self._thread)
        if said := await BUTTONS[action].act(click):
            await self._responder.respond(payload["response_url"], said)

    async def _delete(self, channel: str, ts: str) -> None:
        try:
            await call_with_retry(self._client, "chat.delete", channel=channel, ts=ts)
        except SlackRefused as refused:
            logger.info("an offer could not be taken away: %s", refused.reason)
