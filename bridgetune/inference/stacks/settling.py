"""Where the focus measure does not tell: taking what is taken around, along the picture's edges.

In an even part, or in the glow around something bright, all frames score alike, and which scores highest is chance:
neighbours are taken from frames far apart, and where these differ in brightness or noise, it shows. Such places are
given the depth that is known around them, weighed by how sure it is, see `bridgetune.inference.spreading`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.spreading import spread

SCATTERED = 0.05, 0.15
"""Shares of the stack: a deviation of the frames taken in a window that is none yet, and one that is chance."""

NARROW, WIDE = (15, 32.0), (1 / 32, 8.0)
"""The windows' sides, in pixels and as a share of the longer side; and the lead that is believed however scattered the
frames around are."""

SURE = 0.5
"""From which certainty on a choice is left alone."""

LEAST = 1e-4
"""What a choice counts for that is not sure at all: where there is nothing else, the mean of such."""

GRAIN = 2.0
"""Pixels, the deviation of the Gaussian that takes the grain from the picture whose edges are followed."""

STRIP = 512
"""Rows that are worked on at once."""

Field = NDArray[np.uint8 | np.uint16]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def settled(index: Field, lead: Map, picture: NDArray[Any], frames: int, holds: Mask | None = None) -> tuple[Map, Mask]:
    """The depth at which pixels are to be taken, and where that is not what the measure says.

    A place is untold where the frames taken around it are scattered, unless its own leads clearly. It gets the mean of
    the depth around it, in which each counts as the square of its certainty. Everything else stays as it is.

    Args:
        index: (H, W), the frame of each pixel.
        lead: (H, W), how far its score is ahead, see `focus.lead`.
        picture: (H, W, 3) uint8 or uint16, of those pixels: whose edges are followed.
        frames: How many there are.
        holds: (H, W), where all frames show something; elsewhere nothing is changed. None: everywhere.

    Returns:
        (H, W), the frame, or a place between two of them where it was untold; and (H, W), where it was.
    """
    import cv2

    sure = certainty(index, lead, frames)
    untold = sure < SURE
    if holds is not None:
        untold &= holds
    field = index.astype(np.float32)
    if not untold.any():
        return field, untold
    known = np.empty((2, *index.shape), np.float32)
    np.multiply(sure, sure, out=known[1])
    np.maximum(known[1], LEAST, out=known[1])
    del sure
    np.multiply(known[1], field, out=known[0])
    spread(known, cv2.GaussianBlur(picture, (0, 0), GRAIN, borderType=cv2.BORDER_REFLECT))
    field[untold] = (known[0][untold] / known[1][untold]).clip(0, frames - 1)
    return field, untold


def certainty(index: Field, lead: Map, frames: int) -> Map:
    """How sure the choice of each pixel's frame is, (H, W) in [0, 1]: see `settled`."""
    height, width = index.shape
    windows = NARROW, (2 * round(WIDE[0] * max(height, width) / 2) + 1, WIDE[1])
    margin = max(side for side, _ in windows) // 2
    sure = np.empty((height, width), np.float32)
    for start in range(0, height, STRIP):
        stop, first = min(start + STRIP, height), max(start - margin, 0)
        around = index[first : stop + margin] * np.float32(1 / frames)
        rows = slice(start, stop)
        sure[rows] = 1
        for side, enough in windows:
            scattered = _scattered(around, side)[start - first : stop - first]
            doubted = 1 - np.clip(lead[rows] / np.float32(enough), 0, 1)
            np.minimum(sure[rows], 1 - scattered * doubted, out=sure[rows])
    return sure


def _scattered(places: Map, side: int) -> Map:
    """How scattered places in the stack are, of all windows of a side, (h, w) in [0, 1].

    Few that are far from the rest leave the window's deviation small, and are scattered all the same: each counts by
    how far it is itself, where that is more.
    """
    import cv2

    none, chance = SCATTERED

    def mean(values: Map) -> Map:
        found: Map = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
        return found

    middle = mean(places)
    deviation = np.sqrt((mean(places * places) - middle * middle).clip(min=0))
    np.maximum(deviation, np.abs(places - middle), out=deviation)
    scattered: Map = ((deviation - np.float32(none)) / np.float32(chance - none)).clip(0, 1)
    return scattered
