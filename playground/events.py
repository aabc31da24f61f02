"""
The events of Slack's Events API that a change of the workspace gives, by subscription name.

Pure functions. Delivery, signatures and retries are in `delivery.py`. An app gets only events of conversations that it is in,
to which it subscribed, and which its scopes cover.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator

from playground.files import Files
from playground.payloads import Json
from playground.workspace import APP_ID, BOT_USER, TEAM_ID, Change, Channel, Message, Workspace

_KIND_NAMES = {"channel": "channels", "group": "groups", "im": "im"}

# docs.slack.dev/reference/events: the scope without which an event is not sent.
EVENT_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_mention": "app_mentions:read",
    "file_shared": "files:read",
    "file_created": "files:read",
    "file_deleted": "files:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}


def events_of(workspace: Workspace, files: Files, change: Change) -> Iterator[tuple[str, Json]]:
    """Return the events that Slack sends for a change, each with the name that an app subscribes to."""
    if change.kind == "home_opened":
        yield "app_home_opened", _home_opened(workspace, change)
        return
    if change.kind in ("app_uninstalled", "tokens_revoked"):
        tokens: Json = {"tokens": {"oauth": [], "bot": [BOT_USER]}} if change.kind == "tokens_revoked" else {}
        yield change.kind, {"type": change.kind, **tokens}
        return
    channel = workspace.channels.get(change.channel_id)
    if channel is None or (BOT_USER not in channel.members and change.user != BOT_USER):
        return
    message_event = f"message.{_KIND_NAMES[channel.kind]}"
    if change.kind == "message" and change.message is not None and BOT_USER in channel.members:
        yield message_event, _posted(workspace, channel, change.message)
        if _mentions_app(channel, change.message):
            yield "app_mention", _mention(workspace, change.message)
    elif change.kind in ("message_changed", "message_deleted") and change.message is not None:
        yield message_event, _altered(workspace, channel, change)
    elif change.kind == "file_shared":
        ts = workspace.next_ts()
        event: Json = {"type": "file_shared", "file_id": change.file_id, "file": {"id": change.file_id}}
        event |= {"channel_id": channel.id, "event_ts": ts}
        yield "file_created", {key: value for key, value in event.items() if key != "channel_id"} | {"type": "file_created"}
        yield "file_shared", event | ({"user_id": change.user} if change.user else {})
    elif change.kind in ("member_joined", "member_left"):
        yield f"{change.kind}_channel", _membership(workspace, channel, change)
        if change.kind == "member_left" and change.user == BOT_USER:
            yield (
                "channel_left",
                {
                    "type": "channel_left",
                    "channel": channel.id,
                    "actor_id": change.by,
                    "event_ts": workspace.next_ts(),
                },
            )
    elif change.kind in ("reaction_added", "reaction_removed") and change.message is not None:
        yield change.kind, _reaction(workspace, change.message, change)


def _posted(workspace: Workspace, channel: Channel, message: Message) -> Json:
    shown = workspace.message_json(message)
    for count in ("reply_count", "reply_users", "reply_users_count", "latest_reply", "is_locked", "subscribed"):
        shown.pop(count, None)
    return shown | {"channel": channel.id, "channel_type": channel.kind, "event_ts": message.ts}


def _altered(workspace: Workspace, channel: Channel, change: Change) -> Json:
    assert change.message is not None
    ts = workspace.next_ts()
    event: Json = {
        "type": "message",
        "subtype": change.kind,
        "channel": channel.id,
        "channel_type": channel.kind,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "previous_message": change.before,
    }
    if change.kind == "message_deleted":
        return event | {"deleted_ts": change.message.ts}
    return event | {"message": workspace.message_json(change.message)}


def _mentions_app(channel: Channel, message: Message) -> bool:
    return (
        channel.kind != "im"
        and not message.bot_id
        and message.subtype in ("", "file_share", "thread_broadcast")
        and re.search(rf"<@{BOT_USER}(\|[^<>]*+)?+>", message.text) is not None
    )


def _mention(workspace: Workspace, message: Message) -> Json:
    event: Json = {
        "type": "app_mention",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM_ID,
        "channel": message.channel_id,
        "event_ts": message.ts,
    }
    if message.client_msg_id:
        event["client_msg_id"] = message.client_msg_id
    if message.thread_ts:
        event["thread_ts"] = message.thread_ts
    if message.files:
        event |= {"files": workspace.message_json(message)["files"], "upload": True}
    return event


def _membership(workspace: Workspace, channel: Channel, change: Change) -> Json:
    event: Json = {
        "type": f"{change.kind}_channel",
        "user": change.user,
        "channel": channel.id,
        "channel_type": channel.id[0],
        "team": TEAM_ID,
        "event_ts": workspace.next_ts(),
    }
    return event | ({"inviter": change.by} if change.by and change.kind == "member_joined" else {})


def _reaction(workspace: Workspace, message: Message, change: Change) -> Json:
    return {
        "type": change.kind,
        "user": change.user,
        "reaction": change.name,
        "item_user": message.user,
        "item": {"type": "message", "channel": message.channel_id, "ts": message.ts},
        "event_ts": workspace.next_ts(),
    }


def _home_opened(workspace: Workspace, change: Change) -> Json:
    event: Json = {
        "type": "app_home_opened",
        "user": change.user,
        "channel": workspace.direct_channel(change.user).id,
        "tab": change.name,
        "event_ts": workspace.next_ts(),
    }
    home = workspace.homes.get(change.user)
    return event | ({"view": workspace.view_json(home)} if home and change.name == "home" else {})


def is_delivered(name: str, *, subscribed: Collection[str], scopes: Collection[str]) -> bool:
    """Tell whether an app with these subscriptions and scopes gets events of this name."""
    return name in subscribed and (name not in EVENT_SCOPES or EVENT_SCOPES[name] in scopes)


def envelope(workspace: Workspace, event: Json) -> Json:
    """Return the outer object of an event: a new id around the same event."""
    event_id = "Ev0" + secrets.token_hex(5).upper()[:8]
    return {
        "token": "playground-verification-token",
        "team_id": TEAM_ID,
        "context_team_id": TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(workspace.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{secrets.token_urlsafe(32)}",
    }
