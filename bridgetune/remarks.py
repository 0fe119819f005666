"""What there is to remark on, held back until nothing can refuse the work any more: a refusal is one line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("bridgetune")


class Remarks(logging.Filter):
    """Warnings in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[logging.LogRecord] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a warning; nothing is said of it yet."""
        self._records.append(record)
        return False

    def taken(self) -> list[str]:
        """What they say, a line each; they are not said here."""
        records, self._records = self._records, []
        return [record.getMessage() for record in records]

    def say(self) -> None:
        """Have them said, once."""
        records, self._records = self._records, []
        for record in records:
            logger.handle(record)


@contextmanager
def held_back() -> Iterator[Remarks]:
    """Within, bridgetune's warnings are kept instead of said."""
    remarks = Remarks()
    logger.addFilter(remarks)
    try:
        yield remarks
    finally:
        logger.removeFilter(remarks)
