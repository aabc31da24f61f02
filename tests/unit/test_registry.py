"""Registries: what modules offer does not depend on which of them was imported first."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from rendering.kinds.base import KINDS, PictureKind, default_kinds, in_order
from tracking.registry import Registry


@dataclass(frozen=True)
class Item:
    key: str


MODULE = "from shelf_of_a_test import ITEMS, Item\nITEMS.register(Item({key!r}))\n"
SHELF = "from tests.unit.test_registry import Item\nfrom tracking.registry import Registry\nITEMS = Registry(__name__)\n"


def test_items_come_in_the_order_of_their_keys_whoever_was_imported_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shelf_of_a_test").mkdir()
    (tmp_path / "shelf_of_a_test" / "__init__.py").write_text(SHELF)
    for key in ("first", "second", "third"):
        (tmp_path / "shelf_of_a_test" / f"{key}.py").write_text(MODULE.format(key=key))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("shelf_of_a_test.third")
    items: Registry[Item] = importlib.import_module("shelf_of_a_test").ITEMS
    assert list(items) == [item.key for item in items.values()] == ["first", "second", "third"]


def test_a_key_is_given_once() -> None:
    items: Registry[Item] = Registry("tracking.formats")
    items.register(Item("one"))
    with pytest.raises(ValueError, match="one is registered twice"):
        items.register(Item("one"))


def test_kinds_of_the_same_cost_come_in_the_order_in_which_they_were_asked_for() -> None:
    asked = [f"example-{number}" for number in range(8)]
    try:
        for key in asked:
            KINDS.register(PictureKind(key, key, key, draw=lambda *_: [], owns=lambda _: False, cost=2.0))
        for keys in (asked, asked[::-1]):
            assert [kind.key for kind in in_order([*keys, "summary", *keys])] == ["summary", *keys]
    finally:
        for key in asked:
            KINDS.remove(key)


def test_the_default_kinds_come_in_the_order_in_which_they_are_made() -> None:
    assert default_kinds() == ("summary", "gifs")
