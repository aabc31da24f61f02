"""Who is where at any time of a video: boxes between observations, and none where an object is away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tracking.model import BoundingBox, Segment, Track

# A track is shown a moment before its first and after its last observation, which are taken some ten times a second at most.
BESIDE_S = 0.06
# Where nothing was observed for longer than this, and than a few usual steps, the object was away.
AWAY_S = 1.0
AWAY_STEPS = 4


class Presence:
    """The tracks of a video by time; `beside_s` is how long each is held before its first and after its last observation."""

    def __init__(self, tracks: Sequence[Track], *, beside_s: float = BESIDE_S, bridges_gaps: bool = False) -> None:
        self._tracks = tracks
        self._beside_s = beside_s
        self._starts = np.array([track.times[0] for track in tracks]) - beside_s
        self._ends = np.array([track.times[-1] for track in tracks]) + beside_s
        self._longest_gaps = [np.inf if bridges_gaps else longest_gap_s(track) for track in tracks]

    def at(self, time_s: float) -> Iterator[tuple[int, BoundingBox]]:
        """Yield the place in the sequence and the box, as fractions, of each track that is there at `time_s`."""
        for place in np.flatnonzero((self._starts <= time_s) & (self._ends >= time_s)).tolist():
            track = self._tracks[place]
            if not self._is_away(track, time_s, self._longest_gaps[place]):
                yield place, track.box_at(time_s)

    def _is_away(self, track: Track, time_s: float, longest_gap_s: float) -> bool:
        """Return whether `time_s` lies in a gap of a track that is longer than `longest_gap_s`."""
        after = int(track.times.searchsorted(time_s))
        if not 0 < after < len(track):
            return False
        start_s, end_s = track.times.item(after - 1), track.times.item(after)
        return end_s - start_s > longest_gap_s and start_s + self._beside_s < time_s < end_s - self._beside_s


def spans(track: Track) -> list[Segment]:
    """Return the stretches for which an object is there, in order of time."""
    apart = np.flatnonzero(np.diff(track.times) > longest_gap_s(track))
    starts, ends = track.times[np.append(0, apart + 1)], track.times[np.append(apart, len(track) - 1)]
    return [Segment(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def longest_gap_s(track: Track) -> float:
    """Return the longest time in seconds between two observations for which an object counts as there all the time."""
    steps = np.diff(track.times)
    return max(AWAY_S, AWAY_STEPS * float(np.median(steps))) if steps.size else AWAY_S


def most_at_once(tracks: Sequence[Track]) -> int:
    """Return how many of `tracks` are there at one time, at most, also for a moment only."""
    edges = [edge for track in tracks for span in spans(track) for edge in ((span.start_s, 1), (span.end_s, -1))]
    there = most = 0
    for _, change in sorted(edges, key=lambda edge: (edge[0], -edge[1])):
        there += change
        most = max(most, there)
    return most


def seconds_seen(tracks: Sequence[Track]) -> float:
    """Return for how many seconds any of `tracks` is there."""
    total_s, end_s = 0.0, -np.inf
    for span in sorted((span for track in tracks for span in spans(track)), key=lambda span: span.start_s):
        total_s += max(span.end_s - max(span.start_s, end_s), 0.0)
        end_s = max(end_s, span.end_s)
    return total_s
