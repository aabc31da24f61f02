"""
How much boxes share, every one of one set with every one of another.

Boxes are (N, 4) float64: centre x, centre y, width, height, in one unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def buffered_overlap(a: Floats, b: Floats, buffer: Floats | float) -> Floats:
    """
    Intersection over union of every box in `a` (N, 4) with every box in `b` (K, 4), each first grown: (N, K) in [0, 1].

    `buffer` is the part of its width and height that a box grows by on each side, one number or (N,), one for each row of the
    result; 0 gives the plain overlap. 0 where a box is empty. Source: Yang et al., Hard To Track Objects with Irregular Motions
    and Similar Appearances?, WACV 2023.
    """
    grown = 1.0 + 2.0 * np.broadcast_to(np.asarray(buffer, np.float64), (len(a),))[:, None]
    shared = np.ones((len(a), len(b)))
    for axis in (0, 1):
        half_a, half_b = a[:, None, 2 + axis] * grown / 2, b[None, :, 2 + axis] * grown / 2
        middle_a, middle_b = a[:, None, axis], b[None, :, axis]
        shared *= np.maximum(
            np.minimum(middle_a + half_a, middle_b + half_b) - np.maximum(middle_a - half_a, middle_b - half_b), 0.0
        )
    area = (a[:, 2] * a[:, 3])[:, None] * grown**2 + (b[:, 2] * b[:, 3])[None, :] * grown**2
    union = area - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
