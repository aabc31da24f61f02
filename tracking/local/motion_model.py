"""
Where a box goes when nobody looks: constant velocity with random acceleration, for many boxes at once.

Boxes are (N, 4) float64: centre x, centre y, width, height, all in one unit of length (the association uses picture heights),
so that a metre to the right is as long as a metre down. Times are seconds; every step takes its own length, so a variable
frame rate needs no care. All doubt is relative to the size of the box: a person walks as many body lengths a second near the
camera as far from it. Width and height wander without a velocity: half a box hidden for a moment would make it "shrink", and
extrapolating that was measured to be the largest single error in linking. The filter is Kalman's, each coordinate on its own
(Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and Navigation, 2001, chapter 6.2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Chosen = NDArray[np.intp] | NDArray[np.bool_]

BOX_ERROR = 0.08
"""How far a detector's box lies off, as a part of its side; also the error of that side."""

VELOCITY_CHANGE = 0.8
"""How much a velocity changes within a second, in box sizes per second: somebody sets off, stops or turns."""

FIRST_VELOCITY = 1.5
"""The velocity to expect of what was seen once, in box sizes per second: walking is one, running and driving two to four."""

EXTENT_CHANGE = 0.15
"""How much width and height change within a second, as a part of them: arms swing, things turn, come nearer."""


@dataclass(slots=True)
class Motion:
    """
    What is known of N boxes.

    `boxes` is (N, 4), `velocity` (N, 2) of the centre. `covariance` is (N, 2, 3), for each coordinate of the centre: of place,
    of place with velocity, of velocity. `extent_variance` is (N, 2).
    """

    boxes: Floats
    velocity: Floats
    covariance: Floats
    extent_variance: Floats

    @classmethod
    def first_seen(cls, boxes: Floats) -> Motion:
        """Return the state after one look at each."""
        error = (BOX_ERROR * boxes[:, 2:]) ** 2
        covariance = np.zeros((len(boxes), 2, 3))
        covariance[:, :, 0] = error
        covariance[:, :, 2] = (FIRST_VELOCITY * sizes(boxes)[:, None]) ** 2
        return cls(boxes.copy(), np.zeros((len(boxes), 2)), covariance, error)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, chosen: Chosen) -> Motion:
        return Motion(self.boxes[chosen], self.velocity[chosen], self.covariance[chosen], self.extent_variance[chosen])

    def __setitem__(self, chosen: Chosen, others: Motion) -> None:
        self.boxes[chosen] = others.boxes
        self.velocity[chosen] = others.velocity
        self.covariance[chosen] = others.covariance
        self.extent_variance[chosen] = others.extent_variance

    def joined(self, others: Motion) -> Motion:
        """These and then the others."""
        return Motion(
            np.concatenate([self.boxes, others.boxes]),
            np.concatenate([self.velocity, others.velocity]),
            np.concatenate([self.covariance, others.covariance]),
            np.concatenate([self.extent_variance, others.extent_variance]),
        )

    def after(self, step_s: Floats | float) -> Motion:
        """
        Return the state `step_s` seconds on, one number or (N,); a negative step goes back in time, with the same growing
        doubt.
        """
        step = np.broadcast_to(np.asarray(step_s, np.float64), (len(self),))[:, None]
        length = np.abs(step)
        boxes = self.boxes.copy()
        boxes[:, :2] += step * self.velocity
        density = (VELOCITY_CHANGE * sizes(self.boxes)[:, None]) ** 2
        place, mixed, speed = self.covariance[:, :, 0], self.covariance[:, :, 1], self.covariance[:, :, 2]
        covariance = np.empty_like(self.covariance)
        covariance[:, :, 0] = place + 2 * step * mixed + step**2 * speed + density * length**3 / 3
        covariance[:, :, 1] = mixed + step * speed + density * step * length / 2
        covariance[:, :, 2] = speed + density * length
        extent_variance = self.extent_variance + (EXTENT_CHANGE * self.boxes[:, 2:]) ** 2 * length
        return Motion(boxes, self.velocity.copy(), covariance, extent_variance)

    def seen_again(self, boxes: Floats) -> Motion:
        """Return the state after another look at each, at the same time: `boxes` is (N, 4)."""
        error = (BOX_ERROR * boxes[:, 2:]) ** 2
        residual = boxes - self.boxes
        place, mixed, speed = self.covariance[:, :, 0], self.covariance[:, :, 1], self.covariance[:, :, 2]
        place_gain, speed_gain = place / (place + error), mixed / (place + error)
        extent_gain = self.extent_variance / (self.extent_variance + error)
        corrected = self.boxes.copy()
        corrected[:, :2] += place_gain * residual[:, :2]
        corrected[:, 2:] += extent_gain * residual[:, 2:]
        covariance = np.stack([(1 - place_gain) * place, (1 - place_gain) * mixed, speed - speed_gain * mixed], axis=2)
        velocity = self.velocity + speed_gain * residual[:, :2]
        return Motion(corrected, velocity, covariance, (1 - extent_gain) * self.extent_variance)


def sizes(boxes: Floats) -> Floats:
    """Return one length for each box, (N,): the root of its area."""
    size: Floats = np.sqrt(boxes[:, 2] * boxes[:, 3])
    return size
