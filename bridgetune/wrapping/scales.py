"""Several sizes: what a network says of the reduced pair counts where it is unsure of the pair itself.

An even region, or a blur wider than the network's field, tells it nothing at full size; reduced, there is more to see.
A network whose map is coarser than the picture draws seams more finely where the pair is enlarged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from bridgetune.regions import WINDOW, unsure

SAY = 2.0
"""What the logits of each coarser size count for."""

ENLARGED = 1 / 2
"""Stands for the reduction of a pair that is shown `doubled`."""


def reduced(image: Tensor, reduction: int) -> Tensor:
    """The means of squares of `reduction` pixels a side, (B, C, H, W) -> (B, C, ⌈H / reduction⌉, ⌈W / reduction⌉).

    Squares that reach beyond the image have the mean of what of them is inside.
    """
    if torch.compiler.is_compiling():  # the sums below are traced for even sides or for odd ones, this one for any
        return avg_pool2d(image, reduction, ceil_mode=True, count_include_pad=False)
    height, width = image.shape[-2:]
    image = pad(image, (0, -width % reduction, 0, -height % reduction))
    rows = reduce(torch.add, (image[..., place::reduction, :] for place in range(reduction)))
    sums = reduce(torch.add, (rows[..., place::reduction] for place in range(reduction)))
    return sums / (_inside(height, reduction, sums)[:, None] * _inside(width, reduction, sums))


def _inside(side: int, reduction: int, like: Tensor) -> Tensor:
    """How many of each sum's pixels along a side are inside, (⌈side / reduction⌉,)."""
    counts = like.new_full((-(-side // reduction),), reduction)
    counts[-1] -= -side % reduction
    return counts


def enlarged(logits: Tensor, reduction: int) -> Tensor:
    """Bilinear, (B, 1, h, w) -> (B, 1, h·reduction, w·reduction): at the bottom and the right at least the pair's."""
    return interpolate(logits, scale_factor=reduction, mode="bilinear")


def doubled(image: Tensor) -> Tensor:
    """Enlarged twice, bilinear, (B, C, H, W) -> (B, C, 2·H, 2·W)."""
    return interpolate(image, scale_factor=2, mode="bilinear")


def halved(logits: Tensor) -> Tensor:
    """The logits of a pair that was `doubled`, at the pair's own size, (B, 1, 2·H, 2·W) -> (B, 1, H, W)."""
    return reduced(logits, 2)


def refined(own: Tensor, enlarged: Tensor) -> Tensor:
    """The mean of the logits of the pair at full size and of those of the pair enlarged, `halved`, (B, 1, H, W)."""
    return (own + enlarged) / 2


def combined(finest: Tensor, coarser: Sequence[Tensor]) -> Tensor:
    """The logits of all sizes as one map's, (B, 1, H, W).

    Args:
        finest: (B, 1, H, W), of the pair at full size, or `refined`.
        coarser: Of the reduced pairs, each `enlarged` and cropped.

    Returns:
        finest + 2·(sum of the coarser) where the finest are `unsure`, the finest elsewhere. No gradient goes through
        that condition.
    """
    return torch.where(unsure(finest), finest + SAY * torch.stack(list(coarser)).sum(0), finest)


def combine_strip(finest: Tensor, coarser: Tensor, rows: slice) -> Tensor:
    """Some rows of `combined`, (B, 1, rows, W), to the bit.

    Args:
        finest: (B, 1, H, W).
        coarser: The sum of the coarser logits, of these rows alone.
        rows: Which, from the top.
    """
    above, stop = max(rows.start - WINDOW // 2, 0), rows.stop + WINDOW // 2
    here = unsure(finest[..., above:stop, :])
    inside = slice(rows.start - above, rows.start - above + coarser.shape[-2])
    own = finest[..., rows, :]
    return torch.where(here[..., inside, :], own + SAY * coarser, own)
