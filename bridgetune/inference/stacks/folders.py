"""Folders of stacks: which there are, and which a camera has done writing to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bridgetune.errors import RequestError
from bridgetune.pictures import FRAME_SUFFIXES
from bridgetune.pictures.listing import list_folders, list_images

State = tuple[tuple[str, int, int], ...]
"""Names, bytes and times of a folder's pictures."""


def stack_folders(folder: Path) -> list[Path]:
    """The folders right in a folder that hold pictures, hidden ones left out, in natural order.

    Raises:
        RequestError: No such folder.
    """
    return [path for path in list_folders(folder) if _state(path)]


def without_pictures(folder: Path) -> list[Path]:
    """The other folders in it, hidden ones left out, in natural order.

    Raises:
        RequestError: No such folder.
    """
    return [path for path in list_folders(folder) if not _state(path)]


class Watch:
    """Tells which of a folder's folders have been quiet for a while: whoever writes the pictures has done.

    Args:
        folder: Of folders of pictures.
        quiet: Seconds without a change.
        clock: Tells seconds.
    """

    def __init__(self, folder: Path, quiet: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._quiet, self._clock = folder, quiet, clock
        self._seen: dict[Path, tuple[State, float]] = {}
        self._told: dict[Path, State] = {}

    def ready(self) -> list[Path]:
        """The folders that have become quiet since they were last told; one that changes later is told again.

        Raises:
            RequestError: The folder is gone.
        """
        now = self._clock()
        found = []
        for path in stack_folders(self._folder):
            state = _state(path)
            before, since = self._seen.get(path, ((), now))
            if state != before:
                self._seen[path] = state, now
            elif now - since >= self._quiet and self._told.get(path) != state:
                self._told[path] = state
                found.append(path)
        return found


def _state(folder: Path) -> State:
    """Nothing of a folder that has none, or may not be read."""
    try:
        facts = [(path.name, path.stat()) for path in list_images(folder, FRAME_SUFFIXES)]
    except (RequestError, OSError):  # it, or one of its files, is gone by now
        return ()
    return tuple((name, fact.st_size, fact.st_mtime_ns) for name, fact in facts)
