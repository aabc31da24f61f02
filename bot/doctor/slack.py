"""
What of Slack is missing, and what to do about it: the checks of `tracklet doctor` that ask Slack.

Asks and changes nothing. Each check ends in a sentence; what this machine lacks is `bot/doctor/local.py`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.doctor.local import Check
from bot.settings import Settings
from bot.slack.scopes import SCOPES
from bot.texts import slack as texts

TIMEOUT_S = 15.0


async def slack_checks(settings: Settings) -> list[Check]:
    """Token, scopes, channels, and the way that events take; only the first of these where the token is no good."""
    return [check async for check in _checks(settings)]


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        # Who only uses the command line or the demo lacks nothing.
        wants_slack = settings.uses_socket_mode or bool(settings.slack_signing_secret.get_secret_value())
        yield Check("slack", not wants_slack, texts.doctor_no_token(), is_there=False)
        return
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        client = AsyncWebClient(token=token, base_url=settings.slack_api_url, session=session)
        try:
            who = await client.auth_test()
        except SlackApiError as error:
            yield Check("slack", False, texts.doctor_token_refused(str(error.response.get("error", ""))))
            return
        except (aiohttp.ClientError, TimeoutError, OSError):
            yield Check("slack", False, texts.DOCTOR_NO_ANSWER)
            return
        yield Check("slack", True, texts.doctor_token(str(who["user"]), str(who["team"])))
        granted = {scope.strip() for scope in str(who.headers.get("x-oauth-scopes", "")).split(",")} - {""}
        if granted:
            missing = sorted(set(SCOPES) - granted)
            yield Check("scopes", not missing, texts.doctor_scopes(missing, SCOPES))
        yield await _channels(client)
        yield await _connection(settings, client)


async def _channels(client: AsyncWebClient) -> Check:
    try:
        answer = await client.users_conversations(types="public_channel,private_channel", limit=200, exclude_archived=True)
    except SlackApiError as error:
        return Check("channels", False, texts.doctor_channels_refused(str(error.response.get("error", ""))))
    names = [str(channel["name"]) for channel in answer["channels"]]
    return Check("channels", bool(names), texts.doctor_channels(names))


async def _connection(settings: Settings, client: AsyncWebClient) -> Check:
    if not settings.uses_socket_mode:
        has_secret = bool(settings.slack_signing_secret.get_secret_value())
        return Check("events", has_secret, texts.doctor_http(has_secret, settings.public_url))
    try:
        await client.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        return Check("events", False, texts.doctor_app_token_refused(str(error.response.get("error", ""))))
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Check("events", False, texts.DOCTOR_NO_ANSWER)
    return Check("events", True, texts.DOCTOR_SOCKET_MODE)
