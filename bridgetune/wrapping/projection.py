"""A decision map read off the picture that an end-to-end network fuses: how much of it is taken from either source."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

WINDOWS = (129, 33, 9, 5)
"""Sides of the squares that are looked at, in pixels: what a square cannot tell, the one before it says."""

FAINT = 1e-4
"""The mean squared difference of the sources, of values in [0, 1], at which a square and the one before it count
alike."""

SLOPE = 5.0
"""The logit of what is the first source entirely; of the second it is the negative."""


def projected(fused: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Mask logits of a fused picture, with a gradient.

    In a square around each pixel the picture F = m·A + (1 - m)·B + rest is projected on what the sources A and B
    differ by, m = ⟨F - B, A - B⟩ / |A - B|². Where they hardly differ, m goes over to that of the next larger square,
    and at last to 1/2. The logit is 5·(2m - 1). To exchange the sources is to exchange the sign.

    Args:
        fused, first, second: (B, C, H, W) of one shape, in [0, 1]; the picture may go beyond.

    Returns:
        (B, 1, H, W), positive where the picture is rather `first`.
    """
    difference = first - second
    middle = (first + second) / 2
    shared = ((fused - middle) * difference).mean(1, keepdim=True)
    energy = difference.square().mean(1, keepdim=True)
    share = torch.zeros_like(shared)  # m - 1/2: the middle of both sources is 0 whichever is first
    for window in WINDOWS:
        share = (_mean(shared, window) + FAINT * share) / (_mean(energy, window) + FAINT)
    return 2 * SLOPE * share


def nearest(fused: Tensor, images: Sequence[Tensor]) -> Tensor:
    """How much a fused picture is each of any number of images, as logits.

    In the squares of `projected` the squared distance of the picture from each image is compared with the mean of all
    of them, by what the images differ by. Of two images the difference is `projected`.

    Args:
        fused: (B, C, H, W), in [0, 1]; it may go beyond.
        images: (B, C, H, W) each, in [0, 1].

    Returns:
        (B, N, H, W), highest where the picture is rather that image.
    """
    sources = torch.stack(list(images), 1)
    distance = (fused[:, None] - sources).square().mean(2)
    nearer = distance.mean(1, keepdim=True) - distance
    energy = 4 * (sources - sources.mean(1, keepdim=True)).square().mean((1, 2))[:, None]
    share = torch.zeros_like(nearer)
    for window in WINDOWS:
        share = (_mean(nearer, window) + FAINT * share) / (_mean(energy, window) + FAINT)
    return SLOPE * share


def residue(fused: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """What of a fused picture is of neither source: from the nearest mixture of both, pixel by pixel.

    Args:
        fused, first, second: (B, C, H, W) of one shape.

    Returns:
        (B, 1, H, W) >= 0, the mean over channels of |F - m·A - (1 - m)·B| for the best m in [0, 1].
    """
    difference = first - second
    share = ((fused - second) * difference).sum(1, keepdim=True)
    share = (share / difference.square().sum(1, keepdim=True).clamp_min(1e-12)).clamp(0, 1).detach()
    return (fused - second - share * difference).abs().mean(1, keepdim=True)


def _mean(values: Tensor, window: int) -> Tensor:
    """Over the part of the square around each pixel that is inside."""
    reach = window // 2
    rows = avg_pool2d(values, (1, window), stride=1, padding=(0, reach), count_include_pad=False)
    return avg_pool2d(rows, (window, 1), stride=1, padding=(reach, 0), count_include_pad=False)
