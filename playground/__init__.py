"""A small, strict Slack workspace on this computer, for trying the bot and for tests. `server.py` is the entry point."""

from playground.delivery import Delivery, signature
from playground.fault_injection import ApiCall
from playground.faults import Faults, RateLimits
from playground.files import Processing
from playground.manifest import BOT_EVENTS, BOT_SCOPES, MANIFEST, Manifest, Shortcut, SlashCommand, read_manifest
from playground.payloads import ApiError
from playground.people import NoSuchElement
from playground.server import Playground, Timing
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
    "MANIFEST",
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
    "Manifest",
    "Message",
    "NoSuchElement",
    "Playground",
    "Processing",
    "RateLimits",
    "Shortcut",
    "SlashCommand",
    "Timing",
    "View",
    "read_manifest",
    "signature",
]
