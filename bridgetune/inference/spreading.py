"""Spreading what is known over its surroundings, along the edges of pictures: the recursive domain transform.

Gastal and Oliveira, Domain transform for edge-aware image and video processing, ACM Transactions on Graphics 30(4),
2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH, CONTRAST, PASSES = 60.0, 0.3, 3
"""The domain transform's σ_s, in pixels, its σ_r, of images in [0, 1], and its iterations."""

STRIP = 256
"""Rows or columns that are worked on at once."""

KEPT = 40_000_000
"""Pixels up to which the distances between neighbours are kept from one iteration to the next, 8 bytes a pixel."""

Pixels = NDArray[Any]
Distances = Callable[[slice], NDArray[np.float32]]


def spread(known: NDArray[np.float32], *pictures: Pixels) -> None:
    """Spread values by the domain transform, in place.

    Time and memory are linear in the pixels: 8 bytes a pixel up to `KEPT`, and strips of `STRIP` rows or columns.

    Args:
        known: (C, H, W).
        pictures: (H, W, 3) each, of one type: whole numbers of its full range, or float in [0, 1]. The edges are those
            of their mean.
    """
    across, down = _kept([picture.swapaxes(0, 1) for picture in pictures]), _kept(pictures)
    for iteration in range(PASSES):
        deviation = REACH * 3**0.5 * 2 ** (PASSES - iteration - 1) / (4**PASSES - 1) ** 0.5
        _spread_down(known.swapaxes(1, 2), across, deviation)
        _spread_down(known, down, deviation)


def _spread_down(known: NDArray[np.float32], distances: Distances, deviation: float) -> None:
    """One pass of the domain transform down the columns and up again, in place.

    Args:
        known: (C, N, M).
        distances: Some columns -> what `_distances` has of them, (N - 1, columns).
        deviation: Of the pass, in pixels where the pictures are even.
    """
    decay = -(2**0.5) / deviation
    steps, columns = known.shape[1:]
    for start in range(0, columns, STRIP):
        strip = slice(start, start + STRIP)
        feedback = np.exp(decay * distances(strip))
        lines = np.ascontiguousarray(known[..., strip].swapaxes(0, 1))
        change = np.empty_like(lines[0])
        for line, before, share in (
            *((step, step - 1, step - 1) for step in range(1, steps)),
            *((step, step + 1, step) for step in range(steps - 2, -1, -1)),
        ):
            np.subtract(lines[before], lines[line], out=change)
            change *= feedback[share]
            lines[line] += change
        known[..., strip] = lines.swapaxes(0, 1)


def _kept(pictures: Sequence[Pixels]) -> Distances:
    """`_distances` of some columns: of pictures of up to `KEPT` pixels computed once, else whenever they are asked for.

    Args:
        pictures: (N, M, 3) each.
    """
    steps, columns = pictures[0].shape[:2]
    if steps * columns > KEPT:
        return lambda strip: _distances([picture[:, strip] for picture in pictures])
    whole = np.empty((steps - 1, columns), np.float32)
    for start in range(0, columns, STRIP):
        strip = slice(start, start + STRIP)
        whole[:, strip] = _distances([picture[:, strip] for picture in pictures])
    return lambda strip: whole[:, strip]


def _distances(pictures: Sequence[Pixels]) -> NDArray[np.float32]:
    """From each line to the next in the transformed domain: (N, M, 3) each -> (N - 1, M), 1 where all are even."""
    kind = pictures[0].dtype
    full = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    mean = np.add.reduce(pictures, dtype=np.float32)
    mean *= 1 / (len(pictures) * full)
    contrast = np.abs(np.diff(mean, axis=0)).sum(2)
    return np.ascontiguousarray(1 + np.float32(REACH / CONTRAST) * contrast)
