"""Networks that take any number of images, and two that seem to; and some that are told a word behind the images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tests.zoo.networks import Animal


class Sharpest(Animal):
    """`logs` says how sharp each of some images is."""

    def logs(self, images: Sequence[Tensor]) -> Tensor:
        return self.gain * torch.cat([torch.log(self.sharpness(image) + 1e-6) for image in images], 1)


class ListOfAnyLike(Sharpest):
    """f([a, b, …]) -> a channel of logits for each."""

    def forward(self, images: list[Tensor]) -> Tensor:
        return self.logs(images)


class MapsOfAnyLike(Sharpest):
    """f([a, b, …]) -> a map of each, in a list."""

    def forward(self, images: list[Tensor]) -> list[Tensor]:
        return list(self.logs(images).softmax(1).split(1, 1))


class StackOfAnyLike(Sharpest):
    """f of (B, N, C, H, W) -> (B, N, 1, H, W) probabilities."""

    def forward(self, frames: Tensor) -> Tensor:
        return self.logs(frames.unbind(1)).softmax(1).unsqueeze(2)


class FusesAnyLike(Sharpest):
    """f(a, b, …) -> the fused image, no map."""

    def forward(self, *images: Tensor) -> Tensor:
        return (self.logs(images).softmax(1).unsqueeze(2) * torch.stack(images, 1)).sum(1)


class FirstTwoLike(Sharpest):
    """f([a, b, …]) -> two channels of logits, whatever else there is."""

    def forward(self, images: list[Tensor]) -> Tensor:
        return self.logs(images[:2])


class LastIsAGuideLike(Sharpest):
    """f([a, b]) or f([a, b, guide]) -> three channels, the third of which is never the highest."""

    def forward(self, images: list[Tensor]) -> Tensor:
        found = self.logs(images[:2])
        guide = [found.amin(1, keepdim=True) - image.mean(1, keepdim=True) for image in images[2:]]
        return torch.cat([found, *guide], 1)


class StagedLike(Animal):
    """f(a, b, stage), of which `test` draws the map."""

    def forward(self, a: Tensor, b: Tensor, stage: str) -> Tensor:
        if stage == "train":
            return self.score(a, b).mean()
        if stage == "test":
            return torch.sigmoid(self.score(a, b))
        raise KeyError(stage)


class FlaggedLike(Animal):
    """f(cat6, drawn), which draws the map where that is so."""

    def forward(self, pair: Tensor, drawn: bool) -> Tensor:
        if type(drawn) is not bool:
            raise TypeError(f"expected a truth value, got {type(drawn).__name__}")
        score = self.score(*self.halves(pair))
        return score if drawn else score.mean()


class NumberedLike(Animal):
    """f(a, b, way), of which 1 draws the map."""

    def forward(self, a: Tensor, b: Tensor, way: int) -> Tensor:
        if type(way) is not int:
            raise TypeError(f"expected a number, got {type(way).__name__}")
        return self.score(a, b) if way == 1 else self.score(a, b).mean()
