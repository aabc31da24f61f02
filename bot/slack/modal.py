"""
The form for a video: opened by a shortcut or a bare `/track`, checked when it is sent, and carried out from the inbox.

What the form looks like, and how its fields are read, is in `views.py`.
"""

from __future__ import annotations

import asyncio
import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import JobId, Json, Request, SourceKind, command_id
from bot.jobs.service import JobService
from bot.requests.errors import CommandError
from bot.slack import views
from bot.slack.api import AnswerLost, call_once
from bot.slack.errors import FileNotShared, SlackRefused
from bot.slack.inbox import Inbox
from bot.slack.lookups import SlackLookups
from bot.slack.permissions import file_shared_here
from bot.slack.respond import Responder
from bot.texts import slack as texts

logger = logging.getLogger(__name__)

OPEN_PAUSES_S = (0.2, 0.5)  # a trigger lasts three seconds


class Modal:
    """Opens the form, and takes what is sent with it."""

    def __init__(self, *, directory: SlackLookups, responder: Responder, inbox: Inbox, slack_host: str) -> None:
        self._directory = directory
        self._responder = responder
        self._inbox = inbox
        self._slack_host = slack_host

    async def open(self, client: AsyncWebClient, body: Json, *, channel: str) -> None:
        """Show the form to the person who asked for it, or tell that person why it does not open."""
        why = await self._opened(client, trigger_id=body["trigger_id"], view=views.modal(channel=channel))
        if why is not None:
            user = str(body.get("user_id") or (body.get("user") or {}).get("id") or "")
            await self._responder.tell(user, why, response_url=str(body.get("response_url") or ""), channel=channel)

    async def _opened(self, client: AsyncWebClient, *, trigger_id: str, view: Json) -> str | None:
        """Open a view; the sentence of what is in the way, None where it is open."""
        for pause_s in (*OPEN_PAUSES_S, None):
            try:
                await call_once(client, "views.open", trigger_id=trigger_id, view=view)
            except AnswerLost as lost:
                logger.warning("no answer to views.open: %s", lost)
            except SlackRefused as refused:
                # One that was used up opened the form, although no answer said so.
                if refused.reason == "exchanged_trigger_id":
                    return None
                logger.warning("the form could not be opened: %s", refused.reason)
                is_late = refused.reason in {"expired_trigger_id", "invalid_trigger_id", "trigger_expired"}
                return texts.form_too_late() if is_late else texts.refused(refused)
            else:
                return None
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return texts.form_too_late()

    async def submit(self, body: Json) -> Json:
        """Keep what the form asks for; the errors of its fields, none when it was right."""
        view, user, team = body["view"], body["user"]["id"], body["team"]["id"]
        try:
            source, options, channel = views.read_modal(view, slack_host=self._slack_host)
        except CommandError as problem:
            return views.errors_of(problem)
        if not channel or not await self._directory.is_here(channel):
            return {views.CHANNEL: texts.CHANNEL_MISSING}
        if not channel.startswith("D") and not await self._directory.is_member(channel, user):
            return {views.CHANNEL: texts.CHANNEL_NOT_YOURS}
        if source.kind is SourceKind.SLACK_FILE:
            try:
                # Slack shows an error after three seconds.
                await file_shared_here(self._directory, source.ref, channel, pauses_s=())
            except FileNotShared as error:
                return views.errors_of(error)
        request = Request(source=source, team=team, channel=channel, user=user, options=options)
        await self._inbox.take("form", view["id"], {"job": command_id(team, view["id"]), "request": request.to_json()})
        return {}


async def start_submitted(jobs: JobService, payload: Json) -> None:
    """Start the job that `Modal.submit` kept."""
    await jobs.submit(JobId(payload["job"]), Request.from_json(payload["request"]))
