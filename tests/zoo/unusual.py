"""Networks that are called, built or answer otherwise than those of the table of interfaces; some draw no map."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from tests.zoo.networks import Animal, Sharpness


class ListLike(Animal):
    """f([a, b]) -> sigmoid."""

    def forward(self, images: list[Tensor]) -> Tensor:
        one, two = images
        return torch.sigmoid(self.score(one, two))


class DictionaryOfImagesLike(Animal):
    """f({"near": a, "far": b}) -> logits."""

    def forward(self, images: dict[str, Tensor]) -> Tensor:
        return self.score(images["near"], images["far"])


class StackLike(Animal):
    """f of (B, 2, C, H, W) -> logits."""

    def forward(self, frames: Tensor) -> Tensor:
        _, count, *_ = frames.shape
        if frames.ndim != 5 or count != 2:
            raise ValueError("expected (B, 2, C, H, W)")
        return self.score(frames[:, 0], frames[:, 1])


class StackedChannelsLike(Animal):
    """f of (B, C, 2, H, W) -> logits."""

    def forward(self, frames: Tensor) -> Tensor:
        if frames.ndim != 5 or frames.shape[2] != 2:
            raise ValueError("expected (B, C, 2, H, W)")
        return self.score(frames[:, :, 0], frames[:, :, 1])


class BatchLike(Animal):
    """f of (2B, 1, H, W), the first images first -> (B, 2, H, W) logits."""

    channels = 1

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[1] != 1:
            raise ValueError("expected gray images")
        first, second = images.chunk(2)
        score = self.score(first, second)
        return torch.cat([score, -score], 1)


class EachLike(Animal):
    """f(a) -> how sharp it is, pixel by pixel."""

    def forward(self, image: Tensor) -> Tensor:
        return self.gain * torch.log(self.sharpness(image) + 1e-6)


class GuidedLike(Animal):
    """f(a, b, guidance) -> logits; guidance may be None, but it must be said."""

    def forward(self, a: Tensor, b: Tensor, guidance: Tensor | None) -> Tensor:
        score = self.score(a, b)
        return score if guidance is None else score + guidance.mean()


class PriorLike(Animal):
    """f(cat6, prior) -> sigmoid; the prior is a map to begin with."""

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        if prior.shape[1] != 1:
            raise ValueError("expected a map")
        return torch.sigmoid(self.score(*self.halves(x)) + prior)


class MapOfEachLike(Animal):
    """f(a, b) -> (map of a, map of b, a picture), by heads of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Parameter(torch.tensor(1.5))
        self.own = Sharpness(3)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_first = torch.sigmoid(self.score(a, b))
        logs = [torch.log(avg_pool2d(self.own(image), 5, 1, 2) + 1e-6) for image in (b, a)]
        of_second = torch.sigmoid(self.other * torch.tanh(logs[0] - logs[1] + 0.4))
        return of_first, of_second, of_first * a + (1 - of_first) * b


class ManyLike(Animal):
    """f(x, y), gray -> one decision six times over: maps, what they leave, an inner layer, the picture."""

    channels = 1

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        inner = self.score(x, y)
        wx = torch.sigmoid(inner)
        return wx, 1 - wx, wx, 1 - wx, inner, wx * x + (1 - wx) * y, wx


class FaintPictureLike(Animal):
    """f(a, b) -> a map with a thousandth of the picture in it."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(self.score(a, b)) * 0.998 + 0.001 * (a + b).mean(1, keepdim=True)


class ThreeAlikeLike(Animal):
    """f(a, b) -> its map in three channels, to be multiplied with an image."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(self.score(a, b)).repeat(1, 3, 1, 1)


class CoarseLike(Animal):
    """f(a, b) -> a map of a quarter of the sides."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(avg_pool2d(self.score(a, b), 4))


class PatchLike(Animal):
    """f(a, b) of gray patches of 16×16 -> two logits for each, after a layer that takes no other size."""

    channels = 1

    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Linear(16 * 16, 2, bias=False)
        with torch.no_grad():
            self.judge.weight.copy_(torch.tensor([[1.0], [-1.0]]).expand(2, 256) / 256)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.judge(self.score(a, b).flatten(1))


class LazyLike(Animal):
    """f(cat6) -> logits, by a layer that learns how many channels it has when it is first called."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.LazyConv2d(1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        known = not isinstance(self.mix.weight, nn.UninitializedParameter)
        score = self.score(*self.halves(x))
        mixed = self.mix(torch.cat([score, score * 0], 1))
        if not known:
            with torch.no_grad():
                self.mix.weight.fill_(1.0)
        return mixed if known else score


class BuildingLike(Animal):
    """f(a, b) -> logits, by a layer that is built when it is first called."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if not hasattr(self, "last"):
            self.last = nn.Conv2d(1, 1, 1)
            nn.init.ones_(self.last.weight)
            nn.init.zeros_(self.last.bias)
        return self.last(self.score(a, b))


class KeepingLike(Animal):
    """f(a, b) -> sigmoid; keeps what it saw on the way, in an attribute, a list and a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[torch.Size] = []
        self.seen: dict[str, Tensor] = {}

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        self.attention = torch.sigmoid(self.score(a, b))
        self.shapes.append(a.shape)
        self.seen["map"] = self.attention
        return self.attention


class OddChannel(nn.Module):
    """f(a, b) -> a picture whose red channel is an edge filter's."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 3, padding=1)
        with torch.no_grad():
            self.mix.weight.zero_()
            self.mix.bias.zero_()
            for channel in (1, 2):
                self.mix.weight[channel, channel, 1, 1] = 1
            self.mix.weight[0, 0, 1] = torch.tensor([-0.9, 1, 0])

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(4 * (self.mix(torch.maximum(a, b)) - 0.5))


class AutoEncoder(nn.Module):
    """f(image) -> the image; what fuses is elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image)


class PhaseWordHard(Animal):
    """f(phase, a, b), gray: `train` looks at the first image alone, `fuse` makes a hard map in numpy."""

    channels = 1

    def forward(self, phase: str, first: Tensor, second: Tensor | None = None) -> Any:
        if phase == "train":
            return self.sharpness(first)
        if phase == "fuse":
            with torch.no_grad():
                return (self.score(first, second) > 0).squeeze().numpy().astype(int)
        raise ValueError(phase)


class TimeLike(Animal):
    """f(cat6, t) -> noise; a step of a diffusion model."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if t.ndim != 1:
            raise ValueError("expected a step for each of the batch")
        return x * t.view(-1, 1, 1, 1)


class UntrainedMapAndImage(nn.Module):
    """f(cat6) -> four channels: a linear map that stands for a probability, and a fused image that is none yet."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        self.refine = nn.Conv2d(7, 3, 3, padding=1)
        for layer in (self.map[0], self.map[2], self.refine):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data *= 3

    def forward(self, pair: Tensor) -> Tensor:
        share = self.map(pair)
        fused = share * pair[:, :3] + (1 - share) * pair[:, 3:]
        return torch.cat([share, fused + self.refine(torch.cat([pair, share], 1))], 1)
