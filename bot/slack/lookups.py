"""
What we ask Slack about its people, channels and files; short answers, some of them kept for a while.

Also what finds the video behind a shared file for `bot/jobs/workflow.py`. Nothing is posted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import Job
from bot.jobs.ports import SharedVideo
from bot.slack.api import call_with_retry
from bot.slack.errors import FileNotShared, SlackRefused
from bot.slack.messages import is_video_file
from tracking.sources.download import Fetcher

Json = dict[str, Any]

KEPT_S = 300.0
MAX_KEPT = 10_000
MEMBER_PAGES = 10  # of 1000 members


class SlackLookups:
    """Questions about the workspace."""

    def __init__(
        self, client: AsyncWebClient, *, fetcher: Fetcher, api_url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.fetcher = fetcher
        self._client = client
        self._api = urlsplit(api_url)
        self._clock = clock
        self._bots: dict[str, tuple[float, bool]] = {}

    async def is_bot(self, user: str) -> bool:
        """Whether an account belongs to a program."""
        if (known := self._bots.get(user)) and self._clock() - known[0] < KEPT_S:
            return known[1]
        try:
            answer = await call_with_retry(self._client, "users.info", user=user)
        except SlackRefused:
            # A stranger (Slack Connect), or no scope: messages of programs carry a bot_id anyway.
            return False
        found = bool(answer["user"].get("is_bot"))
        if len(self._bots) >= MAX_KEPT:
            self._bots.clear()
        self._bots[user] = self._clock(), found
        return found

    async def is_here(self, channel: str) -> bool:
        """Whether the bot can post into a channel."""
        try:
            found = (await call_with_retry(self._client, "conversations.info", channel=channel))["channel"]
        except SlackRefused as refused:
            if refused.reason in {"channel_not_found", "not_in_channel"}:
                return False
            raise
        return bool(found.get("is_im") or found.get("is_mpim") or found.get("is_member")) and not found.get("is_archived")

    async def is_member(self, channel: str, user: str) -> bool:
        """Whether a person is in a channel."""
        cursor: Json = {}
        for _ in range(MEMBER_PAGES):
            try:
                answer = await call_with_retry(self._client, "conversations.members", channel=channel, limit=1000, **cursor)
            except SlackRefused:
                return False
            if user in answer["members"]:
                return True
            cursor = {"cursor": (answer.get("response_metadata") or {}).get("next_cursor", "")}
            if not cursor["cursor"]:
                break
        return False

    async def file(self, file_id: str) -> Json:
        """All that Slack tells of a file that is a video. Raises `FileNotShared`."""
        try:
            file: Json = (await call_with_retry(self._client, "files.info", file=file_id))["file"]
        except SlackRefused as refused:
            if refused.reason in {"file_not_found", "file_deleted"}:
                raise FileNotShared(file_id, "gone") from refused
            raise
        if file.get("mode") == "hidden_by_limit":
            raise FileNotShared(file_id, "hidden")
        if file.get("mode") == "tombstone" or file.get("is_deleted"):
            raise FileNotShared(file_id, "gone")
        if not is_video_file(file):
            raise FileNotShared(file_id, "not-a-video")
        return file

    async def locate(self, job: Job) -> SharedVideo:
        """Where a job's Slack file is. Raises `FileNotShared`, `SlackError`."""
        file_id = job.request.source.ref
        file = await self.file(file_id)
        link = str(file.get("url_private_download") or file.get("url_private") or "")
        if file.get("mode") == "external" or file.get("is_external") or not self._is_slacks(link):
            # The token is for Slack's own hosts and for nobody else.
            raise FileNotShared(file_id, "external")
        size = file.get("size")
        return SharedVideo(
            link=link,
            headers={"Authorization": f"Bearer {self._client.token}"},
            name=str(file.get("name") or job.request.source.name),
            size_bytes=size if isinstance(size, int) and size > 0 else None,
        )

    def _is_slacks(self, link: str) -> bool:
        parts = urlsplit(link)
        host = parts.hostname or ""
        if (parts.scheme, parts.netloc) == (self._api.scheme, self._api.netloc):
            return True
        return parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))


def shares_of(file: Mapping[str, Any], channel: str) -> list[Json]:
    """The messages that share a file in a channel."""
    shares = file.get("shares") or {}
    return [share for kind in ("public", "private") for share in (shares.get(kind) or {}).get(channel, [])]
