"""Q^{AB/F}: how much of the sources' edges the fused image keeps.

Xydeas and Petrović, Electronics Letters 36, 2000; Eq. 19. Constants and limits as in the toolbox of
Z. Liu et al., TPAMI 34, 2012.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from bridgetune.metrics.strips import totals

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import ScoredImages
    from bridgetune.metrics.local import Part

MARGIN = 1
"""Rows that Sobel's filters see beyond a pixel's."""

TINY = 1e-5
"""Stands for a gradient of 0."""

STRENGTH_SLOPE, STRENGTH_CENTRE = -10, 0.5
ANGLE_SLOPE, ANGLE_CENTRE = -20, 0.75


def qabf_weighted(images: ScoredImages) -> Tensor:
    """Q^{AB/F}: edges kept, summed over pixels and divided by the sum of weights; in [0, 0.98666]. Eq. 19.

    0.98666 where F = A = B, images of one level included: the two sigmoids at their best. The sources may change
    places, but for the fused image's flat pixels, which count to 1e-6.
    """
    return images.kept_edges.weighted


def qabf_mean(images: ScoredImages) -> Tensor:
    """Q^{AB/F} as the toolbox returns it: the mean over pixels. Otherwise see `qabf_weighted`."""
    return images.kept_edges.mean


class Gradients(NamedTuple):
    """Sobel gradients, each (B, H, W)."""

    raw_strength: Tensor
    strength: Tensor
    """The same, 1e-5 where it is 0."""
    angle: Tensor
    """From -π/2 to π/2."""


class Preservation(NamedTuple):
    """Per pixel (B, H, W): Q_A·w_A + Q_B·w_B, and w_A + w_B."""

    weighted: Tensor
    weight: Tensor


class KeptEdges(NamedTuple):
    """The two scores, each (B,)."""

    weighted: Tensor
    mean: Tensor


def gradients(levels: Tensor) -> Gradients:
    """Of images (B, H, W), with zeros beyond the edges."""
    padded = pad(levels, (1, 1, 1, 1))
    smooth = padded[:, :-2] + padded[:, 2:] + 2 * padded[:, 1:-1]
    across = smooth[..., 2:] - smooth[..., :-2]
    smooth = padded[..., :-2] + padded[..., 2:] + 2 * padded[..., 1:-1]
    down = smooth[:, 2:] - smooth[:, :-2]
    strength = (across.square() + down.square()).sqrt_()
    angle = (down / _without_zero(across)).atan_()
    return Gradients(strength, _without_zero(strength), angle)


def preservation(first: Gradients, second: Gradients, fused: Gradients) -> Preservation:
    """The edges of both sources that the fused image keeps, weighted by their strength."""
    # The toolbox sees a fused gradient of 0 as 0 against the first source, and as 1e-5 from then on.
    kept_first = _kept(first, fused, fused.raw_strength)
    kept_second = _kept(second, fused, fused.strength)
    weighted = torch.addcmul(kept_first.mul_(first.strength), kept_second, second.strength)
    return Preservation(weighted, first.strength + second.strength)


def kept_edges(parts: Iterable[Part]) -> KeptEdges:
    """The sum over pixels divided by the sum of weights, and the mean of what each pixel comes to.

    Args:
        parts: Of the images, `MARGIN` rows around them.
    """

    def sums(part: Part) -> list[Tensor]:
        weighted, weight = (plane[:, part.inner] for plane in part.images.preservation)
        shares = weighted / weight
        return [each.sum((1, 2)) for each in (weighted, weight, shares, torch.ones_like(shares))]

    weighted, weight, shares, pixels = totals(map(sums, parts))
    return KeptEdges(weighted / weight, shares / pixels)


def _kept(source: Gradients, fused: Gradients, weaker_fused: Tensor) -> Tensor:
    weaker = torch.where(source.strength > fused.strength, weaker_fused, source.strength)
    strength = weaker.div_(torch.maximum(source.strength, fused.strength))
    angle = (source.angle - fused.angle).abs_().sub_(math.pi / 2).abs_().mul_(2 / math.pi)
    kept = strength.sub_(STRENGTH_CENTRE).mul_(-STRENGTH_SLOPE).sigmoid_()
    return kept.mul_(angle.sub_(ANGLE_CENTRE).mul_(-ANGLE_SLOPE).sigmoid_())


def _without_zero(values: Tensor) -> Tensor:
    return values.masked_fill(values == 0, TINY)
