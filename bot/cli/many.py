"""
Many videos in one go: `tracklet track A.mp4 FOLDER ... --out DIR`.

The model is loaded once. Each video is done by itself and noted when it is, so that a run that was ended goes on where it was,
and a bad file is a line that stops nobody else. At the end there are a table and a page over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.cli.many_result import INDEX, TABLE, Record, VideoResult, index_page, results_table
from bot.cli.result import Result
from bot.cli.terminal import Terminal
from bot.requests.links import VIDEO_SUFFIXES
from bot.texts import cli, errors
from rendering.naming import VIDEO_ENDINGS
from tracking.atomic import write_whole
from tracking.errors import Cancelled, InputError, TrackletError, file_name

Track = Callable[[Path, Path, Terminal], Result]
"""Tracks and draws one video into a folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """A video, and the folder that its files go into, below that of all."""

    path: Path
    folder: Path


@dataclass(slots=True)
class Outcome:
    """What became of many videos, in their order."""

    results: list[VideoResult] = field(default_factory=list)
    skipped: int = 0

    @property
    def failed(self) -> int:
        """How many could not be done."""
        return sum(bool(each.problem) for each in self.results)


def videos_among(given: Sequence[Path], out: Path) -> list[Found]:
    """
    Return the files of `given` and the videos in its folders and theirs, in order of name, each once.

    What lies in a folder keeps its place below it; two files of one name do not meet. What we wrote ourselves is no input.
    """
    found: dict[Path, Found] = {}
    taken: set[tuple[Path, str]] = set()
    for path in given:
        for video in _videos_in(path, out.resolve()) if path.is_dir() else [path]:
            folder = video.parent.relative_to(path) if path.is_dir() else Path()
            number = 1
            while (folder, video.name.casefold()) in taken and video.resolve() not in found:
                number += 1
                folder = Path(f"{video.absolute().parent.name or 'more'}-{number}")
            taken.add((folder, video.name.casefold()))
            found.setdefault(video.resolve(), Found(video, folder))
    return list(found.values())


def track_many(
    videos: Sequence[Found],
    out: Path,
    *,
    run: str,
    again: bool,
    track: Track,
    terminal: Terminal,
    cancelled: Callable[[], bool],
) -> Outcome:
    """
    Track and draw each of `videos` into its folder below `out`, unless a run like this one (`run`) has done so.

    With `again` everything is done anew. What is done when this is stopped stays and is in the table; then raises `Cancelled`.
    """
    outcome = Outcome()
    out.mkdir(parents=True, exist_ok=True)
    record = Record(out, run)
    try:
        with terminal.videos(len(videos)) as progress:
            for number, video in enumerate(videos, start=1):
                known = None if again else record.known(video.path)
                if known is not None:
                    outcome.skipped += 1
                    outcome.results.append(known)
                    progress.passed(number)
                    continue
                result = _one(video, out, track, progress.of(number, video.path.name))
                if cancelled():
                    raise Cancelled
                outcome.results.append(result)
                if not result.problem:
                    record.note(video.path, result)
                progress.done(
                    number, cli.video_line(file_name(video.path), result.labels, problem=result.problem, note=result.note)
                )
    finally:
        write_whole(out / TABLE, results_table(outcome.results))
        write_whole(out / INDEX, index_page(outcome.results))
    return outcome


def _one(video: Found, out: Path, track: Track, terminal: Terminal) -> VideoResult:
    try:
        return VideoResult.of(track(video.path, out / video.folder, terminal), out)
    except Cancelled:
        return VideoResult.failed(video.path, "")
    except (InputError, TrackletError, MemoryError) as error:
        return VideoResult.failed(video.path, errors.sentence(error))


def _videos_in(folder: Path, out: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_video = path.suffix[1:].lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
        if is_video and path.is_file() and not _is_ours(path) and not path.resolve().is_relative_to(out):
            yield path


def _is_ours(path: Path) -> bool:
    """Return whether a file is a video with boxes that was written beside the one that it shows."""
    return path.name.endswith(tuple(f".{ending}" for ending in VIDEO_ENDINGS))
