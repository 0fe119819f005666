"""The seam between two pictures, where a map changes from one to the other: softened there, and nowhere else."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Blend = Literal["feather", "none"]
"""What a pair's seam is: `feather`, each pixel beside it by what its square of 3×3 decides; `none`, a step, as Eq. 17
has it. Where the truth is known, the feather is nearer to it: of a boundary a map is seldom right to the pixel."""

OF_A_PAIR = 1
"""Pixels on either side of a pair's seam that feathering changes."""

TILE = 512
"""Rows that are blended at once."""

Pixels = NDArray[np.uint8 | np.uint16]
Mask = NDArray[np.bool_]


def shares(taken: Mask, reach: int) -> NDArray[np.uint8]:
    """How many of the pixels of the square around each pixel are taken, (H, W), 0 to (2·reach + 1)².

    Args:
        taken: (H, W).
        reach: Pixels from the middle of the square to its edge, up to 7.
    """
    import cv2

    side = 2 * reach + 1
    counts: NDArray[np.uint8] = cv2.boxFilter(
        taken.view(np.uint8), -1, (side, side), normalize=False, borderType=cv2.BORDER_REFLECT
    )
    return counts


def feathered(below: Pixels, above: Pixels, taken: Mask, reach: int, holds: Mask | None = None) -> Pixels:
    """A picture with another one laid over some of its pixels; at the seam each counts by its share of the square.

    Args:
        below, above: (H, W, 3) of one type.
        taken: (H, W), where the one above is taken.
        reach: Pixels on either side of a seam that are changed; see `shares`.
        holds: (H, W), where both show something: nothing is blended elsewhere. None: everywhere.

    Returns:
        `below`, which is written to.
    """
    whole = (2 * reach + 1) ** 2
    counts = shares(taken, reach)
    for start in range(0, len(taken), TILE):
        rows = slice(start, start + TILE)
        seam = (counts[rows] > 0) & (counts[rows] < whole)
        if holds is not None:
            seam &= holds[rows]
        one, other = below[rows][seam], above[rows][seam]
        share = counts[rows][seam].astype(np.float32)[:, None] / whole
        np.copyto(below[rows], above[rows], where=taken[rows, :, None])
        below[rows][seam] = np.rint(one + share * (other.astype(np.float32) - one)).astype(below.dtype)
    return below
