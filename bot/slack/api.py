"""
One door to Slack's Web API: patience with what passes, our errors for what does not.

Rate limits are obeyed by the client's own handler (`app.py` installs it): a refused call was not made. A lost answer is another
matter: only calls that may be made twice are repeated here; the others are looked up first (`posting.py`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SlackRefused, SlackUnreachable

logger = logging.getLogger(__name__)

Json = dict[str, Any]

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 120.0, 120.0, 240.0)  # eleven minutes in all
PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "team_added_to_org"}
)


class AnswerLost(Exception):
    """The call may have been made or not."""


async def call_once(client: AsyncWebClient, method: str, **arguments: Any) -> Json:
    """The answer to one call of a method such as "chat.update". Raises `SlackRefused`, or `AnswerLost` where nobody knows."""
    try:
        answer = await getattr(client, method.replace(".", "_"))(**arguments)
    except SlackApiError as error:
        # Where the body was no JSON, the response is aiohttp's own; where it was another kind of text, `data` is that text.
        status = int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 200))
        told = getattr(error.response, "data", None)
        facts: Json = told if isinstance(told, dict) else {}
        reason = str(facts.get("error", "")) if status < 500 else ""
        if status >= 500 or reason in PASSING:
            raise AnswerLost(method) from error
        raise SlackRefused(method, reason, str(facts.get("needed") or "")) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AnswerLost(method) from error
    data: Json = answer.data
    return data


async def call_with_retry(client: AsyncWebClient, method: str, **arguments: Any) -> Json:
    """The answer to a call that may be made twice. Raises `SlackRefused`, `SlackUnreachable`."""
    for pause_s in PAUSES_S:
        try:
            return await call_once(client, method, **arguments)
        except AnswerLost:
            logger.warning("no answer to %s; once more in %.1f s", method, pause_s)
            await asyncio.sleep(pause_s)
    raise SlackUnreachable(method)
