"""
Two engines on one video, side by side: what the command line's `compare` does.

Either side may be an annotation file instead of an engine. Each engine's annotations are written as soon as they are there,
since they may have cost money; the picture and the table follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from bot.cli.comparison_result import ComparisonResult, Side, count_found
from bot.cli.engine_run import choose_engine, run_engine
from bot.cli.result import check_outputs, write_annotations
from bot.cli.terminal import Terminal
from bot.engines import Why
from bot.settings import Settings
from bot.texts import cli, comparison, engine
from rendering.kinds.base import RenderOptions
from rendering.pages.comparison import Words, render_comparison
from rendering.pages.pairing import Finder, Pair, pair
from tracking.engines.base import GOOGLE_RETIRES, CancelCheck, EngineName
from tracking.errors import OptionError
from tracking.formats import video_intelligence
from tracking.model import Segment
from tracking.video.file import probe


def compare_video(
    video: Path,
    folder: Path,
    *,
    engines: Sequence[EngineName],
    files: Sequence[Path],
    model: str,
    segment: Segment | None,
    options: RenderOptions,
    settings: Settings,
    terminal: Terminal,
    cancelled: CancelCheck,
) -> ComparisonResult:
    """
    Compare what `files` hold and `engines` find, in this order; without any, what `default_engines` says.

    Raises `InputError` before anything is written, `EngineError`, `StorageError`, `Cancelled`.
    """
    configured = settings.google_is_configured and date.today() < GOOGLE_RETIRES
    wanted = checked_engines(engines, files=len(files)) if engines else default_engines(files=len(files), google=configured)
    info = probe(video, limits=settings.limits.for_segment(segment))
    check_outputs(folder, font=options.font)
    sides = [_given(file, files, segment) for file in files]
    choices = [choose_engine(name, video=video, model=model, google_configured=False, terminal=terminal) for name in wanted]
    for choice in choices:
        if not engines and choice.why is Why.ASKED:
            choice = replace(choice, why=Why.COMPARED)
        run = run_engine(choice, video, info=info, segment=segment, settings=settings, terminal=terminal, cancelled=cancelled)
        title = engine.engine_title(choice.engine, model=choice.model.name if choice.model else "", detector=choice.detector)
        file = write_annotations(run, folder, video=video, segment=segment, mark=f".{choice.engine}")
        sides.append(Side(title, run.annotations, file, choice.engine, run.took_s))
    a, b = sides
    pairs = pair(a.annotations, b.annotations, options.selection, duration_s=info.duration_s)
    with terminal.stage(cli.STAGE_RENDERING) as show:
        pages = render_comparison(
            video,
            pairs,
            folder,
            name=video.name,
            words=_words(a, b, pairs),
            font=options.font,
            progress=show,
            cancelled=cancelled,
        )
    return ComparisonResult(video, info, a, b, pairs, tuple(pages), options, folder)


def default_engines(*, files: int, google: bool) -> tuple[EngineName, ...]:
    """
    Return who runs beside `files` annotation files; `google` says that Google's engine is set up.

    AUTO stands for the local engine: YOLOX where its model is or can be had, else motion. Raises `OptionError`.
    """
    if files > 2:
        raise OptionError("--with", str(files), comparison.two_files_at_most())
    pair_of = (EngineName.GOOGLE, EngineName.AUTO) if google else (EngineName.YOLOX, EngineName.MOTION)
    return {0: pair_of, 1: (EngineName.AUTO,), 2: ()}[files]


def checked_engines(engines: Sequence[EngineName], *, files: int) -> tuple[EngineName, ...]:
    """`engines`, if they and `files` annotation files are two different things. Raises `OptionError`."""
    if files > 2:
        raise OptionError("--with", str(files), comparison.two_files_at_most())
    if len(engines) != 2 - files or len(set(engines)) != len(engines) or EngineName.AUTO in engines:
        raise OptionError("--engines", ",".join(engines), comparison.engines_wanted(2 - files))
    return tuple(engines)


def _given(file: Path, files: Sequence[Path], segment: Segment | None) -> Side:
    annotations = video_intelligence.read(file)
    alike = len({each.name for each in files}) < len(files)
    title = f"{file.resolve().parent.name}/{file.name}" if alike else file.name
    return Side(title, annotations.within(segment) if segment else annotations, file)


def _words(a: Side, b: Side, pairs: Sequence[Pair]) -> Words:
    headings = {
        Finder.BOTH: comparison.found_by_both(count_found(pairs, Finder.BOTH)),
        Finder.A: comparison.found_by_one(a.title, count_found(pairs, Finder.A)),
        Finder.B: comparison.found_by_one(b.title, count_found(pairs, Finder.B)),
    }
    return Words(a.title, b.title, headings, comparison.ABSENT)
