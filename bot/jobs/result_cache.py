"""
What earlier jobs have left of the same work: the same bytes tracked the same way, and selected the same way.

Two keys in the row of each job say what its tracks and its pictures depend on. A run key tells annotation files of different
runs of one video apart.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from bot.jobs.facts import Found, JobFacts, Probe, VideoFile
from bot.jobs.model import Job, digest
from bot.jobs.publishing import Publisher
from bot.jobs.store import Store
from bot.settings import Settings


class ResultCache:
    """Looks results up among finished jobs."""

    def __init__(self, *, store: Store, settings: Settings, publisher: Publisher) -> None:
        self._store = store
        self._settings = settings
        self._publisher = publisher

    async def look_up(self, job: Job, video: VideoFile, probed: Probe) -> Found:
        """Return what is there of this job's results, and note the keys under which its own will be found."""
        options = job.request.to_json()["options"]
        tracks_key = digest(f"{video.sha256} {probed.engine} {probed.run_key} {options['segment']}")
        result_key = digest(f"{tracks_key} {options['min_confidence']} {options['min_frames']} {sorted(options['labels'])}")
        facts = JobFacts(probed=probed, video=video)
        await self._store.update(job.id, tracks_key=tracks_key, result_key=result_key, facts=facts)
        same = await self._store.with_same(tracks_key=tracks_key, but=job.id)
        if same is None or not is_there([same.facts.annotations]):
            return Found()
        annotations = same.facts.annotations
        await asyncio.to_thread(use, [annotations])
        if not job.request.annotations:
            await self._publisher.annotations(job, video, Path(annotations), run_key=self.run_key(job, probed))
        same = await self._store.with_same(result_key=result_key, but=job.id)
        if same is None or same.facts.summary is None or same.facts.video is None:
            return Found(annotations=annotations)
        # Stored pictures are named after their video.
        has_name = same.facts.video.name == video.name or not self._publisher.keeps_pictures_elsewhere
        summary, animations = same.facts.summary, same.facts.animations or ()
        pictures = [*(page.path for page in summary.pages), *(each.path for each in animations)]
        if not has_name or not is_there(pictures):
            return Found(annotations=annotations)
        await asyncio.to_thread(use, pictures)
        return Found(annotations=annotations, summary=summary, animations=animations, earlier=same.id)

    def run_key(self, job: Job, probed: Probe) -> str:
        """Return what the annotation file's name says of its run: "" for the configured engine over the whole video."""
        segment = job.request.to_json()["options"]["segment"]
        if job.request.annotations:
            return digest(probed.run_key)[:8]
        if not segment and job.request.options.engine in {None, self._settings.engine}:
            return ""
        return digest(f"{probed.engine} {probed.run_key} {segment}")[:8]


def use(paths: Iterable[str]) -> None:
    """Give files a fresh date, which keeps them from being removed. Raises `FileNotFoundError`."""
    for path in paths:
        os.utime(path)


def is_there(paths: Iterable[str]) -> bool:
    """Whether each path names a file."""
    return all(path and Path(path).is_file() for path in paths)
