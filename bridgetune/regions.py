"""Where a network knows what it says: by a pixel's own logit, and by those of the square around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the numbers alone are wanted without torch, too
    from torch import Tensor

WINDOW = 33
"""Side of the square, in pixels."""

SURE = 2.0
"""|logits| beyond this are sure of themselves."""

ENOUGH = 0.4
"""Where a lesser share of the square around a pixel is sure, a network does not know what it says there."""

COIN = 0.25
"""The sign of a logit no farther from 0 than this is a coin's, whatever is around it."""


def unsure(logits: Tensor) -> Tensor:
    """Where a network does not know: (B, 1, H, W) -> (B, 1, H, W) bool."""
    size = logits.detach().abs()
    return (box((size > SURE).to(size.dtype)) < ENOUGH) | (size <= COIN)


def box(values: Tensor) -> Tensor:
    """The mean over the part of the square around each pixel that is inside, (B, C, H, W) -> (B, C, H, W)."""
    from torch.nn.functional import avg_pool2d

    reach = WINDOW // 2
    rows = avg_pool2d(values, (1, WINDOW), stride=1, padding=(0, reach), count_include_pad=False)
    return avg_pool2d(rows, (WINDOW, 1), stride=1, padding=(reach, 0), count_include_pad=False)
