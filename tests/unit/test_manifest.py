"""The manifest asks Slack for what the code registers and calls: no more, no less."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from slack_bolt.async_app import AsyncApp

import playground
from bot.slack import listeners
from bot.slack.listeners import Handlers, listen
from bot.slack.scopes import SCOPES
from playground.manifest import PLACES

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = yaml.safe_load((ROOT / "app_manifest.yaml").read_text())

# docs.slack.dev/reference/events
EVENT_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_mention": "app_mentions:read",
    "file_shared": "files:read",
    "app_home_opened": "",
    "app_uninstalled": "",
    "tokens_revoked": "",
}
READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")

# docs.slack.dev/reference/methods
METHOD_SCOPES = {
    "auth.test": (),
    "chat.delete": ("chat:write",),
    "chat.getPermalink": (),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": HISTORY,
    "conversations.info": READ,
    "conversations.members": READ,
    "conversations.replies": HISTORY,
    "files.completeUploadExternal": ("files:write",),
    "files.delete": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
}


class Registrations:
    """Stands for Bolt's app and writes down what is registered."""

    def __init__(self) -> None:
        self.made: dict[str, list[str]] = defaultdict(list)

    def middleware(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def __getattr__(self, kind: str) -> Callable[[object], Callable[[Callable[..., Any]], Callable[..., Any]]]:
        def register(what: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
            self.made[kind].append(what.pattern if isinstance(what, re.Pattern) else str(what))
            return lambda function: function

        return register


@pytest.fixture(scope="module")
def registered() -> dict[str, list[str]]:
    app = Registrations()
    listen(cast(AsyncApp, app), cast(Handlers, object()))
    return app.made


def methods_called() -> set[str]:
    """Every method of the Web API that is named in the source."""
    sources = [*(ROOT / "bot" / "slack").glob("*.py"), ROOT / "bot" / "app.py"]
    text = "".join(path.read_text() for path in sources)
    return set(re.findall(r'"((?:auth|chat|conversations|files|users|views)\.[A-Za-z]+)"', text))


def test_each_event_of_the_manifest_has_a_listener_and_the_other_way_round(registered: dict[str, list[str]]) -> None:
    subscribed = {name.partition(".")[0] for name in MANIFEST["settings"]["event_subscriptions"]["bot_events"]}
    assert subscribed == set(registered["event"]) - {".*"}
    assert set(registered["event"]) - {".*"} == set(listeners.EVENTS)


def test_what_nobody_listens_to_is_taken_by_the_last_listener(registered: dict[str, list[str]]) -> None:
    assert registered["event"][-1] == ".*"
    assert registered["action"][-1] == ".*"


def test_commands_and_shortcuts_agree(registered: dict[str, list[str]]) -> None:
    assert [each["command"] for each in MANIFEST["features"]["slash_commands"]] == registered["command"]
    assert {each["callback_id"] for each in MANIFEST["features"]["shortcuts"]} == set(registered["shortcut"])
    assert all(each["should_escape"] for each in MANIFEST["features"]["slash_commands"])


def test_the_playground_stands_for_this_very_manifest() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    assert (
        playground.Manifest(
            app_name="Tracklet",
            scopes=frozenset(SCOPES),
            bot_events=frozenset(EVENT_SCOPES),
            commands=(playground.SlashCommand("/track", command["description"], command["usage_hint"]),),
            shortcuts=(
                playground.Shortcut("track_message", "Track objects in video", "message"),
                playground.Shortcut("track_global", "Track a video", "global"),
            ),
        )
        == playground.MANIFEST
    )
    assert "watch gs://" in playground.MANIFEST.commands[0].usage_hint


def test_a_wheel_carries_the_manifest_to_where_the_playground_looks() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    ((source, target),) = wheel["force-include"].items()
    assert (ROOT / source).is_file()
    assert [ROOT / target, ROOT / source] == list(PLACES)


def test_the_scopes_are_those_that_events_methods_and_commands_need() -> None:
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    needed = {"commands"} | {EVENT_SCOPES[event] for event in events}
    needed |= {scope for method in methods_called() for scope in METHOD_SCOPES[method]}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed - {""}
    assert set(SCOPES) == needed - {""}


def test_slacks_limits_of_a_manifest_hold() -> None:
    """github.com/slackapi/manifest-schema, schemas/manifest.schema.1.0.0.json."""
    display = MANIFEST["display_information"]
    assert len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert 175 <= len(display["long_description"]) <= 4000
    assert all(len(each["name"]) <= 24 for each in MANIFEST["features"]["shortcuts"])
    assert all(re.fullmatch(r"/[a-z_-]{1,31}", each["command"]) for each in MANIFEST["features"]["slash_commands"])
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"]
