"""
What a signed command, interaction or event must hold before a listener reads it.

Slack always sends these; a body that lacks one was made by a program that knows the secret and not the form. It is refused
here, once, so that no listener has to expect it. Source: docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads.
"""

from __future__ import annotations

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
