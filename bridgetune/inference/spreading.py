"""Spreading what is known over its surroundings, along the edges of pictures: the recursive domain transform.

Gastal and Oliveira, Domain transform for edge-aware image and video processing, ACM Transactions on Graphics 30(4),
2011.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH, CONTRAST, PASSES = 60.0, 0.3, 3
"""The domain transform's σ_s, in pixels, its σ_r, of images in [0, 1], and its iterations."""

STRIP, PIECE = 2048, 128
"""Rows or columns that are swept at once: fewer cost more calls; and whose distances are computed at once."""

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
    height, width = known.shape[1:]
    across = _kept(lambda rows: _turned(_distances([picture[rows] for picture in pictures], 1)), width, height)
    down = _kept(lambda columns: _distances([picture[:, columns] for picture in pictures], 0), height, width)
    for iteration in range(PASSES):
        deviation = REACH * 3**0.5 * 2 ** (PASSES - iteration - 1) / (4**PASSES - 1) ** 0.5
        decay = np.float32(-(2**0.5) / deviation)
        for rows in _strips(height, STRIP):
            turned = np.stack([_turned(channel[rows]) for channel in known])
            _sweep(turned, np.exp(decay * across(rows)))
            for channel, values in zip(known, turned, strict=True):
                channel[rows] = _turned(values)
        for columns in _strips(width, STRIP):
            _sweep(known[..., columns], np.exp(decay * down(columns)))


def _sweep(known: NDArray[np.float32], feedback: NDArray[np.float32]) -> None:
    """Down all columns and up again, in place: each line takes a share of what differs in the one before.

    Args:
        known: (C, N, M).
        feedback: (N - 1, M), the share between one line and the next.
    """
    lines, shares = list(known.swapaxes(0, 1)), list(feedback)
    change = np.empty_like(lines[0])
    for before, line, share in itertools.chain(
        zip(lines[:-1], lines[1:], shares, strict=True), zip(lines[:0:-1], lines[-2::-1], shares[::-1], strict=True)
    ):
        np.subtract(before, line, out=change)
        np.multiply(change, share, out=change)
        np.add(line, change, out=line)


def _strips(length: int, each: int) -> Iterator[slice]:
    return (slice(start, start + each) for start in range(0, length, each))


def _kept(distances: Distances, steps: int, columns: int) -> Distances:
    """The distances of pictures of up to `KEPT` pixels, computed once; of larger ones, whenever they are asked for.

    Args:
        distances: A strip of columns -> (N - 1, columns).
        steps, columns: N, and how many columns there are.
    """
    if steps * columns > KEPT:
        return distances
    whole = np.empty((steps - 1, columns), np.float32)
    for strip in _strips(columns, STRIP):
        whole[:, strip] = distances(strip)
    return lambda strip: whole[:, strip]


def _distances(pictures: Sequence[Pixels], axis: int) -> NDArray[np.float32]:
    """From each pixel to the next in the transformed domain, 1 where all pictures are even.

    Args:
        pictures: (H, W, 3) each.
        axis: 0, to the next row: the result is (H - 1, W); 1, to the next column: (H, W - 1).
    """
    import cv2

    height, width, _ = pictures[0].shape
    distances = np.ones((height - 1, width) if axis == 0 else (height, width - 1), np.float32)
    if not distances.size:
        return distances
    kind = pictures[0].dtype
    full = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    scales = np.full((1, 3), REACH / CONTRAST / (len(pictures) * full), np.float32)
    for piece in _strips(distances.shape[1 - axis], PIECE):
        place = (slice(None), piece) if axis == 0 else (piece, slice(None))
        total = np.add.reduce([picture[place].astype(np.float32) for picture in pictures])
        following, before = (total[1:], total[:-1]) if axis == 0 else (total[:, 1:], total[:, :-1])
        distances[place] += cv2.transform(cv2.absdiff(following, before), scales)
    return distances


def _turned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, M) -> (M, N), contiguous."""
    import cv2

    if not values.size:
        return np.ascontiguousarray(values.T)
    turned: NDArray[np.float32] = cv2.transpose(values)
    return turned
