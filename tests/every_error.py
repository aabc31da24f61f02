"""Every class of error that Tracklet has, and an error of each."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints

# Imported so that their classes are there to be found.
import bot.jobs.error_codec
import bot.jobs.processes
import bot.slack.errors  # noqa: F401
from bot.requests.errors import CommandError
from tracking.errors import TrackletError

FACTS = {str: "clip.mp4", int: 5, float: 90.0}


def every_kind(kind: type[TrackletError] = TrackletError) -> Iterator[type[TrackletError]]:
    """Yield every class of the tree, from its root on."""
    yield kind
    for child in kind.__subclasses__():
        yield from every_kind(child)


def an_error(kind: type[Exception], **facts: object) -> Any:
    """Return an error of any class, its facts filled in by their types."""
    fields = getattr(kind, "__dataclass_fields__", {})
    hints = get_type_hints(kind)
    return kind(**{name: _fact(hints[name]) for name in fields} | facts)


def _fact(hint: Any) -> object:
    choices = get_args(hint) or (hint,)
    if all(isinstance(choice, type) and issubclass(choice, Enum) for choice in choices):
        return next(iter(choices[0]))
    return FACTS.get(hint, "clip.mp4")


ALL = [*every_kind(), CommandError]
