"""
Text from outside, made harmless for Slack's mrkdwn.

Source of the three entities: docs.slack.dev/messaging/formatting-message-text, "Escaping text".
"""

from __future__ import annotations

from tracking.plain_text import plain


def inert(text: str) -> str:
    """Return a sentence that quotes text from outside: no links or mentions, while our own marks keep their meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape(text: str) -> str:
    """Text from outside, as mrkdwn shows it: no links, mentions or formatting of its own."""
    escaped = inert(plain(text))
    # A zero-width space keeps mrkdwn's marks from pairing up.
    for mark in "*_~`":
        escaped = escaped.replace(mark, f"{mark}\u200b") if mark in escaped else escaped
    return escaped
