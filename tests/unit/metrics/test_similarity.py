"""Q_S and Q_W by their equations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridgetune import metrics


def test_the_papers_q_s_and_q_w_are_eq_22_and_23():
    """Window by window, of which 4×4 fit."""
    random = torch.Generator().manual_seed(3)
    first, second, fused = (
        torch.randint(0, 256, (1, 1, 11, 11), generator=random, dtype=torch.uint8) for _ in range(3)
    )
    a, b, f = (image[0, 0].double().unfold(0, 8, 1).unfold(1, 8, 1).reshape(16, 64) for image in (first, second, fused))

    def index(x: Tensor, y: Tensor) -> Tensor:
        shared = ((x - x.mean(1, keepdim=True)) * (y - y.mean(1, keepdim=True))).mean(1)
        variances = x.var(1, correction=0) + y.var(1, correction=0)
        return 4 * shared * x.mean(1) * y.mean(1) / (variances * (x.mean(1) ** 2 + y.mean(1) ** 2))

    variances = a.var(1, correction=0), b.var(1, correction=0)
    share, weight = variances[0] / (variances[0] + variances[1]), torch.maximum(*variances)
    weight = weight / weight.sum()
    q_s = (weight * torch.maximum(share * index(a, f), (1 - share) * index(b, f))).sum()
    q_w = (weight * (share * index(a, f) + (1 - share) * index(b, f))).sum()
    assert float(metrics.q_s(first, second, fused, convention="paper")) == pytest.approx(float(q_s), abs=1e-12)
    assert float(metrics.q_w(first, second, fused, convention="paper")) == pytest.approx(float(q_w), abs=1e-12)
