"""
What a folder of modules offers, by name: each module registers its own, so that a new one is a new file and nothing else.

The modules are imported when somebody first asks. Which of them was imported first, by whoever needed it, makes no difference.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """Something with a key, by which settings, command line and Slack name it."""

    @property
    def key(self) -> str: ...


ItemT = TypeVar("ItemT", bound=Named)


class Registry(Mapping[str, ItemT], Generic[ItemT]):
    """The items of the modules in `package`, by their keys and in the order of these."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._items: dict[str, ItemT] = {}
        self._is_loaded = False

    def register(self, item: ItemT) -> ItemT:
        """Offer `item`, and return it. Raises `ValueError` for a key that is taken."""
        if item.key in self._items:
            raise ValueError(f"{item.key} is registered twice in {self._package}")
        self._items[item.key] = item
        return item

    def remove(self, key: str) -> None:
        """Offer an item no longer."""
        del self._items[key]

    def __getitem__(self, key: str) -> ItemT:
        return self._loaded()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._loaded()))

    def __len__(self) -> int:
        return len(self._loaded())

    def _loaded(self) -> dict[str, ItemT]:
        if not self._is_loaded:
            for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            self._is_loaded = True
        return self._items
