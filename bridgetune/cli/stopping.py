"""Ctrl-C, SIGTERM and SIGHUP: the first one stops a verb, from the first import on, and a second one at once."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from bridgetune.signals import heeded

INTERRUPTED = 130
"""The exit code of a verb that was stopped; also what typer returns for a KeyboardInterrupt."""


class Stop:
    """Whether the process was asked to stop."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def stops() -> Iterator[Stop]:
    """Within, the first of the signals is a KeyboardInterrupt, by which nothing half-written is left.

    What is ignored, as `nohup` has it for SIGHUP, goes on to be. Outside the main thread nothing changes.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            os._exit(INTERRUPTED)
        stop.asked = True
        if number != signal.SIGINT and signal.Signals(number).name == "SIGHUP":
            _let_go_of_the_terminal()
        raise KeyboardInterrupt

    def unraisable(error: Any) -> None:
        if not (stop.asked and isinstance(error.exc_value, KeyboardInterrupt)):
            sys.__unraisablehook__(error)

    before = heeded()
    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_go_of_the_terminal() -> None:
    """It hung up: what is written to it is an error from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                os.dup2(nowhere, stream)
    os.close(nowhere)
