"""Q^P: correlation of the fused image's phase features with the sources'.

Zhao et al., IJISTA 2, 2007; Eq. 21 with all exponents 1, as the toolbox of Z. Liu et al., TPAMI 34, 2012, has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from bridgetune.metrics.filters import SSIM_WINDOW, covariance, filtered_same
from bridgetune.metrics.phase import PhaseFeatures
from bridgetune.metrics.strips import is_large, strips, totals

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import ScoredImages

FEATURE = 0.1
"""Phase congruency above this is a feature."""
SMALL = 1e-4


def q_p(images: ScoredImages) -> Tensor:
    """Q^P: correlation of phase congruency, maximum and minimum moment with the sources', and their product. Eq. 21.

    Below 1 even where F = A = B: the sources' features are masked, the fused ones are not. 1 where neither source has
    a feature, images of one level, say. Symmetric in the sources where their phase congruencies are not equal.
    `responses`: see `SourcePair`.
    """
    if not is_large(*images.fused.shades.shape[1:]):
        found = zip(images.sources.phase_features, images.fused.phase, strict=True)
        return torch.stack(
            [kept_features([Part(sources, local(stacked(fused, images.fused.dtype)))]) for sources, fused in found]
        )
    return torch.stack([kept_features(_strips(images, number)) for number in range(len(images.fused.shades))])


def _strips(images: ScoredImages, number: int) -> Iterator[Part]:
    """One of large images, strip by strip."""
    dtype = images.fused.dtype
    first, second = images.first.phase[number], images.second.phase[number]
    fused = images.fused.phase_of(number)  # not kept: the sources' serve the next fused image, its own do not
    margin = len(SSIM_WINDOW) // 2
    height, width = fused.congruency.shape
    for strip in strips(height, width, margin, margin):
        seen = [PhaseFeatures(*(feature[strip.seen] for feature in each)) for each in (first, second, fused)]
        yield Part(source_features(seen[0], seen[1], dtype), local(stacked(seen[2], dtype)), strip.inner)


class Local(NamedTuple):
    """Features with their local statistics, each (3, H, W): congruency, maximum and minimum moment."""

    features: Tensor
    mean: Tensor
    variance: Tensor


class SourceFeatures(NamedTuple):
    """One source's features, or the greater of both sources', inside their own mask."""

    mask: Tensor
    """(H, W) bool."""
    inside: Local
    """0 outside the mask."""


class Part(NamedTuple):
    """Features of one image's rows, or of all."""

    sources: tuple[SourceFeatures, ...]
    fused: Local
    inner: slice = slice(None)
    """The rows that count."""


def stacked(features: PhaseFeatures, dtype: torch.dtype) -> Tensor:
    """(3, H, W)."""
    return torch.stack(list(features)).to(dtype)


def local(features: Tensor) -> Local:
    """Of features (3, H, W)."""
    mean, square = filtered_same(torch.stack([features, features.square()]), SSIM_WINDOW)
    return Local(features, mean, covariance(square, mean, mean))


def source_features(first: PhaseFeatures, second: PhaseFeatures, dtype: torch.dtype) -> tuple[SourceFeatures, ...]:
    """The first source, the second, and for each pixel the one of greater phase congruency."""
    of_first, of_second = (stacked(features, dtype) for features in (first, second))
    stacks = of_first, of_second, torch.where(of_first[0] > of_second[0], of_first, of_second)
    masks = [stack[0] > FEATURE for stack in stacks]
    return tuple(SourceFeatures(mask, local(stack * mask)) for stack, mask in zip(stacks, masks, strict=True))


def kept_features(parts: Iterable[Part]) -> Tensor:
    """P_p·P_M·P_m, a scalar: at each pixel the best of three correlations, its sum over the number of features.

    Where neither source has a feature it is 1, which is what the formula gives for a flat feature against any.
    """

    def sums(part: Part) -> list[Tensor]:
        best = torch.zeros_like(part.fused.mean)
        for number, source in enumerate(part.sources):
            found = _correlation(source.inside, part.fused).mul_(source.mask)
            best = found if number == 0 else torch.maximum(best, found)
        return [best[:, part.inner].sum((1, 2)), part.sources[-1].mask[part.inner].sum()]

    best, either = totals(map(sums, parts))
    return (best / either).prod() if either else best.new_ones(())


def _correlation(source: Local, fused: Local) -> Tensor:
    shared = covariance(filtered_same(source.features * fused.features, SSIM_WINDOW), source.mean, fused.mean)
    deviations = (source.variance * fused.variance).abs_().sqrt_()
    return shared.add_(SMALL).div_(deviations.add_(SMALL))
