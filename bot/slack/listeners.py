"""
What the bot listens to, in Bolt's terms. `app_manifest.yaml` subscribes to exactly this; a test compares the two.

Order in Bolt: signature, authorisation, own events, then our middleware, which refuses what lacks a field that Slack always
sends, keeps events durably, and lets its errors out so that Slack tries again, then the listeners, which only acknowledge. An
event without a listener would be answered with 404, so the last one takes everything.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.store import Store
from bot.slack import views
from bot.slack.answers import JOBS_LISTED
from bot.slack.api import AnswerLost, call_once
from bot.slack.blocks import OFFER
from bot.slack.buttons.base import BUTTONS
from bot.slack.commands import COMMAND, Commands, OpenModal
from bot.slack.errors import SlackRefused
from bot.slack.inbox import Inbox, Taken
from bot.slack.messages import kept_message, message_key, read_message
from bot.slack.modal import Modal
from bot.slack.payloads import is_complete, normalised
from bot.slack.withdrawals import WITHDRAWAL, read_withdrawal, withdrawal_key

logger = logging.getLogger(__name__)

Json = dict[str, Any]

MESSAGE_SHORTCUT = "track_message"
GLOBAL_SHORTCUT = "track_global"
KEPT_EVENTS = ("message", "app_mention", "file_shared")
EVENTS = (*KEPT_EVENTS, "app_home_opened", "app_uninstalled", "tokens_revoked")


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the listeners hand over to."""

    store: Store
    inbox: Inbox
    commands: Commands
    modal: Modal
    team: str
    bot_user: str
    workspace_url: str
    on_removed: Callable[[], Awaitable[None]]


def listen(app: AsyncApp, handlers: Handlers) -> None:
    """Register everything."""

    @app.middleware
    async def normalise(body: Json, next_: Callable[[], Awaitable[None]]) -> None:
        body.update(normalised(body, team=handlers.team))
        await next_()

    @app.middleware
    async def refuse_incomplete(body: Json, next_: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        if not is_complete(body):
            return BoltResponse(status=400, body="not understood\n")
        await next_()
        return None

    @app.middleware
    async def keep(body: Json, next_: Callable[[], Awaitable[None]]) -> None:
        await _keep_event(body, handlers)
        await next_()

    for event in KEPT_EVENTS:
        app.event(event)(_nothing)

    @app.event("app_home_opened")
    async def home_opened(body: Json, client: AsyncWebClient) -> None:
        if body["event"].get("tab") == "home":
            await _publish_home(client, handlers, team=body["team_id"], user=body["event"]["user"])

    @app.event("app_uninstalled")
    async def uninstalled() -> None:
        await handlers.on_removed()

    @app.event("tokens_revoked")
    async def revoked(body: Json) -> None:
        if body["event"].get("tokens", {}).get("bot"):
            await handlers.on_removed()

    @app.command(COMMAND)
    async def command(body: Json, ack: AsyncAck, client: AsyncWebClient) -> None:
        answer = await handlers.commands.answer(body)
        if answer is None:
            await ack()
        elif isinstance(answer, OpenModal):
            await ack()
            await handlers.modal.open(client, body, channel=body["channel_id"])
        else:
            await ack(text=answer.text, blocks=list(answer.blocks), response_type="ephemeral")

    for action in (OFFER, *BUTTONS):

        @app.action(action)
        async def click(body: Json, ack: AsyncAck) -> None:
            first = body["actions"][0]
            key = f"{body['container'].get('message_ts', '')}:{first['action_id']}:{first['action_ts']}:{body['user']['id']}"
            await handlers.inbox.take("click", key, _click(body))
            await ack()

    @app.shortcut(MESSAGE_SHORTCUT)
    async def message_shortcut(body: Json, ack: AsyncAck) -> None:
        await handlers.inbox.take("shortcut", body["trigger_id"], _shortcut(body))
        await ack()

    @app.shortcut(GLOBAL_SHORTCUT)
    async def global_shortcut(body: Json, ack: AsyncAck, client: AsyncWebClient) -> None:
        await ack()
        await handlers.modal.open(client, body, channel="")

    @app.view(views.MODAL)
    async def submitted(body: Json, ack: AsyncAck) -> None:
        errors = await handlers.modal.submit(body)
        if errors:
            await ack(response_action="errors", errors=errors)
        else:
            await ack()

    app.event(re.compile(".*"))(_nothing)
    app.action(re.compile(".*"))(_acknowledge)


async def _nothing() -> None:
    """The middleware has kept what matters."""


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


async def _keep_event(body: Json, handlers: Handlers) -> None:
    """Write down an event that may become work. Raises when that fails: Slack then delivers it again."""
    if body.get("type") != "event_callback":
        return
    event, team = body.get("event") or {}, str(body.get("team_id") or "")
    if (withdrawal := read_withdrawal(event, bot_user=handlers.bot_user)) is not None:
        kept = {"team": team, **asdict(withdrawal)}
        taken = await handlers.inbox.take(WITHDRAWAL, withdrawal_key(team, withdrawal), kept)
    elif event.get("type") in {"message", "app_mention"}:
        shared = read_message(body, bot_user=handlers.bot_user)
        if shared is None:
            return
        # A mention comes as a message too, which knows more: `Shares.mention` waits for that one.
        kind = "message" if event["type"] == "message" else "mention"
        taken = await handlers.inbox.take(kind, message_key(shared), {"team_id": team, "event": kept_message(event)})
    elif event.get("type") == "file_shared":
        kept = {name: event.get(name) for name in ("file_id", "user_id", "channel_id")}
        # The time of the event tells apart that a file is shared twice, and that this is told twice.
        key = f"{team}:{kept['channel_id']}:{kept['file_id']}:{event.get('event_ts') or ''}"
        taken = await handlers.inbox.take("file", key, {"team_id": team, "event": kept})
    else:
        return
    if taken is Taken.NOT_KEPT:
        raise TimeoutError("an event could not be kept in time: it is worked on, and Slack tells of it again")


def _click(body: Json) -> Json:
    first = body["actions"][0]
    return {
        "team": {"id": body["team"]["id"]},
        "channel": {"id": (body.get("channel") or {}).get("id", "")},
        "user": {"id": body["user"]["id"]},
        "message": {"ts": (body.get("message") or {}).get("ts", "")},
        "actions": [{"action_id": first["action_id"], "value": first.get("value", "")}],
        "response_url": body.get("response_url", ""),
    }


def _shortcut(body: Json) -> Json:
    return {
        "team": {"id": body["team"]["id"]},
        "channel": {"id": body["channel"]["id"]},
        "user": {"id": body["user"]["id"]},
        "message": kept_message(body["message"]),
        "trigger_id": body["trigger_id"],
        "response_url": body["response_url"],
    }


async def _publish_home(client: AsyncWebClient, handlers: Handlers, *, team: str, user: str) -> None:
    jobs = await handlers.store.latest(team=team, user=user, limit=JOBS_LISTED)
    view = views.home(jobs, now=time.time(), workspace_url=handlers.workspace_url)
    try:
        await call_once(client, "views.publish", user_id=user, view=view)
    except (SlackRefused, AnswerLost) as error:
        logger.warning("a Home could not be shown: %s", error)
