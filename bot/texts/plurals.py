"""
How many of what, as people say it: "2 bicycles, 2 people", "1 pair of scissors".

Labels come from outside, in any language. What is not plain English letters is left as it is: no ending is better than a wrong
one. The words below are those of the detectors' 80 classes and of Google's labels that follow no rule, and their neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

IRREGULAR = {
    "aircraft": "aircraft",
    "bison": "bison",
    "broccoli": "broccoli",
    "buffalo": "buffaloes",
    "calf": "calves",
    "child": "children",
    "deer": "deer",
    "elk": "elk",
    "fireman": "firemen",
    "fish": "fish",
    "fisherman": "fishermen",
    "foot": "feet",
    "gas": "gases",
    "goose": "geese",
    "half": "halves",
    "hero": "heroes",
    "knife": "knives",
    "leaf": "leaves",
    "lens": "lenses",
    "loaf": "loaves",
    "man": "men",
    "moose": "moose",
    "mouse": "mice",
    "ox": "oxen",
    "person": "people",
    "policeman": "policemen",
    "potato": "potatoes",
    "quiz": "quizzes",
    "scarf": "scarves",
    "sheep": "sheep",
    "shelf": "shelves",
    "shrimp": "shrimp",
    "snowman": "snowmen",
    "spacecraft": "spacecraft",
    "squid": "squid",
    "swine": "swine",
    "thief": "thieves",
    "tomato": "tomatoes",
    "tooth": "teeth",
    "trout": "trout",
    "tv": "TVs",
    "watercraft": "watercraft",
    "wife": "wives",
    "wolf": "wolves",
    "woman": "women",
}

# One of them is a pair.
PAIRS = frozenset({"binoculars", "glasses", "goggles", "jeans", "pants", "pliers", "scissors", "shorts", "skis", "sunglasses"})

# Nobody counts these: "2 furniture" is odd, "2 furnitures" is wrong.
UNCOUNTED = frozenset(
    {"cattle", "clothing", "equipment", "food", "footwear", "fruit", "furniture", "headgear", "jewelry", "luggage", "outerwear"}
    | {"people", "police", "poultry", "produce", "tableware", "traffic", "wildlife"}
)

HISSING = ("ss", "us", "is", "x", "z", "ch", "sh")


def plural(noun: str) -> str:
    """Return what more than one of `noun` is called; only the last word changes, and keeps its capital."""
    before, blank, last = noun.rpartition(" ")
    word = last.lower()
    if not (last.isascii() and last.isalpha()):
        return noun
    if word in PAIRS:
        return f"pairs of {noun}"
    if word in UNCOUNTED or (word.endswith("s") and not word.endswith(HISSING) and word not in IRREGULAR):
        return noun
    many = IRREGULAR.get(word) or _regular(word)
    return f"{before}{blank}{many[0].upper() + many[1:] if last[0].isupper() else many}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 person", "12 moving objects"."""
    if number == 1:
        return f"1 pair of {noun}" if noun.rpartition(" ")[2].lower() in PAIRS else f"1 {noun}"
    return f"{number:,} {plural(noun)}"


def counted_labels(labels: Sequence[str], *, most: int = 6) -> str:
    """Return how many of which kind, the most frequent first: "7 people, 3 cars"; beyond `most` kinds "and 4 others"."""
    counts = Counter(labels).most_common()
    if len(counts) == most + 1:
        most += 1  # to name the last one takes no more room than to hide it
    told = ", ".join(counted(number, label) for label, number in counts[:most])
    rest = sum(number for _, number in counts[most:])
    return f"{told} and {rest:,} others" if rest else told


def _regular(word: str) -> str:
    if word.endswith(HISSING):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in {"a", "e", "i", "o", "u", ""}:
        return f"{word[:-1]}ies"
    return f"{word}s"
