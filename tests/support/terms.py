"""Terms that are in the table for the time of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridgetune.terms import TERMS, Term, register_term

Registering = Callable[[Term], None]


@pytest.fixture
def registering() -> Iterator[Registering]:
    """`register_term`; after the test the table is as it was."""
    before = dict(TERMS)
    yield register_term
    TERMS.clear()
    TERMS.update(before)
