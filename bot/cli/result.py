"""What became of one video on this machine: the result of the command line's `track` and `render`, and its files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli.engine_run import EngineRun
from bot.jobs.model import digest
from bot.texts import cli
from rendering.fonts import Typeface
from rendering.kinds.base import KINDS, RenderOptions
from rendering.naming import safe_video_name
from rendering.render import Rendered
from tracking.atomic import write_whole
from tracking.engines.base import EngineName
from tracking.errors import OptionError
from tracking.formats import video_intelligence
from tracking.model import Annotations, EngineWarning, ProblemKind, Segment
from tracking.video.file import VideoInfo


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one video. `engine` is None where annotations were given."""

    video: Path
    info: VideoInfo
    annotations: Annotations
    rendered: Rendered
    options: RenderOptions
    folder: Path
    annotation_file: Path | None = None
    engine: EngineName | None = None
    tracking_s: float = 0.0

    def summary_facts(self) -> cli.ResultFacts:
        """Return the facts of the sentences about it."""
        selection = self.rendered.selected.selection
        return cli.ResultFacts(
            shown=len(self.rendered.selected.shown),
            total=len(self.annotations.tracks),
            near_misses=self.rendered.selected.near_misses,
            problems=self.rendered.problems,
            min_confidence=selection.min_confidence,
            min_frames=selection.min_frames,
            labels=selection.labels,
            known_labels=tuple(sorted({track.label for track in self.annotations.tracks})),
            annotated_s=self.annotations.reach_s,
            video_s=self.info.duration_s,
            older_pictures=self._older_pictures(),
            left_out=self.rendered.selected.left_out,
            unwritten=self._unwritten(),
            shown_labels=[shown.track.label for shown in self.rendered.selected.shown],
            step_s=self.annotations.step_s,
            blurred=self._blurred(),
            has_other_pictures=any(pictures for kind, pictures in self.rendered.pictures.items() if kind != "video"),
        )

    def _blurred(self) -> int | None:
        """Return how many tracks are blurred in the video; None where none was to be."""
        blur = self.options.blur
        return len(blur.among(self.annotations.tracks, self.rendered.selected.shown)) if blur else None

    def _unwritten(self) -> tuple[str, ...]:
        """Return the labels of shown objects that no font at hand can write whole."""
        return Typeface(self.options.font).unwritable_among(shown.track.label for shown in self.rendered.selected.shown)

    def _older_pictures(self) -> int:
        """Return how many pictures of this video an earlier run left in the folder."""
        written = {picture.path for pictures in self.rendered.pictures.values() for picture in pictures}
        video = f"{safe_video_name(self.video.name)}."
        try:
            return sum(1 for path in self.folder.iterdir() if path not in written and _is_picture(path.name, of=video))
        except OSError:
            return 0

    def as_json(self) -> dict[str, Any]:
        """Return the result as data: paths as text, times in seconds, confidences 0..1."""
        animations = {animation.object.number: animation for animation in self.rendered.animations}
        info = self.info
        return {
            "video": {
                "path": readable(self.video),
                "width": info.width,
                "height": info.height,
                "duration_s": info.duration_s,
                "frame_rate": info.frame_rate,
                "codec": info.codec,
            },
            "engine": self.engine,
            "annotations": readable(self.annotation_file) if self.annotation_file else None,
            "tracking_s": round(self.tracking_s, 3),
            "annotated_s": self.annotations.reach_s,
            "tracks": len(self.annotations.tracks),
            "pictures": {
                kind: [readable(picture.path) for picture in pictures]
                for kind, pictures in self.rendered.pictures.items()
                if kind not in {"summary", "gifs"}
            },
            "summary": [readable(page.path) for page in self.rendered.pages],
            "objects": [
                {
                    "number": shown.number,
                    "label": shown.track.label,
                    "entity_id": shown.track.entity_id,
                    "confidence": shown.track.confidence,
                    "frames": len(shown.track),
                    "start_s": shown.track.segment.start_s,
                    "end_s": shown.track.segment.end_s,
                    "animation": readable(animations[shown.number].path) if shown.number in animations else None,
                }
                for shown in self.rendered.selected.shown
            ],
            "left_out": self.rendered.selected.left_out,
            "labels_not_written": list(self._unwritten()),
            "blurred": self._blurred(),
            "near_misses": [
                {"label": track.label, "confidence": track.confidence, "frames": len(track)}
                for track in self.rendered.selected.near_misses
            ],
            "problems": [problem_json(problem) for problem in self.rendered.problems],
        }


def check_outputs(folder: Path, *, font: Path | None = None) -> None:
    """Raise `OptionError` for a folder or a font that can't be used: else this would be noticed only after the work."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        is_usable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except (OSError, ValueError):
        is_usable = False
    if not is_usable:
        raise OptionError("--out", str(folder), "a folder that can be made and written to is needed")
    Typeface(font)


def problem_json(problem: EngineWarning) -> dict[str, Any]:
    """Return a problem as data: its `kind`, and what belongs to it; times in seconds."""
    facts: dict[str, Any] = {"kind": problem.kind.value, "code": problem.code, "message": problem.message}
    if problem.kind is not ProblemKind.REPORTED:
        facts |= {"start_s": problem.start_s, "end_s": problem.end_s, "pictures": problem.pictures}
    return facts


def _is_picture(name: str, *, of: str) -> bool:
    """Return whether a file is a picture of the video whose pictures' names begin with `of`."""
    rest = name.removeprefix(of)
    return rest != name and any(kind.owns(rest) for kind in KINDS.values())


def readable(path: Path) -> str:
    """Return a path as text, also where its name is none."""
    return os.fsencode(path).decode(errors="replace")


def write_annotations(run: EngineRun, folder: Path, *, video: Path, segment: Segment | None, mark: str = "") -> Path:
    """Put the annotation file `<video><mark>.json` into `folder`, and return its path; see `place_annotations`."""
    content = video_intelligence.write(run.annotations)
    return place_annotations(content, folder, video=video, mark=mark, run=f"{run.engine} {run.run_key} {segment}")


def place_annotations(content: bytes, folder: Path, *, video: Path, mark: str, run: str) -> Path:
    """
    Put the annotation file `<video><mark>.json` into `folder`, and return its path. Raises `StorageError`.

    A file of that name that says something else may be anybody's, such as Google's own, which can't be had again: it stays, and
    ours gets a key of this video and `run` in its name.
    """
    path = folder / f"{safe_video_name(video.name)}{mark}.json"
    if path.exists() and not _holds(path, content):
        with video.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        path = path.with_name(f"{safe_video_name(video.name)}{mark}.{digest(f'{sha256} {run}')[:8]}.json")
    write_whole(path, content)
    return path


def _holds(path: Path, content: bytes) -> bool:
    """Return whether a file has this content."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
