"""Q_MI: what the fused image tells of the sources, by its histogram.

Hossny et al., Electronics Letters 44, 2008; Eq. 20.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bridgetune.metrics.strips import strips

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import Features, ScoredImages

BINS = 256


def q_mi(images: ScoredImages) -> Tensor:
    """Q_MI: normalised mutual information of the fused image and either source, in [0, 2]. Eq. 20.

    2 where F = A = B. An image of one level shares nothing with one of several (0), and all with one of one level (its
    half of the score is 1). Symmetric in the sources.
    """
    return shared_information(images.first, images.fused) + shared_information(images.second, images.fused)


def shared_information(source: Features, fused: Features) -> Tensor:
    """2·MI/(H + H) of the stretched levels of two images, (B,) in [0, 1].

    1 where both are of one level, where the definition is 0/0.
    """
    shades = zip(source.shades, fused.shades, source.stretching, fused.stretching, strict=True)
    joint = torch.stack([_joint(*each) for each in shades]).to(source.dtype)
    joint = joint / source.shades[0].numel()
    apart = _entropy(joint.sum(2)) + _entropy(joint.sum(1))
    mutual = apart - _entropy(joint.flatten(1))
    return torch.where(apart > 0, 2 * mutual / apart, 1)


def _joint(source: Tensor, fused: Tensor, source_stretching: Tensor, fused_stretching: Tensor) -> Tensor:
    """How often two levels meet, (BINS, BINS), of shades (H, W) uint8 and what each stretches to, (BINS,)."""
    counts = torch.zeros(BINS**2, dtype=torch.int64, device=source.device)
    for strip in strips(*source.shape):
        pairs = source[strip.rows].int().mul_(BINS).add_(fused[strip.rows]).flatten()
        counts += torch.bincount(pairs, minlength=BINS**2)
    places = source_stretching.long()[:, None] * BINS + fused_stretching.long()
    return torch.zeros_like(counts).index_add_(0, places.flatten(), counts).view(BINS, BINS)


def _entropy(shares: Tensor) -> Tensor:
    """In bits, (B, bins) -> (B,)."""
    nats: Tensor = torch.special.xlogy(shares, shares).sum(1)
    return nats / -math.log(2)
