"""
What of the buckets is missing, and what to do about it: the checks of `tracklet doctor` that ask Cloud Storage.

A small object is written, read and deleted in each place that is configured, under a name that starts nothing when its event
comes. With the credentials at hand, so run it as whoever runs the bot.
"""

from __future__ import annotations

import secrets

from bot.doctor.local import Check
from bot.settings import Settings
from bot.texts import doctor, errors
from tracking.errors import TrackletError
from tracking.storage.bucket import GoogleStorage
from tracking.storage.names import OWN_VIDEOS
from tracking.storage.roots import open_root

CONTENT = b"tracklet doctor"


async def storage_checks(settings: Settings) -> list[Check]:
    """Whether each configured bucket, or folder in place of one, can be read and written."""
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
        await root.write(probe, CONTENT)
        is_same = await root.read(probe, limit_bytes=len(CONTENT)) == CONTENT
        await root.delete(probe)
    except TrackletError as error:
        return Check(name, False, errors.sentence(error))
    return Check(name, is_same, doctor.place_checked(root.name, is_same=is_same))
