"""Whether the processes that work on one Postgres see the same storage: a check of `tracklet doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from bot.doctor.local import Check
from bot.jobs.database import Database
from bot.jobs.leases import DEFAULT_LEASE_TIMES
from bot.jobs.shared_storage import differing, seen_by
from bot.jobs.store import Store
from bot.settings import Settings
from bot.texts import doctor
from tracking.errors import TrackletError
from tracking.storage.base import Storage

ANSWER_S = 5.0


async def cluster_checks(settings: Settings, open_storage: Callable[[], Storage]) -> list[Check]:
    """Check what the processes that have a lease see, beside what is seen from here; nothing on SQLite."""
    if settings.uses_sqlite:
        return []
    try:
        storage = open_storage()
        store = Store(await asyncio.to_thread(Database, settings.database))
    except TrackletError:
        return []  # told by the checks of the database and the buckets
    try:
        async with asyncio.timeout(ANSWER_S):
            seen = await store.storages(DEFAULT_LEASE_TIMES.ttl_s)
    except (TimeoutError, sa.exc.SQLAlchemyError):
        return []
    finally:
        store.close()
    here = seen_by(storage, data_dir=settings.data_dir, is_marked=False)
    # A data folder that no process has used yet can't be told from another one.
    known = [*seen, here] if "folder:" not in here.split(" ") else seen
    if settings_told := differing(known):
        return [Check("processes", False, doctor.storage_differs(settings_told))]
    return [Check("processes", True, doctor.storage_is_shared(len(seen)), is_there=bool(seen))]
