"""
The page as one file: template, style, script and data, closed to everything but itself and the video.

Its policy allows the very script and style that it holds, by their hashes, and media; text from outside is data in it, which no
browser takes for markup. Times in the data are steps of whole milliseconds, pictures' of microseconds, boxes ten-thousandths.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from rendering.colours import colours_of
from rendering.presence import longest_gap_s, spans
from rendering.selection import Selection, label_key, select
from tracking.model import Annotations, Track
from tracking.plain_text import plain
from tracking.video.file import ANY_LENGTH, Video

FOLDER = Path(__file__).parent
SCALE = 10_000
LABEL_LETTERS = 120
DEFAULT_SELECTION = Selection()


@dataclass(frozen=True, slots=True)
class Set:
    """Annotations under a name; `numbers` are those that people know objects by, by `track_id`."""

    name: str
    annotations: Annotations
    numbers: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ViewedVideo:
    """The video: `src` is its address as the page names it, `size` (width, height) in pixels, `frame_times` (M,) in seconds."""

    name: str
    src: str
    size: tuple[int, int]
    duration_s: float
    frame_times: NDArray[np.float64]


def view_of(
    path: Path, name: str, src: str, given: Sequence[tuple[str, Annotations]], selection: Selection = DEFAULT_SELECTION
) -> bytes:
    """
    Return the page for the video at `path`, which it finds at `src`, with annotations by name.

    All tracks are in it; those that pass `selection` have their numbers, and are shown first. Raises `VideoError`.
    """
    with Video(path, limits=ANY_LENGTH) as video:
        info, times = video.info, video.frame_times()
    sets = []
    for what, found in given:
        shown = select(found, selection, duration_s=info.duration_s).shown
        sets.append(Set(what, found, {one.track.track_id: one.number for one in shown}))
    return viewer_page(ViewedVideo(name, src, (info.width, info.height), info.duration_s, times), sets)


def viewer_page(video: ViewedVideo, sets: Sequence[Set]) -> bytes:
    """Return the page, UTF-8. It begins with the objects that have numbers, where any has; the others are a tick away."""
    style, script = ((FOLDER / name).read_text("utf-8") for name in ("viewer.css", "viewer.js"))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": html.escape(policy),
        "title": html.escape(f"{plain(video.name)} - Tracklet"),
        "style": style,
        "script": script,
        "data": _data(video, sets),
    }
    page = (FOLDER / "viewer.html").read_text("utf-8")
    pieces = page.split("@")  # what is put in may hold "@", so nothing is replaced twice
    return "".join(parts[piece] if place % 2 else piece for place, piece in enumerate(pieces)).encode()


def _data(video: ViewedVideo, sets: Sequence[Set]) -> str:
    labels = [label_key(track.label) for each in sets for track in each.annotations.tracks]
    colours = {label: "#%02x%02x%02x" % colour for label, colour in colours_of(labels).items()}  # noqa: UP031  # by position
    data = {
        "name": plain(video.name),
        "src": video.src,
        "key": hashlib.sha256(orjson.dumps([video.name, video.duration_s, len(labels)])).hexdigest()[:16],
        "width": video.size[0],
        "height": video.size[1],
        "duration": max(video.duration_s, 0.001),
        "frames": _steps(video.frame_times, 1e6),
        "shots": [shot.start_s for shot in sets[0].annotations.shots if shot.start_s > 0] if sets else [],
        "sets": [
            {
                "name": plain(each.name),
                "tracks": [
                    _track(track, each.numbers.get(track.track_id, 0), colours[label_key(track.label)])
                    for track in each.annotations.tracks
                ],
            }
            for each in sets
        ],
    }
    # Inside of a script element only "<" can begin anything (HTML standard, "Restrictions for contents of script elements").
    return orjson.dumps(data).decode().replace("<", "\\u003c")


def _track(track: Track, number: int, colour: str) -> dict[str, object]:
    boxes = np.rint(np.clip(track.boxes.astype(np.float64), -1.0, 2.0) * SCALE).astype(int)
    return {
        "id": track.track_id,
        "n": number,
        "label": plain(track.label).strip()[:LABEL_LETTERS] or "object",
        "conf": round(track.confidence, 4),
        "colour": colour,
        "gap": round(longest_gap_s(track), 3),
        "spans": [[round(span.start_s, 3), round(span.end_s, 3)] for span in spans(track)],
        "t": _steps(track.times, 1e3),
        "b": boxes.ravel().tolist(),
    }


def _steps(times_s: NDArray[np.float64], ticks: float) -> list[int]:
    whole = np.rint(times_s * ticks).astype(np.int64)
    steps: list[int] = np.diff(whole, prepend=0).tolist()
    return steps


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
