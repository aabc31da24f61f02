"""
One door to Slack's Web API: patience with what passes, our errors for what does not.

Rate limits are obeyed by the client's own handler (`app.py` installs it): a refused call was not made. A lost answer is another
matter, and whatever is not the API's answer counts as one: only calls that may be made twice are repeated here; the others are
looked up first (`posting.py`).
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from bot.process.calls import CALLS
from bot.slack.errors import SlackRefused, SlackUnreachable

logger = logging.getLogger(__name__)

Json = dict[str, Any]

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 120.0, 120.0, 240.0)  # eleven minutes in all
PASSING = frozenset(
    {
        "accesslimited",
        "fatal_error",
        "file_update_failed",
        "internal_error",
        "message_limit_exceeded",
        "org_login_required",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)


class AnswerLost(Exception):
    """The call may have been made or not. `is_foreign`: something answered, and it was not Slack's API."""

    def __init__(self, method: str, *, is_foreign: bool = False) -> None:
        super().__init__(method)
        self.is_foreign = is_foreign


class RateLimitHandler(AsyncRateLimitErrorRetryHandler):
    """Waits as long as Slack says, and counts it."""

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        CALLS.add("slack", "any", "rate-limited")
        await super().prepare_for_next_attempt_async(state=state, request=request, response=response, error=error)


async def call_once(client: AsyncWebClient, method: str, **arguments: Any) -> Json:
    """
    Call a method such as "chat.update" once; its answer.

    Raises `SlackRefused`, or `AnswerLost` where nobody knows: without an answer, and where what answered is not the API but
    Slack's edge or a proxy, with a page, a line of text or nothing, whatever its status.
    """
    try:
        answer = await _called(client, method, arguments)
    except SlackRefused:
        CALLS.add("slack", method, "refused")
        raise
    except AnswerLost:
        CALLS.add("slack", method, "lost")
        raise
    CALLS.add("slack", method, "ok")
    return answer


async def _called(client: AsyncWebClient, method: str, arguments: Json) -> Json:
    call = getattr(client, method.replace(".", "_"))
    try:
        return _told((await call(**arguments)).data, method)
    except SlackApiError as error:
        # Where the body was no JSON, the response is aiohttp's own; where it was another kind of text, `data` is that text.
        status = int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 200))
        if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
            raise AnswerLost(method) from error
        facts = _told(getattr(error.response, "data", None), method)
        reason = str(facts.get("error") or "")
        if reason in PASSING or not reason:
            raise AnswerLost(method) from error
        raise SlackRefused(method, reason, str(facts.get("needed") or "")) from error
    # The client looks for "ok" in a text or a list as if it were an object, and reads whatever encoding and header comes.
    except (AttributeError, ValueError) as error:
        raise AnswerLost(method, is_foreign=True) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AnswerLost(method) from error


def _told(data: object, method: str) -> Json:
    """Return what Slack's API said. Raises `AnswerLost` for what it cannot have said."""
    if isinstance(data, dict) and isinstance(data.get("ok"), bool):
        return data
    raise AnswerLost(method, is_foreign=True)


async def call_with_retry(client: AsyncWebClient, method: str, **arguments: Any) -> Json:
    """Call a method that may be called twice, until it answers. Raises `SlackRefused`, `SlackUnreachable`."""
    for pause_s in PAUSES_S:
        try:
            return await call_once(client, method, **arguments)
        except AnswerLost:
            logger.warning("no answer to %s; once more in %.1f s", method, pause_s)
            await asyncio.sleep(pause_s)
    raise SlackUnreachable(method)
