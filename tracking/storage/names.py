"""
Where things are: object URIs, and the names that videos, annotations and pictures have in their roots.

The names are the seed's, so its buckets can be taken over: a video `path/clip.mp4` of the root `videos` has its annotations at
`videos/path/clip.mp4.json` and its pictures beside that, in their own roots. Pure text; nothing is looked up here.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from tracking.errors import SourceRefusal, SourceRefused, StorageError, StorageFault
from tracking.plain_text import plain

OWN_VIDEOS = "tracklet/"
"""What Tracklet itself puts among the videos lies under this."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")  # docs.cloud.google.com/storage/docs/buckets, "Bucket names"
_GENERATION = re.compile(r"#\d{10,20}\Z")  # docs.cloud.google.com/storage/docs/metadata, "Generation": microseconds since 1970
_NAME_LIMIT_BYTES = 1024  # docs.cloud.google.com/storage/docs/objects, "Object names"
_FILE_NAME_LIMIT = 100
_UNSAFE = re.compile(r"[^\w.()+,=@ -]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


class ObjectUri(NamedTuple):
    """One object in one bucket."""

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"

    @classmethod
    def parse(cls, uri: str) -> ObjectUri:
        """
        Return a `gs://bucket/name` that means exactly one object.

        Raises `SourceRefused`: "scheme", "address" (no bucket can be called that), "name", "wildcard", since the Video
        Intelligence API reads `*` and `?` as patterns, or "version" for a name with a generation, which Google's tools write.
        """
        if not uri.startswith("gs://"):
            raise SourceRefused(uri, SourceRefusal.SCHEME)
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        if not is_bucket_name(bucket):
            raise SourceRefused(uri, SourceRefusal.ADDRESS)
        if "*" in name or "?" in name:
            raise SourceRefused(uri, SourceRefusal.WILDCARD)
        if _GENERATION.search(name):
            raise SourceRefused(uri, SourceRefusal.VERSION)
        if name.endswith("/") or not is_object_name(name):
            raise SourceRefused(uri, SourceRefusal.NAME)
        return cls(bucket, name)


def is_bucket_name(text: str) -> bool:
    """Return whether a bucket can be called that."""
    return _BUCKET.fullmatch(text) is not None and ".." not in text


def is_object_name(text: str) -> bool:
    """Whether an object can be called that in a folder too: relative, no empty, `.` or `..` part, no control character."""
    if not text or _CONTROL.search(text) or "\\" in text or len(text.encode()) > _NAME_LIMIT_BYTES:
        return False
    return all(part not in {"", ".", ".."} for part in text.split("/"))


def checked_name(text: str, *, place: str, action: str) -> str:
    """`text`, if it can name an object in a folder and in a bucket alike. Raises `StorageError`, reason "name"."""
    if not is_object_name(text):
        raise StorageError(place, action, StorageFault.NAME)
    return text


def annotation_name(video_root: str, video_name: str, *, run_key: str = "") -> str:
    """The annotation file's name in its root; a run other than the configured one over the whole video has a `run_key`."""
    return f"{video_root}/{video_name}{f'.{run_key}' if run_key else ''}.json"


def annotated_video(name: str) -> ObjectUri | None:
    """
    Return the root and the name of the video that an annotation file is about, None where the name is no annotation file's.

    A run key stays at the end of the video's name: only who wrote the file knows whether it is one.
    """
    if not name.endswith(".json") or not is_object_name(name):
        return None
    root, _, video_name = name.removesuffix(".json").partition("/")
    return ObjectUri(root, video_name) if is_object_name(video_name) else None


def object_name(video_root: str, video_name: str, *, file_name: str) -> str:
    """Return the name in the objects' root of one picture of a video; `file_name` is the renderer's, `clip.mp4.summary_...`."""
    return (PurePosixPath(video_root, video_name).parent / file_name).as_posix()


def slack_video_name(team: str, file_id: str, *, file_name: str) -> str:
    """Return where a video that was shared in Slack goes."""
    return f"{OWN_VIDEOS}slack/{safe_file_name(team)}/{safe_file_name(file_id)}/{safe_file_name(file_name)}"


def link_video_name(digest: str, *, file_name: str) -> str:
    """Return where a video from a link goes; `digest` is a hash of the link."""
    return f"{OWN_VIDEOS}links/{safe_file_name(digest)}/{safe_file_name(file_name)}"


def safe_file_name(text: str) -> str:
    """A file name from anywhere, as one that every root and pattern language takes: never empty, at most 100 characters."""
    name = _UNSAFE.sub("_", plain(PurePosixPath(text.replace("\\", "/")).name)).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 10:
        name = f"{stem[: _FILE_NAME_LIMIT - len(suffix) - 1]}.{suffix}"
    return name[:_FILE_NAME_LIMIT] or "video"
