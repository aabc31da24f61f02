"""
Where a job's files lie on this machine.

Videos and annotations have the seed's names below their roots. Pictures are drawn in a folder of the job's own, because two
jobs may give the same name to different pictures; from there they are posted, and published under the seed's names.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bot.jobs.model import Job, Source, SourceKind, digest
from tracking.storage import names


class Places:
    """Paths below the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data = data_dir.resolve()

    def video(self, job: Job, source: Source) -> tuple[Path, str]:
        """Where the video of a job goes, and its name in the videos' root."""
        if source.kind is SourceKind.SLACK_FILE:
            name = names.slack_video_name(job.request.team or "local", source.ref, file_name=source.name)
        else:
            name = names.link_video_name(digest(source.ref + source.generation), file_name=source.name)
        return self._data / "videos" / name, name

    def annotations(self, video_name: str, *, run_key: str) -> Path:
        """Where the annotations of one run go; `run_key` "" is the configured engine over the whole video."""
        return self._data / "annotations" / names.annotation_name("videos", video_name, run_key=run_key)

    def pictures(self, job: Job) -> Path:
        """The job's own folder."""
        return self._data / "work" / digest(job.id)

    def publish(self, picture: Path, video_name: str) -> Path:
        """Put a picture under its name among the objects; the file itself is shared where the file system can."""
        target = self._data / "objects" / names.object_name("videos", video_name, file_name=picture.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{os.getpid()}-{target.name}")
        aside.unlink(missing_ok=True)
        try:
            os.link(picture, aside)
        except OSError:
            shutil.copyfile(picture, aside)
        aside.replace(target)
        return target
