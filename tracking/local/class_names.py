"""The names of a network's classes: in its own metadata, or COCO's."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tracking.local import coco

if TYPE_CHECKING:
    from tracking.local.network import Network


def own_labels(network: Network, count: int) -> tuple[str, ...]:
    """Return the name of each of `count` classes: from the metadata "names", else COCO's 80, else "class 0", "class 1", ..."""
    names = network.metadata.get("names", "")
    try:
        listed = ast.literal_eval(names) if names else None
        if isinstance(listed, dict):
            listed = [listed[key] for key in sorted(listed)]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        listed = None
    if isinstance(listed, list | tuple) and len(listed) == count:
        return tuple(str(name) for name in listed)
    return coco.LABELS if count == len(coco.LABELS) else tuple(f"class {number}" for number in range(count))
