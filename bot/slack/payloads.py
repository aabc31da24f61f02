"""
What a signed command, interaction or event must hold before a listener reads it.

Slack always sends these; a body that lacks one was made by a program that knows the secret and not the form. It is refused
here, once, so that no listener has to expect it. Source: docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_COMMAND = ("team_id", "channel_id", "user_id", "response_url", "trigger_id")
_OF_TYPE = {
    "block_actions": ("team.id", "user.id", "actions.0.action_id", "actions.0.action_ts", "container.type"),
    "shortcut": ("team.id", "user.id", "trigger_id"),
    "message_action": ("team.id", "user.id", "channel.id", "message.ts", "trigger_id", "response_url"),
    "view_submission": ("team.id", "user.id", "view.id", "view.state.values"),
}
_OF_EVENT = {"app_home_opened": ("team_id", "event.user")}


def is_complete(body: dict[str, Any]) -> bool:
    """Return whether a body holds what the listener of its kind reads; True for a kind that no listener reads."""
    return all(_found(body, path) for path in _needed(body))


def _needed(body: dict[str, Any]) -> tuple[str, ...]:
    if "command" in body:
        return _COMMAND
    kind = body.get("type")
    if kind == "event_callback":
        event = body.get("event")
        kind = event.get("type") if isinstance(event, dict) else None
        return _OF_EVENT.get(kind, ()) if isinstance(kind, str) else ()
    return _OF_TYPE.get(kind, ()) if isinstance(kind, str) else ()


def _found(body: object, path: str) -> bool:
    """Whether a text that is not empty, or an object, lies at the path."""
    for name in path.split("."):
        if isinstance(body, list):
            body = body[int(name)] if name.isdecimal() and int(name) < len(body) else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return isinstance(body, dict) or (isinstance(body, str) and body != "")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who did something, and where that person can be told of it; `response_url` and `thread_ts` are "" where there is none."""

    user: str
    channel: str = ""
    thread_ts: str = ""
    response_url: str = ""


def asker_of(payload: dict[str, Any], *, bot_user: str) -> Asker | None:
    """Return who waits for an answer to what the inbox keeps; None for what nobody said to the bot."""
    if "event" in payload:
        event = payload["event"]
        channel, text = str(event.get("channel") or ""), str(event.get("text") or "")
        if not event.get("user") or not (f"<@{bot_user}" in text or channel.startswith("D")):
            return None
        return Asker(str(event["user"]), channel, str(event.get("thread_ts") or ""))
    if "request" in payload:
        return Asker(str(payload["request"]["user"]), str(payload["request"]["channel"]))
    user = payload.get("user_id") or (payload.get("user") or {}).get("id")
    where = payload.get("channel_id") or (payload.get("channel") or {}).get("id")
    return Asker(str(user or ""), str(where or ""), "", str(payload.get("response_url") or ""))
