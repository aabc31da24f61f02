"""
Where a job's files lie on this machine, and what they are called in their roots.

Videos and annotations have the seed's names below their roots. Pictures are drawn in a folder of the job's own, because two
jobs may give the same name to different pictures; from there they are posted, and stored under the seed's names. What is
recorded of a job names its files below the data folder, for another machine has another one.
"""

from __future__ import annotations

from pathlib import Path

from bot.jobs.model import Job, Source, SourceKind, digest
from tracking.storage import names
from tracking.storage.names import OWN_VIDEOS, ObjectUri


class JobPaths:
    """Paths below the data folder; `videos_root` is the name of the videos' root."""

    def __init__(self, data_dir: Path, *, videos_root: str = "videos") -> None:
        self.data = data_dir.resolve()
        """The data folder."""
        self._videos_root = videos_root
        self.fetched = (self.data / "videos" / OWN_VIDEOS, self.data / "videos" / "buckets")
        """Where copies of videos lie; beside them a person may keep videos of their own."""
        self.drawn = self.data / "work"
        """Where each job has a folder for its pictures."""
        self.results = (self.data / "annotations", self.data / "objects")
        """Where what jobs found is kept; beside it a person may keep files of their own."""
        self.all = (*self.fetched, self.drawn, *self.results)
        """Where jobs write."""

    def name(self, path: str | Path) -> str:
        """Return what is recorded of a file: its path below the data folder, or the whole path of one that lies elsewhere."""
        whole = Path(path)
        return whole.relative_to(self.data).as_posix() if whole.is_relative_to(self.data) else str(whole)

    def here(self, name: str) -> Path:
        """Return the path on this machine of what was recorded; version 0.1 recorded whole paths."""
        return self.data / name

    def annotation_name(self, path: Path) -> str:
        """Return the name in the annotations' root of a file that `annotations` named."""
        return path.relative_to(self.results[0]).as_posix()

    def video(self, job: Job, source: Source) -> tuple[Path, str, str]:
        """Return where the video of a job goes on this machine, its root's name, and its own name in that root."""
        if source.kind is SourceKind.OBJECT:
            uri = ObjectUri.parse(source.ref)
            return self.data / "videos" / "buckets" / uri.bucket / uri.name, uri.bucket, uri.name
        if source.kind is SourceKind.SLACK_FILE:
            name = names.slack_video_name(job.request.team or "local", source.ref, file_name=source.name)
        else:
            name = names.link_video_name(digest(source.ref + source.generation), file_name=source.name)
        return self.data / "videos" / name, self._videos_root, name

    def annotations(self, root: str, video_name: str, *, run_key: str) -> Path:
        """Return where the annotations of one run go; `run_key` "" is the configured engine over the whole video."""
        return self.data / "annotations" / names.annotation_name(root, video_name, run_key=run_key)

    def pictures(self, job: Job) -> Path:
        """Return the job's own folder."""
        return self.drawn / digest(job.id)
