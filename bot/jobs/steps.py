"""
What the steps of a workflow do; their order, and what is recorded of them, are in `workflow.py`.

Each may run again after a crash: files are written under another name and renamed, posts look before they post. Fetching is
`tracking/sources`, CPU work runs in child processes (`tasks.py`), words and posts belong to the `JobReporter`.
"""

from __future__ import annotations

import asyncio
import contextlib
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
    Placement,
    Probe,
    Summary,
    SummaryPage,
    Tracked,
    VideoFile,
)
from bot.jobs.local_files import LocalFiles, arriving, is_there, keep_in
from bot.jobs.model import Job, JobId, JobState, Kind, SourceKind
from bot.jobs.numbering import NumberedList
from bot.jobs.openings import Openings
from bot.jobs.paths import JobPaths
from bot.jobs.ports import JobReporter, NotReady, SharedVideos
from bot.jobs.processes import ChildCrashed, TaskRunner, unless_cancelled
from bot.jobs.publishing import Publisher
from bot.jobs.remote import RemoteTracking
from bot.jobs.result_cache import ResultCache
from bot.jobs.slots import Slots, Turn
from bot.jobs.stopwatch import running
from bot.jobs.store import Store
from bot.settings import Settings
from rendering.kinds.base import KINDS
from tracking.atomic import check_room, write_whole
from tracking.engines.base import EngineName
from tracking.errors import (
    ModelError,
    ModelFault,
    ResultsRemoved,
    SourceFailure,
    SourceNotFound,
    SourceUnreachable,
    StorageError,
    TrackletError,
    file_name,
)
from tracking.plain_text import plain
from tracking.sources.download import Fetched, Fetcher, Progress, local_file
from tracking.storage.access import BucketAccess
from tracking.storage.base import Storage
from tracking.storage.bucket import Bucket

logger = logging.getLogger(__name__)

