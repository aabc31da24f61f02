"""Errors are exceptions that travel: through context managers, which set their traceback, and between processes."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.every_error import ALL, an_error, every_kind


@contextmanager
def passing_through() -> Iterator[None]:
    yield


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_comes_out_of_a_context_manager_as_itself(kind: type[Exception]) -> None:
    error = an_error(kind)
    with pytest.raises(kind) as caught, passing_through():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("kind", list(every_kind()), ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_keeps_its_facts_between_processes(kind: type[Exception]) -> None:
    error = an_error(kind)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
