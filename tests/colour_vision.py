"""How colours look to people who see red, green or blue weakly or not at all, and how far apart two colours look."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Linear RGB as seen without one kind of cone. Source: Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009, table 1.
VISIONS = {
    "trichromat": np.eye(3),
    "protanope": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranope": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanope": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}

# Linear sRGB to XYZ, D65. Source: IEC 61966-2-1.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def seen_by(vision: str, colours: ArrayLike) -> NDArray[np.uint8]:
    """sRGB colours (..., 3) as sRGB colours that look to everyone as these do to a person of that vision."""
    light = np.clip(_linear(colours) @ VISIONS[vision].T, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(encoded * 255), np.uint8)


def lab(colours: ArrayLike) -> NDArray[np.float64]:
    """sRGB colours (..., 3) in CIELAB, in which 2.3 is a just noticeable distance (CIE 15:2004)."""
    relative = _linear(colours) @ TO_XYZ.T / WHITE
    x, y, z = np.moveaxis(np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def least_distance(colours: ArrayLike) -> float:
    """The distance in CIELAB of the two of `colours` (N, 3) that look most alike."""
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(lab(colours), 2))


def _linear(colours: ArrayLike) -> NDArray[np.float64]:
    encoded = np.asarray(colours, np.float64) / 255
    return np.asarray(np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4))
