"""
Any engine on one video of this machine, from the command line: choose it, run it, and say what goes on.

A local engine works in this process. Google's gets a small file inside of the request; a larger one goes into the video bucket
for as long as the run takes, under a name that starts nothing, and by which a later run removes it if this one is killed. Its
annotations are taken from the run itself, so that nothing lands in the annotation bucket, where a bot would find it. A start
without an answer is not sent again: it may be running, and a second one is paid again. The bot does the same in durable steps
(`bot/jobs/remote.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bot.engines import Choice, choose, direct_engine
from bot.settings import Settings
from bot.texts import cli, engine, google
from sample import is_sample
from tracking.engines.base import GOOGLE_RETIRES, CancelCheck, DirectEngine, EngineName, Handle, Progress, RemoteEngine
from tracking.engines.remote import PATIENCE, RUN_LIMIT_S, Patience
from tracking.errors import (
    Cancelled,
    EngineAbsence,
    EngineUnavailable,
    GoogleFault,
    TrackletError,
)
from tracking.model import Annotations, Segment
from tracking.storage.passing import passing_name, remove_forgotten
from tracking.video.file import Limits, VideoInfo

if TYPE_CHECKING:
    from bot.cli.terminal import Terminal
    from tracking.storage.bucket import Bucket

ResultT = TypeVar("ResultT")
Fraction = Callable[[float], None]

UNANSWERED_POLLS = 10
"""After this many questions in a row without an answer, some four minutes, a person is told rather than kept waiting."""

CANCEL_CHECK_S = 0.1


@dataclass(frozen=True, slots=True)
class EngineRun:
    """What an engine said about a video, what decided that beside the video (`run_key`), and how long it took."""

    engine: EngineName
    run_key: str
    annotations: Annotations
    took_s: float


def choose_engine(asked: EngineName, *, video: Path, model: str, google_configured: bool, terminal: Terminal) -> Choice:
    """Return the engine that runs, its model at hand. Raises as `bot.engines.choose`."""
    with terminal.stage(cli.STAGE_MODEL) as show:
        return choose(
            asked,
            model=model,
            google_configured=google_configured,
            is_drawn=is_sample(video),
            progress=lambda done, total: show(done / total if total else 0.0),
        )


def run_engine(
    choice: Choice,
    video: Path,
    *,
    info: VideoInfo,
    segment: Segment | None,
    settings: Settings,
    terminal: Terminal,
    cancelled: CancelCheck,
) -> EngineRun:
    """
    Track `video`; tells `terminal` which engine runs, how far it is and how long it took.

    Raises `InputError`, `EngineError`, `StorageError` (the video bucket), `Cancelled`.
    """
    terminal.say(
        engine.engine_chosen(
            choice.engine, why=choice.why, model=choice.model.name if choice.model else "", detector=choice.detector
        )
    )
    if choice.engine is EngineName.GOOGLE:
        terminal.say(engine.google_ends(GOOGLE_RETIRES, today=date.today()))
    started_s = time.monotonic()
    with terminal.stage(cli.STAGE_TRACKING) as show:

        def show_seconds(progress: Progress) -> None:
            show(progress.fraction)

        if choice.engine is EngineName.GOOGLE:

            def waits() -> None:
                terminal.say(google.quota_waits())

            work = _by_google(video, info, segment=segment, settings=settings, show=show, waits=waits)
            run_key, annotations = asyncio.run(_unless_cancelled(work, cancelled))
        else:
            worker = _worker(choice, settings.limits.for_segment(segment))
            run_key = worker.run_key
            annotations = worker.track(video, segment=segment, progress=show_seconds, cancelled=cancelled)
    took_s = time.monotonic() - started_s
    terminal.say(cli.tracked(took_s=took_s, duration_s=(annotations.segment or Segment(0.0, info.duration_s)).duration_s))
    return EngineRun(choice.engine, run_key, annotations, took_s)


@lru_cache(maxsize=1)
def _worker(choice: Choice, limits: Limits) -> DirectEngine:
    """Return the engine, for many videos the same one: it has loaded its model."""
    return direct_engine(choice, limits=limits)


async def _by_google(
    video: Path,
    info: VideoInfo,
    *,
    segment: Segment | None,
    settings: Settings,
    show: Fraction,
    waits: Callable[[], None],
) -> tuple[str, Annotations]:
    """Return the engine's run key and what it found."""
    from tracking.engines.video_intelligence import INLINE_LIMIT_BYTES, VideoIntelligenceEngine, VideoIntelligenceOptions

    options = VideoIntelligenceOptions(settings.location, settings.google_model, settings.video_intelligence_endpoint)
    async with AsyncExitStack() as ending:
        engine = await VideoIntelligenceEngine.open(options)
        ending.push_async_callback(engine.close)
        given: str | Path = video
        if info.size_bytes > INLINE_LIMIT_BYTES:
            given = await ending.enter_async_context(_in_bucket(video, settings))
        return engine.run_key, await run_remote(engine, given, segment=segment, show=show, waits=waits)


