"""Generators and twins for the conformance kit: some that conform, and others that each break one point of it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, max_pool2d, pad, softplus

WEIGHTS = "BRIDGETUNE_TEST_WEIGHTS"
"""The environment's variable that says where the weights are."""


class Good(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(6, width, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.head(self.features(torch.cat([first, second], 1)))


class Judge(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class Elaborate(nn.Module):
    """Conforms, with much that a careless kit would stumble over."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.heads = nn.ModuleList(nn.Conv2d(4, 2, 3, padding=1) for _ in range(2))
        self.frozen = nn.Conv2d(1, 1, 1).requires_grad_(False)
        for head in self.heads:
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        fine = self.features(images)
        maps = [head(x).sigmoid() for head, x in zip(self.heads, (fine, avg_pool2d(fine, 2)), strict=True)]
        return {"map": maps[0], "coarse": maps[1]}


class Sharper(nn.Module):
    """Which image has the larger second differences around here; it needs no training to know."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(100.0))
        self.laplacian = nn.Parameter(torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(3, 1, 3, 3).clone())

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        energy = [conv2d(image, self.laplacian, padding=1, groups=3).square() for image in (first, second)]
        return self.scale * avg_pool2d((energy[0] - energy[1]).mean(1, keepdim=True), 9, stride=1, padding=4)


def sharper_weights() -> Path:
    """The weights that the plugin ships."""
    return Path(os.environ[WEIGHTS])


class Halved(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return interpolate(max_pool2d(super().forward(first, second), 2), scale_factor=2)


class Double(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second).double()


class Standardised(Good):
    def forward(self, *images: Tensor) -> Tensor:
        axes = (1, 2, 3)
        return super().forward(*((x - x.mean(axes, keepdim=True)) / x.std(axes, keepdim=True) for x in images))


class Sigmoid(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second).sigmoid()


class Softplus(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return softplus(super().forward(first, second))


class Unbounded(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second) + 0.5


class HalfBlind(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, first)


class Symmetric(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first + second, first * second)


class Detached(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.head(self.features(torch.cat([first, second], 1)).detach())


class Leftover(Good):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(3, 3)


class Edges(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        features = self.features(torch.cat([first, second], 1))
        return self.head(pad(features.diff(dim=-1).square().sqrt(), (0, 1)))


class Drifting(Good):
    calls = 0

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(first, second) + 1e-6 * self.calls


class BatchCentred(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        logits = super().forward(first, second)
        return logits - logits.mean((0, 2, 3), keepdim=True)


class Unsaved(Good):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("offset", torch.randn(1), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second) + self.offset


class Cancelling(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return super().forward(first, second) + 100 - 100


class Counting(Good):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(first, second)


class Waking(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.features.train()
        return super().forward(first, second)


class Gambling(Good):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        random.random()
        return super().forward(first, second)


class Meddling(Good):
    def __init__(self) -> None:
        super().__init__()
        torch.backends.cudnn.benchmark = True


class Sorting(Good):
    def __init__(self, widths: list[int]) -> None:
        widths.sort()
        super().__init__(widths[-1])


class Indifferent(Good):
    def __init__(self, **options: Any) -> None:
        super().__init__()


class Pooling(Judge):
    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).mean((2, 3))


class Deaf(Judge):
    def forward(self, image: Tensor) -> Tensor:
        return super().forward(torch.ones_like(image))


class HalfUsed(Judge):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(3, 3)


ONLY_JUDGE = Judge()


def same_judge() -> Judge:
    return ONLY_JUDGE
