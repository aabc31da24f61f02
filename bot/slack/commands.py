"""
`/track`: what is answered at once, and what becomes a job.

A command is answered to the asker alone. Tracking itself is checked after the answer (is the bot in this channel, is that file
shared here), because that asks Slack, and refused to the asker alone as well.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from bot.jobs.model import Job, Json, Request, SourceKind, command_id
from bot.jobs.service import JobService
from bot.jobs.store import Store, Watch
from bot.requests.errors import CommandError
from bot.requests.grammar import Auto, Cancel, Help, Status, Track, Unwatch, WatchBucket, Watches, parse_command
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.errors import FileNotShared, SlackRefused
from bot.slack.inbox import Inbox, Taken
from bot.slack.lookups import SlackLookups
from bot.slack.permissions import file_shared_here, may_act
from bot.slack.respond import Responder
from bot.texts import slack as texts
from tracking.errors import SourceRefused, StorageError
from tracking.storage.access import BucketAccess

logger = logging.getLogger(__name__)

COMMAND = "/track"
ANSWERED_WITHIN_S = 2.0
JOBS_LISTED = 100
MOST_CANCELLED = 1000
MAX_WATCHES = 20


@dataclass(frozen=True, slots=True)
class OpenModal:
    """The command names no video: ask for one in a modal."""


class Commands:
    """Answers `/track`."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: JobService,
        directory: SlackLookups,
        responder: Responder,
        inbox: Inbox,
        slack_host: str,
        workspace_url: str,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory
        self._responder = responder
        self._inbox = inbox
        self._workspace_url = workspace_url
        self._slack_host = slack_host
        self._late: set[asyncio.Task[None]] = set()

    async def answer(self, body: Json) -> Message | OpenModal | None:
        """
        What the asker sees at once; None where nothing need be said because work begins.

        What the database holds up is told at once and answered later, since Slack shows an error after three seconds.
        """
        answering = asyncio.create_task(self._answer(body))
        done, _ = await asyncio.wait({answering}, timeout=ANSWERED_WITHIN_S)
        if done:
            return answering.result()
        late = asyncio.create_task(self._answer_later(body["response_url"], answering))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        return blocks.plain(texts.slow_database())

    async def close(self) -> None:
        """Let go of answers that are late."""
        for task in list(self._late):
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _answer_later(self, response_url: str, answering: asyncio.Task[Message | OpenModal | None]) -> None:
        try:
            answer = await answering
        except Exception:
            logger.exception("a command could not be answered")
            answer = blocks.plain(texts.given_up())
        if isinstance(answer, Message):
            await self._responder.respond(response_url, answer.text)

    async def _answer(self, body: Json) -> Message | OpenModal | None:
        team, channel, user = body["team_id"], body["channel_id"], body["user_id"]
        try:
            command = parse_command(body.get("text") or "", slack_host=self._slack_host)
        except CommandError as misunderstood:
            return blocks.plain(texts.misunderstood(misunderstood))
        match command:
            case Help():
                return blocks.help_message()
            case Status():
                jobs = await self._store.latest(team=team, user=user, limit=JOBS_LISTED)
                return blocks.status(jobs, now=time.time(), workspace_url=self._workspace_url)
            case Cancel(every=True):
                return blocks.plain(await self._cancel_all(team, user))
            case Cancel(number):
                return blocks.plain(await self._cancel(team, user, number))
            case Auto(on):
                await self._store.set_auto(team, channel, on)
                return blocks.plain(texts.auto_set(on))
            case Unwatch(uri):
                bucket, _, prefix = uri.removeprefix("gs://").partition("/")
                count = await self._store.unwatch(team, channel, bucket=bucket, prefix=prefix)
                return blocks.plain(texts.unwatched(count))
            case Watches():
                return blocks.plain(texts.watches([watch.uri for watch in await self._store.watches_of(team, channel)]))
            case Track(source=None):
                return OpenModal()
            case Track() | WatchBucket():
                kept = {name: body[name] for name in ("team_id", "channel_id", "user_id", "text", "response_url", "trigger_id")}
                if await self._inbox.take("command", body["trigger_id"], kept) is Taken.NOT_KEPT:
                    return blocks.plain(texts.slow_database())
                return None

    async def _cancel_all(self, team: str, user: str) -> str:
        """Stop whatever runs of one person."""
        running = blocks.running(await self._store.latest(team=team, user=user, limit=MOST_CANCELLED))
        stopped = await asyncio.gather(*(self._jobs.cancel(job, user) for job in running))
        numbers = [job.number for job, was_running in zip(running, stopped, strict=True) if was_running]
        return texts.cancelling(numbers) if numbers else texts.which_to_cancel([])

    async def _cancel(self, team: str, user: str, number: int | None) -> str:
        if number is None:
            running = blocks.running(await self._store.latest(team=team, user=user, limit=JOBS_LISTED))
            if len(running) != 1:
                return texts.which_to_cancel([job.number for job in running])
            job: Job | None = running[0]
        else:
            job = await self._store.job_of_number(team, number)
        # A job that one may not see answers like one that there is not.
        if job is None or not await may_act(self._directory, job, team=team, channel=job.request.channel, user=user):
            return texts.no_such_job(number or 0)
        return texts.cancelling([job.number]) if await self._jobs.cancel(job, user) else texts.over_already(job.number)


class CommandRunner:
    """Carries out `/track` after its answer, from the inbox."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: JobService,
        directory: SlackLookups,
        access: BucketAccess,
        responder: Responder,
        slack_host: str,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory
        self._access = access
        self._responder = responder
        self._slack_host = slack_host

    async def run(self, body: Json) -> None:
        """Check what only Slack and the storage know, then start the job, or watch; tell the asker what is in the way."""
        try:
            await self._run(body)
        except SlackRefused as refused:
            if refused.reason != "missing_scope":
                raise
            await self._responder.respond(body["response_url"], texts.scope_missing(refused.needed))

    async def _run(self, body: Json) -> None:
        team, channel, user = body["team_id"], body["channel_id"], body["user_id"]
        command = parse_command(body["text"], slack_host=self._slack_host)
        if not await self._directory.is_here(channel):
            await self._responder.respond(body["response_url"], texts.not_here())
            return
        if isinstance(command, WatchBucket):
            await self._responder.respond(body["response_url"], await self._watch(team, channel, user, command.uri))
            return
        assert isinstance(command, Track)
        assert command.source is not None
        source = command.source
        if source.kind is SourceKind.SLACK_FILE:
            try:
                await file_shared_here(self._directory, source.ref, channel)
            except FileNotShared as error:
                await self._responder.respond(body["response_url"], texts.file_not_shared(error))
                return
        request = Request(source=source, team=team, channel=channel, user=user, options=command.options)
        await self._jobs.submit(command_id(team, body["trigger_id"]), request)

    async def _watch(self, team: str, channel: str, user: str, uri: str) -> str:
        try:
            bucket, prefix = await self._access.watched(uri)
        except (SourceRefused, StorageError) as error:
            return texts.not_watched(error)
        if len(await self._store.watches_of(team, channel)) >= MAX_WATCHES:
            return texts.too_many_watches(MAX_WATCHES)
        watch = Watch(team, channel, bucket, prefix)
        return texts.watched(watch.uri, is_new=await self._store.watch(watch, user))
