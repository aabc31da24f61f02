"""
The app's manifest, read from `app_manifest.yaml`, which is what people paste into Slack.

The file lies at the root of a checkout, and beside this module in an installed wheel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

NAME = "app_manifest.yaml"
PLACES = (Path(__file__).with_name(NAME), Path(__file__).parents[1] / NAME)


@dataclass(frozen=True)
class SlashCommand:
    """A command of the app as its manifest describes it."""

    command: str
    description: str
    usage_hint: str = ""
    should_escape: bool = True


@dataclass(frozen=True)
class Shortcut:
    """A shortcut of the app: offered at each message, or everywhere."""

    callback_id: str
    name: str
    kind: Literal["message", "global"]


@dataclass(frozen=True)
class Manifest:
    """The parts of a manifest that the workspace enforces."""

    app_name: str
    scopes: frozenset[str]
    bot_events: frozenset[str]
    commands: tuple[SlashCommand, ...]
    shortcuts: tuple[Shortcut, ...]


def read_manifest(path: Path | None = None) -> Manifest:
    """Return the manifest in `path`, or our own."""
    path = path or next(place for place in PLACES if place.is_file())
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Manifest(
        app_name=data["display_information"]["name"],
        scopes=frozenset(data["oauth_config"]["scopes"]["bot"]),
        bot_events=frozenset(data["settings"]["event_subscriptions"]["bot_events"]),
        commands=tuple(
            SlashCommand(each["command"], each["description"], each.get("usage_hint", ""), each.get("should_escape", False))
            for each in data["features"]["slash_commands"]
        ),
        shortcuts=tuple(Shortcut(each["callback_id"], each["name"], each["type"]) for each in data["features"]["shortcuts"]),
    )


MANIFEST = read_manifest()
BOT_SCOPES = MANIFEST.scopes
BOT_EVENTS = MANIFEST.bot_events
