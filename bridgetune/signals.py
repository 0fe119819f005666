"""Ctrl-C, SIGTERM and SIGHUP: what asks a process to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Those that this platform has."""

Handler = Callable[[int, FrameType | None], object] | int


def heeded() -> dict[int, Handler]:
    """Those of `SIGNALS` that do something here, and what: not what is ignored, as `nohup` has it for SIGHUP."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    return {number: handler for number, handler in handlers.items() if handler not in (None, signal.SIG_IGN)}
