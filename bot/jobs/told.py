"""What is counted of objects for people: those that only the thresholds keep out, which labels there are, how many at once."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable

from bot.jobs.facts import NearMisses, ToldObject
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


def most_at_once(objects: Iterable[ToldObject]) -> dict[str, int]:
    """Return by label how many objects are seen at one moment at most, from the first to the last box of each."""
    changes: dict[str, list[tuple[float, int]]] = {}
    for each in objects:
        # What is seen in one picture alone is seen at that moment; who goes when another comes is not seen with it.
        gone_s = max(each.end_s, math.nextafter(each.start_s, math.inf))
        changes.setdefault(each.label, []).extend([(each.start_s, 1), (gone_s, -1)])
    return {label: max(itertools.accumulate(step for _, step in sorted(steps))) for label, steps in changes.items()}


def labels_of(annotations: Annotations) -> list[str]:
    """Return the labels of the video's objects, the most frequent first."""
    return [label for label, _ in Counter(track.label for track in annotations.tracks).most_common()]
