"""Ctrl-C and SIGTERM as a wish that is granted at the end of a step, so that no step is cut in half."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger("bridgetune")


class Wish:
    """Whether somebody asked the run to stop."""

    def __init__(self) -> None:
        self.uttered = False


@contextmanager
def interrupts_as_wishes() -> Iterator[Wish]:
    """Within, the first SIGINT or SIGTERM sets the wish; a second one acts as it always did.

    Outside the main thread signals cannot be caught, and nothing changes.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def utter(number: int, frame: FrameType | None) -> None:
        wish.uttered = True
        logger.warning("stopping after this step, with a checkpoint; once more stops at once, without one")
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, utter)
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
