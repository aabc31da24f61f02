"""What is told of objects that are not shown: those that only the thresholds keep out, and which labels there are at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.jobs.facts import NearMisses
from rendering.selection import Selection, passes
from tracking.model import Annotations, Track


def near_misses_by_label(tracks: Iterable[Track], selection: Selection) -> list[NearMisses]:
    """Return near misses by label, the most frequent first."""
    groups: dict[str, list[Track]] = {}
    for track in tracks:
        groups.setdefault(track.label, []).append(track)
    kinds = [
        NearMisses(
            label=label,
            count=len(found),
            brief=sum(not passes(track, selection).is_long for track in found),
            unsure=sum(not passes(track, selection).is_sure for track in found),
            confidence=max(track.confidence for track in found),
            frames=max(map(len, found)),
        )
        for label, found in groups.items()
    ]
    return sorted(kinds, key=lambda kind: -kind.count)


def labels_of(annotations: Annotations) -> list[str]:
    """Return the labels of the video's objects, the most frequent first."""
    return [label for label, _ in Counter(track.label for track in annotations.tracks).most_common()]
