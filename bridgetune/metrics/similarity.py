"""Q_S and Q_W: local structural similarity to the source that is the more salient there.

`toolbox`: SSIM maps (Wang et al., TIP 13, 2004), as the toolbox of Z. Liu et al., TPAMI 34, 2012, has Piella's
metrics. `paper`: Eq. 22-23 with the universal quality index (Wang and Bovik, SPL 9, 2002) in the 8×8 window that
Piella and Heijmans, ICIP 2003, took it from.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bridgetune.metrics.filters import covariance, filtered, gaussian_window
from bridgetune.metrics.levels import HIGHEST, rounding

SSIM_WINDOW = gaussian_window(11, 1.5)
INDEX_WINDOW = (1 / 8,) * 8
C1, C2 = (0.01 * HIGHEST) ** 2, (0.03 * HIGHEST) ** 2


class Moments(NamedTuple):
    """Of an image in a sliding window, each (B, H-n+1, W-n+1)."""

    mean: Tensor
    variance: Tensor


def moments(levels: Tensor, window: tuple[float, ...]) -> Moments:
    """Of images (B, H, W)."""
    mean, square = filtered(torch.stack([levels, levels.square()]), window)
    return Moments(mean, covariance(square, mean, mean))


def ssim_map(source: Tensor, fused: Tensor, of_source: Moments, of_fused: Moments) -> Tensor:
    """SSIM in each 11×11 Gaussian window."""
    shared = covariance(filtered(source * fused, SSIM_WINDOW), of_source.mean, of_fused.mean)
    means = of_source.mean * of_fused.mean
    squares = of_source.mean.square().addcmul_(of_fused.mean, of_fused.mean)
    above = means.mul_(2).add_(C1).mul_(shared.mul_(2).add_(C2))
    return above / squares.add_(C1).mul_((of_source.variance + of_fused.variance).add_(C2))


def index_map(source: Tensor, fused: Tensor, of_source: Moments, of_fused: Moments) -> Tensor:
    """The universal quality index Q_0 in each 8×8 window; a factor of 0/0, flat on flat or black on black, is 1."""
    shared = covariance(filtered(source * fused, INDEX_WINDOW), of_source.mean, of_fused.mean)
    variances = of_source.variance + of_fused.variance
    squares = of_source.mean.square() + of_fused.mean.square()
    structure = torch.where(variances > 0, 2 * shared / variances, 1)
    luminance = torch.where(squares > 0, 2 * of_source.mean * of_fused.mean / squares, 1)
    return structure * luminance


def share_of_first(first: Moments, second: Moments) -> Tensor:
    """λ = σ²_A/(σ²_A + σ²_B), and ½ where both are flat."""
    flat = rounding(first.variance.dtype, HIGHEST**2)
    variances = [of.variance.masked_fill(of.variance < flat, 0) for of in (first, second)]
    total = variances[0] + variances[1]
    return torch.where(total > 0, variances[0] / total, 0.5)


def saliency(first: Moments, second: Moments) -> Tensor:
    """c = max(σ²_A, σ²_B) divided by its sum, and equal weights where both images are flat throughout."""
    greater = torch.maximum(first.variance, second.variance)
    flat = greater.amax((1, 2), keepdim=True) < rounding(greater.dtype, HIGHEST**2)
    greater = torch.where(flat, 1, greater)
    return greater / greater.sum((1, 2), keepdim=True)


def mixed(share: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """λ·Q(A,F) + (1-λ)·Q(B,F)."""
    return torch.lerp(second, first, share)


def selected(share: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """max(λ·Q(A,F), (1-λ)·Q(B,F)), of Eq. 22."""
    return torch.maximum(share * first, (1 - share) * second)
