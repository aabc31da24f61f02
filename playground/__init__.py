"""A small, strict Slack workspace on this computer, for trying the bot and for tests. The way in is `server.py`."""

from playground.delivery import Delivery, signature
from playground.events import BOT_EVENTS
from playground.faults import Faults, RateLimits
from playground.faulty import ApiCall
from playground.files import Processing
from playground.people import NoSuchElement, Shortcut, SlashCommand
from playground.server import BOT_SCOPES, Playground, Timing
from playground.wire import ApiError
from playground.workspace import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    DIRECT,
    GENERAL,
    KIM,
    OTHER_BOT_USER,
    QUIET,
    TEAM_ID,
    WILDLIFE,
    YOU,
    Ephemeral,
    Message,
    View,
)

__all__ = [
    "APP_ID",
    "BOT_EVENTS",
    "BOT_ID",
    "BOT_SCOPES",
    "BOT_USER",
    "DIRECT",
    "GENERAL",
    "KIM",
    "OTHER_BOT_USER",
    "QUIET",
    "TEAM_ID",
    "WILDLIFE",
    "YOU",
    "ApiCall",
    "ApiError",
    "Delivery",
    "Ephemeral",
    "Faults",
    "Message",
    "NoSuchElement",
    "Playground",
    "Processing",
    "RateLimits",
    "Shortcut",
    "SlashCommand",
    "Timing",
    "View",
    "signature",
]
