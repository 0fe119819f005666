"""Where a network does not know: deciding as the surroundings are decided, along the picture's own edges.

In even regions there is nothing to tell sharp from blurred by, and the sign of a logit near 0 is a coin's, thrown for
each pixel. Such pixels are given the decisions that are known around them, weighed by how sure those are and spread by
the domain transform, see `bridgetune.inference.spreading`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.spreading import spread
from bridgetune.regions import COIN, ENOUGH, SURE, WINDOW

Undecided = Literal["settle", "keep"]
"""What becomes of pixels that the network is undecided on: `settle`, see `settled`; `keep`, its own sign."""

UNDECIDED = 0.5
"""Logits nearer to 0 are undecided: a focus map between 0.38 and 0.62."""

CERTAIN = 4.0
"""The |logit| of confidence 1: a focus map of 0.02 or 0.98."""

SAY = 3.0
"""What the surroundings' logit counts for beside a pixel's own."""

STRIP = 256
"""Rows that are worked on at once."""

Map = NDArray[np.floating[Any]]


def undecided_share(logits: Map) -> float:
    """The share of pixels whose |logit| is below `UNDECIDED`, in [0, 1]."""
    strips = (logits[start : start + STRIP] for start in range(0, len(logits), STRIP))
    return sum(int(np.count_nonzero(np.abs(strip) < UNDECIDED)) for strip in strips) / logits.size


def settled(logits: Map, first: NDArray[Any], second: NDArray[Any]) -> Map:
    """Logits that are decided by their surroundings where the network is unsure, and untouched elsewhere.

    Where the network is `regions.unsure`, a logit l of confidence c = min(|l|/4, 1) becomes
    l + 3(1 - c)·T(c·clip(l, ±4)) / T(c), where T is the domain transform along the mean of both images. A pixel of
    confidence 1 stays as it is everywhere. To exchange the images and the sign of the logits is to exchange the
    result's sign, and nothing else.

    Time and memory are linear in the pixels: beside the result, 10 bytes a pixel, and strips of rows or columns.

    Args:
        logits: (H, W), positive where `first` is in focus.
        first, second: The source pair, (H, W, 3) each: whole numbers of their type's full range, or float in [0, 1].

    Returns:
        (H, W) in the logits' dtype.
    """
    result = logits.copy()
    settle(result, first, second)
    return result


def settle(logits: Map, first: NDArray[Any], second: NDArray[Any]) -> None:
    """`settled` in place: of logits that nobody else needs."""
    unsure = _unsure(logits)
    if not unsure.any():
        return
    # What is known, and how much of it: the second is what the first is divided by once both are spread.
    known = np.empty((2, *logits.shape), np.float32)
    np.clip(logits, -CERTAIN, CERTAIN, out=known[0])
    known[1] = logits
    _confidence(known[1])
    known[0] *= known[1]
    spread(known, first, second)
    for start in range(0, len(logits), STRIP):
        rows = slice(start, start + STRIP)
        around = known[0, rows] / np.maximum(known[1, rows], np.finfo(np.float32).tiny)
        around *= SAY * (1 - _confidence(logits[rows].astype(np.float32)))
        np.add(logits[rows], around, out=logits[rows], where=unsure[rows])


def _confidence(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """How sure logits are, in [0, 1]; in place."""
    np.abs(logits, out=logits)
    logits /= CERTAIN
    return np.minimum(logits, 1, out=logits)


def _unsure(logits: Map) -> NDArray[np.bool_]:
    """`regions.unsure` of (H, W), in strips."""
    import cv2

    height, width = logits.shape
    sure, unsure = np.empty(logits.shape, np.uint8), np.empty(logits.shape, bool)
    for start in range(0, height, STRIP):
        rows = slice(start, start + STRIP)
        size = np.abs(logits[rows])
        np.greater(size, SURE, out=sure[rows].view(bool))
        np.less_equal(size, COIN, out=unsure[rows])
    high, wide = _inside(height), _inside(width)
    for start in range(0, height, STRIP):
        rows = slice(start, start + STRIP)
        first = max(start - WINDOW // 2, 0)
        around = sure[first : start + STRIP + WINDOW // 2]
        sums = cv2.boxFilter(
            around, cv2.CV_16U, (WINDOW, WINDOW), normalize=False, borderType=cv2.BORDER_CONSTANT | cv2.BORDER_ISOLATED
        )
        unsure[rows] |= sums[start - first :][:STRIP] < np.float32(ENOUGH) * (high[rows, None] * wide)
    return unsure


def _inside(side: int) -> NDArray[np.float32]:
    """How much of a window around each place along a side is inside, (side,)."""
    place = np.arange(side, dtype=np.float32)
    return np.minimum(place + WINDOW // 2 + 1, side) - np.maximum(place - WINDOW // 2, 0)
