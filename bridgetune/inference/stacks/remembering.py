"""Frames that are small enough are decoded once: what was read is kept."""

from __future__ import annotations

from bridgetune.pictures import Frames, Picture
from bridgetune.pictures.frames import FramesOfFrames

MOST = 256 * 2**20
"""Bytes that are kept in all."""

LARGE = 48 * 2**20
"""Bytes of a frame from which on none is kept: so few of them fit that memory is better spent otherwise."""


class RememberedFrames(FramesOfFrames):
    """Frames of files, each of which is handed out again without being read.

    Args:
        frames: Whose pictures nobody else changes.
    """

    def __init__(self, frames: Frames) -> None:
        super().__init__(frames)
        self._kept: dict[int, Picture] = {}
        self._bytes = 0

    def read(self, index: int) -> Picture:
        """See `Frames`."""
        if index in self._kept:
            return self._kept[index]
        picture = self._frames.read(index)
        its = _bytes(picture)
        if its < LARGE and self._bytes + its <= MOST:
            self._kept[index] = picture
            self._bytes += its
        return picture


def _bytes(picture: Picture) -> int:
    return picture.pixels.nbytes + (0 if picture.alpha is None else picture.alpha.nbytes)
