"""
Whose videos may be read for somebody who asks.

Our credentials reach more than the person does, so they are used for the buckets that were allowed, our own when nothing is
set. Any other bucket is read without credentials: nobody gets at anything through Tracklet that was closed to them before.
"""

from __future__ import annotations

from collections.abc import Iterable

from tracking.errors import SourceRefusal, SourceRefused
from tracking.storage.bucket import Bucket, GoogleStorage
from tracking.storage.names import ObjectUri, is_bucket_name, is_object_name


class BucketAccess:
    """Which `gs://` addresses are followed, and with which rights."""

    def __init__(self, google: GoogleStorage, *, allowed: Iterable[str]) -> None:
        self._google = google
        self._allowed = frozenset(allowed)

    async def source(self, uri: str) -> tuple[Bucket, str]:
        """
        Return the bucket to read a video from, and the object's name in it.

        Raises `SourceRefused`, with "bucket" for one that is neither allowed nor open to everybody, and `StorageError`.
        """
        video = ObjectUri.parse(uri)
        if video.bucket in self._allowed:
            return self._google.bucket(video.bucket), video.name
        if not await self._google.anyone_can_read(video):
            raise SourceRefused(uri, SourceRefusal.BUCKET)
        return self._google.bucket(video.bucket, anonymous=True), video.name

    async def watched(self, uri: str) -> ObjectUri:
        """
        Return the bucket and prefix of `gs://bucket/prefix`, if its new objects may be shown; the prefix may be "".

        Raises as `source` does.
        """
        bucket, _, prefix = uri.removeprefix("gs://").partition("/")
        if not uri.startswith("gs://"):
            raise SourceRefused(uri, SourceRefusal.SCHEME)
        if not is_bucket_name(bucket):
            raise SourceRefused(uri, SourceRefusal.ADDRESS)
        if "*" in prefix or "?" in prefix:
            raise SourceRefused(uri, SourceRefusal.WILDCARD)
        if prefix and not is_object_name(prefix.removesuffix("/")):
            raise SourceRefused(uri, SourceRefusal.NAME)
        if bucket not in self._allowed and not await self._google.anyone_can_list(bucket, prefix=prefix):
            raise SourceRefused(uri, SourceRefusal.BUCKET)
        return ObjectUri(bucket, prefix)
