"""The losses of BridgeTune, Eq. 5-12, and regularisers for pairs without masks, as pure functions on logits.

All logarithms are natural, all losses are to be minimised.

Probabilities never appear: log p is computed from the logit, so that every loss is finite and keeps its
gradient where a float32 probability would be exactly 0 or 1.
Source: Xie et al., Computers and Electrical Engineering 123, 2025, 110238.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus


def focal_loss(
    logits: Tensor, target: Tensor, *, gamma: float = 2.0, balance: tuple[float, float] = (1.0, 1.0)
) -> Tensor:
    """-(1-p_s)^γ · log p_s, the mean over all pixels. Eq. 8-9.

    Args:
        logits: (B, 1, H, W).
        target: (B, 1, H, W) in [0, 1]; between the two, either class counts by its share.
        gamma: γ >= 0; the larger, the less the easy pixels count.
        balance: Weights of the positive and the negative class.
    """
    positive, negative = balance
    towards_one = -torch.exp(gamma * logsigmoid(-logits)) * logsigmoid(logits)
    towards_zero = -torch.exp(gamma * logsigmoid(logits)) * logsigmoid(-logits)
    return (positive * target * towards_one + negative * (1 - target) * towards_zero).mean()


def dice_loss(
    logits: Tensor, target: Tensor, *, over: Literal["sample", "batch"] = "sample", smoothing: float = 0.0
) -> Tensor:
    """1 - 2·Σ y·p / Σ (y² + p²). Eq. 10.

    Args:
        logits: (B, 1, H, W); p = sigmoid(logits).
        target: y, (B, 1, H, W) in [0, 1].
        over: Sums over each `sample`, then the mean over the batch; or over the whole `batch`.
        smoothing: Added above and below the fraction. Without it an empty target gives 1, whatever p is.
    """
    axes = (1, 2, 3) if over == "sample" else (0, 1, 2, 3)
    probability = torch.sigmoid(logits)
    overlap = 2 * (target * probability).sum(axes) + smoothing
    total = (target.square() + probability.square()).sum(axes) + smoothing
    return (1 - overlap / total.clamp_min(torch.finfo(total.dtype).tiny)).mean()


def supervised_loss(focal: Tensor, dice: Tensor, focal_weight: float = 20.0) -> Tensor:
    """L_SUP = λ·focal + dice, λ = `focal_weight`. Eq. 11."""
    return focal_weight * focal + dice


def discriminator_loss(real: Tensor, synthesised: Iterable[Tensor]) -> Tensor:
    """-[log D(reference) + Σ log(1-D(s))], the means over the batch. Eq. 5 and 6, turned round to be minimised.

    Args:
        real: Logits of D for the reference, one an image or one a pixel, any shape.
        synthesised: Logits of D for each synthesis.
    """
    return softplus(-real).mean() + _total(softplus(scores).mean() for scores in synthesised)


def adversarial_loss(
    synthesised: Iterable[Tensor], form: Literal["non-saturating", "saturating"] = "non-saturating"
) -> Tensor:
    """L_GAN: how far the syntheses are from passing for references.

    Args:
        synthesised: Logits of the discriminators for each synthesis, any shape.
        form: `non-saturating`, Σ -log D(s) (Algorithm 1, line 21); `saturating`, Σ log(1-D(s)) (Eq. 7).
    """
    if form == "non-saturating":
        return _total(softplus(-scores).mean() for scores in synthesised)
    return _total(-softplus(scores).mean() for scores in synthesised)


def swap_consistency(logits: Tensor, swapped: Tensor) -> Tensor:
    """(M(I1, I2) + M(I2, I1) - 1)², the mean over all pixels: a map must not depend on which image comes first.

    Consistency under a transformation of the input as a loss where no label is known: Sajjadi, Javanmardi and
    Tasdizen, NeurIPS 2016.

    Args:
        logits: Of the pair, (B, 1, H, W).
        swapped: Of the pair in the other order.
    """
    return (torch.sigmoid(logits) - torch.sigmoid(-swapped)).square().mean()


def binarisation(logits: Tensor) -> Tensor:
    """-M log M - (1-M) log(1-M), the mean over all pixels, in [0, log 2]: a pixel is in focus in one image.

    Entropy minimisation: Grandvalet and Bengio, NeurIPS 2004.
    """
    return (softplus(logits) - logits * torch.sigmoid(logits)).mean()


def total_variation(logits: Tensor) -> Tensor:
    """|M(y, x+1) - M(y, x)| + |M(y+1, x) - M(y, x)|, either mean over all pixels: focus comes in regions.

    Anisotropic total variation: Rudin, Osher and Fatemi, Physica D 60, 1992.
    """
    focus = torch.sigmoid(logits)
    return focus.diff(dim=-1).abs().mean() + focus.diff(dim=-2).abs().mean()


def tuning_loss(supervised: Tensor, adversarial: Tensor, alpha: float | Tensor = 1e-4) -> Tensor:
    """L = α·L_GAN + L_SUP. Eq. 12."""
    return alpha * adversarial + supervised


def _total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()
