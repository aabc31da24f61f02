"""
`/track`: what is answered at once, and what becomes a job.

A command is answered to the asker alone. Tracking itself is checked after the answer (is the bot in this channel, is that file
shared here), because that asks Slack, and refused to the asker alone as well.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from bot.jobs.model import Json, Options, Request, Source, SourceKind, command_id
from bot.jobs.outlook import Outlook
from bot.jobs.service import JobService
from bot.jobs.store import Store
from bot.requests.errors import CommandError
from bot.requests.grammar import Track, WatchBucket, hear_options, parse_command
from bot.requests.links import message_of
from bot.slack import blocks
from bot.slack.answers import Answers, Asker
from bot.slack.blocks import Message
from bot.slack.errors import FileNotShared, MessageNotShown
from bot.slack.inbox import Inbox, Taken
from bot.slack.lookups import SlackLookups
from bot.slack.named_videos import NamedVideos
from bot.slack.permissions import file_shared_here
from bot.slack.respond import Responder
from bot.slack.shares import MAX_VIDEOS, Shares
from bot.texts import slack as texts

logger = logging.getLogger(__name__)

COMMAND = "/track"
ANSWERED_WITHIN_S = 2.0
TOLD_FROM_S = 5.0  # of waiting; who waits less sees the work begin instead


@dataclass(frozen=True, slots=True)
class OpenModal:
    """The command names no video: ask for one in a modal."""


class Commands:
    """Answers `/track`."""

    def __init__(
        self,
        *,
        answers: Answers,
        jobs: JobService,
        responder: Responder,
        inbox: Inbox,
        slack_host: str,
    ) -> None:
        self._answers = answers
        self._jobs = jobs
        self._responder = responder
        self._inbox = inbox
        self._slack_host = slack_host
        self._late: set[asyncio.Task[None]] = set()

    async def answer(self, body: Json) -> Message | OpenModal | None:
        """
        Return what the asker sees at once; None where nothing need be said because work begins.

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
            case Track(source=None, name=""):
                return OpenModal()
            case Track() | WatchBucket():
                # Before its own job is among those that are not over.
                looking = asyncio.create_task(self._jobs.outlook(f"{team}:{user}"))
                kept = {name: body[name] for name in ("team_id", "channel_id", "user_id", "text", "response_url", "trigger_id")}
                if await self._inbox.take("command", body["trigger_id"], kept) is Taken.NOT_KEPT:
                    looking.cancel()
                    return blocks.plain(texts.slow_database())
                found = await looking
                if isinstance(command, WatchBucket) or not _is_worth_telling(found):
                    return None
                return blocks.plain(texts.queued(found.before, found.seconds))
            case _ as order:
                return await self._answers.answer(order, Asker(team, channel, user))


def _is_worth_telling(found: Outlook) -> bool:
    return found.before > 0 and (found.seconds is None or found.seconds >= TOLD_FROM_S)


class CommandRunner:
    """Carries out `/track` after its answer, from the inbox."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: JobService,
        directory: SlackLookups,
        answers: Answers,
        shares: Shares,
        named: NamedVideos,
        responder: Responder,
        slack_host: str,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory
        self._answers = answers
        self._shares = shares
        self._named = named
        self._responder = responder
        self._slack_host = slack_host

    async def run(self, body: Json) -> None:
        """Check what only Slack and the storage know, then start the job, or watch; tell the asker what is in the way."""
        team, channel, user = body["team_id"], body["channel_id"], body["user_id"]
        command = parse_command(body["text"], slack_host=self._slack_host)
        if not await self._directory.is_here(channel):
            await self._responder.respond(body["response_url"], texts.not_here())
            return
        if isinstance(command, WatchBucket):
            answer = await self._answers.answer(command, Asker(team, channel, user))
            await self._responder.respond(body["response_url"], answer.text)
            return
        assert isinstance(command, Track)
        try:
            sources, options = await self._sources(team, channel, command)
        except (FileNotShared, MessageNotShown) as error:
            await self._responder.respond(body["response_url"], texts.sentence(error, number=0))
            return
        except CommandError as misunderstood:
            await self._responder.respond(body["response_url"], texts.misunderstood(misunderstood))
            return
        for place, source in enumerate(sources[:MAX_VIDEOS]):
            request = Request(
                source=source,
                team=team,
                channel=channel,
                user=user,
                options=options,
                response_url=body["response_url"],
            )
            trigger = f"{body['trigger_id']}.{place}" if place else body["trigger_id"]
            await self._jobs.submit(command_id(team, trigger), request)

    async def _sources(self, team: str, channel: str, command: Track) -> tuple[list[Source], Options]:
        """
        Return the videos that a command names, and what is wanted of them.

        Raises `FileNotShared`, `MessageNotShown`, `SlackError`, and `CommandError` for what stands beside a file's name.
        """
        if command.source is None:
            return await self._named_files(team, channel, command)
        if message_of(command.source.ref, slack_host=self._slack_host) is not None:
            return await self._shares.sources_of(channel, command.source.ref), command.options
        if command.source.kind is SourceKind.SLACK_FILE:
            await file_shared_here(self._directory, command.source.ref, channel)
        return [command.source], command.options

    async def _named_files(self, team: str, channel: str, command: Track) -> tuple[list[Source], Options]:
        sources, rest = await self._named.find(team, channel, command.said)
        heard = hear_options(rest)
        if unknown := heard.names[:1] or (() if sources else (command.name,)):
            raise FileNotShared(unknown[0], "unknown")
        if heard.problems:
            raise heard.problems[0]
        for source in sources:
            await file_shared_here(self._directory, source.ref, channel)
        return sources, heard.options
