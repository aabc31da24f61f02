"""
Errors as plain data, for the pipe between two processes and for the database.

`{"kind": class name, "facts": {...}}`. Only classes of the tree that `tracking/errors.py` roots come back as themselves;
anything else is `Unforeseen`, whose own text stays in the log.
"""

from __future__ import annotations

from typing import Any

from tracking.errors import TrackletError

Json = dict[str, Any]

UNFORESEEN: Json = {"kind": "Unforeseen", "facts": {}}


class Unforeseen(TrackletError):
    """Something that no class of ours describes; the log has it."""


def to_json(error: BaseException) -> Json:
    """The class name and facts of an error of ours; `UNFORESEEN` for any other."""
    if not isinstance(error, TrackletError):
        return UNFORESEEN
    facts = {name: value if isinstance(value, str | int | float | bool) else str(value) for name, value in vars(error).items()}
    return {"kind": type(error).__name__, "facts": facts}


def from_json(data: Json) -> TrackletError:
    """The error that `to_json` described."""
    kind = _tree(TrackletError).get(data["kind"], Unforeseen)
    error = kind.__new__(kind)
    vars(error).update(data["facts"])
    return error


def _tree(kind: type[TrackletError]) -> dict[str, type[TrackletError]]:
    return {kind.__name__: kind} | {name: found for child in kind.__subclasses__() for name, found in _tree(child).items()}
