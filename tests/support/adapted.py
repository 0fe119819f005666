"""Networks for the adapter, and a pair to show them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Recorder(nn.Module):
    """Answers with what `answer` makes of its one input, and keeps what it was called with."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.answer = answer
        self.seen: tuple[Tensor, ...] = ()

    def forward(self, *images: Tensor) -> Any:
        self.seen = images
        return self.answer(images[0] * self.scale)


def pair(height: int = 8, width: int = 8) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, height, width, generator=random), torch.rand(2, 3, height, width, generator=random)


class PairConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(6, 1, 3, padding=1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        logits: Tensor = self.layer(torch.cat([first, second], 1))
        return logits
