"""
Videos that people share: in messages, as files, as links, in a thread where the bot is mentioned, or by the message shortcut.

One video in one message is one job, however many events tell of it: its id is made of the file or the message. Programs never
start one, and neither do our own uploads. Where nothing may start unasked (`/track auto off`) a button is left instead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import JobId, Json, Options, Request, Source, SourceKind, digest, link_id, upload_id
from bot.jobs.service import JobService
from bot.jobs.steps import FILE_PAUSES_S
from bot.jobs.store import Store
from bot.requests.errors import CommandError, ParseErrorKind
from bot.requests.links import looks_like_video, may_work_once, source_of, split_links
from bot.slack import blocks
from bot.slack.api import call_once
from bot.slack.errors import FileNotShared, SlackError, SlackRefused
from bot.slack.lookups import LOOK_PAUSES_S, SlackLookups, shares_of
from bot.slack.messages import SharedFile, SharedMessage, is_surely_video, read_message, shared_files
from bot.slack.permissions import file_shared_here
from bot.slack.posting import Address, ThreadPoster
from bot.slack.respond import Responder
from bot.slack.withdrawals import is_withdrawn
from bot.texts import slack as texts
from tracking.errors import TrackletError

GRACE_S = 2.0  # file_shared knows nothing of the message; its twin, which does, comes at the same moment
MAX_VIDEOS = 5  # of one message
MAX_VALUE_LETTERS = 2000  # of a button


@dataclass(frozen=True, slots=True)
class _Found:
    """A video in a message, and the id of the job for it."""

    job_id: JobId
    source: Source


class Shares:
    """Turns what is shared into jobs."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: JobService,
        directory: SlackLookups,
        thread: ThreadPoster,
        client: AsyncWebClient,
        responder: Responder,
        bot_user: str,
        slack_host: str,
        grace_s: float = GRACE_S,
        file_pauses_s: Sequence[float] = FILE_PAUSES_S,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory
        self._thread = thread
        self._client = client
        self._responder = responder
        self._bot_user = bot_user
        self._slack_host = slack_host
        self._grace_s = grace_s
        self._file_pauses_s = file_pauses_s

    async def message(self, body: Json) -> None:
        """A message that may hold a video, or speaks to the bot."""
        shared = read_message(body, bot_user=self._bot_user)
        if shared is None or await self._directory.is_bot(shared.user):
            return
        if shared.confusion is not None and shared.confusion.what is not ParseErrorKind.UNKNOWN:
            await self._tell(shared, texts.misunderstood(shared.confusion))
            return
        found = await self._videos(shared)
        if found:
            asked = shared.is_mention or await self._store.auto(shared.team, shared.channel)
            for video in found:
                may_start = asked and (shared.is_mention or not _may_be_spent(video.source))
                await (self._start(shared, video) if may_start else self._offer(shared, video))
        elif shared.is_mention and not (shared.files or shared.links):
            await self._mention(shared)

    async def file(self, body: Json) -> None:
        """A `file_shared` event: its message is looked for where that event did not come."""
        event, team = body["event"], str(body.get("team_id") or "")
        file_id = str(event.get("file_id") or (event.get("file") or {}).get("id") or "")
        channel, user = str(event.get("channel_id") or ""), str(event.get("user_id") or "")
        if not (file_id and channel) or user == self._bot_user or await self._store.is_own_file(file_id):
            return
        await asyncio.sleep(self._grace_s)
        if await self._store.job(upload_id(team, channel, file_id)) is not None:
            return
        for pause_s in (*self._file_pauses_s, None):
            try:
                file = await self._directory.file(file_id)
            except FileNotShared as error:
                if not error.may_pass:
                    return
            else:
                owner = str(file.get("user") or user)
                if owner == self._bot_user or file.get("bot_id") or await self._directory.is_bot(owner):
                    return
                if not (channel.startswith("D") or is_surely_video(file)):
                    return
                if shares := shares_of(file, channel):
                    break
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
        shared = SharedMessage(
            team=team,
            channel=channel,
            user=owner,
            ts=str(shares[0]["ts"]),
            thread_ts=str(shares[0].get("thread_ts") or ""),
            channel_type="im" if channel.startswith("D") else "",
            files=(),
            links=(),
            is_mention=channel.startswith("D"),
            options=Options(),
            confusion=None,
        )
        source = Source(SourceKind.SLACK_FILE, file_id, str(file.get("name") or "video"))
        video = _Found(upload_id(team, channel, file_id), source)
        if await self._store.post(f"offer:{video.job_id}", "offer") is not None:
            return
        asked = shared.is_mention or await self._store.auto(team, channel)
        await (self._start(shared, video) if asked else self._offer(shared, video))

    async def shortcut(self, payload: Json) -> None:
        """The message shortcut: somebody asks for exactly this message."""
        message, channel = payload["message"], payload["channel"]["id"]
        team, user = payload["team"]["id"], payload["user"]["id"]
        if not await self._directory.is_here(channel):
            await self._responder.respond(payload["response_url"], texts.not_here())
            return
        event = message | {"type": "message", "subtype": "", "channel": channel, "user": user, "bot_id": "", "edited": None}
        body = {"team_id": team, "event": event | {"text": f"{message.get('text') or ''} <@{self._bot_user}>"}}
        shared = read_message(body, bot_user=self._bot_user)
        found = await self._videos(shared) if shared else []
        if shared is None or not found:
            await self._responder.respond(payload["response_url"], texts.no_video_in_message())
            return
        for video in found:
            await self._start(replace(shared, options=Options()), video)

    async def offered(self, team: str, channel: str, user: str, value: str) -> None:
        """The button that stands where nothing starts unasked."""
        wanted = json.loads(value)
        source = Source(SourceKind(wanted["kind"]), wanted["ref"], wanted["name"])
        request = Request(
            source=source,
            team=team,
            channel=channel,
            user=user,
            thread_ts=wanted["thread_ts"],
            message_ts=wanted.get("ts", ""),
        )
        await self._jobs.submit(JobId(wanted["job"]), request)

    # ---- inside ----------------------------------------------------------------------------------------------------------

    async def _start(self, shared: SharedMessage, video: _Found) -> None:
        request = Request(
            source=video.source,
            team=shared.team,
            channel=shared.channel,
            user=shared.user,
            thread_ts=shared.thread_ts or shared.ts,
            options=shared.options,
            message_ts=shared.ts,
        )
        if await self._is_withdrawn(shared):
            return
        job, _ = await self._jobs.submit(video.job_id, request)
        if await self._is_withdrawn(shared):  # just now, before there was a job to be stopped
            await self._jobs.cancel(job, shared.user)

    async def _is_withdrawn(self, shared: SharedMessage) -> bool:
        return await is_withdrawn(self._store, team=shared.team, channel=shared.channel, ts=shared.ts)

    async def _offer(self, shared: SharedMessage, video: _Found) -> None:
        thread_ts = shared.thread_ts or shared.ts
        wanted = {
            "kind": video.source.kind,
            "ref": video.source.ref,
            "name": video.source.name,
            "thread_ts": thread_ts,
            "ts": shared.ts,
        }
        value = json.dumps(wanted | {"job": video.job_id})
        if len(value) > MAX_VALUE_LETTERS or await self._is_withdrawn(shared):
            return
        address = Address(shared.channel, thread_ts, f"offer:{video.job_id}", "offer", float(shared.ts))
        await self._thread.post(address, blocks.offer(value, video.source.name))

    async def _videos(self, shared: SharedMessage) -> list[_Found]:
        """The videos of a message, each with its own job's id."""
        found = [
            _Found(upload_id(shared.team, shared.channel, source.ref), source)
            for source in await self._files(shared.files, asked=shared.is_mention)
        ]
        for link in shared.links:
            source = await self._link(shared.channel, link, is_asked=shared.is_mention)
            found += [_Found(link_id(shared.team, shared.channel, shared.ts, link), source)] if source else []
        return found[:MAX_VIDEOS]

    async def _files(self, files: Iterable[SharedFile], *, asked: bool) -> list[Source]:
        """Return the files that are tracked; what is `asked` for and cannot be used becomes a job, whose thread says why."""
        sources = []
        for file in files:
            name = file.name
            if await self._store.is_own_file(file.id):
                continue
            if not (asked or file.is_sure):
                continue
            if file.is_stub:
                try:
                    found = await self._when_ready(file.id)
                    name = str(found.get("name") or name)
                    if not (asked or is_surely_video(found)):
                        continue
                except FileNotShared:
                    if not asked:
                        continue
                except SlackRefused as refused:
                    if refused.reason != "missing_scope":
                        raise
                    # The job starts all the same: its thread is where somebody is told.
            sources.append(Source(SourceKind.SLACK_FILE, file.id, name))
        return sources

    async def _when_ready(self, file_id: str) -> Json:
        """Return what Slack tells of a file, asked again while it is new. Raises `FileNotShared`, `SlackRefused`."""
        for pause_s in LOOK_PAUSES_S:
            try:
                return await self._directory.file(file_id)
            except FileNotShared as error:
                if not error.may_pass:
                    raise
            await asyncio.sleep(pause_s)
        return await self._directory.file(file_id)

    async def _link(self, channel: str, link: str, *, is_asked: bool) -> Source | None:
        """
        Return what a link in a message leads to, None where that is no video.

        No server is asked here: unasked only what looks like a video counts, and what somebody asked for its job fetches.
        """
        try:
            source = source_of(link, slack_host=self._slack_host)
            if source.kind is SourceKind.SLACK_FILE:
                await file_shared_here(self._directory, source.ref, channel)
                return None if await self._store.is_own_file(source.ref) else source
            if not (is_asked or looks_like_video(link)):
                return None
        except (CommandError, TrackletError):
            return None
        return source

    async def _mention(self, shared: SharedMessage) -> None:
        """The bot was spoken to: in a thread the video there is meant, elsewhere only help is left to say."""
        video = None
        if shared.thread_ts:
            try:
                video = await self._video_in_thread(shared)
            except SlackError:
                await self._say(shared, blocks.plain(texts.cannot_read_thread()))
                return
        if video is not None:
            await self._start(shared, video)
        else:
            await self._say(shared, blocks.plain(texts.no_video_in_thread()) if shared.thread_ts else blocks.help_message())

    async def _video_in_thread(self, shared: SharedMessage) -> _Found | None:
        """The latest video that a person put into the thread; the thread is read once, and not again where Slack refuses."""
        answer = await self._replies(shared)
        for message in reversed(answer["messages"]):
            if message.get("bot_id") or message.get("user") == self._bot_user or message.get("ts") == shared.ts:
                continue
            for source in await self._files(shared_files(message.get("files") or []), asked=True):
                # Asked for expressly, so it is a job of its own even where the upload had one.
                return _Found(link_id(shared.team, shared.channel, shared.ts, source.ref), source)
            for link in split_links(str(message.get("text") or ""))[0]:
                linked = await self._link(shared.channel, link, is_asked=True) if looks_like_video(link) is not False else None
                if linked is not None:
                    return _Found(link_id(shared.team, shared.channel, shared.ts, link), linked)
        return None

    async def _replies(self, shared: SharedMessage) -> Json:
        return await call_once(self._client, "conversations.replies", channel=shared.channel, ts=shared.thread_ts, limit=200)

    async def _say(self, shared: SharedMessage, message: blocks.Message) -> None:
        thread_ts = shared.thread_ts or ("" if shared.channel_type == "im" else shared.ts)
        key = f"answer:{digest(f'{shared.team} {shared.channel} {shared.ts}')}"
        await self._thread.post(Address(shared.channel, thread_ts, key, "answer", float(shared.ts)), message)

    async def _tell(self, shared: SharedMessage, text: str) -> None:
        """Tell only the person who wrote."""
        arguments: Json = {"channel": shared.channel, "user": shared.user, "text": text}
        if shared.thread_ts:
            arguments["thread_ts"] = shared.thread_ts
        await call_once(self._client, "chat.postEphemeral", **arguments)


def _may_be_spent(source: Source) -> bool:
    """Return whether fetching a link unasked could do something: such a link gets a button."""
    return source.kind is SourceKind.LINK and may_work_once(source.ref)
