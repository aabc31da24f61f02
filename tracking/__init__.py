"""
From a video to annotations: what it is, who follows its objects, and the formats in which that is written.

For a notebook, the few names below are enough (docs/library.md). They are looked up when they are used, since the video
libraries behind them take a second to load, and most who import a module of this package do not need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracking.arrays import columns, detections, from_columns, from_detections
    from tracking.library import read, save, track
    from tracking.model import Annotations, Track

__all__ = ["Annotations", "Track", "columns", "detections", "from_columns", "from_detections", "read", "save", "track"]

_HOMES = {
    **dict.fromkeys(("columns", "detections", "from_columns", "from_detections"), "tracking.arrays"),
    **dict.fromkeys(("read", "save", "track"), "tracking.library"),
    **dict.fromkeys(("Annotations", "Track"), "tracking.model"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
