"""
What a signed command, interaction or event must hold before a listener reads it.

Slack always sends these; a body that lacks one was made by a program that knows the secret and not the form. It is refused
here, once, so that no listener has to expect it. Source: docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_COMMAND = ("channel_id", "user_id", "response_url", "trigger_id")
_OF_TYPE = {
    "block_actions": ("user.id", "actions.0.action_id", "actions.0.action_ts", "container.type"),
    "shortcut": ("user.id", "trigger_id"),
    "message_action": ("user.id", "channel.id", "message.ts", "trigger_id", "response_url"),
    "view_submission": ("user.id", "view.id", "view.state.values"),
}
_OF_EVENT = {"app_home_opened": ("event.user",)}


def normalised(body: dict[str, Any], *, team: str) -> dict[str, Any]:
    """
    Return a body as that of our workspace, with texts that can be written as UTF-8.

    The app is installed in one workspace, so whatever Slack signs for it is of that one. The team that a body names is that of
    the person in a channel that is shared with others (Slack Connect), and null where a whole organisation has the app.
    """
    whole: dict[str, Any] = _well_formed(body)
    if "command" in whole or "event" in whole:
        whole["team_id"] = team
    kind = whole.get("type")
    if isinstance(kind, str) and kind in _OF_TYPE:
        whole["team"] = {**(whole["team"] if isinstance(whole.get("team"), dict) else {}), "id": team}
    return whole


def _well_formed(value: Any) -> Any:
    """Return a value without halves of characters, which JSON can hold and nothing can write."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_well_formed(name): _well_formed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_well_formed(each) for each in value]
    return value


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
    """Return whether a text that is not empty, or an object, lies at the path."""
    for name in path.split("."):
        if isinstance(body, list):
            body = body[int(name)] if name.isdecimal() and int(name) < len(body) else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return isinstance(body, dict) or (isinstance(body, str) and body != "")


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who did something, and where that person can be told of it; `response_url` and `thread_ts` are "" where there is none."""

    user: str
    channel: str = ""
    thread_ts: str = ""
    response_url: str = ""


def asker_of(payload: dict[str, Any], *, bot_user: str) -> Addressee | None:
    """Return who waits for an answer to what the inbox keeps; None for what nobody said to the bot."""
    if "ts" in payload:  # a message that somebody took back
        return None
    if "event" in payload:
        event = payload["event"]
        channel, text = str(event.get("channel") or ""), str(event.get("text") or "")
        if not event.get("user") or not (f"<@{bot_user}" in text or channel.startswith("D")):
            return None
        return Addressee(str(event["user"]), channel, str(event.get("thread_ts") or ""))
    if "request" in payload:
        return Addressee(str(payload["request"]["user"]), str(payload["request"]["channel"]))
    user = payload.get("user_id") or (payload.get("user") or {}).get("id")
    where = payload.get("channel_id") or (payload.get("channel") or {}).get("id")
    return Addressee(str(user or ""), str(where or ""), "", str(payload.get("response_url") or ""))
