"""
The workflow: from what was asked to what the thread shows.

    received -> fetching -> tracking -> rendering -> posting -> done        any -> failed | cancelled

Each line of `_track` that awaits `_step` is recorded by DBOS: after a crash the workflow starts from the top and passes over
what is recorded. A step that was under way runs again, so each is written to be repeated: files are written aside and renamed,
posts look before they post (`JobReporter`). It runs again twice and no more (`deaths.py`). Steps give plain JSON; what went
wrong is a result too, because a recorded exception would come back as another class. Nothing between the steps looks at a
clock, the network or chance. Every way out of a workflow, foreseen or not, tells the thread and is recorded as the job's end.

Fetching is `tracking/sources/download.py`, CPU work runs in children (`work.py`), words and posts belong to the `JobReporter`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from dbos import DBOS

from bot.jobs import error_codec as failures
from bot.jobs.deaths import DEATHS_FORGIVEN, Deaths
from bot.jobs.fetch_places import FetchPlaces
from bot.jobs.model import Job, JobId, JobState, Json, Kind, SourceKind, digest
from bot.jobs.paths import JobPaths
from bot.jobs.processes import ChildCrashed, TaskRunner, unless_cancelled
from bot.jobs.remote import RemoteTracking, write_whole
from bot.jobs.store import Store
from bot.settings import Settings
from tracking.engines.base import EngineName
from tracking.engines.remote import LONGEST_POLL_S, RUN_LIMIT_S, next_poll_delay
from tracking.errors import (
    Cancelled,
    EngineAbsence,
    EngineUnavailable,
    SourceFailure,
    SourceNotFound,
    SourceUnreachable,
    StorageError,
    StorageFault,
    TrackletError,
    is_disk_full,
)
from tracking.sources.download import Fetched, Fetcher, local_file
from tracking.storage.access import BucketAccess
from tracking.storage.base import Storage
from tracking.storage.bucket import Bucket
from tracking.storage.names import annotation_name, object_name

logger = logging.getLogger(__name__)

GIFS_A_MESSAGE = 10
WAKE = "wake"  # the topic of messages that end a wait early
BUCKET_S = 900.0  # the largest video at a tenth of what a cloud's network gives
SUMMARY_SHARE = 0.3  # of drawing; the rest are the GIFs
SHOW_POLL_S = 0.5  # two rows are read; it grows to the pace of the remote engines


class JobReporter(Protocol):
    """Who hears of a job. Every post is made once, however often it is asked for."""

    async def open(self, job: Job) -> str:
        """Post the progress message; the `ts` that the rest is posted below."""
        ...

    def show(self, job: Job, state: JobState, fraction: float = 0.0) -> None:
        """The job is in `state`, and `fraction` of it is done. Returns at once; not every call is shown."""
        ...

    async def resume(self, job: Job) -> None:
        """Go on showing where a job is, after a restart."""
        ...

    async def summary(self, job: Job, pages: Sequence[Json], objects: Sequence[Json]) -> None:
        """Post pages of the object summary."""
        ...

    async def list_objects(self, job: Job, facts: Json, *, next_first: int, next_page: int) -> None:
        """Post the list of objects, or change it: what further pictures can be asked for (0: none)."""
        ...

    async def animations(self, job: Job, animations: Sequence[Json], objects: Sequence[Json]) -> None:
        """Post GIFs in one message."""
        ...

    async def close(self, job: Job, state: JobState, facts: Json, error: Json | None) -> None:
        """The last word: edit the progress message for good."""
        ...


@dataclass(frozen=True, slots=True)
class SharedVideo:
    """Where a shared file is, and the headers that open it; `size_bytes` None where that is not known."""

    link: str
    headers: Mapping[str, str]
    name: str
    size_bytes: int | None


class SharedVideos(Protocol):
    """What knows the files that people share."""

    fetcher: Fetcher

    async def locate(self, job: Job) -> SharedVideo:
        """Where the job's file is. Raises `TrackletError`."""
        ...


