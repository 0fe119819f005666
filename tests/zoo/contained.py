"""Networks whose map lies in a container in another, or that take one that they look into in ways of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tests.zoo.networks import Animal


@dataclass
class Answer:
    fused: Tensor
    map: Tensor


class DataclassLike(Animal):
    """f(a, b) -> a dataclass with a map."""

    def forward(self, a: Tensor, b: Tensor) -> Answer:
        share = torch.sigmoid(self.score(a, b))
        return Answer(share * a + (1 - share) * b, share)


class NestedLike(Animal):
    """f(a, b) -> the fused image, and a list of the map and what it leaves."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, list[Tensor]]:
        share = torch.sigmoid(self.score(a, b))
        return share * a + (1 - share) * b, [share, 1 - share]


class DeepLike(Animal):
    """f(a, b) -> a dictionary in a dictionary."""

    def forward(self, a: Tensor, b: Tensor) -> dict[str, Any]:
        return {"outputs": {"map": self.score(a, b), "name": "it"}, "loss": None}


class GettingLike(Animal):
    """f({"near": a, "far": b}) -> logits; a mask is not needed."""

    def forward(self, images: dict[str, Tensor]) -> Tensor:
        score = self.score(images.get("near"), images.pop("far"))
        mask = images.get("mask")
        return score if mask is None else score * mask


class WeighedLike(Animal):
    """f(a, b, weight) -> logits, times a number."""

    def forward(self, a: Tensor, b: Tensor, weight: Any) -> Tensor:
        return self.score(a, b) * weight


class IndexLike(Animal):
    """f of (B, N, C, H, W) -> which image, as a whole number."""

    def forward(self, frames: Tensor) -> Tensor:
        logs = [torch.log(self.sharpness(frame) + 1e-6) for frame in frames.unbind(1)]
        return (self.gain * torch.cat(logs, 1)).argmax(1, keepdim=True)
