"""A video's annotations for other people's tools, and theirs for us: what the command line's `export` and `import` do."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.cli.result import check_outputs, place_annotations
from bot.settings import Settings
from rendering.naming import safe_video_name
from tracking.atomic import write_whole
from tracking.engines.base import CancelCheck
from tracking.errors import Cancelled, OptionError
from tracking.formats import video_intelligence
from tracking.formats.base import Exported, ExportFormat, Footage
from tracking.formats.pictures import pictures_of
from tracking.model import Annotations
from tracking.video.file import Video

MAX_ABOUT_BYTES = 1 << 20


def export_video(
    video: Path,
    annotations: Path,
    folder: Path,
    *,
    formats: tuple[ExportFormat, ...],
    about: Path | None = None,
    images: bool = False,
    every_frame: bool = False,
    settings: Settings,
    cancelled: CancelCheck,
) -> list[Path]:
    """
    Write `annotations`, of any origin, into `folder` in each of `formats`, and return the files and folders.

    The video may be of any length, for a stretch of it may have been tracked. `about` is a TOML file with a table for each
    format that has to be told something; `images` adds pictures where a format has a place for them, `every_frame` the
    boxes between those that were seen. Raises `InputError` before anything is written, `StorageError`, and `Cancelled` between
    two files.
    """
    check_outputs(folder)
    told = _told(about, formats)
    given = video_intelligence.read(annotations)
    with _opened(video, settings) as opened:
        if every_frame:
            given = given.filled(opened.frame_times())
        exported = Exported(given, _footage(video, opened), pictures=pictures_of(opened) if images else None)
        contents = [(each, _begun(each.write(replace(exported, told=told.get(each.key, {}))))) for each in formats]
        written = []
        for form, content in contents:
            path = folder / f"{exported.footage.name}{form.suffix}"
            if isinstance(content, bytes):
                _put(path, content, cancelled)
            else:
                _put_folder(path, content, exported.footage, cancelled)
            written.append(path)
    return written


def import_tracks(file: Path, video: Path, folder: Path, *, form: ExportFormat, settings: Settings) -> tuple[Path, Annotations]:
    """
    Write the tracks of `file`, in a format of another tool, as an annotation file of `video` into `folder`; return both.

    `form` is one that can be read. Raises `InputError` before anything is written, and `StorageError`.
    """
    check_outputs(folder)
    with _opened(video, settings) as opened:
        annotations = form.tracks_in(file, _footage(video, opened))
    content = video_intelligence.write(annotations)
    run = f"{form.key} {hashlib.sha256(content).hexdigest()}"
    return place_annotations(content, folder, video=video, mark=f".from-{form.key}", run=run), annotations


def _opened(video: Path, settings: Settings) -> Video:
    return Video(video, limits=replace(settings.limits, max_seconds=math.inf))


def _footage(path: Path, video: Video) -> Footage:
    return Footage(safe_video_name(path.name), video.info, video.frame_times())


def _told(about: Path | None, formats: tuple[ExportFormat, ...]) -> Mapping[str, Mapping[str, Any]]:
    """Return what the file says for each format. Raises `OptionError`."""
    if about is None:
        return {}
    try:
        with about.open("rb") as file:
            text = file.read(MAX_ABOUT_BYTES + 1)
        if len(text) > MAX_ABOUT_BYTES:
            raise ValueError
        found = tomllib.loads(text.decode())
    except (OSError, ValueError, RecursionError) as error:
        raise OptionError("--about", about.name, "a TOML file is needed, with a table such as [camtrap-dp]") from error
    asked = {form.key for form in formats}
    for key, table in found.items():
        if key not in asked or not isinstance(table, dict):
            raise OptionError("--about", key, f"tables of the formats that are written are needed: {', '.join(sorted(asked))}")
    return found


def _begun(content: bytes | Iterator[tuple[str, bytes]]) -> bytes | Iterator[tuple[str, bytes]]:
    """Return the content with its first file made, so that what a format refuses is told before anything is written."""
    return content if isinstance(content, bytes) else itertools.chain([next(content)], content)


def _put(path: Path, content: bytes, cancelled: CancelCheck) -> None:
    if cancelled():
        raise Cancelled
    write_whole(path, content)


def _put_folder(folder: Path, files: Iterator[tuple[str, bytes]], footage: Footage, cancelled: CancelCheck) -> None:
    """Write each file whole, and take away what an earlier export had of frames that have nothing now."""
    written = set()
    for name, content in files:
        _put(folder / name, content, cancelled)
        written.add(folder / name)
    of_frame = re.compile(rf"{re.escape(footage.name)}\.\d{{6,9}}\.txt")
    for path in folder.glob("*/*.txt"):
        if path not in written and of_frame.fullmatch(path.name):
            path.unlink(missing_ok=True)
