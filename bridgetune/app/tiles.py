"""Pictures for deep zoom: levels of halves in tiles, in the Deep Zoom format that viewers read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.errors import RequestError

TILE = 512
"""Pixels of a tile's side."""

ROOM = 1 << 30
"""Bytes of the pictures that are kept ready, beside the one that is being looked at."""

_WITHIN, _WITHOUT = (255, 225, 0, 255), (0, 0, 0, 255)
_AROUND = np.ones((3, 3), np.uint8)


class Pyramid:
    """A picture at its own size, at half of it, and so on down to a pixel; each level is made when it is asked for.

    Args:
        pixels: (H, W, 3) uint8.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._levels = [np.ascontiguousarray(pixels)]
        self._making = threading.Lock()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self._levels[0].shape[:2]
        return height, width

    @property
    def room(self) -> int:
        """Bytes that it takes at the most."""
        return self._levels[0].nbytes * 4 // 3

    @property
    def top(self) -> int:
        """The number of the level that has the picture's own size; level 0 is one pixel."""
        return (max(self.size) - 1).bit_length()

    def description(self) -> str:
        """What a viewer reads first, XML in the Deep Zoom format."""
        height, width = self.size
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><Image xmlns="http://schemas.microsoft.com/deepzoom/2008"'
            f' Format="png" Overlap="0" TileSize="{TILE}"><Size Width="{width}" Height="{height}"/></Image>'
        )

    def tile(self, level: int, column: int, row: int) -> bytes:
        """A tile, PNG.

        Raises:
            RequestError: There is none.
        """
        if not 0 <= level <= self.top or column < 0 or row < 0:
            raise RequestError(f"tile {level}/{column}_{row}: there is none; reload the page")
        pixels = self._part(self._level(self.top - level), row * TILE, column * TILE)
        if not pixels.size:
            raise RequestError(f"tile {level}/{column}_{row}: there is none; reload the page")
        return as_png(pixels)

    def small(self) -> NDArray[np.uint8]:
        """The largest level that is one tile, (h, w, 3)."""
        return self._level(max(self.top - TILE.bit_length() + 1, 0))

    def _part(self, level: NDArray[np.uint8], top: int, left: int) -> NDArray[np.uint8]:
        """A tile of a level."""
        return level[top : top + TILE, left : left + TILE]

    def _level(self, halvings: int) -> NDArray[np.uint8]:
        with self._making:
            while len(self._levels) <= halvings:
                self._levels.append(halved(self._levels[-1]))
        return self._levels[halvings]


class Outline(Pyramid):
    """Where a region ends, a line as wide at one level as at another: bright within, dark without, else transparent.

    Args:
        region: (H, W) bool.
    """

    def __init__(self, region: NDArray[np.bool_]) -> None:
        super().__init__(region.astype(np.uint8) * np.uint8(255))

    def _part(self, level: NDArray[np.uint8], top: int, left: int) -> NDArray[np.uint8]:
        """A tile of a level, in RGBA."""
        import cv2

        above, before = min(top, 1), min(left, 1)
        inside = level[top - above : top + TILE + 1, left - before : left + TILE + 1] >= 128
        if not inside.size:
            return np.empty((0, 0, 4), np.uint8)
        spread, shrunk = (how(inside.astype(np.uint8), _AROUND) > 0 for how in (cv2.dilate, cv2.erode))
        drawn = np.zeros((*inside.shape, 4), np.uint8)
        drawn[spread & ~inside], drawn[inside & ~shrunk] = _WITHOUT, _WITHIN
        return np.ascontiguousarray(drawn[above:, before:][:TILE, :TILE])


class Kept:
    """Pyramids that were asked for last, as many as there is room for; made once, whoever asks.

    Args:
        room: Bytes.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._kept = room, OrderedDict[Hashable, Pyramid]()
        self._making: dict[Hashable, threading.Lock] = {}
        self._changing = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], Pyramid]) -> Pyramid:
        """The pyramid of a picture.

        Args:
            key: Which picture it is.
            make: Makes it.
        """
        with self._changing:
            making = self._making.setdefault(key, threading.Lock())
        with making:  # others are shown what there is meanwhile
            made = self._kept.get(key) or make()
        with self._changing:
            self._making.pop(key, None)
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(one.room for one in self._kept.values()) > self._room:
                self._kept.popitem(last=False)
            return made

    def forget(self, of: Callable[[Hashable], bool]) -> None:
        """Let go of those whose keys answer true."""
        with self._changing:
            for key in [key for key in self._kept if of(key)]:
                del self._kept[key]


def halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, …) -> (⌈H/2⌉, ⌈W/2⌉, …): the mean of four pixels, of a last odd row or column of what there is."""
    import cv2

    height, width = pixels.shape[:2]
    even = cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    half: NDArray[np.uint8] = cv2.resize(even, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    return half


def fitted(pixels: NDArray[Any], side: int) -> NDArray[np.uint8]:
    """A picture in 8 bits whose longer side is at most so many pixels, (H, W, 3) -> (h, w, 3) uint8."""
    import cv2

    height, width = pixels.shape[:2]
    share = min(side / max(height, width), 1.0)
    size = max(round(width * share), 1), max(round(height * share), 1)
    return in_8_bits(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def in_8_bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """What a screen shows of 8 or 16 bits, (H, W) or (H, W, 3) -> (H, W, 3) uint8."""
    shown = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
    return np.repeat(shown[..., None], 3, axis=2) if shown.ndim == 2 else shown


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) RGB or (H, W, 4) RGBA as a PNG file, quickly made rather than small."""
    import cv2

    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    _, data = cv2.imencode(".png", cv2.cvtColor(pixels, order), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return bytes(data)
