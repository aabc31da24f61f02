"""
What we ask Slack about its people, channels and files; short answers, some of them kept for a while.

Also what finds the video behind a shared file for `bot/jobs/workflow.py`. Nothing is posted here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import Job
from bot.jobs.ports import NotReady
from bot.slack.api import call_with_retry
from bot.slack.errors import FileNotShared, SlackRefused
from bot.slack.messages import is_external, is_video_file
from tracking.errors import SourceFailure, SourceNotAVideo, SourceNotFound, SourceRefused, SourceUnreachable
from tracking.sources.addresses import literal_address
from tracking.sources.download import Fetched, Fetcher, Progress

Json = dict[str, Any]

KEPT_S = 300.0
MAX_KEPT = 10_000
LOOK_PAUSES_S = (0.5, 1.0, 2.0, 4.0)  # while somebody waits for an answer
MEMBER_PAGES = 10  # of 1000 members


class SlackLookups:
    """Questions about the workspace."""

    def __init__(
        self, client: AsyncWebClient, *, fetcher: Fetcher, api_url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.fetcher = fetcher
        self._client = client
        self._api_url = api_url
        self._clock = clock
        self._bots: dict[str, tuple[float, bool]] = {}

    async def is_bot(self, user: str) -> bool:
        """Return whether an account belongs to a program."""
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
        """Return whether the bot can post into a channel."""
        try:
            found = (await call_with_retry(self._client, "conversations.info", channel=channel))["channel"]
        except SlackRefused as refused:
            if refused.reason in {"channel_not_found", "not_in_channel"}:
                return False
            raise
        return bool(found.get("is_im") or found.get("is_mpim") or found.get("is_member")) and not found.get("is_archived")

    async def is_member(self, channel: str, user: str) -> bool:
        """Return whether a person is in a channel."""
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
        """Return all that Slack tells of a file that is a video. Raises `FileNotShared`."""
        try:
            file: Json = (await call_with_retry(self._client, "files.info", file=file_id))["file"]
        except SlackRefused as refused:
            if refused.reason == "file_deleted":
                raise FileNotShared(file_id, "gone") from refused
            if refused.reason == "file_not_found":
                raise FileNotShared(file_id, "missing") from refused
            raise
        if file.get("mode") == "hidden_by_limit":
            raise FileNotShared(file_id, "hidden")
        if file.get("mode") == "tombstone" or file.get("is_deleted"):
            raise FileNotShared(file_id, "gone")
        if not is_video_file(file):
            raise FileNotShared(file_id, "not-a-video" if file.get("mimetype") else "unready")
        return file

    async def fetch(self, job: Job, into: Path, progress: Progress) -> Fetched:
        """
        Fetch a job's Slack file, with the name that people see. Raises `NotReady` for what may pass: ask once more.

        Raises `FileNotShared`, `SlackError`, and what `Fetcher.fetch` raises of the file itself; no error holds Slack's link.
        """
        file_id, name = job.request.source.ref, job.request.source.name
        try:
            file = await self.file(file_id)
            name = str(file.get("name") or name)
            size = file.get("size")
            fetched = await self.fetcher.fetch(
                self._link(file),
                into,
                headers={"Authorization": f"Bearer {self._client.token}"},
                size_bytes=size if isinstance(size, int) and size > 0 else None,
                progress=progress,
            )
        except FileNotShared as error:
            if error.may_pass:
                raise NotReady(error) from error
            raise
        except (SourceNotAVideo, SourceNotFound, SourceUnreachable) as error:
            if reason := _passing(error):
                raise NotReady(FileNotShared(file_id, reason)) from error
            raise replace(error, source=name) from error
        except SourceRefused as error:
            raise FileNotShared(file_id, "unreachable") from error
        return replace(fetched, name=name)

    def _link(self, file: Json) -> str:
        """Return the link to a file's bytes. Raises `FileNotShared`: the token is for Slack's own hosts and for nobody else."""
        link = str(file.get("url_private_download") or file.get("url_private") or "")
        if is_external(file):
            raise FileNotShared(str(file.get("id")), "external")
        if not link:
            raise FileNotShared(str(file.get("id")), "unready")
        if not is_slacks(link, api_url=self._api_url):
            raise FileNotShared(str(file.get("id")), "external")
        return link


def is_slacks(link: str, *, api_url: str) -> bool:
    """Return whether a link leads to Slack itself: to the host of its API, or a host below that name or slack.com."""
    parts, api = urlsplit(link), urlsplit(api_url)
    if (parts.scheme, parts.netloc) == (api.scheme, api.netloc):
        return True
    # slack-gov.com has hosts of its own for files, as slack.com has; an address or a name without a dot has none below it.
    host, name = parts.hostname or "", api.hostname or ""
    domains = ("slack.com", name) if "." in name and literal_address(name) is None else ("slack.com",)
    return parts.scheme == "https" and any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _passing(error: SourceNotAVideo | SourceNotFound | SourceUnreachable) -> str:
    """
    Return why a file did not come, in the words of `FileNotShared`, where that may pass; else "".

    The sign-in page comes for a file that is asked for too early (github.com/42wim/matterbridge/issues/655) as well as without
    the scope (github.com/slackapi/bolt-js/issues/2585).
    """
    match error:
        case SourceNotFound():
            return "missing"
        case SourceNotAVideo(found="login" | "page"):
            return "sign-in"
        case SourceUnreachable(reason=SourceFailure.INCOMPLETE):
            return "cut-short"
        case SourceUnreachable(reason=SourceFailure.SLOW):
            return ""
        case SourceUnreachable():
            return "unreachable"
    return ""


def shares_of(file: Mapping[str, Any], channel: str) -> list[Json]:
    """Return the messages that share a file in a channel."""
    shares = file.get("shares") or {}
    return [share for kind in ("public", "private") for share in (shares.get(kind) or {}).get(channel, [])]
