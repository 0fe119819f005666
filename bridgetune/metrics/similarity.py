"""Q_S and Q_W: local structural similarity to the source that is the more salient there.

`toolbox`: SSIM maps (Wang et al., TIP 13, 2004), as the toolbox of Z. Liu et al., TPAMI 34, 2012, has Piella's
metrics. `paper`: Eq. 22-23 with the universal quality index (Wang and Bovik, SPL 9, 2002) in the 8×8 window that
Piella and Heijmans, ICIP 2003, took it from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from bridgetune.metrics.filters import SSIM_WINDOW, covariance, filtered
from bridgetune.metrics.levels import HIGHEST, rounding
from bridgetune.metrics.strips import totals

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import ScoredImages
    from bridgetune.metrics.local import LocalImages

INDEX_WINDOW = (1 / 8,) * 8
C1, C2 = (0.01 * HIGHEST) ** 2, (0.03 * HIGHEST) ** 2


def q_s(images: ScoredImages) -> Tensor:
    """Q_S: structural similarity to the sources, weighted by their variance; in [-1, 1]. Eq. 22 in convention `paper`.

    1 where F = A = B, images of one level included; ½ in convention `paper`, whose maximum takes λ along. Symmetric in
    the sources, which count alike where both are flat.
    """
    return images.ssim_means.plain if images.convention == "toolbox" else images.index_means.selected


def q_w(images: ScoredImages) -> Tensor:
    """Q_W: `q_s` with salient windows counting more; in [-1, 1]. Eq. 23 in convention `paper`.

    1 where F = A = B, in both conventions. Where both sources are flat throughout, all windows count alike. Symmetric
    in the sources.
    """
    return (images.ssim_means if images.convention == "toolbox" else images.index_means).salient


class Moments(NamedTuple):
    """Of an image in a sliding window, each (B, H-n+1, W-n+1)."""

    mean: Tensor
    variance: Tensor


class Similarity(NamedTuple):
    """Of fused images to their sources, each (B,): means over the windows of λ·Q(A,F) + (1-λ)·Q(B,F)."""

    plain: Tensor
    """Every window counts alike."""
    salient: Tensor
    """Weighted by c = max(σ²_A, σ²_B); all alike where both images are flat throughout."""
    selected: Tensor
    """Weighted so, of max(λ·Q(A,F), (1-λ)·Q(B,F)), as Eq. 22 has it."""


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


class Windows(NamedTuple):
    """What is seen in each window, (B, H-n+1, W-n+1)."""

    share: Tensor
    """λ."""
    saliency: Tensor
    """c, not normalised."""
    first: Tensor
    """Q(A,F)."""
    second: Tensor
    """Q(B,F)."""


def ssim_windows(images: LocalImages) -> Windows:
    """By the structural similarity."""
    sources = images.sources
    return Windows(sources.ssim_share, saliency(sources.first.ssim_moments, sources.second.ssim_moments), *images.ssim)


def index_windows(images: LocalImages) -> Windows:
    """By the universal quality index."""
    sources = images.sources
    saliencies = saliency(sources.first.index_moments, sources.second.index_moments)
    return Windows(sources.index_share, saliencies, *images.index)


def saliency(first: Moments, second: Moments) -> Tensor:
    """c = max(σ²_A, σ²_B)."""
    return torch.maximum(first.variance, second.variance)


def similarity(windows: Iterable[Windows]) -> Similarity:
    """The means over all windows.

    Args:
        windows: Of the images, or of each strip of them.
    """

    def sums(seen: Windows) -> list[Tensor]:
        mixed = torch.lerp(seen.second, seen.first, seen.share)
        selected = torch.maximum(seen.share * seen.first, (1 - seen.share) * seen.second)
        salient = seen.saliency
        textured = (salient.amax((1, 2)) >= rounding(salient.dtype, HIGHEST**2)).to(salient.dtype)
        maps = torch.ones_like(mixed), mixed, selected, salient, salient * mixed, salient * selected
        return [textured, *(each.sum((1, 2)) for each in maps)]

    textured, count, mixed, selected, weight, salient_mixed, salient_selected = totals(map(sums, windows))
    return Similarity(
        mixed / count,
        torch.where(textured > 0, salient_mixed / weight, mixed / count),
        torch.where(textured > 0, salient_selected / weight, selected / count),
    )
