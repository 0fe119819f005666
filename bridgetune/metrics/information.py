"""Q_MI: what the fused image tells of the sources, by its histogram.

Hossny et al., Electronics Letters 44, 2008; Eq. 20.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import ScoredImages

BINS = 256


def q_mi(images: ScoredImages) -> Tensor:
    """Q_MI: normalised mutual information of the fused image and either source, in [0, 2]. Eq. 20.

    2 where F = A = B. An image of one level shares nothing with one of several (0), and all with one of one level (its
    half of the score is 1). Symmetric in the sources.
    """
    fused = images.fused.stretched
    from_first = shared_information(images.first.stretched, fused)
    return from_first + shared_information(images.second.stretched, fused)


def shared_information(source: Tensor, fused: Tensor) -> Tensor:
    """2·MI/(H + H) of two images, in [0, 1]; 1 where both are of one level, where the definition is 0/0.

    Args:
        source, fused: (B, H, W) whole numbers from 0 to 255.

    Returns:
        (B,).
    """
    pairs = (source * BINS + fused).long().flatten(1)
    joint = torch.stack([torch.bincount(pair, minlength=BINS**2) for pair in pairs]).to(source.dtype)
    joint = joint.view(-1, BINS, BINS) / pairs.shape[1]
    apart = _entropy(joint.sum(2)) + _entropy(joint.sum(1))
    mutual = apart - _entropy(joint.flatten(1))
    return torch.where(apart > 0, 2 * mutual / apart, 1)


def _entropy(shares: Tensor) -> Tensor:
    """In bits, (B, bins) -> (B,)."""
    nats: Tensor = torch.special.xlogy(shares, shares).sum(1)
    return nats / -math.log(2)
