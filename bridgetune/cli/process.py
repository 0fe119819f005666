"""Settings of the process that the command line makes for itself, and a library must not make for its user."""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""mallopt's names for them, from glibc's malloc.h."""


def let_threads_rest() -> None:
    """Shorten the time that GNU OpenMP's threads spin before they sleep; before torch is imported.

    A step has thousands of small parallel regions. As it is set by default, a neighbour on the same cores makes
    every one of them wait for a time slice: steps of ten times the length and more have been seen. Spinning this
    long costs nothing measurable on idle cores.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "6000")


def keep_memory() -> None:
    """Have glibc keep the memory of tensors that are gone for the tensors to come.

    By default it hands back every large one at once, and the next is paid for page by page: for pictures of 2048×2048
    that took as long as half of their arithmetic.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
