"""The running best of a stack: frames come one after the other, and memory does not grow with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.stacks.depth import peak
from bridgetune.inference.stacks.seams import Blend, blended

STRIP = 256
"""Rows that are worked on at once."""

MOST_FRAMES = 65_535
"""That an index can tell apart."""

Pixels = NDArray[np.uint8 | np.uint16]
Map = NDArray[np.float32]


class RunningBest:
    """Of each pixel the frame of the highest score so far, and what is needed to refine its depth.

    Beside its frames' pixels it holds 21 or 22 bytes a pixel, however many frames are offered.

    Attributes:
        pixels: (H, W, 3), each the best frame's own, but beside seams, see `Blend`.
        alpha: (H, W) of the pixels' type, likewise; None where all frames are opaque.
        index: (H, W), which frame that is, counted from 0 in the order offered.
        depth: (H, W) float32, the same between frames; see `peak`.
    """

    def __init__(self, frames: int, blend: Blend = "none", least: float = 0.0) -> None:
        """Begin with nothing.

        Args:
            frames: How many are to be offered.
            blend: See `Blend`.
            least: What a score below it counts for in the mean of all: that of a frame that shows nothing.
        """
        self._frames, self._offered, self._blend, self._least = frames, 0, blend, least
        self.alpha: Pixels | None = None

    def offer(self, pixels: Pixels, score: Map, rise: Map | None = None, alpha: Pixels | None = None) -> None:
        """Take the pixels at which the frame's score is above that of the best before it.

        Args:
            pixels: (H, W, 3), of one size with those before; of one type from the first frame on.
            score: (H, W), how sharp the frame is; only its differences between frames count. -inf where it holds
                nothing. It is kept until the next one comes, and must not change until then.
            rise: (H, W), what is added where the best one is the frame just before: what is known of these two alone.
            alpha: (H, W), its transparency; None where it is opaque.
        """
        place = self._offered
        self._offered += 1
        if place == 0:
            self.pixels, self.alpha = pixels.copy(), alpha
            self.index = np.zeros(score.shape, np.uint8 if self._frames <= 256 else np.uint16)
            self.depth = np.zeros(score.shape, np.float32)
            self._best, self._before, self._last = score.copy(), score.copy(), score
            self._sum = np.maximum(score, self._least)
            return
        won, held = np.empty(score.shape, bool), np.empty(score.shape, bool)
        for start in range(0, len(score), STRIP):
            rows = slice(start, start + STRIP)
            held[rows] = np.isfinite(self._best[rows]) & np.isfinite(score[rows])
            won[rows] = self._won(rows, place, score[rows], None if rise is None else rise[rows])
            self._sum[rows] += np.maximum(score[rows], self._least)
        self._last = score
        self.pixels = blended(self.pixels, pixels, won, self._blend, held)
        self._take_alpha(won, alpha)

    def ended(self) -> tuple[Map, Map]:
        """The highest score and the mean of all, (H, W) each; no frame is offered any more."""
        best, mean = self._best, self._sum
        mean /= self._offered
        del self._best, self._before, self._last, self._sum
        return best, mean

    def _won(self, rows: slice, place: int, score: Map, rise: Map | None) -> NDArray[np.bool_]:
        """Of some rows, where the frame is the best; and everything but their pixels taken over."""
        index, best, before, last = (of[rows] for of in (self.index, self._best, self._before, self._last))
        lead = np.subtract(score, best, out=np.zeros_like(score), where=np.isfinite(score))
        lead[np.isneginf(score)] = -np.inf
        if rise is not None:
            np.add(lead, rise, out=lead, where=index == place - 1)
        won: NDArray[np.bool_] = lead > 0
        held = ~won & (index == place - 1)
        if place > 1:
            self.depth[rows][held] += peak(before[held], best[held], score[held])
        index[won] = place
        before[won] = last[won]
        best[won] = score[won]
        self.depth[rows][won] = place
        return won

    def _take_alpha(self, won: NDArray[np.bool_], alpha: Pixels | None) -> None:
        if alpha is None and self.alpha is None:
            return
        opaque = np.iinfo(self.pixels.dtype).max
        if self.alpha is None:
            self.alpha = np.full(won.shape, opaque, self.pixels.dtype)
        self.alpha = np.where(won, opaque if alpha is None else alpha, self.alpha).astype(self.pixels.dtype)


def deepened(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """Samples of 8 bits in 16, where those are asked for: white stays white."""
    return pixels.astype(np.uint16) * 257 if bits == 16 and pixels.dtype == np.uint8 else pixels
