"""A small, strict Slack workspace on this computer, for trying the bot and for tests. The way in is `server.py`."""

from bot.playground.delivery import Delivery, signature
from bot.playground.events import BOT_EVENTS
from bot.playground.faults import Faults, RateLimits
from bot.playground.faulty import ApiCall
from bot.playground.files import Processing
from bot.playground.people import NoSuchElement, Shortcut, SlashCommand
from bot.playground.server import BOT_SCOPES, Playground, Timing
from bot.playground.wire import ApiError
from bot.playground.workspace import (
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
