"""What a job makes, stored in the roots under the names that the pipeline's buckets have."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from bot.jobs.facts import VideoFile
from bot.jobs.model import Job, Kind
from bot.jobs.store import Store
from tracking.errors import StorageError
from tracking.storage.base import Storage
from tracking.storage.bucket import Bucket
from tracking.storage.folder import Folder
from tracking.storage.names import annotation_name, object_name

logger = logging.getLogger(__name__)


class Publisher:
    """Stores annotation files and pictures; each is noted as ours before it is written."""

    def __init__(self, *, store: Store, storage: Storage) -> None:
        self._store = store
        self._storage = storage

    @property
    def keeps_pictures_elsewhere(self) -> bool:
        """Return whether pictures go to a bucket: named after their video, and nobody presses buttons for more."""
        return isinstance(self._storage.objects, Bucket)

    async def annotations(self, job: Job, video: VideoFile, path: Path, *, run_key: str) -> None:
        """Store the annotation file in its bucket, under the name that is this video's; a folder has it already."""
        annotations = self._storage.annotations
        if isinstance(annotations, Bucket):
            name = annotation_name(video.root, video.video_name, run_key=run_key)
            await self._store.own(job.id, [annotations.uri(name)])
            await annotations.upload(name, path)

    async def pictures(self, job: Job, video: VideoFile, paths: Iterable[Path]) -> None:
        """Store pictures. The thread has them already, so a failure is noted and no more."""
        if job.request.kind is Kind.SHOW:
            return
        for path in paths:
            name = object_name(video.root, video.video_name, file_name=path.name)
            try:
                await self._store.own(job.id, [self._storage.objects.uri(name)])
                objects = self._storage.objects
                await (objects.link(name, path) if isinstance(objects, Folder) else objects.upload(name, path))
            except StorageError as error:
                logger.warning("a picture could not be stored at %s: %s", error.place, error.reason)
