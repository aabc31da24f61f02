"""
What is forgotten, and when: nothing else removes what jobs leave behind on this machine.

Fetched videos and drawn pictures stay for as long as TRACKLET_CACHE_KEPT_DAYS says, so that "Show more", the near misses and
the same video again need no second download; then they go, the oldest sooner where there is too much of them. What a job asks
for after that is fetched and drawn anew (`steps.py`). Nothing goes that is younger than the oldest job at work, whatever its
age. Annotation files and the pictures in the objects' root stay for good, or as long as TRACKLET_RESULTS_KEPT_DAYS says: of
these only what jobs have written goes; where annotation files are kept in a bucket, those here are copies and go with the
videos. Our own tables stay: they are small, and they are the history. What lies in buckets is left to the buckets' own rules.
Times are seconds since 1970.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.jobs.paths import JobPaths
from bot.jobs.reserve import DiskReserve
from bot.jobs.store import Store
from tracking.atomic import is_unfinished

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
KEPT_S = 7 * 86_400.0  # people come back to a thread within the week
KEPT_BYTES = 20 << 30  # twenty videos of the largest size
ASKED_AT_ONCE = 500  # files whose owner the database is asked for
WORKFLOWS_KEPT_S = 30 * 86_400.0  # for whoever looks into a failure; each is some forty rows

Forget = Callable[[float], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A video, or the folder of one job's pictures."""

    path: Path
    size_bytes: int
    used_at: float


class Retention:
    """
    Removes what is too old or too much; `forget_workflows` removes what ended before a time from the job engine.

    `folder` is the number of the data folder where other processes may work on it or on the database: one of them does each
    part, once an hour. Annotation files stay for `annotations_kept_s`, pictures for `results_kept_s`, and for good where that
    is None.
    """

    def __init__(
        self,
        *,
        store: Store,
        places: JobPaths,
        forget_workflows: Forget,
        reserve: DiskReserve | None = None,
        kept_s: float = KEPT_S,
        kept_bytes: int = KEPT_BYTES,
        results_kept_s: float | None = None,
        annotations_kept_s: float | None = None,
        folder: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._places = places
        self._forget_workflows = forget_workflows
        self._reserve = reserve
        self._kept_s = kept_s
        self._kept_bytes = kept_bytes
        self._results_kept_s = (annotations_kept_s, results_kept_s)
        self._folder = folder
        self._clock = clock

    async def run(self) -> None:
        """Sweep now and every hour, until cancelled."""
        while True:
            try:
                if await self._is_ours(f"files in {self._folder}"):
                    await self.sweep_files()
                if await self._is_ours("rows"):
                    await self.sweep_rows()
            except Exception:
                logger.exception("what is too old could not be removed")
            await asyncio.sleep(EVERY_S)

    async def _is_ours(self, duty: str) -> bool:
        return not self._folder or await self._store.take_duty(duty, 0.9 * EVERY_S)

    async def sweep(self) -> None:
        """Remove what may go by now."""
        await self.sweep_files()
        await self.sweep_rows()

    async def sweep_files(self) -> None:
        """Remove what may go by now from the data folder."""
        now = self._clock()
        oldest = await self._store.oldest_unfinished()
        untouchable = now if oldest is None else min(now, oldest)
        removed = await asyncio.to_thread(self._remove, now - self._kept_s, untouchable)
        if removed:
            logger.info("%d videos and folders of pictures were removed", removed)
        for root, kept_s in zip(self._places.results, self._results_kept_s, strict=True):
            if kept_s is not None:
                await self._remove_results(root, min(now - kept_s, untouchable))
        if self._reserve is not None:
            await asyncio.to_thread(self._reserve.hold)

    async def sweep_rows(self) -> None:
        """Remove what may go by now from the database."""
        await self._store.forget_handled()
        await self._store.forget_threads()
        await self._forget_workflows(self._clock() - WORKFLOWS_KEPT_S)

    def _remove(self, horizon: float, untouchable: float) -> int:
        entries = sorted(self._entries(), key=lambda entry: entry.used_at)
        left = sum(entry.size_bytes for entry in entries)
        removed = 0
        for entry in entries:
            if entry.used_at >= untouchable or (entry.used_at >= horizon and left <= self._kept_bytes):
                break
            _delete(entry.path)
            left -= entry.size_bytes
            removed += 1
        return removed

    async def _remove_results(self, root: Path, horizon: float) -> None:
        """Remove what jobs have found and nobody used since `horizon`; a file that somebody else put there stays."""
        found = await asyncio.to_thread(lambda: list(_older(root, horizon)))
        removed = 0
        for start in range(0, len(found), ASKED_AT_ONCE):
            batch = found[start : start + ASKED_AT_ONCE]
            own = await self._store.own_among([path.as_uri() for path in batch])
            for path in batch:
                if path.as_uri() in own:
                    await asyncio.to_thread(_delete, path)
                    removed += 1
        if removed:
            logger.info("%d annotation files and pictures were removed", removed)

    def _entries(self) -> Iterator[_Entry]:
        for root in self._places.fetched:
            for path in root.rglob("*"):
                with contextlib.suppress(OSError):  # gone meanwhile
                    if path.is_file() and not path.is_symlink():
                        stat = path.stat()
                        yield _Entry(path, stat.st_size, stat.st_mtime)
        for folder in self._places.drawn.glob("*"):
            with contextlib.suppress(OSError):
                stats = [path.stat() for path in (folder, *folder.rglob("*"))]
                yield _Entry(folder, sum(stat.st_size for stat in stats), max(stat.st_mtime for stat in stats))


def _older(root: Path, horizon: float) -> Iterator[Path]:
    """Yield the files below `root` that were last used before `horizon`."""
    for path in root.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < horizon:
                yield path


def remove_leftovers(places: JobPaths, *, older_than_s: float = 0.0) -> None:
    """
    Remove what processes that were killed had not finished writing; called before anything is written.

    Where other processes may be writing at the same time, only what is older than anything takes to be written.
    """
    before = time.time() - older_than_s
    hidden = [*places.data.glob(".*"), *(path for root in places.all for path in root.rglob(".*"))]
    # From below, so that nothing is looked for in a folder that is gone.
    for path in sorted(hidden, reverse=True):
        with contextlib.suppress(OSError):  # gone meanwhile
            if is_unfinished(path) and not path.is_symlink() and path.stat().st_mtime <= before:
                _delete(path)


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
            return
        path.unlink()
        path.parent.rmdir()  # a video has a folder of its own; one that holds more stays
