"""
The likeliest path of one object, given everything that was seen of it: jitter goes, gaps are filled.

The motion model's assumptions, used in both directions of time: the path that least contradicts what the detector saw and how
velocity and extent usually change (the fixed-interval smoother; Rauch, Tung, Striebel 1965). Solved at once as a banded linear
system, which is exact for any spacing of the times, and needs a millisecond.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solveh_banded

from tracking.local.motion_model import BOX_ERROR, EXTENT_CHANGE, VELOCITY_CHANGE

Floats = NDArray[np.float64]

SHORTEST_STEP_S = 1e-3
"""No camera is faster; with less, the numbers to solve for leave the range of double precision."""


def smoothed(times: Floats, seen: NDArray[np.intp], boxes: Floats) -> Floats:
    """
    Return where the object was at each of `times` (T,), in seconds: (T, 4), centre x, centre y, width, height.

    `boxes` (K, 4) are what was seen at `times[seen]`; `seen` (K,) rises strictly, from 0 to T - 1.
    """
    rough = np.column_stack([np.interp(times, times[seen], side) for side in boxes.T])
    if len(times) < 3:
        return rough
    try:
        return _likeliest(times, seen, rough)
    except LinAlgError:  # boxes that grow a thousandfold within a step: no object, and no path to be had
        return rough


def _likeliest(times: Floats, seen: NDArray[np.intp], rough: Floats) -> Floats:
    """`rough` (T, 4), right where it was seen and interpolated elsewhere, made smooth."""
    path = np.empty_like(rough)
    size = np.sqrt(rough[:, 2] * rough[:, 3])
    steps = np.maximum(np.diff(times), SHORTEST_STEP_S)
    for axis in (0, 1):
        side = rough[:, 2 + axis]
        trust = np.zeros(len(times))
        trust[seen] = 1.0 / (BOX_ERROR * side[seen]) ** 2
        unrest = (VELOCITY_CHANGE * (size[1:] + size[:-1]) / 2) ** 2
        # Relative to the first place: the numbers solved for are then as small as the motion itself.
        start = rough[0, axis]
        path[:, axis] = start + _path(steps, rough[:, axis] - start, trust, unrest)
        path[:, 2 + axis] = _level(steps, side, trust, (EXTENT_CHANGE * (side[1:] + side[:-1]) / 2) ** 2)
    return path


def _path(steps: Floats, seen: Floats, trust: Floats, unrest: Floats) -> Floats:
    """Return the places (T,) with the least sum of squared errors, velocity being disturbed by `unrest` (T - 1,) per second."""
    # Unknowns: place, velocity, place, velocity ...; each step adds what its two ends may differ by (motion_model.py, `after`).
    place, mixed, speed = 12 / (unrest * steps**3), 6 / (unrest * steps**2), 4 / (unrest * steps)
    band = np.zeros((4, 2 * len(trust)))
    diagonal, next_one, next_two, next_three = band[3], band[2], band[1], band[0]
    diagonal[0::2] = trust
    diagonal[0:-2:2] += place
    diagonal[2::2] += place
    diagonal[1:-2:2] += speed
    diagonal[3::2] += speed
    next_one[1:-2:2] += mixed
    next_one[3::2] -= mixed
    next_one[2::2] = -mixed
    next_two[2::2] = -place
    next_two[3::2] = speed / 2
    next_three[3::2] = mixed
    known = np.zeros(2 * len(trust))
    known[0::2] = trust * seen
    path: Floats = solveh_banded(band, known, check_finite=False)[0::2]
    return path


def _level(steps: Floats, seen: Floats, trust: Floats, unrest: Floats) -> Floats:
    """Return the values (T,) with the least sum of squared errors, wandering with variance `unrest` (T - 1,) per second."""
    pull = 1.0 / (unrest * steps)
    band = np.zeros((2, len(trust)))
    band[0, 1:] = -pull
    band[1] = trust
    band[1, 1:] += pull
    band[1, :-1] += pull
    level: Floats = solveh_banded(band, trust * seen, check_finite=False)
    return level