class _Stopped(Exception):
    """A step ended the job: cancelled or failed."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["kind"])
        self.error = error


class Workflow:
    """All that a workflow needs, and its steps."""

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
        audience: Callable[[Job], JobReporter],
    ) -> None:
        self._storage = storage
        self._access = access
        self._remote = remote
        self._settings = settings
        self._store = store
        self._deaths = Deaths(store)
        self._fetch_places = FetchPlaces()
        self._children = children
        self._fetcher = fetcher
        self._shared = shared
        self._audience = audience
        self._places = JobPaths(settings.data_dir, videos_root=storage.videos.name)
        self._cancelled: dict[str, asyncio.Event] = {}

    def cancel(self, job_id: JobId) -> None:
        """Stop a job that runs in this process, whether or not the wish could be noted."""
        if (event := self._cancelled.get(job_id)) is not None:
            event.set()

    async def run(self, job_id: JobId) -> str:
        """The workflow's body: the final state of the job."""
        # Before the row is read: a wish that comes in between is in one or the other.
        event = self._cancelled.setdefault(job_id, asyncio.Event())
        try:
            job = await self._store.job(job_id)
            if job is None:
                return "unknown"
            if job.cancelled_by:
                event.set()
            if not job.is_over:
                await self._audience(job).resume(job)
            state = JobState.DONE
            error: Json | None = None
            try:
                facts = await self._work(job)
            except _Stopped as stopped:
                state, facts, error = _state_after(stopped.error), {}, stopped.error
            await self._end(job, state, facts, error)
            return state.value
        except Exception:
            logger.exception("job %s: its workflow failed", digest(job_id))
            return (await self.abandon(job_id)).value
        finally:
            self._cancelled.pop(job_id, None)

    async def abandon(self, job_id: JobId) -> JobState:
        """End a job whose workflow cannot go on, if it has no end yet; its state from then on."""
        job = await self._store.job(job_id)
        if job is None or job.is_over:
            return job.state if job else JobState.FAILED
        error = failures.to_json(Cancelled()) if job.cancelled_by else job.error or failures.UNFORESEEN
        state = _state_after(error)
        await self._close(job, state, {}, error)
        return state

    def runs(self, job_id: JobId) -> bool:
        """Whether the job is at work in this process."""
        return job_id in self._cancelled

    async def _work(self, job: Job) -> Json:
        match job.request.kind:
            case Kind.MORE:
                return await self._more(job)
            case Kind.SHOW:
                return await self._show(job)
            case _:
                return await self._track(job)

    async def _track(self, job: Job) -> Json:
        opened = await self._step(job, "open", lambda: self._open(job))
        thread_ts = opened["thread_ts"]
        job = replace(job, thread_ts=thread_ts)
        video = await self._step(job, "fetch", lambda: self._fetch(job), JobState.FETCHING)
        probed = await self._step(job, "probe", lambda: self._probe(job, video), JobState.TRACKING)
        result = await self._step(job, "look", lambda: self._look(job, video, probed))
        if not result["summary"]:
            if not result["annotations"]:
                target = self._annotations_of(job, video, probed)
                if job.request.annotations:
                    await self._step(job, "take", lambda: self._take(job, target), JobState.TRACKING)
                elif probed["engine"] == EngineName.GOOGLE:
                    await self._track_remotely(job, video, probed, target)
                else:
                    await self._step(job, "track", lambda: self._track_video(job, video, probed, target), JobState.TRACKING)
                result["annotations"] = str(target)
            facts = {"video": video, "probed": probed, "annotations": result["annotations"]}
            result["summary"] = await self._step(job, "summary", lambda: self._summary(job, facts, page=1), JobState.RENDERING)
        facts = {
            "thread_ts": thread_ts,
            "video": video,
            "probed": probed,
            "annotations": result["annotations"],
            "summary": result["summary"],
            "earlier": result["earlier"],
        }
        numbers = [each["number"] for each in facts["summary"]["objects"]]
        batch = numbers[:GIFS_A_MESSAGE]

        # The summary never waits for the GIFs, and the cores do not wait for Slack.
        posting = self._step(job, "post-summary", lambda: self._post_summary(job, facts))
        drawing = self._step(job, "animations", lambda: self._animations(job, facts, batch, known=result["animations"]))
        _, drawn = await _both(posting, drawing)
        facts["animations"] = drawn["animations"]
        await self._step(
            job, "post-animations", lambda: self._post_animations(job, facts, drawn["animations"]), JobState.POSTING
        )
        if not job.request.channel and isinstance(self._storage.objects, Bucket):
            await self._store_the_rest(job, facts)
        return facts

    async def _store_the_rest(self, job: Job, facts: Json) -> None:
        """The pictures that a thread offers by buttons: where nobody can press one, all are drawn and stored."""
        numbers = [each["number"] for each in facts["summary"]["objects"]]
        shown = sum(len(page["objects"]) for page in facts["summary"]["pages"])
        page = 2
        while 0 < shown < len(numbers):
            drawn = await self._step(job, f"page-{page}", partial(self._store_page, job, facts, page), JobState.RENDERING)
            shown = shown + drawn["objects"] if drawn["objects"] else len(numbers)
            page += 1
        for first in range(GIFS_A_MESSAGE, len(numbers), GIFS_A_MESSAGE):
            batch = numbers[first : first + GIFS_A_MESSAGE]
            await self._step(job, f"animations-{first}", partial(self._store_animations, job, facts, batch), JobState.RENDERING)

    async def _store_page(self, job: Job, facts: Json, page: int) -> Json:
        drawn = await self._summary(job, facts, page=page)
        await self._publish(job, facts, drawn["pages"])
        return {"objects": sum(len(each["objects"]) for each in drawn["pages"])}

    async def _store_animations(self, job: Job, facts: Json, numbers: list[int]) -> Json:
        drawn = await self._animations(job, facts, numbers, known=[])
        await self._publish(job, facts, drawn["animations"])
        return {}

    async def _more(self, job: Job) -> Json:
        """Further GIFs, or a further page, of an earlier job."""
        parent = await self._store.job(JobId(job.request.parent))
        if parent is None:
            raise _Stopped(failures.UNFORESEEN)
        facts = {name: parent.facts[name] for name in ("thread_ts", "video", "probed", "annotations", "summary")}
        if job.request.page:
            page = job.request.page
            drawn = await self._step(job, "summary", lambda: self._summary(job, facts, page=page), JobState.RENDERING)
            await self._step(job, "post-page", lambda: self._post_pages(job, facts, drawn["pages"]), JobState.POSTING)
        else:
            numbers = [each["number"] for each in facts["summary"]["objects"]]
            batch = [number for number in numbers if number >= job.request.first][:GIFS_A_MESSAGE]
            drawn = await self._step(
                job, "animations", lambda: self._animations(job, facts, batch, known=[]), JobState.RENDERING
            )
            await self._step(
                job, "post-animations", lambda: self._post_animations(job, facts, drawn["animations"]), JobState.POSTING
            )
        return {"thread_ts": facts["thread_ts"]}

    async def _show(self, job: Job) -> Json:
        """What a job that nobody asked for makes, told to one channel: its summary as soon as that is drawn, then its GIFs."""
        opened = await self._step(job, "open", lambda: self._open(job))
        job = replace(job, thread_ts=opened["thread_ts"])
        seen = await self._facts_of_parent(job, "summary")
        facts = {name: seen[name] for name in ("video", "probed", "annotations", "summary", "earlier")}
        facts |= {"thread_ts": opened["thread_ts"], "animations": []}
        await self._step(job, "post-summary", lambda: self._post_summary(job, facts), JobState.POSTING)
        seen = await self._facts_of_parent(job, "animations")
        facts["animations"] = seen["animations"]
        await self._step(
            job, "post-animations", lambda: self._post_animations(job, facts, facts["animations"]), JobState.POSTING
        )
        return facts

    async def _facts_of_parent(self, job: Job, wanted: str) -> Json:
        """The facts of the job whose pictures are shown, once `wanted` is among them."""
        polls = 0
        while True:
            if polls:
                await DBOS.recv_async(WAKE, timeout_seconds=min(SHOW_POLL_S * 1.2 ** min(polls, 30), LONGEST_POLL_S))
            seen = await self._step(job, f"wait-{wanted}-{polls}", lambda: self._look_at_parent(job, wanted))
            if seen["error"]:
                raise _Stopped(seen["error"])
            if seen["facts"]:
                facts: Json = seen["facts"]
                return facts
            polls += 1

    async def _look_at_parent(self, job: Job, wanted: str) -> Json:
        parent = await self._store.job(JobId(job.request.parent))
        if parent is None:
            return {"facts": None, "error": failures.UNFORESEEN}
        if wanted in parent.facts:
            return {"facts": parent.facts, "error": None}
        if parent.is_over:
            return {"facts": None, "error": parent.error or failures.to_json(Cancelled())}
        self._audience(job).show(job, parent.state)
        return {"facts": None, "error": None}

    # ---- the steps -------------------------------------------------------------------------------------------------------

    async def _step(
        self, job: Job, name: str, work: Callable[[], Awaitable[Json]], state: JobState | None = None
    ) -> dict[str, Any]:
        """The recorded result of `work`; raises `_Stopped` where it failed or the job was cancelled."""

        async def attempt() -> Json:
            try:
                # Before the first call of the store, which may wait long: a job can be stopped at any time.
                if self._event(job).is_set():
                    raise Cancelled
                return {"ok": await self._counted(job, name, work, state)}
            except TrackletError as error:
                if not isinstance(error, Cancelled):
                    logger.info("job %d: %s ended with %s", job.number, name, type(error).__name__)
                return {"failure": failures.to_json(error)}
            except OSError as error:
                if is_disk_full(error):
                    logger.error("job %d: %s failed: the disk is full", job.number, name)
                    return {"failure": failures.to_json(StorageError("disk", "write", StorageFault.FULL))}
                logger.exception("job %d: %s failed", job.number, name)
                return {"failure": failures.UNFORESEEN}
            except Exception:
                logger.exception("job %d: %s failed", job.number, name)
                return {"failure": failures.UNFORESEEN}

        result = await DBOS.run_step_async({"name": name}, attempt)
        if "failure" in result:
            raise _Stopped(result["failure"])
        found: Json = result["ok"]
        return found

    async def _counted(self, job: Job, name: str, work: Callable[[], Awaitable[Json]], state: JobState | None) -> Json:
        """The result of a step. Raises `Cancelled` at once, also while the store does not answer; `ProcessDied`."""
        async with AsyncExitStack() as stack:
            event = self._event(job)
            await unless_cancelled(stack.enter_async_context(self._deaths.counted(job.id, name)), event)
            if state is not None:
                await unless_cancelled(self._store.update(job.id, state=state), event)
                self._audience(job).show(job, state)
            return await work()

    async def _open(self, job: Job) -> Json:
        thread_ts = await self._audience(job).open(job)
        await self._store.update(job.id, thread_ts=thread_ts)
        return {"thread_ts": thread_ts}

    async def _fetch(self, job: Job) -> Json:
        source = job.request.source
        path, root, video_name = self._places.video(job, source)
        audience = self._audience(job)

        def progress(done: float, total: float) -> None:
            audience.show(job, JobState.FETCHING, done / total if total else 0.0)

        if source.kind is SourceKind.SLACK_FILE:
            video = await self._shared.locate(job)
            name = video.name
            fetch = self._shared.fetcher.fetch(
                video.link, path, headers=video.headers, size_bytes=video.size_bytes, progress=progress
            )
        elif source.kind is SourceKind.OBJECT:
            name = source.name
            fetch = self._fetch_object(source.ref, path)
        else:
            name = source.name
            fetch = self._fetcher.fetch(source.ref, path, progress=progress)
        fetched = await unless_cancelled(self._in_place(job.request.person, fetch), self._event(job))
        return {
            "path": str(fetched.path),
            "root": root,
            "video_name": video_name,
            "uri": source.ref if source.kind is SourceKind.OBJECT else "",
            "name": name,
            "size_bytes": fetched.size_bytes,
            "sha256": fetched.sha256,
        }

    async def _in_place(self, person: str, fetch: Coroutine[Any, Any, Fetched]) -> Fetched:
        try:
            async with self._fetch_places.place(person):
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

    async def _probe(self, job: Job, video: Json) -> Json:
        settings = self._settings
        probed = await self._child(job, "probe", self._limits() | {"video": video["path"]})
        if job.request.annotations:
            run_key = f"{job.request.annotations}#{job.request.annotations_generation}"
            return probed | {"engine": "", "why": "", "model": "", "run_key": run_key}
        engine = job.request.options.engine or settings.engine
        arguments = self._limits() | {
            "engine": engine.value,
            "model": settings.model,
            "google_configured": settings.google_is_configured,
            "is_drawn": probed["is_drawn"],
        }
        # A child of its own: that which opens the video has no network, and this one may need it for the model.
        probed |= await self._child(job, "choose", arguments)
        if probed["engine"] == EngineName.GOOGLE:
            probed["run_key"] = await self._remote.run_key()
        return probed

    async def _look(self, job: Job, video: Json, probed: Json) -> Json:
        """What is there already: the same bytes, tracked and selected the same way."""
        options = job.request.to_json()["options"]
        tracks_key = digest(f"{video['sha256']} {probed['engine']} {probed['run_key']} {options['segment']}")
        result_key = digest(f"{tracks_key} {options['min_confidence']} {options['min_frames']} {sorted(options['labels'])}")
        await self._store.update(job.id, tracks_key=tracks_key, result_key=result_key, facts={"probed": probed, "video": video})
        found: Json = {"annotations": "", "summary": None, "animations": [], "earlier": ""}
        if (same := await self._store.with_same(tracks_key=tracks_key, but=job.id)) and _is_there([same.facts["annotations"]]):
            found["annotations"] = same.facts["annotations"]
            if not job.request.annotations:
                await self._store_annotations(job, video, probed, Path(found["annotations"]))
        if found["annotations"] and (same := await self._store.with_same(result_key=result_key, but=job.id)):
            summary, animations = same.facts["summary"], same.facts["animations"]
            # Stored pictures are named after their video.
            has_name = same.facts["video"]["name"] == video["name"] or not isinstance(self._storage.objects, Bucket)
            if has_name and _is_there([each["path"] for each in [*summary["pages"], *animations]]):
                await asyncio.to_thread(_use, [each["path"] for each in [*summary["pages"], *animations]])
                found |= {"summary": summary, "animations": animations, "earlier": same.id}
        return found

    def _annotations_of(self, job: Job, video: Json, probed: Json) -> Path:
        return self._places.annotations(video["root"], video["video_name"], run_key=self._run_key(job, probed))

    def _run_key(self, job: Job, probed: Json) -> str:
        """What the name of the annotation file says of the run: nothing for the configured engine over the whole video."""
        options = job.request.to_json()["options"]
        if job.request.annotations:
            return digest(probed["run_key"])[:8]
        if not options["segment"] and job.request.options.engine in {None, self._settings.engine}:
            return ""
        return digest(f"{probed['engine']} {probed['run_key']} {options['segment']}")[:8]

    async def _track_video(self, job: Job, video: Json, probed: Json, target: Path) -> Json:
        arguments = self._limits() | {
            "video": video["path"],
            "duration_s": probed["duration_s"],
            "annotations": str(target),
            "engine": probed["engine"],
            "model": probed["model"],
            "segment": job.request.to_json()["options"]["segment"],
        }
        found = await self._child(job, "track", arguments, JobState.TRACKING)
        await self._store_annotations(job, video, probed, target)
        return found

    async def _store_annotations(self, job: Job, video: Json, probed: Json, path: Path) -> None:
        """The annotation file in its bucket, under the name that is this video's."""
        annotations = self._storage.annotations
        if isinstance(annotations, Bucket):
            name = annotation_name(video["root"], video["video_name"], run_key=self._run_key(job, probed))
            await self._store.own(job.id, [annotations.uri(name)])
            await annotations.upload(name, path)

    async def _take(self, job: Job, target: Path) -> Json:
        """Fetch an annotation file that somebody else made; what it is worth is seen when it is read."""
        content = await self._storage.annotations.read(job.request.annotations)
        await asyncio.to_thread(write_whole, target, content)
        return {}

    async def _track_remotely(self, job: Job, video: Json, probed: Json, target: Path) -> None:
        """Start once, then wait for an event or ask; each answer is a recorded step, each wait a durable one."""
        remote, run_key = self._remote, self._run_key(job, probed)
        placed = await self._step(job, "place", lambda: remote.place(job, video, run_key=run_key), JobState.TRACKING)
        handle = ""
        try:
            segment = job.request.options.segment
            started = await self._step(job, "start", lambda: remote.start(job, placed, segment), JobState.TRACKING)
            handle = started["handle"]
            state: Json = {"done": not handle}
            polls, waited_s = 0, 0.0
            while not state["done"]:
                if waited_s > RUN_LIMIT_S:
                    raise _Stopped(failures.to_json(EngineUnavailable(EngineName.GOOGLE, EngineAbsence.TIMEOUT)))
                # No chance in a workflow: the job's number spreads those that began together.
                wait_s = next_poll_delay(polls, jitter=job.number % 10 / 10)
                await DBOS.recv_async(WAKE, timeout_seconds=wait_s)
                polls, waited_s = polls + 1, waited_s + wait_s
                state = await self._step(job, f"poll-{polls}", lambda: self._poll(job, placed, handle))
            await self._step(job, "collect", lambda: self._collect(placed, handle, target))
        except _Stopped:
            if handle:
                await DBOS.run_step_async({"name": "stop"}, remote.cancel, handle)
            raise

    async def _poll(self, job: Job, placed: Json, handle: str) -> Json:
        state = await self._remote.poll(placed, handle)
        self._audience(job).show(job, JobState.TRACKING, state["percent"] / 100)
        return state

    async def _collect(self, placed: Json, handle: str, target: Path) -> Json:
        await self._remote.collect(placed, handle, target)
        return {}

    async def _at_hand(self, job: Job, video: Json) -> None:
        """Have the video here that was fetched for this job or its parent: after a while it is removed (`retention.py`)."""
        try:
            await asyncio.to_thread(_use, [video["path"]])
        except FileNotFoundError:
            fetched = await self._fetch(job)
            if fetched["sha256"] != video["sha256"]:
                # Other bytes: the boxes would be drawn where the objects are not.
                raise SourceNotFound(video["name"]) from None

    async def _summary(self, job: Job, facts: Json, *, page: int) -> Json:
        await self._at_hand(job, facts["video"])
        arguments = self._drawing(job, facts) | {"page": page}
        return await self._child(job, "summary", arguments, JobState.RENDERING, (0.0, SUMMARY_SHARE))

    async def _animations(self, job: Job, facts: Json, numbers: list[int], *, known: list[Json]) -> Json:
        if known or not numbers:
            return {"animations": known}
        await self._at_hand(job, facts["video"])
        arguments = self._drawing(job, facts) | {"numbers": numbers}
        result = await self._child(job, "animations", arguments, JobState.RENDERING, (SUMMARY_SHARE, 1.0))
        order = {number: place for place, number in enumerate(numbers)}
        return {"animations": sorted(result["animations"], key=lambda each: order[each["object"]])}

    async def _post_summary(self, job: Job, facts: Json) -> Json:
        # For the jobs that show this one elsewhere, before it is over.
        await self._store.update(job.id, facts=facts)
        await self._post_pages(job, facts, facts["summary"]["pages"])
        count = len(facts["summary"]["objects"])
        shown = sum(len(page["objects"]) for page in facts["summary"]["pages"])
        await self._publish(job, facts, facts["summary"]["pages"])
        if count:
            await self._audience(job).list_objects(
                job,
                facts,
                next_first=GIFS_A_MESSAGE + 1 if count > GIFS_A_MESSAGE else 0,
                next_page=2 if shown < count else 0,
            )
        return {}

    async def _post_pages(self, job: Job, facts: Json, pages: list[Json]) -> Json:
        if pages:
            await self._audience(job).summary(job, pages, facts["summary"]["objects"])
        return {}

    async def _post_animations(self, job: Job, facts: Json, animations: list[Json]) -> Json:
        if job.request.kind is Kind.TRACK:
            await self._store.update(job.id, facts={"animations": animations})
        if animations:
            await self._audience(job).animations(job, animations, facts["summary"]["objects"])
            await self._publish(job, facts, animations)
        return {}

    async def _publish(self, job: Job, facts: Json, pictures: list[Json]) -> None:
        """Store pictures under the seed's names; the thread has them already, so a failure is noted and no more."""
        if job.request.kind is Kind.SHOW:
            return
        video = facts["video"]
        for picture in pictures:
            path = Path(picture["path"])
            name = object_name(video["root"], video["video_name"], file_name=path.name)
            try:
                await self._store.own(job.id, [self._storage.objects.uri(name)])
                await self._storage.objects.upload(name, path)
            except StorageError as error:
                logger.warning("a picture could not be stored at %s: %s", error.place, error.reason)

    async def _end(self, job: Job, state: JobState, facts: Json, error: Json | None) -> None:
        async def attempt() -> Json:
            await self._close(job, state, facts, error)
            return {}

        await DBOS.run_step_async({"name": "end"}, attempt)

    async def _close(self, job: Job, state: JobState, facts: Json, error: Json | None) -> None:
        """Say the last word, then note that it was said; that it cannot be said fails nothing."""
        # First, because the last word has buttons that need them.
        await self._store.update(job.id, facts=facts, error=error)
        try:
            await self._audience(job).close(job, state, facts, error)
        except TrackletError as failure:
            logger.info("job %d: its thread could not be told of its end: %s", job.number, type(failure).__name__)
        except Exception:
            logger.exception("job %d: its thread could not be told of its end", job.number)
        await self._store.update(job.id, state=state)

    # ---- helpers ---------------------------------------------------------------------------------------------------------

    def _event(self, job: Job) -> asyncio.Event:
        return self._cancelled.setdefault(job.id, asyncio.Event())

    def _limits(self) -> Json:
        return {"max_video_seconds": self._settings.max_video_seconds, "max_video_bytes": self._settings.max_video_bytes}

    def _drawing(self, job: Job, facts: Json) -> Json:
        options = job.request.to_json()["options"]
        return {
            "video": facts["video"]["path"],
            "name": facts["video"]["name"],
            "annotations": facts["annotations"],
            "duration_s": facts["probed"]["duration_s"],
            "out": str(self._places.pictures(job)),
            "selection": {name: options[name] for name in ("min_confidence", "min_frames", "labels")},
            "font": str(self._settings.font) if self._settings.font else "",
        }

    async def _child(
        self, job: Job, task: str, arguments: Json, state: JobState | None = None, share: tuple[float, float] = (0.0, 1.0)
    ) -> Json:
        """The result of a task, whose progress is the `share` from..to of `state`. Raises `ChildCrashed` at the third death."""
        audience = self._audience(job)

        def fraction(value: float) -> None:
            if state is not None:
                audience.show(job, state, share[0] + value * (share[1] - share[0]))

        for deaths in range(DEATHS_FORGIVEN + 1):
            try:
                result: Json = await self._children.run(task, arguments, cancelled=self._event(job), fraction=fraction)
            except ChildCrashed as error:
                logger.warning("job %d: the child for %s ended with status %d", job.number, task, error.status)
                if deaths == DEATHS_FORGIVEN:
                    raise
            else:
                return result
        raise AssertionError("the loop returns or raises")


def _state_after(error: Json) -> JobState:
    return JobState.CANCELLED if error["kind"] == Cancelled.__name__ else JobState.FAILED


def _use(paths: Sequence[str]) -> None:
    """Give files a fresh date, which keeps them from being removed. Raises `FileNotFoundError`."""
    for path in paths:
        os.utime(path)


def _is_there(paths: Sequence[str]) -> bool:
    return all(path and Path(path).is_file() for path in paths)


async def _both(first: Awaitable[Json], second: Awaitable[Json]) -> tuple[Json, Json]:
    """Both results. Where one fails the other still ends before that is told: both are recorded steps."""
    results = await asyncio.gather(first, second, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results[0], results[1]  # type: ignore[return-value]  # no exceptions are left
