"""
One video on this machine, from file to pictures: what the command line's `track` and `render` do.

Tracking writes the annotation file, rendering reads one; both put what they make into one folder, each file whole or not at
all. The bot does the same in durable steps (`bot/jobs/workflow.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.cli.engine_run import choose_engine, run_engine
from bot.cli.result import Result, check_outputs, write_annotations
from bot.cli.terminal import Terminal
from bot.settings import Settings
from bot.texts import cli
from rendering.kinds.base import RenderOptions
from rendering.render import render
from tracking.engines.base import CancelCheck, EngineName
from tracking.errors import SegmentOutside
from tracking.formats import video_intelligence
from tracking.model import Segment
from tracking.video.file import probe


def track_video(
    video: Path,
    folder: Path,
    *,
    engine: EngineName,
    model: str,
    segment: Segment | None,
    options: RenderOptions,
    make: Sequence[str] | None,
    settings: Settings,
    terminal: Terminal,
    cancelled: CancelCheck,
) -> Result:
    """
    Track a video and draw its objects into `folder`; tells `terminal` what goes on.

    Raises `InputError` before anything is written, `EngineError`, `StorageError`, `Cancelled`.
    """
    info = probe(video, limits=settings.limits.for_segment(segment))
    check_outputs(folder, font=options.font)
    choice = choose_engine(engine, video=video, model=model, google_configured=settings.google_is_configured, terminal=terminal)
    run = run_engine(choice, video, info=info, segment=segment, settings=settings, terminal=terminal, cancelled=cancelled)
    annotations = run.annotations
    annotation_file = write_annotations(run, folder, video=video, segment=segment)
    with terminal.stage(cli.STAGE_RENDERING) as show:
        rendered = render(
            video, annotations, folder, name=video.name, options=options, make=make, progress=show, cancelled=cancelled
        )
    return Result(video, info, annotations, rendered, options, folder, annotation_file, run.engine, run.took_s)


def render_video(
    video: Path,
    annotations: Path,
    folder: Path,
    *,
    segment: Segment | None,
    options: RenderOptions,
    make: Sequence[str] | None,
    settings: Settings,
    terminal: Terminal,
    cancelled: CancelCheck,
) -> Result:
    """Draw a video's objects into `folder`, from annotations of any origin; raises as `track_video`."""
    info = probe(video, limits=settings.limits.for_segment(segment))
    check_outputs(folder, font=options.font)
    given = video_intelligence.read(annotations)
    if segment and info.duration_s and segment.start_s >= info.duration_s:
        raise SegmentOutside(segment.start_s, segment.end_s, info.duration_s)
    if segment:
        given = given.within(segment)
    with terminal.stage(cli.STAGE_RENDERING) as show:
        rendered = render(video, given, folder, name=video.name, options=options, make=make, progress=show, cancelled=cancelled)
    return Result(video, info, given, rendered, options, folder)
