"""Other libraries' own lines, kept from the user while files are read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("tifffile", "imagecodecs")


class _Quiet(logging.Filter):
    """Lets nothing through while anybody reads, in any thread: decoders have threads of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._readers = 0

    def filter(self, record: logging.LogRecord) -> bool:
        return False

    def enter(self) -> None:
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                for name in _LOGGERS:
                    logging.getLogger(name).addFilter(self)

    def leave(self) -> None:
        with self._lock:
            self._readers -= 1
            if not self._readers:
                for name in _LOGGERS:
                    logging.getLogger(name).removeFilter(self)


_QUIET = _Quiet()


@contextmanager
def quiet() -> Iterator[None]:
    """What goes wrong within is raised, or does not matter: tifffile and imagecodecs log nothing."""
    _QUIET.enter()
    try:
        yield
    finally:
        _QUIET.leave()
