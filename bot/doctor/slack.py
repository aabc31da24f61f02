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
from bot.slack.api import AnswerLost, call_once
from bot.slack.errors import SlackRefused
from bot.slack.identity import check_tokens
from bot.slack.scopes import SCOPES
from bot.texts import errors, start
from bot.texts import slack as texts
from tracking.errors import OptionError

TIMEOUT_S = 15.0


async def slack_checks(settings: Settings) -> list[Check]:
    """Check token, scopes, channels, and the way that events take; only the first of these where the token is no good."""
    return [check async for check in _checks(settings)]


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    token, app_token = settings.slack_bot_token.get_secret_value(), settings.slack_app_token.get_secret_value()
    if not token:
        yield Check("slack", False, texts.doctor_no_token())
        return
    try:
        check_tokens(token, app_token)
    except OptionError as error:
        yield Check("slack", False, errors.sentence(error))
        return
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        client = AsyncWebClient(token=token, base_url=settings.slack_api_url, session=session)
        try:
            who = await call_once(client, "auth.test")
        except SlackRefused as refused:
            yield Check("slack", False, _refusal(settings, refused))
            return
        except AnswerLost:
            yield Check("slack", False, texts.DOCTOR_NO_ANSWER)
            return
        yield Check("slack", True, texts.doctor_token(str(who.get("user", "")), str(who.get("team", ""))))
        yield await _scopes(client)
        yield await _channels(client)
        yield await _connection(settings, client)


def _refusal(settings: Settings, refused: SlackRefused) -> str:
    """Return what the start would say."""
    if not refused.reason:
        return errors.sentence(OptionError("TRACKLET_SLACK_API_URL", settings.slack_api_url, start.slack_is_not_there()))
    return errors.sentence(OptionError("SLACK_BOT_TOKEN", "", start.bot_token_refused(refused.reason, refused.needed)))


async def _scopes(client: AsyncWebClient) -> Check:
    try:
        headers = (await client.auth_test()).headers
    except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError):
        headers = {}
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")} - {""}
    if not granted:
        return Check("scopes", True, texts.DOCTOR_SCOPES_UNKNOWN, is_there=False)
    missing = sorted(set(SCOPES) - granted)
    return Check("scopes", not missing, texts.doctor_scopes(missing, SCOPES))


async def _channels(client: AsyncWebClient) -> Check:
    kinds = "public_channel,private_channel"
    try:
        answer = await call_once(client, "users.conversations", types=kinds, limit=200, exclude_archived=True)
    except SlackRefused as refused:
        return Check("channels", False, texts.doctor_channels_refused(refused.reason))
    except AnswerLost:
        return Check("channels", False, texts.DOCTOR_NO_ANSWER)
    names = [str(channel["name"]) for channel in answer["channels"]]
    return Check("channels", bool(names), texts.doctor_channels(names))


async def _connection(settings: Settings, client: AsyncWebClient) -> Check:
    if not settings.uses_socket_mode:
        has_secret = bool(settings.slack_signing_secret.get_secret_value())
        # Only Slack can sign something: whether the secret is the right one shows when it does.
        return Check("events", has_secret, texts.doctor_http(has_secret, settings.public_url), is_there=False)
    try:
        await call_once(client, "apps.connections.open", app_token=settings.slack_app_token.get_secret_value())
    except SlackRefused as refused:
        error = OptionError("SLACK_APP_TOKEN", "", start.app_token_refused(refused.reason))
        return Check("events", False, errors.sentence(error))
    except AnswerLost:
        return Check("events", False, texts.DOCTOR_NO_ANSWER)
    return Check("events", True, texts.DOCTOR_SOCKET_MODE)
