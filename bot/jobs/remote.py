"""
Tracking by an engine that works elsewhere: what a job asks of it, one question at a time.

The order of the questions and the waiting between them are in `remote_run.py`. A run is paid, so none is started while an
earlier one of the same work may be at work: a start is noted before it is sent, and one without an answer, or a crash before
its answer was noted, is looked for by its annotation file and among the service's operations. Nothing here starts it again; a
person may, who has been told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.jobs.facts import Collected, JobFacts, Pause, Placement, RemoteState, Started, VideoFile
from bot.jobs.local_files import keep_in
from bot.jobs.model import Job
from bot.jobs.store import Store
from tracking.atomic import write_whole
from tracking.engines.base import EngineName, Handle, RemoteEngine
from tracking.engines.remote import has_arrived
from tracking.errors import (
    Cancelled,
    EngineAbsence,
    EngineRefusal,
    EngineRefused,
    EngineUnavailable,
    StorageError,
    TrackletError,
    service_words,
)
from tracking.formats import video_intelligence
from tracking.model import Segment
from tracking.storage.base import Storage
from tracking.storage.bucket import Bucket
from tracking.storage.names import annotation_name

logger = logging.getLogger(__name__)

INLINE_LIMIT_BYTES = 4_000_000  # the engine's own; beyond it a bucket is needed
PAUSES = {
    EngineAbsence.QUOTA: Pause.QUOTA,
    EngineAbsence.OFFLINE: Pause.OFFLINE,
    EngineAbsence.TIMEOUT: Pause.OFFLINE,
    EngineAbsence.UNANSWERED: Pause.UNANSWERED,
}
"""What passes by itself; anything else somebody has to mend."""
REFUSALS = 3  # in a row, before a run is given up that may be going on: one may be a token that was not renewed in time
CLOCKS_APART_S = 60.0  # ours and Google's
FAILED_RUN_BYTES = 100_000  # a file that holds nothing but errors is smaller by far

OpenEngine = Callable[[], Awaitable[RemoteEngine]]


class RemoteTracking:
    """One remote engine for all jobs, opened when it is first needed."""

    def __init__(self, *, storage: Storage, store: Store, open_engine: OpenEngine) -> None:
        self._storage = storage
        self._store = store
        self._open_engine = open_engine
        self._engine: RemoteEngine | None = None
        self._opening = asyncio.Lock()

    async def run_key(self) -> str:
        """Return what decides the result, for the keys of a job. Raises `EngineUnavailable`."""
        return (await self._opened()).run_key

    async def place(self, job: Job, video: VideoFile, *, run_key: str) -> Placement:
        """Put the video where the engine reads it: into the videos' bucket, or, a small one, into the request itself."""
        videos, annotations = self._storage.videos, self._storage.annotations
        placed = Placement(uri="", file=video.path, annotations_uri="", annotations_name="", since=0)
        if isinstance(annotations, Bucket):
            name = annotation_name(video.root, video.video_name, run_key=run_key)
            await self._store.own(job.id, [annotations.uri(name)])
            since = await annotations.generation(name)
            where = {"annotations_uri": annotations.uri(name), "annotations_name": name, "since": since}
            placed = placed.model_copy(update=where)
        if video.uri:
            return placed.model_copy(update={"uri": video.uri})
        if isinstance(videos, Bucket):
            await keep_in(videos, video.video_name, Path(video.path))
            return placed.model_copy(update={"uri": videos.uri(video.video_name)})
        if video.size_bytes > INLINE_LIMIT_BYTES:
            raise EngineUnavailable(
                EngineName.GOOGLE, EngineAbsence.CONFIGURATION, "a video of this size needs TRACKLET_VIDEO_BUCKET"
            )
        return placed

    async def start(self, job: Job, placed: Placement, segment: Segment | None, *, is_last: bool) -> Started:
        """
        Start a run, unless there is one. Raises `EngineError`, `InputError`, `StorageError`.

        What passes by itself is raised only where this try `is_last`.
        """
        current = await self._store.job(job.id)
        known = current.facts if current is not None else JobFacts()
        if known.handle:
            return Started(handle=known.handle)
        if known.start_sent:
            # A crash after the question and before the note of its answer is a lost answer too.
            await self._store.update(job.id, facts=JobFacts(pause=Pause.UNANSWERED))
            return Started(pause=Pause.UNANSWERED)
        try:
            if (earlier := await self._begun_before(job, placed)) is not None:
                return earlier
            if await self._has_arrived(placed):
                return Started()
            engine = await self._opened()
            # Also what is waited for: its event may come before the answer does.
            sent = JobFacts(
                start_sent=True,
                sent_at=time.time(),
                waits_for=placed.annotations_uri,
                waits_since=placed.since,
                pause=Pause.STARTING,
            )
            await self._store.update(job.id, facts=sent)
            handle = await engine.start(
                placed.uri or Path(placed.file), annotations_uri=placed.annotations_uri, segment=segment
            )
        except EngineUnavailable as error:
            pause = PAUSES.get(error.reason) if isinstance(error.reason, EngineAbsence) else None
            await self._store.update(job.id, facts=JobFacts(start_sent=pause is Pause.UNANSWERED, pause=pause))
            if pause is None or (is_last and pause is not Pause.UNANSWERED):
                raise
            logger.info("job %d: the start waits: %s", job.number, service_words(error) or error.reason)
            return Started(pause=pause)
        except TrackletError:
            await self._store.update(job.id, facts=JobFacts(start_sent=False))
            raise
        # Before the step itself is recorded: what starts again here would be paid again.
        await self._store.update(job.id, facts=JobFacts(handle=str(handle), pause=None))
        return Started(handle=str(handle))

    async def look(self, job: Job, placed: Placement, *, is_last: bool) -> Started:
        """
        Look for the run of a start that was not answered. Raises `EngineUnavailable` where it is not found and this look
        `is_last`, or nobody could tell however long it was waited for.
        """
        current = await self._store.job(job.id)
        known = current.facts if current is not None else JobFacts()
        if known.handle:
            return Started(handle=known.handle)
        if await self._arrives(placed):
            return Started()
        handle, can_tell = await self._found(job, placed, since=known.sent_at)
        if handle:
            await self._store.update(job.id, facts=JobFacts(handle=handle, pause=None))
            return Started(handle=handle)
        if is_last or not (can_tell or placed.annotations_name):
            raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.UNANSWERED, subject=placed.annotations_uri)
        return Started(pause=Pause.UNANSWERED)

    async def poll(self, job: Job, placed: Placement, handle: str, *, refusals: int) -> RemoteState:
        """
        Return how far the run is. Raises `Cancelled`, `InputError`, `EngineError` when it failed.

        Also where the service has refused to say so `refusals` times before, in a row, and does again.
        """
        if await self._arrives(placed):
            return RemoteState(percent=100, done=True)
        try:
            state = await (await self._opened()).poll(Handle(handle))
        except EngineUnavailable as error:
            pause = PAUSES.get(error.reason) if isinstance(error.reason, EngineAbsence) else None
            if error.is_final or (pause is None and refusals + 1 >= REFUSALS):
                raise
            logger.info("job %d: a poll was not answered: %s", job.number, service_words(error) or error.reason)
            return RemoteState(pause=pause or Pause.OFFLINE, refuses=pause is None)
        except Cancelled:
            current = await self._store.job(job.id)
            if current is not None and current.cancelled_by:
                raise
            raise EngineRefused(EngineName.GOOGLE, EngineRefusal.STOPPED) from None
        return RemoteState(percent=state.percent, done=state.done, is_out_of_quota=state.is_out_of_quota)

    async def renew(self, job: Job, placed: Placement) -> Placement:
        """Return where to start once more after a run that has ended without a result."""
        await self._store.update(job.id, facts=JobFacts(handle="", start_sent=False, pause=Pause.QUOTA))
        if not placed.annotations_name:
            return placed
        since = await self._storage.annotations.generation(placed.annotations_name)
        return placed.model_copy(update={"since": since})

    async def collect(self, placed: Placement, handle: str, into: Path) -> Collected:
        """
        Bring the annotation file of a run that is done to this machine.

        Raises what `poll` would have raised, where the file tells that the run failed.
        """
        content = b""
        if placed.annotations_name:
            try:
                # A file that lay there before is of another run.
                if not handle or await self._has_arrived(placed):
                    content = await self._storage.annotations.read(placed.annotations_name)
            except Exception:
                if not handle:
                    raise
                logger.warning("the annotation file of a finished run can't be read; its answer is taken instead")
        if not content:
            # Done without its file: the operation holds the annotations too.
            annotations = await (await self._opened()).annotations(Handle(handle))
            content = await asyncio.to_thread(video_intelligence.write, annotations)
            if placed.annotations_name:
                # For the other machines.
                await self._storage.annotations.write(placed.annotations_name, content)
        elif len(content) < FAILED_RUN_BYTES and (failed := await asyncio.to_thread(video_intelligence.failure_in, content)):
            error = (await self._opened()).failure(failed.code, failed.problem, video_uri=placed.uri)
            if isinstance(error, EngineUnavailable) and error.reason is EngineAbsence.QUOTA:
                return Collected(is_out_of_quota=True)
            raise error
        await asyncio.to_thread(write_whole, into, content)
        return Collected()

    async def stop(self, job: Job, placed: Placement, handle: str) -> None:
        """Stop a run, also one whose start was not answered, where it is found; nothing happens when it is over."""
        with contextlib.suppress(TrackletError):
            if not handle:
                current = await self._store.job(job.id)
                if current is None or not current.facts.start_sent:
                    return
                handle, _ = await self._found(job, placed, since=current.facts.sent_at)
            if handle:
                await (await self._opened()).cancel(Handle(handle))

    async def close(self) -> None:
        """Close the connection."""
        close = getattr(self._engine, "close", None)
        if close is not None:
            await close()

    async def _begun_before(self, job: Job, placed: Placement) -> Started | None:
        """Return the run that an earlier job of the same work could not wait for, None where none is at work or done."""
        earlier = await self._store.failed_before(job.id)
        if earlier is None or not (earlier.facts.handle or earlier.facts.start_sent):
            return None
        facts, handle = earlier.facts, earlier.facts.handle
        if facts.waits_for and facts.waits_for == placed.annotations_uri:
            written = placed.model_copy(update={"since": facts.waits_since})
            if await self._has_arrived(written):
                return Started()
        if not handle:
            handle, _ = await self._found(earlier, placed, since=facts.sent_at)
        try:
            if not handle or (await (await self._opened()).poll(Handle(handle))).is_out_of_quota:
                return None
        except EngineUnavailable as error:
            if error.is_final:
                return None
            raise
        except TrackletError:
            return None  # it failed, was stopped, or is forgotten
        logger.info("job %d goes on with the run of job %d", job.number, earlier.number)
        sent = JobFacts(handle=handle, start_sent=True, sent_at=facts.sent_at, waits_for=placed.annotations_uri)
        await self._store.update(job.id, facts=sent)
        return Started(handle=handle)

    async def _found(self, job: Job, placed: Placement, *, since: float) -> tuple[str, bool]:
        """Return the handle of a start without an answer, "" where it is not found, and whether the service tells at all."""
        if not placed.uri:
            return "", False
        try:
            engine = await self._opened()
            begun_at = since - CLOCKS_APART_S
            found = await engine.find(placed.uri, since=datetime.fromtimestamp(begun_at, UTC))
        except TrackletError as error:
            logger.info("job %d: its run can't be looked for: %s", job.number, service_words(error) or type(error).__name__)
            return "", False
        theirs = {other.facts.handle for other in await self._store.changed_since(begun_at, but=job.id)}
        own = [str(handle) for handle in found if str(handle) not in theirs]
        # Of several it is not known which is ours.
        return (own[0] if len(own) == 1 else ""), True

    async def _arrives(self, placed: Placement) -> bool:
        """Return whether the annotation file is seen to be there: one that can't be looked for may still come."""
        try:
            return await self._has_arrived(placed)
        except StorageError as error:
            logger.info("an annotation file can't be looked for: %s", service_words(error) or error.reason)
            return False

    async def _has_arrived(self, placed: Placement) -> bool:
        """Return whether the annotation file of this run is there. Raises `StorageError`."""
        name = placed.annotations_name
        return bool(name) and await has_arrived(self._storage.annotations, name, since=placed.since)

    async def _opened(self) -> RemoteEngine:
        async with self._opening:
            if self._engine is None:
                self._engine = await self._open_engine()
            return self._engine
