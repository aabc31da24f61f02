"""
Objects that one process needs for a while and removes itself, and those of processes that were killed before they could.

Their names say when they were made, so that any later process can tell what nobody needs any more, by names alone.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from tracking.errors import StorageError, service_words
from tracking.storage.base import Root
from tracking.storage.names import OWN_VIDEOS, safe_file_name

logger = logging.getLogger(__name__)

PASSING: Final = f"{OWN_VIDEOS}passing/"
"""Under this they lie, in the videos' root: nothing of that name starts anything."""

_NEEDED = timedelta(days=1)  # a run is given up after six hours
_FIRST_LOOK_S, _LOOK_S = 60.0, 3600.0  # a start has other things to do first
_STAMP = "%Y%m%dT%H%M%SZ"
_MADE_AT = re.compile(rf"{re.escape(PASSING)}(\d{{8}}T\d{{6}}Z)-[0-9a-f]{{16}}/")


def passing_name(file_name: str, *, now: datetime | None = None) -> str:
    """Return a name that nobody else uses."""
    made_at = (now or datetime.now(UTC)).strftime(_STAMP)
    return f"{PASSING}{made_at}-{secrets.token_hex(8)}/{safe_file_name(file_name)}"


def is_forgotten(name: str, *, now: datetime) -> bool:
    """Return whether an object is of a process that must be gone by `now`; a name of another kind is left alone."""
    found = _MADE_AT.match(name)
    if found is None:
        return False
    try:
        made_at = datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return now - made_at > _NEEDED


async def remove_forgotten(root: Root, *, now: datetime | None = None) -> int:
    """Remove the objects of processes that were killed, as far as they can be; return how many."""
    at, removed = now or datetime.now(UTC), 0
    try:
        names = [stored.name async for stored in root.objects(PASSING)]
        for name in names:
            if is_forgotten(name, now=at):
                await root.delete(name)
                removed += 1
    except StorageError as error:
        logger.info("what killed processes left in %s can't be removed: %s", root.name, service_words(error) or error.reason)
    if removed:
        logger.info("%d objects of killed processes were removed from %s", removed, root.name)
    return removed


async def keep_removing_forgotten(root: Root) -> None:
    """Remove the objects of killed processes, a minute from now and then every hour, until cancelled."""
    await asyncio.sleep(_FIRST_LOOK_S)
    while True:
        try:
            await remove_forgotten(root)
        except Exception:
            logger.exception("what killed processes left can't be removed")
        await asyncio.sleep(_LOOK_S)
