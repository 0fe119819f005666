"""Ctrl-C, SIGTERM and SIGHUP as a wish that is granted at the end of a step, so that no step is cut in half."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bridgetune.signals import heeded

logger = logging.getLogger("bridgetune")


class Wish:
    """Whether somebody asked the run to stop."""

    def __init__(self) -> None:
        self.uttered = False


@contextmanager
def interrupts_as_wishes() -> Iterator[Wish]:
    """Within, the first of `SIGNALS` sets the wish; a second one, of whichever kind, acts as it always did.

    What is ignored, as `nohup` has it for SIGHUP, goes on to be. Outside the main thread signals cannot be caught, and
    nothing changes.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = heeded()

    def utter(number: int, frame: FrameType | None) -> None:
        wish.uttered = True
        for caught, handler in before.items():
            signal.signal(caught, handler)
        logger.warning("stopping after this step, with a checkpoint; once more stops at once, without one")

    for number in before:
        signal.signal(number, utter)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
