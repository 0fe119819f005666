"""What a stack's frames are like, seen before they are fused: how much is sharp where, and what there is of noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.scenes import small
from bridgetune.inference.stacks.focus import responses
from bridgetune.pictures import Picture

CELLS = 24
"""Along either side of a frame: the cells in which sharpness is told."""

EVEN, SQUARE = 5, 9
"""Percentile of the mean responses in squares of so many pixels that is taken for noise."""


@dataclass(frozen=True, eq=False)
class Look:
    """What is kept of a frame that has been looked at.

    Attributes:
        size: (height, width).
        gray: Whether it has one channel.
        bits: 8 or 16.
        noise: Gray levels of 255 that the response to focus has where the frame shows nothing.
        sharpness: (CELLS, CELLS), the mean response to focus in each cell.
        small: (h, w, 3) float32 in [0, 1], the frame reduced.
    """

    size: tuple[int, int]
    gray: bool
    bits: int
    noise: float
    sharpness: NDArray[np.float32]
    small: NDArray[np.float32]


def look(picture: Picture) -> Look:
    """Look at a frame; beside what is kept, memory is that of some rows."""
    import cv2

    height, width = picture.size
    cells, squares = np.zeros((height, min(CELLS, width)), np.float32), []
    for rows, response in responses(picture.pixels):
        across = cv2.resize(response, (cells.shape[1], len(response)), interpolation=cv2.INTER_AREA)
        cells[rows] = across
        mean = cv2.blur(response, (SQUARE, SQUARE), borderType=cv2.BORDER_REFLECT)
        squares.append(mean[::4, ::4].ravel())
    sharpness = cv2.resize(cells, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return Look(
        size=picture.size,
        gray=picture.gray,
        bits=picture.bits,
        noise=float(np.percentile(np.concatenate(squares), EVEN)),
        sharpness=sharpness,
        small=small(picture.pixels),
    )
