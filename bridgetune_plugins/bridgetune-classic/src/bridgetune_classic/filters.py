"""Means over windows, and the guided filter that is made of them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def box_mean(image: Tensor, reach: int) -> Tensor:
    """The mean over the square window of side 2 reach + 1 around each pixel, as much of it as is in the image.

    Args:
        image: (B, C, H, W), any H and W.
        reach: Pixels from the middle of the window to its edge, >= 0.
    """
    side = 2 * reach + 1
    rows = F.avg_pool2d(image, (side, 1), stride=1, padding=(reach, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), stride=1, padding=(0, reach), count_include_pad=False)


def guided_filter(image: Tensor, guide: Tensor, reach: int, epsilon: float) -> Tensor:
    """Smooth an image, but for edges that the guide has (He, Sun & Tang, IEEE TPAMI 35, 2013, Eq. 5, 6 and 8).

    Linear in `image`, and a constant image comes back as it is.

    Args:
        image, guide: (B, 1, H, W), any H and W.
        reach: Of the windows, see `box_mean`.
        epsilon: Variance of the guide from which on a window counts as one with an edge in it, > 0.
    """
    mean, guide_mean = box_mean(image, reach), box_mean(guide, reach)
    covariance = box_mean(guide * image, reach) - guide_mean * mean
    variance = (box_mean(guide * guide, reach) - guide_mean * guide_mean).clamp(min=0)  # the means' rounding
    slope = covariance / (variance + epsilon)
    return box_mean(slope, reach) * guide + box_mean(mean - slope * guide_mean, reach)