DOWNLOADS = 8  # they share one network; more at once make each slower, not all sooner
DOWNLOADS_A_PERSON = 2  # a slow server holds up who named it, and nobody else
GIFS_A_MESSAGE = 10
BUCKET_S = 900.0  # the largest video at a tenth of what a cloud's network gives
FILE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 29.5)  # a minute in all, in which Slack makes a file known to all its servers
ANIMATION_BYTES = 2_000_000  # the most that a GIF takes
PAGE_BYTES = 4_000_000  # far more than a page of pictures takes
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
        self._files = LocalFiles(paths=self._paths, storage=storage, store=store)
        self.publisher = Publisher(store=store, storage=storage)
        self.cache = ResultCache(store=store, settings=settings, publisher=self.publisher, files=self._files)

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

        async with arriving(path) as arrived:
            if source.kind is SourceKind.SLACK_FILE:
                fetch = self._fetch_shared(job, arrived, progress)
            elif source.kind is SourceKind.OBJECT:
                fetch = self._in_turn(job, self._fetch_object(source.ref, arrived))
            else:
                fetch = self._in_turn(job, self._fetcher.fetch(source.ref, arrived, progress=progress))
            fetched = await self._files.settle(await unless_cancelled(fetch, self._cancelled(job)), path)
        if source.kind is SourceKind.LINK:
            await self._keep(job, video_name, fetched.path)
        return VideoFile(
            path=self._paths.name(fetched.path),
            root=root,
            video_name=video_name,
            uri=source.ref if source.kind is SourceKind.OBJECT else "",
            name=fetched.name if source.kind is SourceKind.SLACK_FILE else source.name,
            size_bytes=fetched.size_bytes,
            sha256=fetched.sha256,
        )

    async def _keep(self, job: Job, video_name: str, path: Path) -> None:
        """Keep what a link gave in the videos' bucket: the link may have run out when another machine goes on with the job."""
        videos = self._storage.videos
        if isinstance(videos, Bucket):
            try:
                await unless_cancelled(keep_in(videos, video_name, path), self._cancelled(job))
            except StorageError as error:
                logger.warning("job %d: its video could not be kept at %s: %s", job.number, error.place, error.reason)

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
        if (stored := await bucket.stat(name)) is not None and stored.size_bytes <= limit:
            await asyncio.to_thread(check_room, path, stored.size_bytes)
        try:
            async with asyncio.timeout(BUCKET_S):
                found = await bucket.fetch(name, path.parent, limit_bytes=limit)
        except TimeoutError as error:
            raise SourceUnreachable(uri, 0, SourceFailure.SLOW) from error
        return await asyncio.to_thread(local_file, found, max_bytes=limit)

    async def probe(self, job: Job, video: VideoFile) -> Probe:
        """See what kind of video it is, and choose the engine."""
        settings = self._settings
        path = await self.have_video(job, video)
        seen = Probe.from_json(await self._task(job, "probe", self._limits(job) | {"video": str(path)}))
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

    def recorded(self, path: Path) -> str:
        """Return what is recorded of a file."""
        return self._paths.name(path)

    async def track(self, job: Job, video: VideoFile, probed: Probe, target: Path) -> Tracked:
        """Follow every object with a direct engine."""
        arguments = self._limits(job) | {
            "video": str(await self.have_video(job, video)),
            "duration_s": probed.duration_s,
            "annotations": str(target),
            "engine": probed.engine,
            "model": await self._have_model(job, probed),
        }
        found = Tracked.from_json(await self._task(job, "track", arguments, JobState.TRACKING))
        await self.publisher.annotations(job, video, target, run_key=self.cache.run_key(job, probed))
        return found

    async def take(self, job: Job, target: Path) -> Nothing:
        """Fetch an annotation file that somebody else made; what it is worth is seen when it is read."""
        content = await self._storage.annotations.read(job.request.annotations)
        await asyncio.to_thread(write_whole, target, content)
        return Nothing()

    async def place(self, job: Job, video: VideoFile, *, run_key: str) -> Placement:
        """Put the video where a remote engine reads it."""
        path = video.path if video.uri else str(await self.have_video(job, video))
        placed = await self._remote.place(job, video.model_copy(update={"path": path}), run_key=run_key)
        return placed.model_copy(update={"file": video.path})

    async def summary(self, job: Job, video: VideoFile, probed: Probe, annotations: str) -> Summary:
        """Draw the first page of the object summary, and gather what is said of the objects."""
        lists = await self.cache.lists_before(job, video)
        return await self._summary(job, await self._drawing(job, video, probed, annotations, lists) | {"page": 1})

    async def further_page(self, job: Job, facts: Drawable, page: int) -> Summary:
        """Draw another page of the summary; objects have the numbers that the first one's list gave them."""
        return await self._summary(job, await self._drawing_of(job, facts) | {"page": page})

    async def _summary(self, job: Job, arguments: Json) -> Summary:
        await self._room(job, PAGE_BYTES)
        drawn = Summary.from_json(await self._task(job, "summary", arguments, JobState.RENDERING, (0.0, SUMMARY_SHARE)))
        pages = tuple(page.model_copy(update={"path": self._paths.name(page.path)}) for page in drawn.pages)
        return drawn.model_copy(update={"pages": pages})

    async def animations(
        self, job: Job, facts: Drawable, numbers: Sequence[int], *, known: Sequence[Animation] = ()
    ) -> Animations:
        """Draw the GIFs of some objects, unless they are `known`."""
        if known or not numbers:
            return Animations(animations=tuple(known))
        await self._room(job, len(numbers) * ANIMATION_BYTES)
        arguments = await self._drawing_of(job, facts) | {"numbers": list(numbers)}
        drawn = Animations.from_json(await self._task(job, "animations", arguments, JobState.RENDERING, (SUMMARY_SHARE, 1.0)))
        order = {number: place for place, number in enumerate(numbers)}
        named = [each.model_copy(update={"path": self._paths.name(each.path)}) for each in drawn.animations]
        return Animations(animations=tuple(sorted(named, key=lambda each: order[each.object])))

    async def store_page(self, job: Job, facts: Drawable, page: int) -> Drawn:
        """Draw and store a page that nobody is told of."""
        drawn = await self.further_page(job, facts, page)
        await self.publisher.pictures(job, facts.video, [self._paths.here(each.path) for each in drawn.pages])
        return Drawn(objects=drawn.shown)

    async def store_animations(self, job: Job, facts: Drawable, numbers: Sequence[int]) -> Nothing:
        """Draw and store GIFs that nobody is told of."""
        drawn = await self.animations(job, facts, numbers)
        await self.publisher.pictures(job, facts.video, [self._paths.here(each.path) for each in drawn.animations])
        return Nothing()

    async def post_summary(self, job: Job, facts: Drawable) -> Nothing:
        """Post the summary and the list of objects."""
        # For the jobs that show this one elsewhere, before it is over.
        await self._store.update(job.id, facts=JobFacts.from_json(facts.to_json()))
        summary = facts.summary
        posted = await self._post_pages(job, facts, summary.pages, page=1)
        await self.publisher.pictures(job, facts.video, posted)
        count = len(summary.objects)
        if count:
            await self._reporter(job).list_objects(
                job,
                summary,
                next_first=GIFS_A_MESSAGE + 1 if count > GIFS_A_MESSAGE else 0,
                next_page=2 if summary.shown < count else 0,
            )
        return Nothing()

    async def post_pages(self, job: Job, facts: Drawable, pages: Sequence[SummaryPage], *, page: int) -> Nothing:
        """Post what `page` of the summary became."""
        await self._post_pages(job, facts, pages, page=page)
        return Nothing()

    async def _post_pages(self, job: Job, facts: Drawable, pages: Sequence[SummaryPage], *, page: int) -> list[Path]:
        """Post pages of the summary, drawn again where another machine has drawn them; return their files."""
        if not is_there(self._paths.here(each.path) for each in pages):
            pages = (await self.further_page(job, facts, page)).pages
        here = [each.model_copy(update={"path": str(self._paths.here(each.path))}) for each in pages]
        if here:
            await self._reporter(job).summary(job, here, facts.summary.objects)
        return [Path(each.path) for each in here]

    async def post_animations(self, job: Job, facts: Drawable, animations: Sequence[Animation]) -> Nothing:
        """Post GIFs in one message."""
        if job.request.kind is Kind.TRACK:
            await self._store.update(job.id, facts=JobFacts(animations=tuple(animations)))
        if not is_there(self._paths.here(each.path) for each in animations):
            # Another machine has drawn them.
            animations = (await self.animations(job, facts, [each.object for each in animations])).animations
        here = [each.model_copy(update={"path": str(self._paths.here(each.path))}) for each in animations]
        if here:
            await self._reporter(job).animations(job, here, facts.summary.objects)
            await self.publisher.pictures(job, facts.video, [Path(each.path) for each in here])
        return Nothing()

    async def pictures(self, job: Job, facts: Drawable, kind: str, *, state: JobState, share: tuple[float, float]) -> Pictures:
        """
        Draw the pictures of one kind, by its key; that is the `share` from..to of `state`.

        There are none of a kind that this version does not know: the job may be an older one's.
        """
        if kind not in KINDS:
            logger.warning("job %d: there is no kind of picture called %s any more", job.number, plain(kind))
            return Pictures()
        # A whole video with boxes takes about what it took before.
        await self._room(job, PAGE_BYTES + facts.video.size_bytes)
        arguments = await self._drawing_of(job, facts) | {"kind": kind}
        drawn = Pictures.from_json(await self._task(job, "pictures", arguments, state, share))
        return Pictures(paths=tuple(self._paths.name(path) for path in drawn.paths))

    async def post_pictures(self, job: Job, facts: Drawable, kind: str, paths: Sequence[str]) -> Nothing:
        """Post the pictures of one kind, and store them."""
        if not is_there(self._paths.here(path) for path in paths):
            # Another machine has drawn them.
            paths = (await self.pictures(job, facts, kind, state=JobState.POSTING, share=(1.0, 1.0))).paths
        here = [self._paths.here(path) for path in paths]
        if here:
            await self._reporter(job).pictures(job, kind, [str(path) for path in here], facts.summary.objects)
            await self.publisher.pictures(job, facts.video, here)
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

    async def have_video(self, job: Job, video: VideoFile) -> Path:
        """
        Return the video's file on this machine, fetched again where another machine had it or it was removed (`retention.py`).

        Raises `SourceNotFound` where its source gives other bytes by now: the boxes would be drawn where the objects are not.
        """
        path = await self._files.has(video) or await self._kept(job, video)
        if path is None:
            fetched = await self.fetch(job)
            if fetched.sha256 != video.sha256:
                raise SourceNotFound(video.name)
            path = self._paths.here(fetched.path)
        return path

    async def _kept(self, job: Job, video: VideoFile) -> Path | None:
        """Return the video from its bucket, None where it isn't there; what is an object comes from where it came first."""
        videos = self._storage.videos
        if not isinstance(videos, Bucket) or job.request.source.kind is SourceKind.OBJECT:
            return None
        path = self._paths.here(video.path)
        with contextlib.suppress(TrackletError):
            async with arriving(path) as arrived:
                found = await videos.fetch(video.video_name, arrived.parent, limit_bytes=video.size_bytes)
                fetched = await asyncio.to_thread(local_file, found, max_bytes=video.size_bytes)
                if fetched.sha256 == video.sha256:
                    return (await self._files.settle(fetched, path)).path
        return None

    async def _have_model(self, job: Job, probed: Probe) -> str:
        """
        Return the path of the model on this machine, downloaded where another machine chose it.

        Raises `ModelError` where the settings of this machine give another one.
        """
        if not probed.model or await asyncio.to_thread(is_there, [probed.model]):
            return probed.model
        asked = {"engine": probed.engine, "model": self._settings.model, "google_configured": False, "is_drawn": False}
        chosen = Probe.from_json(probed.to_json() | await self._task(job, "choose", self._limits(job) | asked))
        if chosen.run_key != probed.run_key:
            raise ModelError(file_name(chosen.model), ModelFault.OTHER)
        return chosen.model

    async def _room(self, job: Job, size_bytes: int) -> None:
        """See that pictures of that size fit on the disk: one that is full is told before the work is done."""
        await asyncio.to_thread(check_room, self._paths.pictures(job) / "pictures", size_bytes)

    def _limits(self, job: Job) -> Json:
        return {
            "max_video_seconds": self._settings.max_video_seconds,
            "max_video_bytes": self._settings.max_video_bytes,
            "segment": job.request.to_json()["options"]["segment"],
        }

    async def _drawing_of(self, job: Job, facts: Drawable) -> Json:
        lists = [NumberedList.of(facts.annotations, facts.summary)]
        return await self._drawing(job, facts.video, facts.probed, facts.annotations, lists)

    async def _drawing(
        self, job: Job, video: VideoFile, probed: Probe, annotations: str, lists: Sequence[NumberedList]
    ) -> Json:
        """Return the arguments of a drawing, its files on this machine. Raises `ResultsRemoved`, and what fetching does."""
        try:
            path = await self._files.annotations(job.id, annotations, job.request)
        except FileNotFoundError:
            raise ResultsRemoved(video.name) from None
        options = job.request.to_json()["options"]
        return {
            "video": str(await self.have_video(job, video)),
            "name": video.name,
            "annotations": str(path),
            "duration_s": probed.duration_s,
            "out": str(self._paths.pictures(job)),
            "selection": {name: options[name] for name in ("min_confidence", "min_frames", "labels")},
            "font": str(self._settings.font) if self._settings.font else "",
            "numbered": [each.of_annotations(str(self._paths.here(each.annotations))).to_json() for each in lists],
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
