"""
What the bot listens to, in Bolt's terms. `app_manifest.yaml` subscribes to exactly this; a test compares the two.

Order in Bolt: signature, authorisation, own events, then our middleware, which refuses what lacks a field that Slack always
sends, keeps events durably, and lets its errors out so that Slack tries again, then the listeners, which only acknowledge. An
event without a listener would be answered with 404, so the last one takes everything.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.store import Store
from bot.slack import views
from bot.slack.api import AnswerLost, call_once
from bot.slack.blocks import OFFER
from bot.slack.buttons.base import BUTTONS
from bot.slack.commands import COMMAND, Commands, OpenModal
from bot.slack.errors import SlackRefused
from bot.slack.inbox import Inbox, Taken
from bot.slack.messages import read_message
from bot.slack.modal import Modal
from bot.slack.payloads import is_complete

logger = logging.getLogger(__name__)

Json = dict[str, Any]

MESSAGE_SHORTCUT = "track_message"
GLOBAL_SHORTCUT = "track_global"
KEPT_EVENTS = ("message", "app_mention", "file_shared")
EVENTS = (*KEPT_EVENTS, "app_home_opened", "app_uninstalled", "tokens_revoked")
KEPT_OF_EVENT = ("type", "subtype", "user", "channel", "ts", "thread_ts", "channel_type", "text", "bot_id", "edited")
KEPT_OF_FILE = ("id", "name", "mimetype", "file_access")


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the listeners hand over to."""

    store: Store
    inbox: Inbox
    commands: Commands
    modal: Modal
    bot_user: str
    on_removed: Callable[[], Awaitable[None]]


def listen(app: AsyncApp, handlers: Handlers) -> None:
    """Register everything."""

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
    if event.get("type") in {"message", "app_mention"}:
        if read_message(body, bot_user=handlers.bot_user) is None:
            return
        kept = {name: event[name] for name in KEPT_OF_EVENT if name in event}
        kept["files"] = [{name: file[name] for name in KEPT_OF_FILE if name in file} for file in event.get("files") or []]
        # A mention comes as a message and as an app_mention: the same key, so it counts once.
        key = f"{team}:{event['channel']}:{event['ts']}"
        taken = await handlers.inbox.take("message", key, {"team_id": team, "event": kept})
    elif event.get("type") == "file_shared":
        kept = {name: event.get(name) for name in ("file_id", "user_id", "channel_id")}
        taken = await handlers.inbox.take(
            "file", f"{team}:{kept['channel_id']}:{kept['file_id']}", {"team_id": team, "event": kept}
        )
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
    message = body["message"]
    kept = {name: message[name] for name in ("user", "ts", "thread_ts", "text") if name in message}
    kept["files"] = [{name: file[name] for name in KEPT_OF_FILE if name in file} for file in message.get("files") or []]
    return {
        "team": {"id": body["team"]["id"]},
        "channel": {"id": body["channel"]["id"]},
        "user": {"id": body["user"]["id"]},
        "message": kept,
        "response_url": body["response_url"],
    }


async def _publish_home(client: AsyncWebClient, handlers: Handlers, *, team: str, user: str) -> None:
    jobs = await handlers.store.latest(team=team, user=user, limit=10)
    try:
        await call_once(client, "views.publish", user_id=user, view=views.home(jobs))
    except (SlackRefused, AnswerLost) as error:
        logger.warning("a Home could not be shown: %s", error)
