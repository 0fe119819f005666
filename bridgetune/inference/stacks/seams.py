"""Seams between frames: what a hard change from one to the other becomes, and nowhere else is a pixel touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.feathering import feathered

Blend = Literal["none", "feather", "pyramid"]
"""`none`: a step. `feather`: each frame's share falls off linearly over five pixels. `pyramid`: coarse detail changes
over a wider band than fine detail (Burt and Adelson, ACM Transactions on Graphics 2(4), 1983)."""

REACH = 2
"""Pixels on either side of a seam that feathering changes."""

LEVELS = 4
"""Of the pyramids: the coarsest detail changes over a band of 2^LEVELS pixels on either side."""

TILE = 512
"""Rows, and by pyramids columns, that are blended at once."""

Pixels = NDArray[np.uint8 | np.uint16]
Mask = NDArray[np.bool_]


def blended(below: Pixels, above: Pixels, taken: Mask, blend: Blend, holds: Mask | None = None) -> Pixels:
    """A picture with another one laid over some of its pixels, and the seam between.

    Args:
        below, above: (H, W, 3) of one type.
        taken: (H, W), where the one above is taken.
        blend: See `Blend`.
        holds: (H, W), where both show something: nothing is blended elsewhere. None: everywhere.

    Returns:
        (H, W, 3) of the same type, which may be `below` itself: it is written to.
    """
    laid: Pixels = _WAYS[blend](below, above, taken, np.ones_like(taken) if holds is None else holds)
    return laid


def _hard(below: Pixels, above: Pixels, taken: Mask, holds: Mask) -> Pixels:
    import cv2

    cv2.copyTo(above, taken.view(np.uint8), below)
    return below


def _feathered(below: Pixels, above: Pixels, taken: Mask, holds: Mask) -> Pixels:
    return feathered(below, above, taken, REACH, holds)


def _by_pyramids(below: Pixels, above: Pixels, taken: Mask, holds: Mask) -> Pixels:
    import cv2

    reach = 2**LEVELS
    band = cv2.dilate(taken.view(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    band &= ~cv2.erode(taken.view(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) & 1
    seam = band.view(bool) & holds
    source, margin = below.copy(), 4 * reach  # a multiple of the coarsest cell: all tiles have the same grid
    _hard(below, above, taken, holds)
    for top in range(0, len(taken), TILE):
        for left in range(0, taken.shape[1], TILE):
            inner = slice(top, top + TILE), slice(left, left + TILE)
            if not seam[inner].any():
                continue
            at = max(top - margin, 0), max(left - margin, 0)
            around = slice(at[0], top + TILE + margin), slice(at[1], left + TILE + margin)
            laid = _laid(source[around], above[around], taken[around])
            laid = laid[top - at[0] :, left - at[1] :][:TILE, :TILE]
            below[inner][seam[inner]] = laid[seam[inner]]
    return below


def _laid(below: Pixels, above: Pixels, taken: Mask) -> Pixels:
    """The whole of both blended by their pyramids."""
    import cv2

    layers = [(below.astype(np.float32), above.astype(np.float32), taken.astype(np.float32))]
    while len(layers) <= LEVELS and min(layers[-1][2].shape) > 2:
        layers.append(tuple(cv2.pyrDown(layer) for layer in layers[-1]))
    one, other, share = layers.pop()
    mixed = one + share[..., None] * (other - one)
    for one, other, share in reversed(layers):
        size = share.shape[::-1]
        apart = (other - one) - cv2.pyrUp(cv2.pyrDown(other - one), dstsize=size)
        base = one - cv2.pyrUp(cv2.pyrDown(one), dstsize=size)
        mixed = cv2.pyrUp(mixed, dstsize=size) + base + share[..., None] * apart
    full = np.iinfo(below.dtype).max
    laid: Pixels = np.rint(mixed.clip(0, full)).astype(below.dtype)
    return laid


_WAYS: dict[Blend, Callable[[Any, Any, Mask, Mask], Any]] = {
    "none": _hard,
    "feather": _feathered,
    "pyramid": _by_pyramids,
}
