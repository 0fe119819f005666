"""What surrounds a pixel: the square around it, of which logits are asked whether a network knows anything there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the numbers alone are wanted without torch, too
    from torch import Tensor

WINDOW = 33
"""Side of the square, in pixels."""

UNSURE = 2.0
"""A network whose mean |logit| in the square around a pixel is below this does not know there."""


def box(values: Tensor) -> Tensor:
    """The mean over the part of the square around each pixel that is inside, (B, C, H, W) -> (B, C, H, W)."""
    from torch.nn.functional import avg_pool2d

    reach = WINDOW // 2
    rows = avg_pool2d(values, (1, WINDOW), stride=1, padding=(0, reach), count_include_pad=False)
    return avg_pool2d(rows, (WINDOW, 1), stride=1, padding=(reach, 0), count_include_pad=False)
