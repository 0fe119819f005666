"""Taking the pixels of a field that is known, from frames that come one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.stacks.seams import REACH, Blend, blended

PARTS = 8
"""Of a frame, in which its share of a pixel between two of them is counted; of 25 such, sums of 8 bits fit into 16."""

STRIP = 256
"""Rows that are worked on at once."""

Pixels = NDArray[np.uint8 | np.uint16]


def gathered(
    frames: Iterable[Pixels], field: NDArray[np.floating[Any] | np.unsignedinteger[Any]], blend: Blend
) -> Pixels:
    """The picture of a field, (H, W, 3).

    Args:
        frames: (H, W, 3) each, all of one type.
        field: (H, W), which frame is taken, counted from 0. By `feather` the two frames are mixed that a place is
            between; by the others the nearer one is taken.
        blend: See `Blend`.
    """
    if blend == "feather":
        return _mixed(frames, field)
    index, picture = np.rint(field), None
    for place, frame in enumerate(frames):
        picture = frame.copy() if picture is None else blended(picture, frame, index >= place, blend)
    assert picture is not None
    return picture


def _mixed(frames: Iterable[Pixels], field: NDArray[Any]) -> Pixels:
    """Each pixel the mean of the squares' around it, as seams are feathered."""
    import cv2

    side = 2 * REACH + 1
    whole = PARTS * side**2
    parts = np.empty(field.shape, np.uint8)
    sums: NDArray[Any] | None = None
    for place, frame in enumerate(frames):
        if sums is None:
            sums = np.zeros(frame.shape, np.uint32 if frame.dtype == np.uint16 else np.uint16)
        for rows in _strips(len(frame)):
            apart = np.abs(np.rint(field[rows] * np.float32(PARTS)) - np.float32(PARTS * place))
            parts[rows] = (PARTS - apart).clip(min=0)
        shares = cv2.boxFilter(parts, -1, (side, side), normalize=False, borderType=cv2.BORDER_REFLECT)
        for rows in _strips(len(frame)):
            if shares[rows].any():
                sums[rows] += frame[rows] * shares[rows, :, None].astype(sums.dtype)
        del shares
    assert sums is not None
    picture: Pixels = np.empty_like(frame)
    for rows in _strips(len(picture)):
        picture[rows] = (sums[rows] + whole // 2) // whole
    return picture


def _strips(height: int) -> Iterator[slice]:
    return (slice(start, start + STRIP) for start in range(0, height, STRIP))
