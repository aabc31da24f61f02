"""
Videos that people share, and what they say to the bot: in messages, as files, as links, in a thread, or by the shortcut.

One message is one intent, however many events tell of it, and in whatever order they come: a message that has come settles
what its mention and its files tell beside it; where it has not come it is asked for. One video in one message is one job: its
id is made of the two. In one thread a video is not tracked twice with the same options. Programs never start a job, and
neither do our own uploads. Where nothing may start unasked (`/track auto off`) a button is left instead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs.model import Job, JobId, JobState, Json, Kind, Request, Source, SourceKind, digest, link_id, upload_id
from bot.jobs.service import JobService
from bot.jobs.steps import FILE_PAUSES_S
from bot.jobs.store import Store
from bot.requests.errors import CommandError
from bot.requests.grammar import Cancel, Tone, hear_options
from bot.requests.links import looks_like_video, may_work_once, message_of, source_of
from bot.slack import blocks
from bot.slack.answers import Answers, Asker
from bot.slack.api import call_once
from bot.slack.blocks import Message
from bot.slack.errors import FileNotShared, MessageNotShown, SlackError, SlackRefused
from bot.slack.history import MessageHistory
from bot.slack.inbox import Taken
from bot.slack.lookups import LOOK_PAUSES_S, SlackLookups, shares_of
from bot.slack.messages import (
    SharedFile,
    SharedMessage,
    Speech,
    is_surely_video,
    kept_message,
    message_key,
    read_message,
    read_shortcut,
    read_videos,
)
from bot.slack.named_videos import NamedVideos
from bot.slack.permissions import file_shared_here
from bot.slack.posting import PROGRESS, Address, ThreadPoster
from bot.slack.respond import Responder
from bot.slack.withdrawals import is_withdrawn, offers_of
from bot.texts import slack as texts
from tracking.errors import TrackletError

GRACE_S = 2.0  # file_shared and app_mention know less than their message, which comes at the same moment
LOOKED_UP_S = 10.0  # what is known already is worth more than a long wait for the rest
MAX_VIDEOS = 10  # of one message, as many files as Slack puts into one
MAX_TOLD = 3  # reasons why something is no video
MAX_VALUE_LETTERS = 2000  # of a button

Keep = Callable[[str, str, Json], Awaitable[Taken]]
"""Takes what came in under a kind and a key, as `Inbox.take` does."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A video in a message, and the id of the job for it."""

    job_id: JobId
    source: Source


@dataclass(slots=True)
class _Finding:
    """The videos that a message leads to, and why what else it names leads to none."""

    videos: list[_Found] = field(default_factory=list)
    refused: list[CommandError | TrackletError] = field(default_factory=list)


