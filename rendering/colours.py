"""
The colours of boxes and captions.

One colour per label, apart from each other also for people who see red and green alike; every object carries its number as
well, so that no meaning rests on colour alone. Colours are sRGB, 0..255.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Colour(NamedTuple):
    """An sRGB colour, 0..255 each."""

    red: int
    green: int
    blue: int

    @property
    def luminance(self) -> float:
        """Relative luminance, 0..1. Source: WCAG 2.2, "relative luminance"."""
        linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in self]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# What lies behind captions and between cells; around boxes, so that they stand out on any picture.
INK = Colour(18, 20, 24)
PAPER = Colour(255, 255, 255)
MUTED = Colour(190, 194, 202)
ABSENT = Colour(62, 66, 74)

# Okabe and Ito, Color Universal Design (2008), without black; the blue is lightened, since it lies on a dark caption, too.
LABEL_COLOURS = (
    Colour(230, 159, 0),
    Colour(86, 180, 233),
    Colour(0, 176, 130),
    Colour(240, 228, 66),
    Colour(236, 102, 20),
    Colour(204, 121, 167),
    Colour(84, 134, 240),
)


def colours_of(labels: Iterable[str]) -> dict[str, Colour]:
    """Return a colour for each label in the order of their first appearance; they repeat from the eighth label on."""
    return {label: LABEL_COLOURS[place % len(LABEL_COLOURS)] for place, label in enumerate(dict.fromkeys(labels))}


def text_on(colour: Colour) -> Colour:
    """Dark or white: what can be read on `colour` (the higher contrast by WCAG 2.2)."""
    luminance = colour.luminance + 0.05
    return INK if luminance / (INK.luminance + 0.05) >= (PAPER.luminance + 0.05) / luminance else PAPER
