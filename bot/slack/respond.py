"""
What one person alone is told: at the `response_url` of what that person did, in the channel, or in the messages with the bot.

Source: docs.slack.dev/interactivity/handling-user-interaction. Not slack_sdk's `AsyncWebhookClient`: at the log level of
`--verbose` it writes down the address, which is a secret while it works.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api import AnswerLost, Json, call_once
from bot.slack.errors import SlackRefused

logger = logging.getLogger(__name__)

RESPONSE_URL_S = 1800.0  # for so long, and five times, a response_url may be used
RESPONSE_PAUSES_S = (0.5, 2.0)


class Responder:
    """Tells the person who did something, and nobody else."""

    def __init__(self, session: aiohttp.ClientSession, client: AsyncWebClient) -> None:
        self._session = session
        self._client = client

    async def respond(self, response_url: str, text: str) -> bool:
        """Post the text for that person alone; False where that failed, which is logged and never raised."""
        body = {"response_type": "ephemeral", "replace_original": False, "text": text}
        for pause_s in (*RESPONSE_PAUSES_S, None):
            try:
                async with self._session.post(response_url, json=body) as answer:
                    if answer.status < 400:
                        return True
                    logger.warning("an answer for one person was refused with status %d", answer.status)
                    if answer.status < 500 and answer.status != 408:
                        return False
            except (aiohttp.ClientError, TimeoutError, ValueError):
                logger.warning("an answer for one person did not arrive")
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return False

    async def tell(self, user: str, text: str, *, response_url: str = "", channel: str = "", thread_ts: str = "") -> bool:
        """Tell one person, in the first of the three ways that Slack takes; False where it takes none."""
        if response_url and await self.respond(response_url, text):
            return True
        if not user:
            return False
        if channel and await self._post("chat.postEphemeral", channel=channel, user=user, text=text, thread_ts=thread_ts):
            return True
        return await self._post("chat.postMessage", channel=user, text=text)

    async def _post(self, method: str, **arguments: str) -> bool:
        given: Json = {name: value for name, value in arguments.items() if value}
        try:
            await call_once(self._client, method, **given)
        except (SlackRefused, AnswerLost) as error:
            logger.warning("one person could not be told by %s: %s", method, error)
            return False
        return True
