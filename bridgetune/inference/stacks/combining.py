"""The running best of a stack: frames come one after the other, and memory does not grow with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.stacks.depth import peak

STRIP = 256
"""Rows that are worked on at once."""

MOST_FRAMES = 65_535
"""That an index can tell apart."""

Pixels = NDArray[np.uint8 | np.uint16]
Map = NDArray[np.float32]


class RunningBest:
    """Of each pixel the frame of the highest score so far, and what is needed to refine its depth.

    Beside its frames' pixels it holds 17 or 18 bytes a pixel, however many frames are offered.

    Attributes:
        pixels: (H, W, 3), each the best frame's own.
        index: (H, W), which frame that is, counted from 0 in the order offered.
        depth: (H, W) float32, the same between frames; see `peak`.
    """

    def __init__(self, frames: int) -> None:
        """Begin with nothing.

        Args:
            frames: How many are to be offered.
        """
        self._frames, self._offered = frames, 0

    def offer(self, pixels: Pixels, score: Map) -> None:
        """Take the pixels at which the frame's score is above all before it.

        Args:
            pixels: (H, W, 3), of one size and type with those before.
            score: (H, W), how sharp the frame is; only its differences between frames count. -inf where it holds
                nothing.
        """
        place = self._offered
        self._offered += 1
        if place == 0:
            self.pixels = pixels.copy()
            self.index = np.zeros(score.shape, np.uint8 if self._frames <= 256 else np.uint16)
            self.depth = np.zeros(score.shape, np.float32)
            self._best, self._before, self._last = score.copy(), score.copy(), score.copy()
            return
        for start in range(0, len(score), STRIP):
            rows = slice(start, start + STRIP)
            self._take(rows, place, pixels[rows], score[rows])
        np.copyto(self._last, score)

    def _take(self, rows: slice, place: int, pixels: Pixels, score: Map) -> None:
        """The same for some rows."""
        index, best, before, last = (of[rows] for of in (self.index, self._best, self._before, self._last))
        won = score > best
        held = ~won & (index == place - 1)
        if place > 1:
            self.depth[rows][held] += peak(before[held], best[held], score[held])
        index[won] = place
        before[won] = last[won]
        best[won] = score[won]
        self.depth[rows][won] = place
        self.pixels[rows][won] = pixels[won]


def deepened(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """Samples of 8 bits in 16, where those are asked for: white stays white."""
    return pixels.astype(np.uint16) * 257 if bits == 16 and pixels.dtype == np.uint8 else pixels
