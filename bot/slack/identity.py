"""
Who the bot is, and whether Slack takes its tokens: what is asked at the start.

A token that Slack refuses ends the start with a sentence that names the variable. A Slack that does not answer is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from dataclasses import dataclass
from itertools import chain, repeat
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import SLACK_API_URL
from bot.slack.api import AnswerLost, call_once
from bot.slack.errors import SlackRefused
from bot.texts import start
from bot.texts.slack import TOKEN_REFUSED
from tracking.errors import OptionError

logger = logging.getLogger(__name__)

TOKEN_S = 30.0
ANSWER_S = 2.0  # a probe waits no longer, and a slow Slack is no reason to take the bot out of service
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # then the last of them, again and again


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in its workspace, as auth.test says; `url` is the workspace's own and ends with a slash, or is ""."""

    team: str
    bot_user: str
    bot_id: str
    url: str

    @property
    def host(self) -> str:
        """Return the workspace's host."""
        return urlsplit(self.url).hostname or "slack.com"


def check_tokens(bot_token: str, app_token: str) -> None:
    """Raise `OptionError` for a token that can't be what its variable is for; `app_token` is "" where there is none."""
    for name, token in (("SLACK_BOT_TOKEN", bot_token), ("SLACK_APP_TOKEN", app_token)):
        if not token.isascii() or any(not c.isprintable() or c.isspace() for c in token):
            raise OptionError(name, "", start.token_with_other_characters())
    for prefix in ("xapp-", "xoxp-"):
        if bot_token.startswith(prefix):
            raise OptionError("SLACK_BOT_TOKEN", "", start.bot_token_of_another_kind(prefix))
    if app_token and not app_token.startswith("xapp-"):
        raise OptionError("SLACK_APP_TOKEN", "", start.app_token_of_another_kind())


async def identify(client: AsyncWebClient) -> Identity:
    """
    Ask Slack who the bot is, for as long as Slack does not answer; that is told once.

    Raises `OptionError` where Slack refuses the token, or something else answers at an address that somebody set. At Slack's
    own address that is Slack's edge, which passes.
    """
    for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        try:
            answer = await call_once(client, "auth.test")
        except AnswerLost as lost:
            if lost.is_foreign and client.base_url != SLACK_API_URL:
                raise _not_slack(client) from lost
            if pause_s == PAUSES_S[0]:
                logger.warning("%s", start.waiting_for_slack(urlsplit(client.base_url).netloc))
            await asyncio.sleep(pause_s)
        except SlackRefused as refused:
            raise OptionError("SLACK_BOT_TOKEN", "", start.bot_token_refused(refused.reason, refused.needed)) from refused
        else:
            if not {"team_id", "user_id"} <= answer.keys():
                raise _not_slack(client)
            return Identity(
                team=str(answer["team_id"]),
                bot_user=str(answer["user_id"]),
                bot_id=str(answer.get("bot_id") or ""),
                url=_workspace_url(answer.get("url")),
            )
    raise AssertionError("the pauses have no end")


def _workspace_url(given: object) -> str:
    """Return the address that Slack gave, "" for one that could not stand in a link."""
    url = given if isinstance(given, str) else ""
    return url if re.fullmatch(r"https?://[\w.:\-\[\]]{1,260}+/", url, re.ASCII) else ""


async def socket_address(client: AsyncWebClient, app_token: str) -> str | None:
    """
    Return an address for Socket Mode, None where Slack gives none just now.

    Raises `OptionError` where Slack refuses the token. An address works once, and is a secret until then.
    """
    try:
        return str((await call_once(client, "apps.connections.open", app_token=app_token))["url"])
    except (AnswerLost, KeyError):
        return None
    except SlackRefused as refused:
        raise OptionError("SLACK_APP_TOKEN", "", start.app_token_refused(refused.reason)) from refused


def token_refusal(error: Exception) -> str:
    """Return Slack's word where an error of its client says that a token is not taken any more, else ""."""
    data = getattr(error.response, "data", None) if isinstance(error, SlackApiError) else None
    reason = str(data.get("error")) if isinstance(data, dict) else ""
    return reason if reason in TOKEN_REFUSED else ""


class TokenCheck:
    """Whether Slack still takes the bot's token, looked at when somebody asks and at most every `again_s` seconds."""

    def __init__(self, client: AsyncWebClient, *, again_s: float = TOKEN_S) -> None:
        self._client = client
        self._again_s = again_s
        self._looked_at = -math.inf
        self._refused = ""

    async def is_good(self) -> bool:
        """Return False once Slack has refused the token, and True again when it takes it; no answer changes nothing."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= self._again_s:
            self._looked_at = now
            await self._look()
        return not self._refused

    async def _look(self) -> None:
        refused = ""
        try:
            async with asyncio.timeout(ANSWER_S):
                await call_once(self._client, "auth.test")
        except (AnswerLost, TimeoutError):
            return
        except SlackRefused as error:
            refused = error.reason if error.reason in TOKEN_REFUSED else ""
        if refused and not self._refused:
            logger.error("Slack does not take the bot's token any more: %s. Install the app again", refused)
        self._refused = refused


def _not_slack(client: AsyncWebClient) -> OptionError:
    return OptionError("TRACKLET_SLACK_API_URL", client.base_url, start.slack_is_not_there())
