"""
Names and labels from outside, as they may be shown anywhere: one line of visible text that reads in its own direction.

What is kept in an annotation file stays as it was given, so that it can be written back equal; it becomes plain where it is
shown. Making it harmless for a markup language is left to who writes that. Source of the classes of letters: Unicode 15,
chapter 23 (Special Areas and Format Characters), and UAX 9 for the marks that change directions.
"""

from __future__ import annotations

import unicodedata

MAX_LETTERS = 1000
MAX_MARKS = 8  # on one letter; Tibetan, which stacks most, needs five

JOINERS = "\u200c\u200d"
_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_PICTURES = {"So", "Sk", "Sm", "Po", "Nd"}  # what a variation selector makes an emoji of: ☂, ‼, the digits of keycaps


def plain(text: str) -> str:
    """
    Return `text` as one line without control, directional, invisible and unassigned characters.

    What controls a line or its direction leaves a blank, what is only invisible leaves nothing. Joiners stay where they shape
    what is beside them (emoji, Arabic, Indic scripts), and variation selectors behind what they turn into an emoji. At most
    `MAX_LETTERS` letters are looked at; blanks are single; nothing may be left.
    """
    kept: list[str] = []
    marks = 0
    cut = text[:MAX_LETTERS]
    for place, letter in enumerate(cut):
        category = unicodedata.category(letter)
        if letter.isspace() or category in {"Cc", "Zl", "Zp"} or letter in _DIRECTIONS:
            letter, marks = " ", 0
        elif "\ufe00" <= letter <= "\ufe0f":
            if not kept or unicodedata.category(kept[-1]) not in _PICTURES:
                continue
        elif letter in JOINERS:
            after = cut[place + 1 : place + 2]
            if not kept or not _is_shaped(kept[-1]) or not _is_shaped(after):
                continue
        elif _is_unseen(letter, category):
            continue
        elif category in {"Mn", "Me"}:
            marks += 1
            if marks > MAX_MARKS or "\U000e0100" <= letter <= "\U000e01ef" or "\u180b" <= letter <= "\u180f":
                continue
        else:
            marks = 0
        kept.append(letter)
    return " ".join("".join(kept).split())


def _is_unseen(letter: str, category: str) -> bool:
    if category == "Cf":
        return letter not in _VISIBLE_FORMATS
    if category == "Cn":
        return not "\U0001f000" <= letter <= "\U0001faff"  # emoji may be younger than this Python
    return letter in _BLANK_LETTERS or category in {"Co", "Cs"}


def _is_shaped(letter: str) -> bool:
    """Whether a joiner may change how a letter looks beside it: any letter beyond Latin, Greek and Cyrillic, any picture."""
    if not letter:
        return False
    return letter >= "\u0530" and unicodedata.category(letter)[0] in "LMS"
