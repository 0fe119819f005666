"""Memory that is free in the process, given back to the system.

What glibc frees between blocks that are still in use stays with the process, so that after some frames of 24 megapixels
hundreds of megabytes lie idle in pieces.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable


def release() -> None:
    """Give back what is free, in some milliseconds; where the system's library has no such call, nothing is done."""
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return found
