"""Where a network knows what it says: by a pixel's own logit, and by those of the square around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the numbers alone are wanted without torch, too
    from torch import Tensor

WINDOW = 33
"""Side of the square, in pixels: a power of two, and one."""

SURE = 2.0
"""|logits| beyond this are sure of themselves."""

ENOUGH = 0.4
"""Where a lesser share of the square around a pixel is sure, a network does not know what it says there."""

COIN = 0.25
"""The sign of a logit no farther from 0 than this is a coin's, whatever is around it."""


def unsure(logits: Tensor) -> Tensor:
    """Where a network does not know: (B, 1, H, W) -> (B, 1, H, W) bool."""
    size = logits.detach().abs()
    sure = (size > SURE).float()
    return (_sums(sure) < ENOUGH * _inside(sure)) | (size <= COIN)


def box(values: Tensor) -> Tensor:
    """The mean over the part of the square around each pixel that is inside, (B, C, H, W) -> (B, C, H, W)."""
    return _sums(values) / _inside(values)


def _inside(values: Tensor) -> Tensor:
    """How many pixels of the square around each are inside, (H, W)."""
    height, width = values.shape[-2:]
    return _sums_along(-2, values.new_ones(height, 1)) * _sums_along(-1, values.new_ones(1, width))


def _sums(values: Tensor) -> Tensor:
    """Over the square around each pixel, with zeros beyond."""
    return _sums_along(-2, _sums_along(-1, values))


def _sums_along(axis: int, values: Tensor) -> Tensor:
    """Over as many places of an axis as the square is wide: sums of 2, of these sums 2, and so on, and the one left."""
    from torch.nn.functional import pad

    reach, length = WINDOW // 2, values.shape[axis]
    padded = pad(values, (reach, reach) if axis == -1 else (0, 0, reach, reach))
    sums, wide = padded, 1
    while wide < WINDOW - 1:
        reduced = sums.shape[axis] - wide
        sums = sums.narrow(axis, 0, reduced) + sums.narrow(axis, wide, reduced)
        wide *= 2
    return sums.narrow(axis, 0, length) + padded.narrow(axis, wide, length)
