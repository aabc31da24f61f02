"""The videos of a channel by their names, for people who type one: what was shared lately, and what was tracked there."""

from __future__ import annotations

import logging

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import Json, Source, SourceKind
from bot.jobs.store import Store
from bot.requests.grammar import take_name
from bot.slack.api import AnswerLost
from bot.slack.errors import SlackError
from bot.slack.history import MessageHistory
from bot.slack.messages import read_videos

logger = logging.getLogger(__name__)

JOBS_SEARCHED = 200


class NamedVideos:
    """Finds videos by what somebody said."""

    def __init__(self, *, store: Store, client: AsyncWebClient, bot_user: str) -> None:
        self._store = store
        self._history = MessageHistory(client)
        self._bot_user = bot_user

    async def find(self, team: str, channel: str, said: str, *, thread_ts: str = "") -> tuple[list[Source], str]:
        """
        Return the videos whose names stand in some words, and what is left of the words.

        Of two files with one name it is the one that was shared last; those of the thread, where there is one, come first.
        """
        known = await self._known(team, channel, thread_ts)
        found: list[Source] = []
        while (taken := take_name(said, known)) is not None:
            name, said = taken
            found.append(known.pop(name))
        return found, said

    async def _known(self, team: str, channel: str, thread_ts: str) -> dict[str, Source]:
        known: dict[str, Source] = {}
        for message in await self._messages(channel, thread_ts):
            if message.get("bot_id") or message.get("user") == self._bot_user:
                continue
            for file in read_videos(message)[0]:
                if not file.is_stub:
                    known.setdefault(file.name, Source(SourceKind.SLACK_FILE, file.id, file.name))
        # Files of older messages, and of threads, which a channel's history does not show.
        for job in await self._store.latest(team=team, channel=channel, limit=JOBS_SEARCHED):
            if job.request.source.kind is SourceKind.SLACK_FILE:
                known.setdefault(job.request.source.name, job.request.source)
        return known

    async def _messages(self, channel: str, thread_ts: str) -> list[Json]:
        """Return the messages of the thread and the latest of the channel, newest first; none where Slack shows none."""
        messages: list[Json] = []
        try:
            if thread_ts:
                messages += reversed(await self._history.thread(channel, thread_ts))
            messages += await self._history.latest(channel)
        except (SlackError, AnswerLost) as error:
            logger.info("the latest messages of a channel could not be read: %s", error)
        return messages
