"""
What of the buckets is missing, and what to do about it: the checks of `tracklet doctor` that ask Cloud Storage.

A small object is written, read and deleted in each place that is configured, under a name that starts nothing when its event
comes, and by which a later run removes it if this one is killed. It is not written where the service says that it could not be
deleted. With the credentials at hand, so run it as whoever runs the bot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.doctor.local import Check
from bot.settings import Settings
from bot.texts import doctor, errors
from tracking.errors import StorageError, StorageFault, TrackletError
from tracking.storage.base import Root
from tracking.storage.bucket import Bucket, GoogleStorage
from tracking.storage.folder import Folder
from tracking.storage.passing import passing_name, remove_forgotten
from tracking.storage.roots import open_root

CONTENT = b"tracklet doctor"


async def storage_checks(settings: Settings) -> list[Check]:
    """Check whether each configured bucket, or folder in place of one, can be read and written."""
    places = (
        ("video bucket", "TRACKLET_VIDEO_BUCKET", settings.video_bucket),
        ("annotation bucket", "TRACKLET_ANNOTATION_BUCKET", settings.annotation_bucket),
        ("object bucket", "TRACKLET_OBJECT_BUCKET", settings.object_bucket),
    )
    google = GoogleStorage()
    try:
        return [await _check(google, name, option, setting) for name, option, setting in places if setting]
    finally:
        await google.close()


async def _check(google: GoogleStorage, name: str, option: str, setting: str) -> Check:
    try:
        root = open_root(setting, google=google, option=option)
        if isinstance(root, Bucket) and (missing := await root.rights_missing()):
            return Check(name, False, doctor.rights_missing(root.name, missing))
        if isinstance(root, Bucket):
            await remove_forgotten(root)
        probe = passing_name("doctor.txt")
        with _no_new_folders(root, probe):
            return await _tried(root, name, probe)
    except TrackletError as error:
        return Check(name, False, errors.sentence(error))


async def _tried(root: Root, name: str, probe: str) -> Check:
    """Write, read and delete an object; whatever fails, it is deleted if it can be. Raises `StorageError`."""
    fault: StorageError | None = None
    is_same = True
    try:
        await root.write(probe, CONTENT)
        is_same = await root.read(probe, limit_bytes=len(CONTENT)) == CONTENT
    except StorageError as error:
        fault = error
    try:
        await root.delete(probe)
    except StorageError as error:
        # What could not be written is not there to be deleted.
        left = root.uri(probe) if fault is None or fault.action == "read" else ""
        return Check(name, False, _refused(root, fault or error, left=left))
    if fault is not None:
        return Check(name, False, _refused(root, fault))
    return Check(name, is_same, doctor.place_checked(root.name, is_same=is_same))


def _refused(root: Root, error: StorageError, *, left: str = "") -> str:
    if error.reason is StorageFault.PERMISSION and isinstance(root, Bucket):
        said = doctor.rights_missing(root.name, [error.action])
    else:
        said = errors.sentence(error)
    return f"{said} {doctor.probe_left(left)}" if left else said


@contextmanager
def _no_new_folders(root: Root, name: str) -> Iterator[None]:
    """Remove the folders that the body makes: a folder in place of a bucket is made by its first file."""
    inner = (root.path / name).parent if isinstance(root, Folder) else Path("/")
    made = [path for path in (inner, *inner.parents) if not path.exists()]
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):  # somebody else needs it by now
                path.rmdir()
