"""Tests of statistics: statsmodels collects garbage at each correction, and goes through all that torch brings."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def little_to_collect() -> Iterator[None]:
    """What is there already is not gone through."""
    gc.freeze()
    yield
    gc.unfreeze()
