"""
Joining the fragments of one object over the time in which it was not seen.

When a shot is over, both sides of a gap are known: how the object went before, and how it goes after. A fragment that ends and
one that begins later belong together when the motion model, run on across the gap, expects place and velocity about as found,
and width and height are about the same; all the more where few others come, and where nobody can leave or enter. All links of a
shot are decided together. Works on rows of observations.py, in picture heights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from tracking.local.motion_model import BOX_ERROR, EXTENT_CHANGE, FIRST_VELOCITY, Motion, sizes
from tracking.local.observations import Rows, bounds, grouped

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

LONGEST_GAPS_S = (0.2, 0.5, 1.0, 2.0, 3.0)
"""Rounds: short gaps first, since what they join says better how the object moves. After three seconds a guess is no better
than a new track: people turn, and others come."""

SEEN_AGAIN = 0.4
"""How many of the objects that are lost in the middle of a picture are seen again within the longest gap."""

EDGE_COST = 1.5
"""
In nats, for an end or a beginning at the picture's edge: there one leaves and another enters; anywhere else objects do neither,
so that a link is the better explanation.
"""

TAIL = 3.0
"""Degrees of freedom of the errors: few, since a half hidden box errs by much more than a normal distribution grants."""

EXTENT_ERROR = 0.1
"""Error of width and height at the end of a fragment, as a part of them; more than a box's, as it lasts while half hidden."""

REMEMBERED = 32
"""Observations at an end of a fragment that decide where it goes; the filter has forgotten older ones."""

PAIRS_AT_ONCE = 100_000
MOST_CANDIDATES = 200
"""Bounds for a shot full of noise: memory for the pairs looked at together, and the next beginnings looked at for each end."""


def stitched(rows: Rows, times: Floats, *, aspect: float) -> Rows:
    """
    Return the rows, grouped, with one fragment number for all that belongs to one object.

    `times` (T,) are the seconds of each frame, `aspect` the picture's width in heights. Within a fragment no two rows have the
    same frame, before and after.
    """
    rows = grouped(rows)
    for longest_gap_s in LONGEST_GAPS_S:
        begins, ends = bounds(rows)
        if len(begins) < 2:
            break
        first, second, gain = _candidates(rows, times, begins, ends, aspect)
        follower = _best_links(first, second, gain, len(begins))
        gap_s = times[rows["frame"][begins[follower]]] - times[rows["frame"][ends - 1]]
        follower[gap_s > longest_gap_s] = -1
        number = rows["fragment"][begins]
        for fragment in np.argsort(rows["frame"][begins], kind="stable"):
            if follower[fragment] >= 0:
                number[follower[fragment]] = number[fragment]
        rows["fragment"] = np.repeat(number, ends - begins)
        rows = grouped(rows)
    return rows


def link_cost(before: Motion, after: Motion, gap_s: Floats) -> Floats:
    """
    Return how unlikely it is that `after` (K) continues `before` (K) `gap_s` (K,) seconds later, in nats: (K,).

    The negative logarithm of how much likelier place and velocity are for the same object than for one that came anew, with
    heavy tails, plus the same for width and height. `after` is the state of a fragment run backwards, at its beginning.
    """
    expected = before.after(gap_s)
    place, mixed, speed = np.moveaxis(expected.covariance + after.covariance, 2, 0)
    away, faster = expected.boxes[:, :2] - after.boxes[:, :2], expected.velocity - after.velocity
    determinant = place * speed - mixed**2
    distance = ((speed * away**2 - 2 * mixed * away * faster + place * faster**2) / determinant).sum(axis=1)
    size = np.sqrt(sizes(before.boxes) * sizes(after.boxes))[:, None]
    doubt = 0.5 * np.log(determinant / (FIRST_VELOCITY * size**2) ** 2).sum(axis=1)
    growth = np.log(before.boxes[:, 2:] / after.boxes[:, 2:])
    unlike = (growth**2 / (2 * EXTENT_ERROR**2 + EXTENT_CHANGE**2 * gap_s[:, None])).sum(axis=1)
    cost: Floats = TAIL * (np.log1p(distance / (2 * TAIL)) + np.log1p(unlike / (2 * TAIL))) + doubt
    return cost


