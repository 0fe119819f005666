"""Effects and presets that are registered for the length of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bridgetune.config import AUGMENTATIONS
from bridgetune.config.augmentation import REGISTERED_EFFECTS
from bridgetune.data import Effect, register_effect
from bridgetune.data.effects import EFFECTS


@contextmanager
def registered(*effects: Effect) -> Iterator[None]:
    """These effects, and whatever else is registered inside, until the end."""
    tables = EFFECTS, REGISTERED_EFFECTS, AUGMENTATIONS
    before = [dict(table) for table in tables]
    try:
        for effect in effects:
            register_effect(effect)
        yield
    finally:
        for table, entries in zip(tables, before, strict=True):
            table.clear()
            table.update(entries)  # type: ignore[attr-defined]
