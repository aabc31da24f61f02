"""
From a video and its annotations to pictures.

For a notebook `draw` is enough (docs/library.md). It is looked up when it is used, since the libraries behind it take a second
to load.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rendering.library import draw

__all__ = ["draw"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("rendering.library"), name)