class Shares:
    """Turns what is shared and said into jobs and answers."""

    def __init__(
        self,
        *,
        store: Store,
        jobs: JobService,
        directory: SlackLookups,
        thread: ThreadPoster,
        client: AsyncWebClient,
        responder: Responder,
        answers: Answers,
        named: NamedVideos,
        keep: Keep,
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
        self._history = MessageHistory(client)
        self._responder = responder
        self._answers = answers
        self._named = named
        self._keep = keep
        self._bot_user = bot_user
        self._slack_host = slack_host
        self._grace_s = grace_s
        self._file_pauses_s = file_pauses_s
        self._deciding = asyncio.Lock()

    async def message(self, body: Json) -> None:
        """Do what a message asks for: it may hold a video, or speak to the bot."""
        shared = read_message(body, bot_user=self._bot_user)
        if shared is None or await self._directory.is_bot(shared.user):
            return
        if shared.speech is not None:
            await self._answer(shared, shared.speech)
            return
        finding = await self._videos(shared)
        is_wanted = await self._store.auto(shared.team, shared.channel)
        for video in finding.videos[:MAX_VIDEOS]:
            if not is_wanted or _may_be_spent(video.source):
                await self._offer(shared, video)
            elif (earlier := await self._start(shared, video)) is not None:
                await self._tell(shared, texts.same_as_above(await self._link_to(earlier)))
        if len(finding.videos) > MAX_VIDEOS:
            await self._tell(shared, texts.too_many_videos(len(finding.videos), MAX_VIDEOS))

    async def mention(self, body: Json) -> None:
        """
        Handle an `app_mention`, which tells of a message that comes by itself as well.

        It knows nothing of files. Where its message did not come, Slack is asked for that, and only then is it alone enough.
        """
        shared = read_message(body, bot_user=self._bot_user)
        if shared is None:
            return
        await asyncio.sleep(self._grace_s)
        key = message_key(shared)
        if await self._store.was_received(f"message:{key}"):
            return
        event = await self._looked_up(shared.channel, shared.ts, shared.thread_ts)
        if event is None:
            await self._keep("message", f"{key}:mention", body)
        else:
            same = {name: body["event"][name] for name in ("type", "edited", "channel_type") if name in body["event"]}
            await self._keep("message", key, {"team_id": shared.team, "event": event | same})

    async def file(self, body: Json) -> None:
        """Handle a `file_shared` event: its message is looked for where that event did not come."""
        event, team = body["event"], str(body.get("team_id") or "")
        file_id = str(event.get("file_id") or (event.get("file") or {}).get("id") or "")
        channel, user = str(event.get("channel_id") or ""), str(event.get("user_id") or "")
        if not (file_id and channel) or user == self._bot_user or await self._store.is_own_file(file_id):
            return
        await asyncio.sleep(self._grace_s)
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
                if shares := shares_of(file, channel):
                    break
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
        share = max(shares, key=lambda share: str(share["ts"]))
        ts, thread_ts = str(share["ts"]), str(share.get("thread_ts") or "")
        key = f"{team}:{channel}:{ts}"
        if await self._store.was_received(f"message:{key}"):
            return
        message = await self._looked_up(channel, ts, thread_ts)
        if message is None:
            # Slack does not show it: the file is all that is known.
            message = {"type": "message", "channel": channel, "user": owner, "ts": ts, "thread_ts": thread_ts, "files": [file]}
            message = kept_message(message)
        await self._keep("message", key, {"team_id": team, "event": message})

    async def shortcut(self, payload: Json) -> None:
        """Track what is in a message: somebody asks for exactly that one."""
        shared, response_url = read_shortcut(payload), payload["response_url"]
        if not await self._directory.is_here(shared.channel):
            await self._responder.respond(response_url, texts.not_here())
            return
        finding = await self._videos(shared)
        for video in finding.videos[:MAX_VIDEOS]:
            if (earlier := await self._start(shared, video)) is not None:
                await self._responder.respond(response_url, texts.same_as_above(await self._link_to(earlier)))
        if not finding.videos:
            said = [_sentence(each) for each in finding.refused] or [texts.no_video_in_message()]
            await self._responder.respond(response_url, said[0])

    async def offered(self, team: str, channel: str, user: str, value: str) -> None:
        """Start what the button stands for, where nothing starts unasked."""
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

    async def sources_of(self, channel: str, link: str) -> list[Source]:
        """
        Return the videos in the message that a permalink names, itself in the channel.

        Raises `MessageNotShown`, `FileNotShared`, `SlackError`.
        """
        named = message_of(link, slack_host=self._slack_host)
        assert named is not None, "only for permalinks of messages"
        place, ts, thread_ts = named
        if place != channel:
            raise MessageNotShown("elsewhere")
        message = await self._history.message(place, ts, thread_ts=thread_ts)
        if message is None:
            raise MessageNotShown("gone")
        finding = _Finding()
        sources = await self._files(channel, read_videos(message)[0], finding, is_asked=True)
        for each in read_videos(message)[1]:
            if (source := await self._link(channel, each, finding, is_asked=True)) is not None:
                sources.append(source)
        if sources:
            return sources
        error = next((each for each in finding.refused if isinstance(each, TrackletError)), None)
        raise error or MessageNotShown("no-video")

    # ---- inside ----------------------------------------------------------------------------------------------------------

    async def _answer(self, shared: SharedMessage, speech: Speech) -> None:
        """Do what somebody asks of the bot, or tell that person what was not understood."""
        heard = speech.heard
        if speech.wrong is not None:
            if speech.is_addressed or shared.files or shared.links:
                await self._tell(shared, texts.misunderstood(speech.wrong))
            return
        if heard.order is not None and speech.is_addressed:
            asker = Asker(shared.team, shared.channel, shared.user, shared.thread_ts)
            await self._tell(shared, await self._answers.answer(heard.order, asker))
            if isinstance(heard.order, Cancel) or not shared.files:
                return
        if shared.files or shared.links:
            await self._track(shared, speech, await self._videos(shared))
        elif heard.names and heard.tone is Tone.REQUEST and speech.is_addressed:
            await self._track_by_name(shared, speech)
        elif heard.problems:
            if speech.is_addressed:
                await self._tell(shared, texts.misunderstood(heard.problems[0]))
        elif heard.tone is Tone.REQUEST:
            await self._request(shared, speech)
        elif heard.tone is Tone.GREETING and not shared.thread_ts:
            await self._say(shared, blocks.help_message())

    async def _track_by_name(self, shared: SharedMessage, speech: Speech) -> None:
        """Track the videos whose names somebody says, those of the thread or of the channel."""
        named, rest = speech.heard.names, speech.heard.said
        sources, rest = await self._named.find(shared.team, shared.channel, rest, thread_ts=shared.thread_ts)
        try:
            heard = hear_options(rest)
        except CommandError as wrong:
            await self._tell(shared, texts.misunderstood(wrong))
            return
        speech = replace(speech, heard=replace(heard, is_asking=True))
        shared = replace(shared, speech=speech)
        finding = _Finding([_Found(_job_id(shared, each), each) for each in sources])
        unknown = heard.names if sources else named
        finding.refused += [FileNotShared(name, "unknown") for name in unknown]
        await self._track(shared, speech, finding)

    async def _request(self, shared: SharedMessage, speech: Speech) -> None:
        """Track what is asked for by a message that does not hold it: the videos of its thread."""
        if shared.has_other_files:
            await self._tell(shared, texts.file_not_shared(FileNotShared("", "not-a-video")))
        elif shared.thread_ts:
            try:
                sources = await self._sources_in_thread(shared)
            except SlackError:
                await self._say(shared, blocks.plain(texts.cannot_read_thread()))
                return
            if sources:
                await self._track(shared, speech, _Finding([_Found(_job_id(shared, each), each) for each in sources]))
            else:
                await self._say(shared, blocks.plain(texts.no_video_in_thread()))
        elif speech.heard.is_asking:
            await self._tell(shared, texts.no_video_here())
        else:
            await self._say(shared, blocks.help_message())

    async def _track(self, shared: SharedMessage, speech: Speech, finding: _Finding) -> None:
        """Start what was asked for, and tell the asker alone what of it was left out."""
        for video in finding.videos[:MAX_VIDEOS]:
            if (earlier := await self._start(shared, video)) is not None:
                await self._tell(shared, texts.same_as_above(await self._link_to(earlier)))
        said = [_sentence(each) for each in finding.refused]
        if len(finding.videos) > MAX_VIDEOS:
            said.append(texts.too_many_videos(len(finding.videos), MAX_VIDEOS))
        if speech.heard.problems and (shared.channel_type != "im" or speech.heard.is_asking):
            said.append(
                texts.left_out(speech.heard.problems[0]) if finding.videos else texts.misunderstood(speech.heard.problems[0])
            )
        for each in list(dict.fromkeys(said))[:MAX_TOLD]:
            await self._tell(shared, each)

    async def _start(self, shared: SharedMessage, video: _Found) -> Job | None:
        """
        Start a job, unless one of this thread has the same video and the same options, which is given back.

        Where only kinds of pictures are missing, these alone are made.
        """
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
            return None
        # One decision after the other: of two messages at once the second must see the first one's job.
        async with self._deciding:
            jobs = await self._store.jobs_of_thread(request.team, request.channel, request.thread_ts)
            alike = [job for job in jobs if job.id != video.job_id and _is_alike(job, request)]
            if alike and not (missing := _not_made(request, alike)):
                return next((job for job in alike if set(request.options.make) & set(job.request.options.make)), alike[-1])
            if parent := next((job for job in reversed(alike) if job.request.kind is not Kind.MAKE), None):
                request = replace(request, kind=Kind.MAKE, parent=parent.id).with_options(make=missing)
            job, _ = await self._jobs.submit(video.job_id, request)
        if await self._is_withdrawn(shared):  # just now, before there was a job to be stopped
            await self._jobs.cancel(job, shared.user)
        return None

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
        key = f"{offers_of(shared.team, shared.channel, shared.ts)}{video.job_id}"
        address = Address(shared.channel, thread_ts, key, "offer", float(shared.ts))
        await self._thread.post(address, blocks.offer(value, video.source.name))

    async def _videos(self, shared: SharedMessage) -> _Finding:
        """Find the videos of a message, each with its own job's id."""
        finding = _Finding()
        sources = await self._files(shared.channel, shared.files, finding, is_asked=shared.is_mention)
        for link in shared.links:
            if message_of(link, slack_host=self._slack_host) is None:
                linked = await self._link(shared.channel, link, finding, is_asked=shared.is_mention)
                sources += [linked] if linked else []
            elif shared.is_mention:
                try:
                    sources += await self.sources_of(shared.channel, link)
                except TrackletError as error:
                    finding.refused.append(error)
        finding.videos = [_Found(_job_id(shared, source), source) for source in dict.fromkeys(sources)]
        return finding

    async def _files(self, channel: str, files: Iterable[SharedFile], finding: _Finding, *, is_asked: bool) -> list[Source]:
        """Return the files that are tracked: where nobody asked, only what surely is a video."""
        sources = []
        for file in files:
            name = file.name
            if await self._store.is_own_file(file.id) or not (is_asked or file.is_sure):
                continue
            try:
                if file.is_forwarded:
                    await file_shared_here(self._directory, file.id, channel)
                if file.is_stub:
                    found = await self._when_ready(file.id)
                    name = str(found.get("name") or name)
                    if not (is_asked or is_surely_video(found)):
                        continue
            except FileNotShared as error:
                finding.refused.append(error)
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

    async def _link(self, channel: str, link: str, finding: _Finding, *, is_asked: bool) -> Source | None:
        """
        Return what a link leads to, None where that is no video.

        No server is asked here: unasked only what looks like a video counts, and what somebody asked for its job fetches.
        """
        try:
            source = source_of(link, slack_host=self._slack_host)
            if source.kind is SourceKind.SLACK_FILE:
                await file_shared_here(self._directory, source.ref, channel)
                return None if await self._store.is_own_file(source.ref) else source
            if not (is_asked or looks_like_video(link)):
                return None
        except (CommandError, TrackletError) as error:
            finding.refused.append(error)
            return None
        return source

    async def _sources_in_thread(self, shared: SharedMessage) -> list[Source]:
        """
        Return the videos that a thread is about: those of the latest message of a person that has any, else of its latest job.

        A link of which only its server knows what it is counts where there is nothing else.
        """
        jobs = await self._store.jobs_of_thread(shared.team, shared.channel, shared.thread_ts)
        tracked = [job.request.source for job in jobs if job.request.kind is not Kind.MORE][:1]
        try:
            messages = await self._history.thread(shared.channel, shared.thread_ts)
        except SlackError:
            if tracked:
                return tracked
            raise
        unsure: list[Source] = []
        for message in reversed(messages):
            if message.get("bot_id") or message.get("user") == self._bot_user or message.get("ts") == shared.ts:
                continue
            files, links = read_videos(message)
            finding = _Finding()
            sources = await self._files(shared.channel, files, finding, is_asked=True)
            for link in links:
                source = await self._link(shared.channel, link, finding, is_asked=True)
                if source is not None and message_of(link, slack_host=self._slack_host) is None:
                    is_sure = looks_like_video(link) or source.kind is not SourceKind.LINK
                    (sources if is_sure else unsure).append(source)
            if sources:
                return sources
        return tracked or unsure[:1]

    async def _looked_up(self, channel: str, ts: str, thread_ts: str) -> Json | None:
        """Return a message as an event would tell of it, None where Slack does not show it."""
        try:
            async with asyncio.timeout(LOOKED_UP_S):
                message = await self._history.message(channel, ts, thread_ts=thread_ts)
        except (SlackError, TimeoutError):
            return None
        if message is None:
            return None
        event = {name: value for name, value in message.items() if name != "edited"}
        return kept_message(event | {"type": "message", "channel": channel})

    async def _link_to(self, job: Job) -> str:
        """Return a link to what the bot said about a job, "" where Slack gives none."""
        post = await self._store.post(job.id, PROGRESS)
        ts = post.ts if post is not None and post.ts else job.thread_ts
        return await self._history.permalink(job.request.channel, ts)

    async def _say(self, shared: SharedMessage, message: Message) -> None:
        thread_ts = shared.thread_ts or ("" if shared.channel_type == "im" else shared.ts)
        key = f"answer:{digest(f'{shared.team} {shared.channel} {shared.asked_at}')}"
        await self._thread.post(Address(shared.channel, thread_ts, key, "answer", float(shared.ts)), message)

    async def _tell(self, shared: SharedMessage, said: str | Message) -> None:
        """Tell only the person who wrote."""
        message = blocks.plain(said) if isinstance(said, str) else said
        arguments: Json = {"channel": shared.channel, "user": shared.user, "text": message.text, "blocks": list(message.blocks)}
        if shared.thread_ts:
            # Slack shows such a message only in a thread that is there already.
            arguments["thread_ts"] = shared.thread_ts
        await call_once(self._client, "chat.postEphemeral", **arguments)


def _job_id(shared: SharedMessage, source: Source) -> JobId:
    """Return the id of the job that a message asks for."""
    make = upload_id if source.kind is SourceKind.SLACK_FILE else link_id
    return make(shared.team, shared.channel, shared.asked_at, source.ref)


def _is_alike(job: Job, request: Request) -> bool:
    """Return whether a job does, or has done, what a request asks for, but for further kinds of pictures."""
    asked = job.request
    return (
        asked.kind is not Kind.MORE
        and (asked.source.kind, asked.source.ref) == (request.source.kind, request.source.ref)
        and replace(asked.options, make=()) == replace(request.options, make=())
        and job.state not in {JobState.FAILED, JobState.CANCELLED}
        and not job.cancelled_by
    )


def _not_made(request: Request, alike: Iterable[Job]) -> tuple[str, ...]:
    """Return the further kinds of pictures that are asked for and that none of the jobs makes."""
    made = {kind for job in alike for kind in job.request.options.make}
    return tuple(kind for kind in request.options.make if kind not in made)


def _may_be_spent(source: Source) -> bool:
    """Return whether fetching a link unasked could do something: such a link gets a button."""
    return source.kind is SourceKind.LINK and may_work_once(source.ref)


def _sentence(error: CommandError | TrackletError) -> str:
    return texts.misunderstood(error) if isinstance(error, CommandError) else texts.sentence(error, number=0)