def _candidates(
    rows: Rows, times: Floats, begins: Integers, ends: Integers, aspect: float
) -> tuple[Integers, Integers, Floats]:
    """Pairs of fragments that had better be linked: which ends (P,), which begins (P,), and what it gains, in nats (P,)."""
    begin_s, end_s = times[rows["frame"][begins]], times[rows["frame"][ends - 1]]
    first_box, last_box = rows["box"][begins].astype(np.float64), rows["box"][ends - 1].astype(np.float64)
    leaving = _end_states(rows, times, begins, ends, backwards=False)
    coming = _end_states(rows, times, begins, ends, backwards=True)
    order = np.argsort(begin_s, kind="stable")
    soonest = np.searchsorted(begin_s[order], end_s, side="right")
    # The other explanation is somebody new: the more begin soon, and the larger the object, the likelier is one in its place.
    newcomers = np.searchsorted(begin_s[order], end_s + LONGEST_GAPS_S[-1], side="right") - soonest
    count = np.minimum(newcomers, MOST_CANDIDATES)
    places = aspect / (last_box[:, 2] * last_box[:, 3])
    odds = np.log(SEEN_AGAIN * places / np.maximum(newcomers, 1)) - EDGE_COST * _at_edge(last_box, aspect)
    entering = EDGE_COST * _at_edge(first_box, aspect)
    found: list[tuple[Integers, Integers, Floats]] = []
    block = max(1, PAIRS_AT_ONCE // MOST_CANDIDATES)
    for start in range(0, len(begins), block):
        few = count[start : start + block]
        first = np.repeat(np.arange(start, start + len(few)), few)
        nth = np.arange(few.sum()) - np.repeat(np.cumsum(few) - few, few)
        second = order[soonest[first] + nth]
        cost = link_cost(leaving[first], coming[second], begin_s[second] - end_s[first])
        gain = odds[first] - entering[second] - cost
        good = gain > 0
        found.append((first[good], second[good], gain[good]))
    first, second, gain = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second, gain


def _at_edge(boxes: Floats, aspect: float) -> NDArray[np.bool_]:
    """Return which boxes (N, 4) touch the picture's edge, as well as a detector can tell: (N,)."""
    inner = (0.5 - BOX_ERROR) * boxes[:, 2:]
    outside = (boxes[:, :2] < inner) | (boxes[:, :2] > (aspect, 1.0) - inner)
    return outside[:, 0] | outside[:, 1]


def _best_links(first: Integers, second: Integers, gain: Floats, fragments: int) -> Integers:
    """For each fragment the one that follows it, or -1, such that the sum of gains over the shot is largest; (F,)."""
    follower = np.full(fragments, -1)
    if not len(gain):
        return follower
    # Every end may also stay alone, in a column of its own, without gain. Weights must not be zero.
    everyone = np.arange(fragments)
    weights = np.concatenate([gain + 1.0, np.ones(fragments)])
    edges = (np.concatenate([first, everyone]), np.concatenate([second, fragments + everyone]))
    graph = csr_array((weights, edges), shape=(fragments, 2 * fragments))
    end, begin = min_weight_full_bipartite_matching(graph, maximize=True)
    linked = begin < fragments
    follower[end[linked]] = begin[linked]
    return follower


def _end_states(rows: Rows, times: Floats, begins: Integers, ends: Integers, *, backwards: bool) -> Motion:
    """Return the motion at the end of each fragment, or, run backwards in time, at its beginning."""
    remembered = np.minimum(ends - begins, REMEMBERED)
    nearest, step = (begins, 1) if backwards else (ends - 1, -1)
    at = nearest + step * (remembered - 1)
    boxes, seconds = rows["box"].astype(np.float64), times[rows["frame"]]
    motion = Motion.first_seen(boxes[at])
    for back in range(int(remembered.max()) - 2, -1, -1):
        chosen = np.flatnonzero(remembered - 2 >= back)
        now = nearest[chosen] + step * back
        elapsed = seconds[now] - seconds[now + step]
        motion[chosen] = motion[chosen].after(elapsed).seen_again(boxes[now])
    return motion
