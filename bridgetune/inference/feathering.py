"""The seam between two pictures, where a map changes from one to the other: softened there, and nowhere else.

Beside detail a seam is soft over a pixel or a few. Where both pictures are even all around and their brightness
differs, by a veil of what is out of focus, say, it is soft over more: a narrow one shows there as a line that neither
of them has, and no detail is lost.
"""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Blend = Literal["feather", "none"]
"""What a pair's seam is: `feather`, each pixel beside it by what its square of 3×3 decides, or a larger one where
both are even, see `softened`; `none`, a step, as Eq. 17 has it. Where the truth is known, the feather is nearer to it:
of a boundary a map is seldom right to the pixel."""

OF_A_PAIR = 1
"""Pixels on either side of a pair's seam that feathering changes."""

WIDER = (2, 4, 8, 16)
"""Pixels on either side of a pair's seam that are changed where both pictures are even as far as that, and differ."""

EVEN, GRAIN = 4 / 255, 5
"""Of full scale a pixel, the slope of brightness below which a picture is even; the side of the square whose mean slope
that is, so that grain counts little."""

UNLIKE, MIDDLE = 4 / 255, 9
"""Of full scale, by which the brightness of even pictures has to differ in the mean of the whole square; the side of
the squares whose brightness is compared."""

TILE = 512
"""Rows that are blended at once, and columns where that is of no use elsewhere."""

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
    import cv2

    whole = (2 * reach + 1) ** 2
    counts = shares(taken, reach)
    for start in range(0, len(taken), TILE):
        rows = slice(start, start + TILE)
        seam = (counts[rows] > 0) & (counts[rows] < whole)
        if holds is not None:
            seam &= holds[rows]
        one, other = below[rows][seam], above[rows][seam]
        share = counts[rows][seam].astype(np.float32)[:, None] / whole
        cv2.copyTo(above[rows], taken[rows].view(np.uint8), below[rows])
        below[rows][seam] = np.rint(one + share * (other.astype(np.float32) - one)).astype(below.dtype)
    return below


def softened(first: Pixels, second: Pixels, taken: Mask) -> Pixels:
    """A pair's picture: the first where it is taken, the second elsewhere, and each by its share at the seam.

    A pixel's share is that of the square of 3×3 around it; of up to 33×33 where neither picture has detail in the whole
    of that square, and their brightness differs.

    Args:
        first, second: (H, W, 3) of one type.
        taken: (H, W), where the first is taken.

    Returns:
        (H, W, 3) of their type. To exchange the pictures and what is taken changes nothing.
    """
    import cv2

    fused = feathered(second.copy(), first, taken, OF_A_PAIR)
    margin, mean_of_full = max(WIDER) + MIDDLE, np.full((1, 3), 1 / (3 * np.iinfo(second.dtype).max), np.float32)
    for top, left in itertools.product(*(range(0, side, TILE) for side in taken.shape)):
        place, around = (
            (slice(max(top - by, 0), top + TILE + by), slice(max(left - by, 0), left + TILE + by)) for by in (0, margin)
        )
        near = taken[around]
        if near.all() or not near.any():
            continue
        gray = [cv2.transform(picture[around].astype(np.float32), mean_of_full) for picture in (first, second)]
        slope, apart = np.maximum(_slope(gray[0]), _slope(gray[1])), np.abs(mean_around(gray[0] - gray[1], MIDDLE))
        share = np.full(near.shape, np.nan, np.float32)
        for reach in WIDER:
            side = 2 * reach + 1
            wide = _most(slope, side) < EVEN
            wide &= mean_around(apart, side) > UNLIKE
            share[wide] = mean_around(near.astype(np.float32), side)[wide]
        share = share[top - around[0].start :, left - around[1].start :][:TILE, :TILE]
        seam = (share > 0) & (share < 1)
        one, other = second[place][seam], first[place][seam]
        fused[place][seam] = np.rint(one + share[seam][:, None] * (other.astype(np.float32) - one)).astype(fused.dtype)
    return fused


def _slope(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """How brightness slopes a pixel, in the mean of a square; (H, W) each."""
    import cv2

    across, down = (
        cv2.Sobel(gray, cv2.CV_32F, *order, scale=1 / 8, borderType=cv2.BORDER_REFLECT) for order in ((1, 0), (0, 1))
    )
    return mean_around(cv2.magnitude(across, down), GRAIN)


def mean_around(values: NDArray[np.uint8 | np.uint16 | np.float32], side: int) -> NDArray[np.float32]:
    """Of the square around each pixel, shaped alike."""
    import cv2

    mean: NDArray[np.float32] = cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)
    return mean


def _most(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The largest in the square around each pixel, (H, W) each."""
    import cv2

    most: NDArray[np.float32] = cv2.dilate(values, np.ones((side, side), np.uint8))
    return most
