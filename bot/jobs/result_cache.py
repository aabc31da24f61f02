"""
What earlier jobs have left of the same work: the same bytes tracked the same way, and selected the same way.

Two keys in the row of each job say what its tracks and its pictures depend on. A run key tells annotation files of different
runs of one video apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.jobs.facts import Found, JobFacts, Probe, Summary, VideoFile
from bot.jobs.local_files import LocalFiles, is_there, use
from bot.jobs.model import Job, digest
from bot.jobs.numbering import NumberedList
from bot.jobs.publishing import Publisher
from bot.jobs.store import Store
from bot.settings import Settings
from rendering.selection import Numbering


class ResultCache:
    """Looks results up among finished jobs."""

    def __init__(self, *, store: Store, settings: Settings, publisher: Publisher, files: LocalFiles) -> None:
        self._store = store
        self._settings = settings
        self._publisher = publisher
        self._files = files

    async def look_up(self, job: Job, video: VideoFile, probed: Probe) -> Found:
        """Return what is there of this job's results, and note the keys under which its own will be found."""
        options = job.request.to_json()["options"]
        tracks_key = digest(f"{video.sha256} {probed.engine} {probed.run_key} {options['segment']}")
        selected_key = digest(f"{tracks_key} {options['min_confidence']} {options['min_frames']} {sorted(options['labels'])}")
        lists = await self.lists_before(job, video)
        # The numbers in a picture are those of its thread.
        told = sorted({(each.annotations, told.track_id, told.number) for each in lists for told in each.objects})
        result_key = digest(f"{selected_key} {told}") if lists else selected_key
        facts = JobFacts(probed=probed, video=video)
        await self._store.update(job.id, tracks_key=tracks_key, result_key=result_key, facts=facts)
        same = await self._store.with_same(tracks_key=tracks_key, but=job.id)
        if same is None or not same.facts.annotations:
            return Found()
        try:
            path = await self._files.annotations(job.id, same.facts.annotations, same.request)
        except FileNotFoundError:
            return Found()
        annotations = self._files.paths.name(path)
        if not job.request.annotations:
            await self._publisher.annotations(job, video, path, run_key=self.run_key(job, probed))
        same = await self._store.with_same(result_key=result_key, but=job.id)
        if same is None and lists:
            same = await self._store.with_same(result_key=selected_key, but=job.id)
        if same is None or same.facts.summary is None or same.facts.video is None:
            return Found(annotations=annotations)
        if not _has_numbers(same.facts.summary, annotations, lists):
            return Found(annotations=annotations)
        # Stored pictures are named after their video.
        has_name = same.facts.video.name == video.name or not self._publisher.keeps_pictures_elsewhere
        summary, animations = same.facts.summary, same.facts.animations or ()
        paths = [*(page.path for page in summary.pages), *(each.path for each in animations)]
        pictures = [self._files.paths.here(path) for path in paths]
        if not has_name or not is_there(pictures):
            return Found(annotations=annotations)
        await asyncio.to_thread(use, pictures)
        return Found(annotations=annotations, summary=summary, animations=animations, earlier=same.id)

    async def lists_before(self, job: Job, video: VideoFile) -> list[NumberedList]:
        """Return the lists of the same video's objects that the job's thread has already, oldest first."""
        thread_ts = job.thread_ts or job.request.thread_ts
        if not thread_ts:
            return []
        lists = []
        for other in reversed(await self._store.jobs_of_thread(job.request.team, job.request.channel, thread_ts)):
            summary, other_video = other.facts.summary, other.facts.video
            is_earlier = other.number < job.number and other_video is not None and other_video.sha256 == video.sha256
            if is_earlier and summary is not None and summary.objects:
                annotations = self._files.paths.here(other.facts.annotations)
                lists.append(NumberedList.of(self._files.paths.name(annotations), summary))
        return NumberedList.merged(lists)

    def run_key(self, job: Job, probed: Probe) -> str:
        """Return what the annotation file's name says of its run: "" for the configured engine over the whole video."""
        segment = job.request.to_json()["options"]["segment"]
        if job.request.annotations:
            return digest(probed.run_key)[:8]
        if not segment and job.request.options.engine in {None, self._settings.engine}:
            return ""
        return digest(f"{probed.engine} {probed.run_key} {segment}")[:8]


def _has_numbers(summary: Summary, annotations: str, lists: Sequence[NumberedList]) -> bool:
    """Return whether a stored summary's objects have the numbers that they would get in a thread that holds `lists`."""
    if any(each.annotations != annotations for each in lists):
        # Of another run: which of its objects are the same is seen when the pictures are drawn.
        return False
    known = {told.track_id: told.number for each in lists for told in each.objects}
    highest = max((told.number for each in lists for told in each.objects), default=0)
    wanted = Numbering(known, highest).numbers_of(told.track_id for told in summary.objects)
    return wanted == summary.numbers
