"""
What a finalised object means for us: a video to track, annotations to draw or that a job waits for, or nothing.

What a job writes, or lets a remote engine write, is in the store before it is written, and what Tracklet puts among the videos
lies under a name of its own: neither starts anything, however late its event comes. An event is recognised by bucket, object
and generation, so it counts once. A bucket that is not ours counts where a channel watches it. The work is the durable job's.
"""

from __future__ import annotations

import logging

from bot.jobs.model import Request, Source, SourceKind, digest, object_id
from bot.jobs.service import JobService
from bot.jobs.store import Store
from bot.requests.links import VIDEO_SUFFIXES
from bot.texts import errors
from bot.web.storage_events import ObjectFinalized
from tracking.errors import SourceRefused
from tracking.sources.links import link_name
from tracking.storage.base import Storage
from tracking.storage.bucket import Bucket
from tracking.storage.names import OWN_VIDEOS, ObjectUri, annotated_video

logger = logging.getLogger(__name__)


class ObjectEvents:
    """Handed to the routes of `triggers.py`."""

    def __init__(self, *, store: Store, jobs: JobService, storage: Storage) -> None:
        self._store = store
        self._jobs = jobs
        self._storage = storage

    async def on_object(self, event: ObjectFinalized) -> None:
        """A new object, or a new generation of one. Raises when it could not be noted: the event then comes again."""
        uri = f"gs://{event.bucket}/{event.name}"
        if await self._store.is_own(uri):
            for job in await self._store.unfinished():
                if job.facts.waits_for == uri:
                    await self._jobs.wake(job.id)
        elif (request := await self._wanted(event, uri)) is not None:
            await self._jobs.submit_triggered(object_id(event.bucket, event.name, str(event.generation)), request)

    async def _wanted(self, event: ObjectFinalized, uri: str) -> Request | None:
        """Return what an object that is not ours asks for, None where that is nothing."""
        suffix = event.name.rpartition(".")[2].lower()
        annotations, is_annotation = self._storage.annotations, False
        if isinstance(annotations, Bucket) and event.bucket == annotations.name and (video := annotated_video(event.name)):
            uri, is_annotation = str(video), True
        elif event.content_type.startswith("video/") or suffix in VIDEO_SUFFIXES:
            is_dropped = event.bucket == self._storage.videos.name
            if event.name.startswith(OWN_VIDEOS) if is_dropped else not await self._is_watched(event):
                return None
        else:
            return None
        try:
            ObjectUri.parse(uri)
        except SourceRefused as refused:
            logger.warning("a new object starts nothing: %s", errors.sentence(refused))
            return None
        if is_annotation:
            source = Source(SourceKind.OBJECT, uri, link_name(uri))
            return Request(source, annotations=event.name, annotations_generation=str(event.generation))
        return Request(Source(SourceKind.OBJECT, uri, link_name(uri), str(event.generation)))

    async def _is_watched(self, event: ObjectFinalized) -> bool:
        return bool(await self._store.watchers(event.bucket, event.name))

    async def on_request(self, video_uri: str) -> str:
        """Somebody asks for a video by its address; the job's number. Raises `SourceRefused`."""
        uri = ObjectUri.parse(video_uri)
        stored = await self._storage.videos.stat(uri.name) if uri.bucket == self._storage.videos.name else None
        generation = str(stored.generation) if stored else f"asked-{digest(video_uri)}"
        source = Source(SourceKind.OBJECT, video_uri, link_name(video_uri), generation)
        job = await self._jobs.submit_triggered(object_id(uri.bucket, uri.name, generation), Request(source))
        return str(job.number)
