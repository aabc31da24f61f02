"""
Tracking by an engine that works elsewhere: the steps that a job takes with it.

place (the video is where the engine reads it) -> start (once, remembered by its handle) -> poll ... -> collect. The waiting
between the polls is the workflow's. Before a start it is looked whether an earlier one has left its annotations or its handle;
after one without an answer, or a crash before it was noted, the annotation file is waited for before starting a second, which
would be paid again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.jobs.facts import JobFacts, Placement, RemoteState, Started, VideoFile
from bot.jobs.local_files import keep_in
from bot.jobs.model import Job
from bot.jobs.store import Store
from tracking.atomic import write_whole
from tracking.engines.base import EngineName, Handle, RemoteEngine
from tracking.engines.remote import UNANSWERED_GRACE_S, has_arrived, next_poll_delay
from tracking.errors import Cancelled, EngineAbsence, EngineUnavailable
from tracking.formats import video_intelligence
from tracking.model import Segment
from tracking.storage.base import Storage
from tracking.storage.bucket import Bucket
from tracking.storage.names import annotation_name

logger = logging.getLogger(__name__)

INLINE_LIMIT_BYTES = 4_000_000  # the engine's own; beyond it a bucket is needed
PASSING = frozenset(
    {EngineAbsence.QUOTA, EngineAbsence.OFFLINE, EngineAbsence.TIMEOUT, EngineAbsence.UNANSWERED}
)  # a start may be tried again after these
START_TRIES = 8

OpenEngine = Callable[[], Awaitable[RemoteEngine]]


class RemoteTracking:
    """One remote engine for all jobs, opened when it is first needed."""

    def __init__(
        self, *, storage: Storage, store: Store, open_engine: OpenEngine, unanswered_grace_s: float = UNANSWERED_GRACE_S
    ) -> None:
        self._storage = storage
        self._store = store
        self._open_engine = open_engine
        self._grace_s = unanswered_grace_s
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

    async def start(self, job: Job, placed: Placement, segment: Segment | None) -> Started:
        """Return the handle of the run; "" where its annotations are there already. Raises `EngineError`, `InputError`."""
        current = await self._store.job(job.id)
        known = current.facts if current is not None else JobFacts()
        if known.handle:
            return Started(handle=known.handle)
        engine = await self._opened()
        # A crash after the question and before the note of its answer is a lost answer too.
        may_run = known.start_sent
        for tries in range(START_TRIES):
            if may_run:
                await self._await_arrival(job, placed)
            if await self.has_arrived(placed):
                return Started(handle="")
            # Also what is waited for: its event may come before the answer does.
            await self._store.update(job.id, facts=JobFacts(start_sent=True, waits_for=placed.annotations_uri))
            try:
                video: str | Path = placed.uri or Path(placed.file)
                handle = await engine.start(video, annotations_uri=placed.annotations_uri, segment=segment)
            except EngineUnavailable as error:
                may_run = error.reason is EngineAbsence.UNANSWERED
                if not may_run:
                    await self._store.update(job.id, facts=JobFacts(start_sent=False))
                if error.reason not in PASSING or tries == START_TRIES - 1:
                    raise
                logger.info("job %d: the start was not answered: %s", job.number, error.reason)
                if not may_run:
                    await asyncio.sleep(next_poll_delay(tries, jitter=0.5))
            else:
                # Before the step itself is recorded: what starts again here would be paid again.
                await self._store.update(job.id, facts=JobFacts(handle=str(handle)))
                return Started(handle=str(handle))
        raise AssertionError("the loop returns or raises")

    async def poll(self, placed: Placement, handle: str) -> RemoteState:
        """Return how far the run is. Raises `Cancelled`, `InputError`, `EngineError` when it failed."""
        if await self.has_arrived(placed):
            return RemoteState(percent=100, done=True)
        try:
            state = await (await self._opened()).poll(Handle(handle))
        except EngineUnavailable as error:
            logger.info("a poll was not answered: %s", error.reason)
            return RemoteState(percent=0, done=False)
        if state.is_out_of_quota:
            raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.QUOTA)
        return RemoteState(percent=state.percent, done=state.done)

    async def collect(self, placed: Placement, handle: str, into: Path) -> None:
        """The annotation file of a run that is done, on this machine."""
        if placed.annotations_name:
            try:
                content = await self._storage.annotations.read(placed.annotations_name)
            except Exception:
                if not handle:
                    raise
                # Done without its file: the operation holds the annotations too.
                logger.warning("the annotation file of a finished run is not there; its answer is taken instead")
                content = b""
        else:
            content = b""
        if not content:
            annotations = await (await self._opened()).annotations(Handle(handle))
            content = await asyncio.to_thread(video_intelligence.write, annotations)
            if placed.annotations_name:
                # For the other machines.
                await self._storage.annotations.write(placed.annotations_name, content)
        await asyncio.to_thread(write_whole, into, content)

    async def cancel(self, handle: str) -> None:
        """Stop a run; nothing happens when it is over."""
        with contextlib.suppress(EngineUnavailable):
            await (await self._opened()).cancel(Handle(handle))

    async def has_arrived(self, placed: Placement) -> bool:
        """Return whether the annotation file of this run is there."""
        name = placed.annotations_name
        return bool(name) and await has_arrived(self._storage.annotations, name, since=placed.since)

    async def close(self) -> None:
        """Close the connection."""
        close = getattr(self._engine, "close", None)
        if close is not None:
            await close()

    async def _await_arrival(self, job: Job, placed: Placement) -> None:
        """Wait for the annotations of a run that may be at work. Raises `Cancelled`."""
        waited_s = 0.0
        while placed.annotations_name and waited_s < self._grace_s and not await self.has_arrived(placed):
            current = await self._store.job(job.id)
            if current is not None and current.cancelled_by:
                raise Cancelled
            pause_s = min(next_poll_delay(int(waited_s // 10), jitter=0.5), self._grace_s)
            await asyncio.sleep(pause_s)
            waited_s += pause_s

    async def _opened(self) -> RemoteEngine:
        async with self._opening:
            if self._engine is None:
                self._engine = await self._open_engine()
            return self._engine
