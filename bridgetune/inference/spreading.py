"""Spreading what is known over its surroundings, along the edges of pictures: the recursive domain transform.

Gastal and Oliveira, Domain transform for edge-aware image and video processing, ACM Transactions on Graphics 30(4),
2011.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH, CONTRAST, PASSES = 60.0, 0.3, 3
"""The domain transform's σ_s, in pixels, its σ_r, of images in [0, 1], and its iterations."""

STRIP, PIECE = 1024, 128
"""Rows or columns that are swept at once: fewer cost more calls; and whose distances are computed at once."""

Pixels = NDArray[Any]


def spread(known: NDArray[np.float32], *pictures: Pixels) -> None:
    """Spread values by the domain transform, in place.

    Time is linear in the pixels; memory is that of strips of `STRIP` rows or columns.

    Args:
        known: (C, H, W).
        pictures: (H, W, 3) each, of one type: whole numbers of its full range, or float in [0, 1]. The edges are those
            of their mean.
    """
    height, width = known.shape[1:]
    for iteration in range(PASSES):
        deviation = REACH * 3**0.5 * 2 ** (PASSES - iteration - 1) / (4**PASSES - 1) ** 0.5
        decay = np.float32(-(2**0.5) / deviation)
        for rows in _strips(height, STRIP):
            turned = np.ascontiguousarray(known[:, rows].swapaxes(1, 2))
            _sweep(turned, _distances([picture[rows] for picture in pictures], 1).T, decay)
            known[:, rows] = turned.swapaxes(1, 2)
        for columns in _strips(width, STRIP):
            _sweep(known[..., columns], _distances([picture[:, columns] for picture in pictures], 0), decay)


def _sweep(known: NDArray[np.float32], distances: NDArray[np.float32], decay: np.float32) -> None:
    """Down all columns and up again, in place: each line takes a share of what differs in the one before.

    Args:
        known: (C, N, M).
        distances: (N - 1, M), from each line to the next.
        decay: The logarithm of the share that is taken over a distance of 1.
    """
    feedback = np.multiply(distances, decay, order="C")
    lines, shares = list(known.swapaxes(0, 1)), list(np.exp(feedback, out=feedback))
    change = np.empty_like(lines[0])
    for before, line, share in itertools.chain(
        zip(lines[:-1], lines[1:], shares, strict=True), zip(lines[:0:-1], lines[-2::-1], shares[::-1], strict=True)
    ):
        np.subtract(before, line, out=change)
        np.multiply(change, share, out=change)
        np.add(line, change, out=line)


def _strips(length: int, each: int) -> Iterator[slice]:
    return (slice(start, start + each) for start in range(0, length, each))


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
        total = pictures[0][place].astype(np.float32)
        for picture in pictures[1:]:
            total += picture[place]
        following, before = (total[1:], total[:-1]) if axis == 0 else (total[:, 1:], total[:, :-1])
        distances[place] += cv2.transform(cv2.absdiff(following, before), scales)
    return distances
