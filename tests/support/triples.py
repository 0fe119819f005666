"""Sources and fused images that need no file."""

from __future__ import annotations

import functools

import torch
from torch import Tensor


def triple(count: int = 2, seed: int = 0) -> list[Tensor]:
    """Two sources and a fused image of noise, (count, 3, 20, 24)."""
    random = torch.Generator().manual_seed(seed)
    return [torch.rand(count, 3, 20, 24, generator=random) for _ in range(3)]


@functools.cache
def batch() -> tuple[Tensor, Tensor, Tensor]:
    """Three colour triples: two of noise, and one flat source."""
    random = torch.Generator().manual_seed(1)
    first, second = (torch.rand(3, 3, 33, 26, generator=random) for _ in range(2))
    first[2] = 0.25
    return first, second, (first + second) / 2
