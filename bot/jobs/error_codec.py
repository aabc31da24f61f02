"""
Errors as plain data, for the pipe between two processes and for the database.

`{"kind": class name, "facts": {...}}`. Only classes of the tree that `tracking/errors.py` roots come back as themselves;
anything else is `Unforeseen`, whose own text stays in the log.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, get_args, get_type_hints

from tracking.errors import TrackletError

Json = dict[str, Any]

UNFORESEEN: Json = {"kind": "Unforeseen", "facts": {}}


class Unforeseen(TrackletError):
    """Something that no class of ours describes; the log has it."""


def to_json(error: BaseException) -> Json:
    """Return the class name and facts of an error of ours; `UNFORESEEN` for any other."""
    if not isinstance(error, TrackletError):
        return UNFORESEEN
    facts = {name: _plain(value) for name, value in vars(error).items()}
    return {"kind": type(error).__name__, "facts": facts}


def from_json(data: Json) -> TrackletError:
    """Return the error that `to_json` described; `Unforeseen` where this version does not know its class or its reason."""
    kind = _tree(TrackletError).get(data["kind"], Unforeseen)
    hints = get_type_hints(kind)
    error = kind.__new__(kind)
    try:
        vars(error).update({name: _fact(value, hints.get(name)) for name, value in data["facts"].items()})
    except ValueError:
        return Unforeseen()
    return error


def _plain(value: object) -> str | int | float | bool:
    if isinstance(value, Enum):
        return str(value.value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def _fact(value: Any, hint: Any) -> Any:
    """Return a reason as the member that it was; raises `ValueError` for one that there is not."""
    choices = [choice for choice in (hint, *get_args(hint)) if isinstance(choice, type)]
    for choice in choices:
        if issubclass(choice, Enum) and value in set(choice):
            return choice(value)
    if choices and all(issubclass(choice, Enum) for choice in choices):
        raise ValueError(value)
    return value  # what the system says, or no reason at all


def _tree(kind: type[TrackletError]) -> dict[str, type[TrackletError]]:
    return {kind.__name__: kind} | {name: found for child in kind.__subclasses__() for name, found in _tree(child).items()}
