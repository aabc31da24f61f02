"""
Answers for one person, to the `response_url` of what that person did.

Source: docs.slack.dev/interactivity/handling-user-interaction. Not slack_sdk's `AsyncWebhookClient`: at the log level of
`--verbose` it writes down the address, which is a secret while it works.
"""

from __future__ import annotations

import logging

import aiohttp

logger = logging.getLogger(__name__)


class Responder:
    """Tells the person who did something, and nobody else."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def respond(self, response_url: str, text: str) -> None:
        """Post the text for that person alone; a refusal or a lost answer is logged, never raised."""
        body = {"response_type": "ephemeral", "replace_original": False, "text": text}
        try:
            async with self._session.post(response_url, json=body) as answer:
                if answer.status >= 400:
                    logger.warning("an answer for one person was refused with status %d", answer.status)
        except (aiohttp.ClientError, TimeoutError):
            logger.warning("an answer for one person did not arrive")
