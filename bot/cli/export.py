"""A video's annotations for other people's tools: what the command line's `export` does."""

from __future__ import annotations

from pathlib import Path

from bot.settings import Settings
from rendering.naming import safe_video_name
from tracking.atomic import write_whole
from tracking.formats import video_intelligence
from tracking.formats.base import Exported, ExportFormat
from tracking.video.file import Video


def export_video(
    video: Path, annotations: Path, folder: Path, *, formats: tuple[ExportFormat, ...], settings: Settings
) -> list[Path]:
    """
    Write `annotations`, of any origin, into `folder` in each of `formats`, and return the files.

    Raises `InputError` before anything is written, `StorageError`.
    """
    given = video_intelligence.read(annotations)
    with Video(video, limits=settings.limits) as opened:
        exported = Exported(given, opened.info, opened.frame_times())
    files = [(folder / f"{safe_video_name(video.name)}{each.suffix}", each.write(exported)) for each in formats]
    for path, content in files:
        write_whole(path, content)
    return [path for path, _ in files]
