"""
Which objects are made unrecognisable, and how.

Inside a box, with a margin, no more than a few mean values stay, on a grid that moves with the object, so that a sequence of
pictures tells no more than one. A track is blurred before its first and after its last observation as well, and whatever its
confidence: too much is blurred rather than too little. What was not found cannot be blurred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rendering.overlay import pixel_box
from rendering.presence import Presence
from rendering.selection import ShownObject, label_key
from rendering.video.planes import Canvas
from tracking.model import BoundingBox, Track

CELLS = 5  # of the longer side: a face of a person who fills the box is one of them
MARGIN = 0.12  # of the box's longer side
HELD_S = 0.5  # before the first and after the last observation
PACE_S = 0.5  # of which its pace there is taken
MOVED_S = 0.1  # an observation may be so old


@dataclass(frozen=True, slots=True)
class Blur:
    """
    What is blurred: the objects of `labels` and `numbers`, or with `is_all_but` all other ones.

    Labels are compared without case; numbers are those of the shown objects.
    """

    labels: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    is_all_but: bool = False

    def among(self, tracks: Sequence[Track], shown: Sequence[ShownObject]) -> list[Track]:
        """Return those of all `tracks` that are blurred, whether they are shown or not."""
        keys = {label_key(label) for label in self.labels}
        numbered = {one.track.track_id for one in shown if one.number in self.numbers}
        return [track for track in tracks if (label_key(track.label) in keys or track.track_id in numbered) != self.is_all_but]


class Blurring:
    """Blurs tracks in the pictures of one video."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._tracks = tracks
        self._presence = Presence(tracks, beside_s=HELD_S, bridges_gaps=True)

    def apply(self, canvas: Canvas, time_s: float) -> None:
        """Blur whoever is there at `time_s`."""
        for place, box in self._presence.at(time_s):
            track = self._tracks[place]
            around = _around(box, *(_reached(track, time_s + moved_s) for moved_s in (-MOVED_S, 0.0, MOVED_S)))
            if inside := pixel_box(around, canvas.size):
                canvas.coarsen(inside, CELLS)


def _reached(track: Track, time_s: float) -> BoundingBox:
    """Return the box at `time_s`, before and after the observations that of an object which moves as it does at that end."""
    held = min(max(time_s, track.times.item(0)), track.times.item(-1))
    if held == time_s or len(track) < 2:
        return track.box_at(time_s)
    inner = min(max(held + (PACE_S if time_s < held else -PACE_S), track.times.item(0)), track.times.item(-1))
    share = (time_s - held) / (held - inner)
    return BoundingBox(*(a + (a - b) * share for a, b in zip(track.box_at(held), track.box_at(inner), strict=True)))


def _around(*boxes: BoundingBox) -> BoundingBox:
    """Return the box that holds all of `boxes`, and a margin."""
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    margin = MARGIN * max(right - left, bottom - top)
    return BoundingBox(left - margin, top - margin, right + margin, bottom + margin)
