"""Messages that are there already, asked of Slack where an event did not bring them."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import Json
from bot.slack.api import call_once, call_with_retry
from bot.slack.errors import SlackError

THREAD_MESSAGES = 200
CHANNEL_MESSAGES = 200


class MessageHistory:
    """Reads single messages and threads; nothing is kept."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def message(self, channel: str, ts: str, *, thread_ts: str = "") -> Json | None:
        """Return one message, a reply where `thread_ts` names its thread; None where it is not there. Raises `SlackError`."""
        where: Json = {"channel": channel, "oldest": ts, "latest": ts, "inclusive": True}
        if thread_ts and thread_ts != ts:
            answer = await call_with_retry(self._client, "conversations.replies", ts=thread_ts, limit=2, **where)
        else:
            answer = await call_with_retry(self._client, "conversations.history", limit=1, **where)
        return next((message for message in answer["messages"] if message.get("ts") == ts), None)

    async def thread(self, channel: str, thread_ts: str) -> list[Json]:
        """
        Return the messages of a thread, oldest first.

        Slack is asked once, and not again where it refuses. Raises `SlackError`, or `AnswerLost` where nobody knows.
        """
        where: Json = {"channel": channel, "ts": thread_ts, "limit": THREAD_MESSAGES}
        messages: list[Json] = (await call_once(self._client, "conversations.replies", **where))["messages"]
        return messages

    async def latest(self, channel: str) -> list[Json]:
        """Return the latest messages of a channel without replies, newest first. Raises as `thread` does."""
        answer = await call_once(self._client, "conversations.history", channel=channel, limit=CHANNEL_MESSAGES)
        messages: list[Json] = answer["messages"]
        return messages

    async def permalink(self, channel: str, ts: str) -> str:
        """Return a link to a message, "" where Slack gives none."""
        try:
            return str((await call_with_retry(self._client, "chat.getPermalink", channel=channel, message_ts=ts))["permalink"])
        except SlackError:
            return ""
