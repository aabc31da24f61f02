"""
What a finalised object means for us: a video to track, annotations that a job waits for, or nothing.

What Tracklet itself puts among the videos lies under a name of its own and starts nothing, however late its event comes. An
event is recognised by bucket, object and generation, so it counts once. The work is the durable job's.
"""

from __future__ import annotations

import logging

from bot.jobs.desk import Desk
from bot.jobs.model import Request, Source, SourceKind, digest, object_id
from bot.jobs.store import Store
from bot.slack.requests import VIDEO_SUFFIXES
from bot.web.storage_events import ObjectFinalized
from tracking.sources import link_name
from tracking.storage import Storage
from tracking.storage.names import OWN_VIDEOS, ObjectUri

logger = logging.getLogger(__name__)


class ObjectEvents:
    """Handed to the routes of `triggers.py`."""

    def __init__(self, *, store: Store, desk: Desk, storage: Storage) -> None:
        self._store = store
        self._desk = desk
        self._storage = storage

    async def on_object(self, event: ObjectFinalized) -> None:
        """A new object, or a new generation of one. Raises when it could not be noted: the event then comes again."""
        uri = f"gs://{event.bucket}/{event.name}"
        if event.bucket == self._storage.annotations.name:
            for job in await self._store.unfinished():
                if job.facts.get("waits_for") == uri:
                    await self._desk.wake(job.id)
        if event.bucket == self._storage.videos.name and not event.name.startswith(OWN_VIDEOS):
            is_video = event.content_type.startswith("video/") or event.name.rpartition(".")[2].lower() in VIDEO_SUFFIXES
            if is_video:
                source = Source(SourceKind.OBJECT, uri, link_name(uri), str(event.generation))
                await self._desk.submit(object_id(event.bucket, event.name, str(event.generation)), Request(source))

    async def on_request(self, video_uri: str) -> str:
        """Somebody asks for a video by its address; the job's number. Raises `SourceRefused`."""
        uri = ObjectUri.parse(video_uri)
        stored = await self._storage.videos.stat(uri.name) if uri.bucket == self._storage.videos.name else None
        generation = str(stored.generation) if stored else f"asked-{digest(video_uri)}"
        source = Source(SourceKind.OBJECT, video_uri, link_name(video_uri), generation)
        job, _ = await self._desk.submit(object_id(uri.bucket, uri.name, generation), Request(source))
        return str(job.number)
