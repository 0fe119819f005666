"""Image synthesis of BridgeTune, Eq. 1-4, and the fused image, Eq. 17-18, as pure functions.

Images are (B, C, H, W) float, logits (B, 1, H, W); M = sigmoid(logits) is the focus map of the first image.
Source: Xie et al., Computers and Electrical Engineering 123, 2025, 110238.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Syntheses(NamedTuple):
    """The four synthesised images of a pair, each (B, C, H, W)."""

    clear_first: Tensor
    """s_c1 = M·I1 + (1-M)·Ic, Eq. 1"""
    clear_second: Tensor
    """s_c2 = (1-M)·I2 + M·Ic, Eq. 2"""
    blurred_first: Tensor
    """s_b1 = (1-M)·I1 + M·Ib, Eq. 3"""
    blurred_second: Tensor
    """s_b2 = M·I2 + (1-M)·Ib, Eq. 4"""


def blend(logits: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
    """M·inside + (1-M)·outside with M = sigmoid(logits), exact at both ends.

    The smaller of M and 1-M is computed, never the difference from 1, so that a saturated map keeps its
    gradient where float32 would round M to 1.

    Args:
        logits: (B, 1, H, W).
        inside, outside: (B, C, H, W), any range.

    Returns:
        (B, C, H, W) in the range of the images.
    """
    within = logits >= 0
    smaller = torch.sigmoid(torch.where(within, -logits, logits))
    inwards = torch.where(within, -smaller, smaller)
    return torch.addcmul(torch.where(within, inside, outside), inwards, inside - outside)


def synthesize(first: Tensor, second: Tensor, logits: Tensor, clear: Tensor, blurred: Tensor) -> Syntheses:
    """Paste what M calls clear into a clear reference and what it calls blurred into a blurred one, Eq. 1-4.

    Args:
        first, second: The source pair I1, I2, (B, C, H, W).
        logits: Mask logits of the generator, (B, 1, H, W).
        clear, blurred: Unrelated references Ic, Ib, (B, C, H, W).
    """
    return Syntheses(
        clear_first=blend(logits, first, clear),
        clear_second=blend(logits, clear, second),
        blurred_first=blend(logits, blurred, first),
        blurred_second=blend(logits, second, blurred),
    )


def decision_map(logits: Tensor) -> Tensor:
    """D = 1 where sigmoid(logits) >= 0.5, else 0, in the logits' dtype and shape. Eq. 17."""
    return (logits >= 0).to(logits.dtype)


def fuse(first: Tensor, second: Tensor, decision: Tensor) -> Tensor:
    """I1·D + I2·(1-D), (B, C, H, W). Eq. 18.

    Args:
        first, second: The source pair, (B, C, H, W).
        decision: (B, 1, H, W) in [0, 1].
    """
    return first * decision + second * (1 - decision)
