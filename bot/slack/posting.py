"""
Posting into a thread, each message exactly once.

A text leaves an intent in our database first; only where an intent is found is the thread searched for the message, by the
metadata that names job and part. Files have their ids saved before they are completed into the thread, so a second try sees
whether the first one arrived, and adopts its message. Slack processes files in its own time and may drop one that has an alt
text without a word (github.com/slackapi/python-slack-sdk/issues/1818): `shares` is waited for, then the thread is looked
through, and where neither shows the file it is sent again without that text. What Slack took twice and shows nowhere counts as
posted: a picture that may be there twice is better than none.

The progress message is edited by `progress.py`; which message says what is decided in `blocks.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.jobs import error_codec as failures
from bot.jobs.facts import Animation, JobFacts, Pause, Summary, SummaryPage, ToldObject
from bot.jobs.model import Job, JobId, JobState, Json, Kind
from bot.jobs.store import Store
from bot.slack import blocks
from bot.slack.api import PAUSES_S, AnswerLost, call_once, call_with_retry
from bot.slack.blocks import Message
from bot.slack.errors import SlackRefused, SlackUnreachable
from bot.slack.lookups import shares_of
from bot.slack.progress import ProgressBoard
from bot.slack.respond import RESPONSE_URL_S, Responder
from bot.texts import slack as texts
from rendering.naming import object_number
from tracking.errors import ProcessDied

logger = logging.getLogger(__name__)

METADATA = "tracklet"
SHARE_S = 30.0  # as Slack's staff advise to wait for a file
FIRST_SHARE_PAUSE_S, LONGEST_SHARE_PAUSE_S = 0.2, 5.0
CLOCKS_APART_S = 60.0  # ours and Slack's
LOOKED_THROUGH = 1000  # messages of a thread, when one of ours may be among them
PICTURES_A_THREAD = 20  # of one kind; nobody scrolls through more, and all are stored
FILES_A_MESSAGE = 10  # of more, Slack answers internal_error (github.com/slackapi/python-slack-sdk/issues/1653)
THREAD_LOOK_S = 5.0  # shares are most often there in one; some files never have any (python-slack-sdk issue 1277)
LOST_TRIES = 6  # of an upload whose completion gets no answer
UNSEEN = "unseen"  # the ts of a message that Slack took and does not show
GONE = frozenset({"thread_not_found", "message_not_found"})  # somebody deleted what was to be answered
PROGRESS, LIST = "progress", "list"

Describe = Callable[[Iterable[str]], Awaitable[Mapping[str, str]]]
"""A line about each entity id of which something is known; never raises."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One file to post; `title` is what people see as its name."""

    path: Path
    alt: str
    title: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a text goes, and by what it is found again: `key` and `part` are unique, `since` is when it cannot be older."""

    channel: str
    thread_ts: str
    key: str
    part: str
    since: float


class ThreadPoster:
    """The `JobReporter` of jobs that came from Slack."""

    def __init__(
        self,
        *,
        store: Store,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        responder: Responder,
        describe: Describe,
        share_s: float = SHARE_S,
    ) -> None:
        self._responder = responder
        self._describe = describe
        self._share_s = share_s
        self._store = store
        self._client = client
        self._session = session
        self._list_locks: WeakValueDictionary[JobId, asyncio.Lock] = WeakValueDictionary()
        self.board = ProgressBoard(self._edit_once, self._remember_progress)

    # ---- JobReporter --------------------------------------------------------------------------------------------------------

    async def open(self, job: Job) -> str:
        message = blocks.progress(job, JobState.RECEIVED, fraction=0.0, left_s=None)
        ts = await self.say(job, PROGRESS, message)
        self.board.add(job, ts, message)
        return job.request.thread_ts or ts

    async def resume(self, job: Job) -> None:
        """Follow a job whose progress message was posted before a restart."""
        post = await self._store.post(job.id, PROGRESS)
        if post is not None and post.ts:
            # A stage that was entered since then shows nothing of its own yet.
            state, fraction = job.facts.shown
            self.board.add(job, post.ts, None, fraction=fraction if state == job.state else 0.0)

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None:
        self.board.show(job, state, fraction)

    def waits(self, job: Job, before: int | None) -> None:
        self.board.waits(job, before)

    def pauses(self, job: Job, why: Pause | None) -> None:
        self.board.pauses(job, why)

    async def summary(self, job: Job, pages: Sequence[SummaryPage], objects: Sequence[ToldObject]) -> None:
        rows = {row.number: row for row in objects}
        name = blocks.title_of(job.request.source)
        alts = [texts.summary_alt(name, [rows[each] for each in page.objects]) for page in pages]
        title = texts.summary_title(name, job.request.page or 1)
        pictures = [Picture(Path(page.path), alt, title) for page, alt in zip(pages, alts, strict=True)]
        # The first page has a list of its own, with buttons.
        listed = [rows[each] for page in pages for each in page.objects] if job.request.page > 1 else []
        comment = blocks.page_list(job, listed) or texts.about(blocks.shown_name(name), "")
        await self.share(job, "summary", pictures, comment=comment)

    async def list_objects(self, job: Job, summary: Summary, *, next_first: int, next_page: int) -> None:
        async with self._list_lock(job.id):
            offered = await self._store.offer(job.id, next_first=next_first, next_page=next_page)
            await self.say(job, LIST, await self._list(job, summary, next_first=next_first, next_page=next_page))
        if (offered.facts.next_first, offered.facts.next_page) != (next_first, next_page):
            # It was posted before a crash, and somebody has asked for more since then.
            await self.update_list(offered)

    async def update_list(self, job: Job) -> None:
        """Show the buttons for what is still to be asked for, as the store has it; whichever call is last shows the latest."""
        async with self._list_lock(job.id):
            post, job = await self._store.post(job.id, LIST), await self._store.job(job.id) or job
            if post is not None and post.ts and (summary := job.facts.summary) is not None:
                rest = {"next_first": job.facts.next_first, "next_page": job.facts.next_page}
                await self.edit(job, post.ts, await self._list(job, summary, **rest))

    def _list_lock(self, job_id: JobId) -> asyncio.Lock:
        """Return what a list's posting and its edits wait for, so that none overtakes another."""
        return self._list_locks.setdefault(job_id, asyncio.Lock())

    async def _list(self, job: Job, summary: Summary, *, next_first: int, next_page: int) -> Message:
        known = await self._describe(row.entity_id for row in summary.objects[: blocks.ROWS_SHOWN])
        return blocks.object_list(job, summary, next_first=next_first, next_page=next_page, descriptions=known)

    async def animations(self, job: Job, animations: Sequence[Animation], objects: Sequence[ToldObject]) -> None:
        rows = {row.number: row for row in objects}
        shown = [rows[each.object] for each in animations]
        pictures = [
            Picture(Path(each.path), texts.animation_alt(row), texts.animation_title(row))
            for each, row in zip(animations, shown, strict=True)
        ]
        comment = texts.animations_comment(shown, blocks.shown_name(blocks.title_of(job.request.source)))
        await self.share(job, "animations", pictures, comment=comment)

    async def pictures(self, job: Job, kind: str, paths: Sequence[str], objects: Sequence[ToldObject]) -> None:
        title, name = blocks.kind_title(kind), blocks.title_of(job.request.source)
        rows = {row.number: row for row in objects}
        shown = paths[:PICTURES_A_THREAD]
        for first in range(0, len(shown), FILES_A_MESSAGE):
            part = [Path(path) for path in shown[first : first + FILES_A_MESSAGE]]
            files = [_picture(title, name, path, rows.get(object_number(path.name) or 0)) for path in part]
            comment = "" if first else texts.pictures_comment(title, name, shown=len(shown), total=len(paths))
            await self.share(job, _pictures_part(kind, first), files, comment=comment)

    async def close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None:
        await self.board.remove(job.id)
        job = await self._store.job(job.id) or job
        if error is not None and isinstance(found := failures.from_json(error), SlackRefused):
            logger.error("job %d: Slack refused %s: %s %s", job.number, found.method, found.reason, found.needed)
        try:
            await self._close(job, state, facts, error)
        except SlackRefused as refused:
            if state is not JobState.CANCELLED:
                await self._tell_asker(job, refused)
            raise

    async def _tell_asker(self, job: Job, refused: SlackRefused) -> None:
        """Tell only who asked, once, that the thread cannot be told, and why."""
        request = job.request
        if not request.user or refused.reason in GONE or await self._store.intend(job.id, "refusal") is not None:
            return
        logger.error("job %d: Slack does not let it answer: %s", job.number, refused.reason)
        is_fresh = time.time() - job.created_at < RESPONSE_URL_S
        await self._responder.tell(
            request.user,
            texts.refused(refused, channel=request.channel),
            response_url=request.response_url if is_fresh else "",
            channel=request.channel,
            thread_ts=request.thread_ts,
        )

    async def _close(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> None:
        if job.request.kind is Kind.MORE:
            if error is not None and state is not JobState.CANCELLED:
                await self.say(job, "failure", blocks.failed(job, self._sentence(job, error), can_retry=True))
            return
        message = await self._last_word(job, state, facts, error)
        post = await self._store.post(job.id, PROGRESS)
        if post is not None and post.ts:
            await self.edit(job, post.ts, message)
        elif state is not JobState.CANCELLED:
            await self.say(job, PROGRESS, message)

    async def _last_word(self, job: Job, state: JobState, facts: JobFacts, error: Json | None) -> Message:
        if state is JobState.CANCELLED:
            return blocks.stopped(job)
        if error is not None:
            # What takes the program down is not to be had again by a click.
            return blocks.failed(job, self._sentence(job, error), can_retry=error["kind"] != ProcessDied.__name__)
        if job.request.kind is Kind.MAKE:
            posts = {kind: await self._store.post(job.id, _pictures_part(kind, 0)) for kind in job.request.options.make}
            return blocks.made(job, [kind for kind, post in posts.items() if post is not None])
        earlier_link = await self._link_to(job, facts.earlier) if facts.earlier else ""
        return blocks.finished(job, facts, earlier_link=earlier_link)

    # ---- texts -----------------------------------------------------------------------------------------------------------

    async def say(self, job: Job, part: str, message: Message) -> str:
        """Post `message` as `part` of the job's thread, once; its ts."""
        return await self.post(_address(job, part), message)

    async def post(self, address: Address, message: Message) -> str:
        """Post `message`, once; its ts."""
        known = await self._store.intend(address.key, address.part)
        if known is not None and known.ts:
            return known.ts
        ts = await self._find(address) if known is not None else ""
        arguments: Json = {
            "channel": address.channel,
            "text": message.text[: blocks.TEXT_LETTERS],
            "blocks": list(message.blocks),
            "metadata": {"event_type": METADATA, "event_payload": {"job": address.key, "part": address.part}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if address.thread_ts:
            arguments["thread_ts"] = address.thread_ts
        pauses = iter(PAUSES_S)
        while not ts:
            try:
                answer = await call_once(self._client, "chat.postMessage", **arguments)
                ts = str(answer["ts"])
            except SlackRefused:
                await self._store.withdraw(address.key, address.part)
                raise
            except AnswerLost as error:
                pause_s = next(pauses, None)
                if pause_s is None:
                    raise SlackUnreachable("chat.postMessage") from error
                await asyncio.sleep(pause_s)
                ts = await self._find(address)
        await self._store.posted(address.key, address.part, ts)
        return ts

    async def edit(self, job: Job, ts: str, message: Message) -> None:
        """Change one of our messages, call_with_retry; one that is gone stays gone."""
        try:
            await call_with_retry(self._client, "chat.update", **_edit(job, ts, message))
        except SlackRefused as refused:
            if refused.reason not in {"message_not_found", "cant_update_message", "edit_window_closed"}:
                raise

    async def _edit_once(self, job: Job, ts: str, message: Message) -> None:
        try:
            await call_once(self._client, "chat.update", **_edit(job, ts, message))
        except AnswerLost:
            logger.info("job %d: a progress edit got no answer", job.number)

    async def _remember_progress(self, job: Job, state: JobState, fraction: float) -> None:
        await self._store.update(job.id, facts=JobFacts(shown=(state, round(fraction, 3))))

    async def _find(self, address: Address) -> str:
        """Return the ts of a message of ours that may have been posted before, "" when it was not."""
        wanted = {"job": address.key, "part": address.part}
        return await self._search(
            address.channel,
            address.thread_ts,
            address.since,
            lambda message: (message.get("metadata") or {}).get("event_payload") == wanted,
        )

    async def _search(self, channel: str, thread_ts: str, since: float, is_wanted: Callable[[Json], bool]) -> str:
        """Return the ts of the first message in a thread, or in the channel since then, that is wanted; "" where none is."""
        method, where = "conversations.history", {"channel": channel, "oldest": f"{since - CLOCKS_APART_S:.6f}"}
        if thread_ts:
            method, where = "conversations.replies", {"channel": channel, "ts": thread_ts}
        seen = 0
        while True:
            answer = await call_with_retry(self._client, method, include_all_metadata=True, limit=200, **where)
            for message in answer["messages"]:
                if is_wanted(message):
                    return str(message["ts"])
            seen += len(answer["messages"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor or seen >= LOOKED_THROUGH:
                return ""
            where["cursor"] = cursor

    # ---- files -----------------------------------------------------------------------------------------------------------

    async def share(self, job: Job, part: str, pictures: Sequence[Picture], *, comment: str = "") -> str:
        """Post `pictures` in one message of the thread, once; its ts, `UNSEEN` where Slack took them and does not show it."""
        known = await self._store.post(job.id, part)
        if known is not None and known.ts:
            return known.ts
        file_ids = list(known.file_ids) if known is not None else []
        is_taken, taken, lost = False, 0, 0
        while lost < LOST_TRIES:
            if not file_ids:
                file_ids = await self._upload(job, part, pictures, with_alt=not taken)
                is_taken = await self._complete(job, file_ids, pictures, comment)
            # What was begun before a crash, or got no answer, may be there or may never have been completed.
            ts = await self._shared_as(job, file_ids, wait_s=self._share_s if is_taken else self._share_s / 4)
            taken, lost = (taken + 1, lost) if is_taken else (taken, lost + 1)
            if not ts and taken > 1:
                logger.warning("job %d: Slack took %s and does not show it", job.number, part)
                ts = UNSEEN
            if ts:
                await self._store.posted(job.id, part, ts)
                return ts
            logger.warning("job %d: %s was not shared; once more", job.number, part)
            if ts is not None:
                # Nobody sees it yet: deleted, so that a share which comes late does not show the same pictures twice.
                for file_id in file_ids:
                    await self._delete("files.delete", file=file_id)
            file_ids = []
        raise SlackUnreachable("files.completeUploadExternal")

    async def _upload(self, job: Job, part: str, pictures: Sequence[Picture], *, with_alt: bool) -> list[str]:
        """Give the bytes to Slack, where nobody sees them yet; their ids are in the store from then on."""
        file_ids = await asyncio.gather(*(self._upload_one(job, picture, with_alt=with_alt) for picture in pictures))
        await self._store.withdraw(job.id, part)
        await self._store.intend(job.id, part, file_ids=file_ids)
        return file_ids

    async def _upload_one(self, job: Job, picture: Picture, *, with_alt: bool) -> str:
        arguments: Json = {"filename": picture.path.name, "length": picture.path.stat().st_size}
        if with_alt:
            arguments["alt_txt"] = picture.alt[:1000]
        for pause_s in PAUSES_S:
            place = await call_with_retry(self._client, "files.getUploadURLExternal", **arguments)
            try:
                with picture.path.open("rb") as file:
                    headers = {"Content-Type": "application/octet-stream"}
                    async with self._session.post(place["upload_url"], data=file, headers=headers) as answer:
                        if answer.status == 200:
                            return str(place["file_id"])
            except (aiohttp.ClientError, TimeoutError, OSError):
                logger.warning("job %d: the bytes of a picture did not arrive", job.number)
            await asyncio.sleep(pause_s)
        raise SlackUnreachable("upload")

    async def _complete(self, job: Job, file_ids: Sequence[str], pictures: Sequence[Picture], comment: str) -> bool:
        """Share what was uploaded; False where no answer tells whether that was done."""
        files = [{"id": file_id, "title": picture.title} for file_id, picture in zip(file_ids, pictures, strict=True)]
        arguments: Json = {
            "files": files,
            "channel_id": job.request.channel,
            "thread_ts": job.thread_ts or job.request.thread_ts,
        }
        if comment:
            arguments["initial_comment"] = comment
        try:
            await call_once(self._client, "files.completeUploadExternal", **arguments)
        except AnswerLost:
            return False
        return True

    async def _shared_as(self, job: Job, file_ids: Sequence[str], *, wait_s: float) -> str | None:
        """
        Return the ts of the message that shares the files in the job's thread; "" when none does after a while.

        None where Slack does not say: the files show no share, and the thread cannot be read.
        """
        pause_s, waited_s, looks_s = FIRST_SHARE_PAUSE_S, 0.0, [min(THREAD_LOOK_S, wait_s), wait_s]
        ts: str | None = ""
        while looks_s:
            file = await self._file(file_ids[0])
            if file is None:
                return ""
            if shares := shares_of(file, job.request.channel):
                return str(shares[0]["ts"])
            if waited_s >= looks_s[0]:
                looks_s = [each for each in looks_s if each > waited_s]
                if ts := await self._in_thread(job, file_ids):
                    return ts
                continue
            await asyncio.sleep(pause_s)
            waited_s += pause_s
            pause_s = min(pause_s * 2, LONGEST_SHARE_PAUSE_S)
        return ts

    async def _in_thread(self, job: Job, file_ids: Sequence[str]) -> str | None:
        """Return the ts of the message in the thread that holds the files; "" where none does, None where Slack shows none."""
        wanted = set(file_ids)
        try:
            return await self._search(
                job.request.channel,
                job.thread_ts or job.request.thread_ts,
                job.created_at,
                lambda message: any(file.get("id") in wanted for file in message.get("files") or []),
            )
        except (SlackRefused, SlackUnreachable) as error:
            logger.info("job %d: its thread cannot be read: %s", job.number, error)
            return None

    async def take_back(self, job_id: str, *, channel: str = "") -> None:
        """Delete what was posted for a job, or under another key in `channel`; what is gone already is passed over."""
        job = await self._store.job(JobId(job_id))
        channel = job.request.channel if job else channel
        for post in await self._store.posts_of(job_id):
            if post.ts and post.ts != UNSEEN:
                await self._delete("chat.delete", channel=channel, ts=post.ts)
        # Those that were sent once more because they did not show are not in any post.
        for file_id in await self._store.own_files_of(job_id):
            await self._delete("files.delete", file=file_id)

    async def _file(self, file_id: str) -> Json | None:
        """Return what Slack says of a file, {} while it does not find it, None when it was deleted."""
        try:
            answer = await call_with_retry(self._client, "files.info", file=file_id)
        except SlackRefused as refused:
            if refused.reason == "file_not_found":
                return {}  # for about a second that is said of new files, too: python-slack-sdk issue 1521
            if refused.reason == "file_deleted":
                return None
            raise
        found: Json = answer["file"]
        return found

    async def _delete(self, method: str, **what: str) -> None:
        try:
            await call_with_retry(self._client, method, **what)
        except SlackRefused as refused:
            logger.info("what was to go could not be deleted: %s", refused.reason)

    # ---- facts -----------------------------------------------------------------------------------------------------------

    async def _link_to(self, job: Job, earlier_id: str) -> str:
        """Return a link to an earlier job's thread, "" where the asker cannot see it."""
        earlier = await self._store.job(JobId(earlier_id))
        if earlier is None or earlier.request.team != job.request.team or not earlier.request.channel or not earlier.thread_ts:
            return ""
        channel = earlier.request.channel
        try:
            if channel != job.request.channel:
                info = (await call_with_retry(self._client, "conversations.info", channel=channel))["channel"]
                if info.get("is_private") or info.get("is_im") or info.get("is_mpim"):
                    return ""
            answer = await call_with_retry(self._client, "chat.getPermalink", channel=channel, message_ts=earlier.thread_ts)
        except (SlackRefused, SlackUnreachable):
            return ""
        return str(answer["permalink"])

    def _sentence(self, job: Job, error: Json) -> str:
        found = failures.from_json(error)
        return texts.sentence(found, number=job.number)


def _edit(job: Job, ts: str, message: Message) -> Json:
    return {
        "channel": job.request.channel,
        "ts": ts,
        "text": message.text[: blocks.TEXT_LETTERS],
        "blocks": list(message.blocks),
    }


def _picture(title: str, name: str, path: Path, row: ToldObject | None) -> Picture:
    """Return a file of a further kind; `row` is its object where it shows one alone."""
    if row is None:
        return Picture(path, texts.picture_alt(title, path.name), texts.picture_title(title, name))
    return Picture(path, texts.object_alt(title, row), texts.object_title(row))


def _pictures_part(kind: str, first: int) -> str:
    """Return the part of a thread that shows pictures of one kind from `first` on; a kind may be called as another part is."""
    return f"pictures-{kind}-{first}"


def _address(job: Job, part: str) -> Address:
    request = job.request
    return Address(request.channel, job.thread_ts or request.thread_ts, job.id, part, job.created_at)
