"""A video's annotations for other people's tools: what the command line's `export` does."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from bot.cli.result import check_outputs
from bot.settings import Settings
from rendering.naming import safe_video_name
from tracking.atomic import write_whole
from tracking.engines.base import CancelCheck
from tracking.errors import Cancelled
from tracking.formats import video_intelligence
from tracking.formats.base import Exported, ExportFormat
from tracking.video.file import Video


def export_video(
    video: Path,
    annotations: Path,
    folder: Path,
    *,
    formats: tuple[ExportFormat, ...],
    settings: Settings,
    cancelled: CancelCheck,
) -> list[Path]:
    """
    Write `annotations`, of any origin, into `folder` in each of `formats`, and return the files.

    The video may be of any length, for a stretch of it may have been tracked. Raises `InputError` before anything is written,
    `StorageError`, and `Cancelled` between two files.
    """
    check_outputs(folder)
    given = video_intelligence.read(annotations)
    with Video(video, limits=replace(settings.limits, max_seconds=math.inf)) as opened:
        exported = Exported(given, opened.info, opened.frame_times())
    files = [(folder / f"{safe_video_name(video.name)}{each.suffix}", each.write(exported)) for each in formats]
    for path, content in files:
        if cancelled():
            raise Cancelled
        write_whole(path, content)
    return [path for path, _ in files]
