"""Decoded pictures kept in memory, so that training decodes a file once and not at every draw."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from numpy.typing import NDArray

from bridgetune.config.bounds import Megabytes, within

MEGABYTES = 2048
"""What is kept at most, unless told otherwise."""


class PixelCache:
    """Layers of scenes, up to a number of bytes; several sources may share one, and several threads.

    What came first stays: with shuffled epochs, where every scene is as far away as any other, throwing out the
    oldest for the newest would soon find nothing.

    Args:
        megabytes: Kept at most; 0 keeps nothing.

    Raises:
        RequestError: A negative number, or more than there can be.
    """

    def __init__(self, megabytes: int = MEGABYTES) -> None:
        self.megabytes = within("megabytes", megabytes, Megabytes)
        self._left = megabytes << 20
        self._kept: dict[Hashable, list[NDArray[Any]]] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[PixelCache], tuple[int]]:
        return type(self), (self.megabytes,)  # a copy, in another process mostly, begins empty

    @property
    def full(self) -> bool:
        """Whether hardly anything more will be kept."""
        return self._left < 1 << 16

    def get(self, key: Hashable, read: Callable[[], Sequence[NDArray[Any]]]) -> list[NDArray[Any]]:
        """The layers of a scene, read only where they are not here; nobody may write to them.

        Args:
            key: Of the scene, and of the way in which it is read.
            read: Decodes it.
        """
        found = self._kept.get(key)
        if found is not None:
            return found
        layers = list(read())
        for layer in layers:
            layer.setflags(write=False)
        size = sum(layer.nbytes for layer in layers)
        with self._lock:
            if key not in self._kept and size <= self._left:
                self._kept[key] = layers
                self._left -= size
        return layers
