"""Q^P: correlation of the fused image's phase features with the sources'.

Zhao et al., IJISTA 2, 2007; Eq. 21 with all exponents 1, as the toolbox of Z. Liu et al., TPAMI 34, 2012, has it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bridgetune.metrics.filters import covariance, filtered_same, gaussian_window
from bridgetune.metrics.phase import PhaseFeatures

WINDOW = gaussian_window(11, 1.5)
FEATURE = 0.1
"""Phase congruency above this is a feature."""
SMALL = 1e-4


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


def local(features: Tensor) -> Local:
    """Of features (3, H, W)."""
    mean, square = filtered_same(torch.stack([features, features.square()]), WINDOW)
    return Local(features, mean, covariance(square, mean, mean))


def source_features(first: PhaseFeatures, second: PhaseFeatures) -> tuple[SourceFeatures, ...]:
    """The first source, the second, and for each pixel the one of greater phase congruency."""
    of_first, of_second = (torch.stack(list(features)) for features in (first, second))
    stacks = of_first, of_second, torch.where(first.congruency > second.congruency, of_first, of_second)
    masks = [stack[0] > FEATURE for stack in stacks]
    return tuple(SourceFeatures(mask, local(stack * mask)) for stack, mask in zip(stacks, masks, strict=True))


def kept_features(sources: tuple[SourceFeatures, ...], fused: Local) -> Tensor:
    """P_p·P_M·P_m, a scalar: at each pixel the best of three correlations, its sum over the number of features.

    Where neither source has a feature it is 1, which is what the formula gives for a flat feature against any.
    """
    either = sources[-1].mask.sum()
    if not either:
        return fused.mean.new_ones(())
    best = torch.zeros_like(fused.mean)
    for number, source in enumerate(sources):
        found = _correlation(source.inside, fused).mul_(source.mask)
        best = found if number == 0 else torch.maximum(best, found)
    return (best.sum((1, 2)) / either).prod()


def _correlation(source: Local, fused: Local) -> Tensor:
    shared = covariance(filtered_same(source.features * fused.features, WINDOW), source.mean, fused.mean)
    deviations = (source.variance * fused.variance).abs_().sqrt_()
    return shared.add_(SMALL).div_(deviations.add_(SMALL))
