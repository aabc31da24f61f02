"""
What of the buckets is missing, and what to do about it: the checks of `tracklet doctor` that ask Cloud Storage.

A small object is written, read and deleted in each place that is configured, under a name that starts nothing when its event
comes. With the credentials at hand, so run it as whoever runs the bot.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.doctor.local import Check
from bot.settings import Settings
from bot.texts import doctor, errors
from tracking.errors import TrackletError
from tracking.storage.base import Root
from tracking.storage.bucket import GoogleStorage
from tracking.storage.folder import Folder
from tracking.storage.names import OWN_VIDEOS
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
        probe = f"{OWN_VIDEOS}doctor-{secrets.token_hex(8)}.txt"
        with _no_new_folders(root):
            await root.write(probe, CONTENT)
            is_same = await root.read(probe, limit_bytes=len(CONTENT)) == CONTENT
            await root.delete(probe)
    except TrackletError as error:
        return Check(name, False, errors.sentence(error))
    return Check(name, is_same, doctor.place_checked(root.name, is_same=is_same))


@contextmanager
def _no_new_folders(root: Root) -> Iterator[None]:
    """Remove the folders that the body makes: a folder in place of a bucket is made by its first file."""
    inner = root.path / OWN_VIDEOS if isinstance(root, Folder) else Path("/")
    made = [path for path in (inner, *inner.parents) if not path.exists()]
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):  # somebody else needs it by now
                path.rmdir()