PERMANENT = {*GoogleFault, EngineAbsence.CONFIGURATION, EngineAbsence.ENDPOINT, EngineAbsence.RETIRED}


class _OutOfQuota(Exception):
    """Nothing was started, or what was started ended without a result: it may be started again."""


async def run_remote(
    engine: RemoteEngine,
    video: str | Path,
    *,
    segment: Segment | None,
    show: Fraction,
    waits: Callable[[], None] = lambda: None,
    patience: Patience = PATIENCE,
) -> Annotations:
    """
    Start a run, ask until it is done, and take its annotations; a run that nobody waits for any more is cancelled.

    A quota that fills again soon is waited for, up to an hour, each time after a call of `waits`. Raises as the engine does.
    """
    waited_s = 0.0
    while True:
        try:
            return await _run_once(engine, video, segment=segment, show=show)
        except _OutOfQuota as used_up:
            if waited_s >= patience.again_limit_s:
                raise used_up.__cause__ or EngineUnavailable(engine.name, EngineAbsence.QUOTA) from None
        waits()
        wait_s = patience.again_delay(jitter=random.random())
        await asyncio.sleep(wait_s)
        waited_s += wait_s


async def _run_once(engine: RemoteEngine, video: str | Path, *, segment: Segment | None, show: Fraction) -> Annotations:
    """Return what one run found. Raises `_OutOfQuota`, and as the engine does."""
    starting = asyncio.ensure_future(engine.start(video, segment=segment))
    try:
        try:
            handle = await asyncio.shield(starting)
        except EngineUnavailable as error:
            if error.reason is EngineAbsence.QUOTA:
                raise _OutOfQuota from error
            raise
        async with asyncio.timeout(RUN_LIMIT_S):
            await _until_done(engine, handle, show)
            return await engine.annotations(handle)
    except asyncio.CancelledError:
        # A start that is under way is waited for: only with its handle can the run be stopped.
        with contextlib.suppress(TrackletError):
            await engine.cancel(await starting)
        raise
    except TimeoutError as error:
        with contextlib.suppress(TrackletError):
            await engine.cancel(handle)
        raise EngineUnavailable(engine.name, EngineAbsence.TIMEOUT) from error


async def _until_done(engine: RemoteEngine, handle: Handle, show: Fraction) -> None:
    polls = unanswered = 0
    while True:
        try:
            state = await engine.poll(handle)
        except EngineUnavailable as error:
            unanswered += 1
            if error.is_final or error.reason in PERMANENT or unanswered == UNANSWERED_POLLS:
                raise
        else:
            unanswered = 0
            if state.is_out_of_quota:
                raise _OutOfQuota
            show(state.percent / 100)
            if state.done:
                return
        await asyncio.sleep(PATIENCE.poll_delay(polls, jitter=random.random()))
        polls += 1


@asynccontextmanager
async def _in_bucket(video: Path, settings: Settings) -> AsyncIterator[str]:
    """The URI of `video` in the video bucket, where it stays as long as this lasts."""
    from tracking.storage.bucket import Bucket, GoogleStorage
    from tracking.storage.roots import open_root

    google = GoogleStorage()
    try:
        root = (
            open_root(settings.video_bucket, google=google, option="TRACKLET_VIDEO_BUCKET") if settings.video_bucket else None
        )
        if not isinstance(root, Bucket):
            raise EngineUnavailable(EngineName.GOOGLE, EngineAbsence.CONFIGURATION, engine.bucket_wanted())
        await remove_forgotten(root)
        name = passing_name(video.name)
        try:
            await root.upload(name, video)
            yield root.uri(name)
        finally:
            await _removed(root, name)
    finally:
        await google.close()


async def _removed(bucket: Bucket, name: str) -> None:
    """What is left in the bucket after a failure to remove it must not hide what happened before."""
    with contextlib.suppress(TrackletError):
        await bucket.delete(name)


async def _unless_cancelled(work: Coroutine[Any, Any, ResultT], cancelled: CancelCheck) -> ResultT:
    """Return the result of `work`, which is stopped soon after `cancelled` says so. Raises `Cancelled` then."""
    task = asyncio.create_task(work)
    while not task.done():
        if cancelled():
            task.cancel()
            await asyncio.wait({task})
            break
        await asyncio.wait({task}, timeout=CANCEL_CHECK_S)
    if task.cancelled():
        raise Cancelled
    return task.result()
