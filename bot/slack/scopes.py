"""What the bot asks Slack for, and why: the same list as in `app_manifest.yaml`; a test compares them."""

from __future__ import annotations

from types import MappingProxyType

SCOPES = MappingProxyType(
    {
        "app_mentions:read": "to hear when somebody mentions it",
        "channels:history": "to see videos in public channels that it is in",
        "channels:read": "to know which public channels it is in, and who may stop a job there",
        "chat:write": "to answer in threads",
        "commands": "for /track and the shortcuts",
        "files:read": "to fetch shared videos",
        "files:write": "to post the pictures",
        "groups:history": "to see videos in private channels that it is in",
        "groups:read": "to know which private channels it is in",
        "im:history": "to see videos in messages to itself",
        "im:read": "to know its direct messages",
        "mpim:history": "to see videos in group messages that it is in",
        "mpim:read": "to know its group messages",
        "users:read": "to tell people from programs, whose videos it leaves alone",
    }
)


def scopes_table() -> str:
    """Return the scopes as a table in Markdown, for the README; `python -m bench.docs` writes it."""
    return "\n".join(
        ["| Scope | What it is for |", "| --- | --- |", *(f"| `{scope}` | {why} |" for scope, why in SCOPES.items())]
    )
