"""
What the steps of a workflow do; their order, and what is recorded of them, are in `workflow.py`.

Each may run again after a crash: files are written under another name and renamed, posts look before they post. Fetching is
`tracking/sources`, CPU work runs in child processes (`tasks.py`), words and posts belong to the `JobReporter`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bot.jobs.deaths import DEATHS_FORGIVEN
from bot.jobs.facts import (
    Animation,
    Animations,
    Drawable,
    Drawn,
    JobFacts,
    Json,
    Nothing,
    Opened,
    Pictures,
    Probe,
    Summary,
    SummaryPage,
    Tracked,
    VideoFile,
)
from bot.jobs.model import Job, JobId, JobState, Kind, SourceKind
from bot.jobs.numbering import NumberedList
from bot.jobs.openings import Openings
from bot.jobs.paths import JobPaths
from bot.jobs.ports import JobReporter, NotReady, SharedVideos
from bot.jobs.processes import ChildCrashed, TaskRunner, unless_cancelled
from bot.jobs.publishing import Publisher
from bot.jobs.remote import RemoteTracking
from bot.jobs.result_cache import ResultCache, use
from bot.jobs.slots import Slots, Turn
from bot.jobs.stopwatch import running
from bot.jobs.store import Store
from bot.settings import Settings
from rendering.kinds.base import KINDS
from tracking.atomic import write_whole
from tracking.engines.base import EngineName
from tracking.errors import ResultsRemoved, SourceFailure, SourceNotFound, SourceUnreachable
from tracking.plain_text import plain
from tracking.sources.download import Fetched, Fetcher, Progress, local_file
from tracking.storage.access import BucketAccess
from tracking.storage.base import Storage

logger = logging.getLogger(__name__)

DOWNLOADS = 8  # they share one network; more at once make each slower, not all sooner
DOWNLOADS_A_PERSON = 2  # a slow server holds up who named it, and nobody else
GIFS_A_MESSAGE = 10
BUCKET_S = 900.0  # the largest video at a tenth of what a cloud's network gives
FILE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 29.5)  # a minute in all, in which Slack makes a file known to all its servers
SUMMARY_SHARE = 0.3  # of drawing; the rest are the GIFs


class Steps:
    """The steps of all jobs; `cancelled` gives the event that stops a job."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        children: TaskRunner,
        fetcher: Fetcher,
        shared: SharedVideos,
        storage: Storage,
        access: BucketAccess,
        remote: RemoteTracking,
        reporter: Callable[[Job], JobReporter],
        openings: Openings,
        cancelled: Callable[[Job], asyncio.Event],
        file_pauses_s: Sequence[float] = FILE_PAUSES_S,
    ) -> None:
        self._settings = settings
        self._store = store
        self._children = children
        self._fetcher = fetcher
        self._shared = shared
        self._storage = storage
        self._access = access
        self._remote = remote
        self._reporter = reporter
        self._openings = openings
        self._cancelled = cancelled
        self._file_pauses_s = file_pauses_s
        self._opening: dict[JobId, asyncio.Lock] = {}
        self._downloads = Slots(DOWNLOADS, a_person=DOWNLOADS_A_PERSON)
        self._paths = JobPaths(settings.data_dir, videos_root=storage.videos.name)
        self.publisher = Publisher(store=store, storage=storage)
        self.cache = ResultCache(store=store, settings=settings, publisher=self.publisher)

    async def open(self, job: Job) -> Opened:
        """Post the progress message; a job that waits has it before it begins, and two callers do not post it at once."""
        await self._openings.turn(job.id)
        async with self._opening.setdefault(job.id, asyncio.Lock()):
            try:
                thread_ts = await self._reporter(job).open(job)
            finally:
                self._openings.opened(job.id)
            await self._store.update(job.id, thread_ts=thread_ts)
        self._opening.pop(job.id, None)
        return Opened(thread_ts=thread_ts)

    async def fetch(self, job: Job) -> VideoFile:
        """Bring the video here."""
        source = job.request.source
        path, root, video_name = self._paths.video(job, source)
        reporter = self._reporter(job)

        def progress(done: float, total: float) -> None:
            reporter.show(job, JobState.FETCHING, done / total if total else 0.0)

        if source.kind is SourceKind.SLACK_FILE:
            fetch = self._fetch_shared(job, path, progress)
        elif source.kind is SourceKind.OBJECT:
            fetch = self._in_turn(job, self._fetch_object(source.ref, path))
        else:
            fetch = self._in_turn(job, self._fetcher.fetch(source.ref, path, progress=progress))
        fetched = await unless_cancelled(fetch, self._cancelled(job))
        return VideoFile(
            path=str(fetched.path),
            root=root,
            video_name=video_name,
            uri=source.ref if source.kind is SourceKind.OBJECT else "",
            name=fetched.name if source.kind is SourceKind.SLACK_FILE else source.name,
            size_bytes=fetched.size_bytes,
            sha256=fetched.sha256,
        )

    async def _fetch_shared(self, job: Job, path: Path, progress: Progress) -> Fetched:
        """Fetch a shared file, which Slack tells of before it is everywhere; nobody else waits while it is waited for."""
        for pause_s in (*self._file_pauses_s, None):
            try:
                return await self._in_turn(job, self._shared.fetch(job, path, progress))
            except NotReady as early:
                if pause_s is None:
                    raise early.error from early
                logger.info("job %d: its file is not ready; once more in %.1f s", job.number, pause_s)
                await asyncio.sleep(pause_s)
        raise AssertionError("the loop returns or raises")

    async def _in_turn(self, job: Job, fetch: Coroutine[Any, Any, Fetched]) -> Fetched:
        try:
            async with self._downloads.hold(self.turn(job)):
                return await fetch
        finally:
            fetch.close()  # where it never began

    async def _fetch_object(self, uri: str, path: Path) -> Fetched:
        limit = self._settings.max_video_bytes
        bucket, name = await self._access.source(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            async with asyncio.timeout(BUCKET_S):
                found = await bucket.fetch(name, path.parent, limit_bytes=limit)
        except TimeoutError as error:
            raise SourceUnreachable(uri, 0, SourceFailure.SLOW) from error
        if found != path:
            await asyncio.to_thread(found.replace, path)
        return await asyncio.to_thread(local_file, path, max_bytes=limit)

    async def probe(self, job: Job, video: VideoFile) -> Probe:
        """See what kind of video it is, and choose the engine."""
        settings = self._settings
        seen = Probe.from_json(await self._task(job, "probe", self._limits(job) | {"video": video.path}))
        if job.request.annotations:
            run_key = f"{job.request.annotations}#{job.request.annotations_generation}"
            return seen.model_copy(update={"engine": "", "why": "", "model": "", "detector": "", "run_key": run_key})
        engine = job.request.options.engine or settings.engine
        arguments = self._limits(job) | {
            "engine": engine.value,
            "model": settings.model,
            "google_configured": settings.google_is_configured,
            "is_drawn": seen.is_drawn,
        }
        # A process of its own: that which opens the video has no network, and this one may need it for the model.
        probed = Probe.from_json(seen.to_json() | await self._task(job, "choose", arguments))
        if probed.engine == EngineName.GOOGLE:
            return probed.model_copy(update={"run_key": await self._remote.run_key()})
        return probed

    def annotations_path(self, job: Job, video: VideoFile, probed: Probe) -> Path:
        """Return where the annotation file of this run lies on this machine."""
        return self._paths.annotations(video.root, video.video_name, run_key=self.cache.run_key(job, probed))

    async def track(self, job: Job, video: VideoFile, probed: Probe, target: Path) -> Tracked:
        """Follow every object with a direct engine."""
        arguments = self._limits(job) | {
            "video": video.path,
            "duration_s": probed.duration_s,
            "annotations": str(target),
            "engine": probed.engine,
            "model": probed.model,
        }
        found = Tracked.from_json(await self._task(job, "track", arguments, JobState.TRACKING))
        await self.publisher.annotations(job, video, target, run_key=self.cache.run_key(job, probed))
        return found

    async def take(self, job: Job, target: Path) -> Nothing:
        """Fetch an annotation file that somebody else made; what it is worth is seen when it is read."""
        content = await self._storage.annotations.read(job.request.annotations)
        await asyncio.to_thread(write_whole, target, content)
        return Nothing()

    async def summary(self, job: Job, video: VideoFile, probed: Probe, annotations: str) -> Summary:
        """Draw the first page of the object summary, and gather what is said of the objects."""
        lists = await self.cache.lists_before(job, video)
        return await self._summary(job, video, self._drawing(job, video, probed, annotations, lists) | {"page": 1})

    async def further_page(self, job: Job, facts: Drawable, page: int) -> Summary:
        """Draw another page of the summary; objects have the numbers that the first one's list gave them."""
        return await self._summary(job, facts.video, self._drawing_of(job, facts) | {"page": page})

    async def _summary(self, job: Job, video: VideoFile, arguments: Json) -> Summary:
        await self._have(job, video, arguments["annotations"])
        return Summary.from_json(await self._task(job, "summary", arguments, JobState.RENDERING, (0.0, SUMMARY_SHARE)))

    async def animations(
        self, job: Job, facts: Drawable, numbers: Sequence[int], *, known: Sequence[Animation] = ()
    ) -> Animations:
        """Draw the GIFs of some objects, unless they are `known`."""
        if known or not numbers:
            return Animations(animations=tuple(known))
        await self._have(job, facts.video, facts.annotations)
        arguments = self._drawing_of(job, facts) | {"numbers": list(numbers)}
        drawn = Animations.from_json(await self._task(job, "animations", arguments, JobState.RENDERING, (SUMMARY_SHARE, 1.0)))
        order = {number: place for place, number in enumerate(numbers)}
        return Animations(animations=tuple(sorted(drawn.animations, key=lambda each: order[each.object])))

    async def store_page(self, job: Job, facts: Drawable, page: int) -> Drawn:
        """Draw and store a page that nobody is told of."""
        drawn = await self.further_page(job, facts, page)
        await self.publisher.pictures(job, facts.video, [each.path for each in drawn.pages])
        return Drawn(objects=drawn.shown)

    async def store_animations(self, job: Job, facts: Drawable, numbers: Sequence[int]) -> Nothing:
        """Draw and store GIFs that nobody is told of."""
        drawn = await self.animations(job, facts, numbers)
        await self.publisher.pictures(job, facts.video, [each.path for each in drawn.animations])
        return Nothing()

    async def post_summary(self, job: Job, facts: Drawable) -> Nothing:
        """Post the summary and the list of objects."""
        # For the jobs that show this one elsewhere, before it is over.
        await self._store.update(job.id, facts=JobFacts.from_json(facts.to_json()))
        summary = facts.summary
        await self.post_pages(job, summary, summary.pages)
        await self.publisher.pictures(job, facts.video, [page.path for page in summary.pages])
        count = len(summary.objects)
        if count:
            await self._reporter(job).list_objects(
                job,
                summary,
                next_first=GIFS_A_MESSAGE + 1 if count > GIFS_A_MESSAGE else 0,
                next_page=2 if summary.shown < count else 0,
            )
        return Nothing()

    async def post_pages(self, job: Job, summary: Summary, pages: Sequence[SummaryPage]) -> Nothing:
        """Post pages of the summary."""
        if pages:
            await self._reporter(job).summary(job, pages, summary.objects)
        return Nothing()

    async def post_animations(self, job: Job, facts: Drawable, animations: Sequence[Animation]) -> Nothing:
        """Post GIFs in one message."""
        if job.request.kind is Kind.TRACK:
            await self._store.update(job.id, facts=JobFacts(animations=tuple(animations)))
        if animations:
            await self._reporter(job).animations(job, animations, facts.summary.objects)
            await self.publisher.pictures(job, facts.video, [each.path for each in animations])
        return Nothing()

    async def pictures(self, job: Job, facts: Drawable, kind: str, *, state: JobState, share: tuple[float, float]) -> Pictures:
        """
        Draw the pictures of one kind, by its key; that is the `share` from..to of `state`.

        There are none of a kind that this version does not know: the job may be an older one's.
        """
        if kind not in KINDS:
            logger.warning("job %d: there is no kind of picture called %s any more", job.number, plain(kind))
            return Pictures()
        await self._have(job, facts.video, facts.annotations)
        arguments = self._drawing_of(job, facts) | {"kind": kind}
        return Pictures.from_json(await self._task(job, "pictures", arguments, state, share))

    async def post_pictures(self, job: Job, facts: Drawable, kind: str, paths: Sequence[str]) -> Nothing:
        """Post the pictures of one kind, and store them."""
        if paths:
            await self._reporter(job).pictures(job, kind, paths, facts.summary.objects)
            await self.publisher.pictures(job, facts.video, paths)
        return Nothing()

    # ---- helpers ---------------------------------------------------------------------------------------------------------

    def turn(self, job: Job, *, is_told: bool = True) -> Turn:
        """Return what stands for the job where it waits for its turn; the step's time stops, and its thread `is_told`."""
        reporter, stopwatch = self._reporter(job), running.get()

        def waits(before: int | None) -> None:
            if stopwatch is not None:
                stopwatch.go_on() if before is None else stopwatch.wait()
            if is_told:
                reporter.waits(job, before)

        return Turn(job.request.person, job.number, waits)

    async def _have(self, job: Job, video: VideoFile, annotations: str) -> None:
        """
        Have here what pictures are drawn from, which after a while is removed (`retention.py`): the video is fetched again.

        Raises `ResultsRemoved` where the annotation file is gone.
        """
        await self._store.own(job.id, [Path(annotations).as_uri()])
        try:
            await asyncio.to_thread(use, [annotations])
        except FileNotFoundError:
            raise ResultsRemoved(video.name) from None
        try:
            await asyncio.to_thread(use, [video.path])
        except FileNotFoundError:
            fetched = await self.fetch(job)
            if fetched.sha256 != video.sha256:
                # Other bytes: the boxes would be drawn where the objects are not.
                raise SourceNotFound(video.name) from None

    def _limits(self, job: Job) -> Json:
        return {
            "max_video_seconds": self._settings.max_video_seconds,
            "max_video_bytes": self._settings.max_video_bytes,
            "segment": job.request.to_json()["options"]["segment"],
        }

    def _drawing_of(self, job: Job, facts: Drawable) -> Json:
        lists = [NumberedList.of(facts.annotations, facts.summary)]
        return self._drawing(job, facts.video, facts.probed, facts.annotations, lists)

    def _drawing(self, job: Job, video: VideoFile, probed: Probe, annotations: str, lists: Sequence[NumberedList]) -> Json:
        options = job.request.to_json()["options"]
        return {
            "video": video.path,
            "name": video.name,
            "annotations": annotations,
            "duration_s": probed.duration_s,
            "out": str(self._paths.pictures(job)),
            "selection": {name: options[name] for name in ("min_confidence", "min_frames", "labels")},
            "font": str(self._settings.font) if self._settings.font else "",
            "numbered": [each.to_json() for each in lists],
        }

    async def _task(
        self, job: Job, task: str, arguments: Json, state: JobState | None = None, share: tuple[float, float] = (0.0, 1.0)
    ) -> Json:
        """Return a task's result; its progress is the `share` from..to of `state`. Raises `ChildCrashed` at the third death."""
        reporter = self._reporter(job)

        def fraction(value: float) -> None:
            if state is not None:
                reporter.show(job, state, share[0] + value * (share[1] - share[0]))

        for deaths in range(DEATHS_FORGIVEN + 1):
            try:
                result: Json = await self._children.run(
                    task, arguments, turn=self.turn(job), cancelled=self._cancelled(job), fraction=fraction
                )
            except ChildCrashed as error:
                logger.warning("job %d: the child for %s ended with status %d", job.number, task, error.status)
                if deaths == DEATHS_FORGIVEN:
                    raise
            else:
                return result
        raise AssertionError("the loop returns or raises")
