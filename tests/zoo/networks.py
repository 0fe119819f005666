"""One network for each row of the table of interfaces, and some more.

All decide by the same sharpness measure, so that they behave like trained networks: a fixed Laplacian's energy,
averaged, compared between the images, times a learnable gain.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


class Sharpness(nn.Module):
    """(B, channels, H, W) -> (B, 1, H, W): local energy of the Laplacian."""

    def __init__(self, channels: int, scale: float = 1.0) -> None:
        super().__init__()
        kernel = torch.tensor(LAPLACIAN).expand(channels, 1, 3, 3).clone() * scale
        self.kernel = nn.Parameter(kernel)
        self.channels = channels

    def forward(self, image: Tensor) -> Tensor:
        edges = conv2d(pad(image, (1, 1, 1, 1), "replicate"), self.kernel, groups=self.channels)
        return avg_pool2d(pad(edges.square().sum(1, keepdim=True), (7, 7, 7, 7), "replicate"), 15, stride=1)


class Animal(nn.Module):
    """A network of the zoo: `score` is positive where the first image is sharper."""

    channels = 3

    def __init__(self) -> None:
        super().__init__()
        self.sharpness = Sharpness(self.channels)
        self.gain = nn.Parameter(torch.tensor(3.0))

    def score(self, first: Tensor, second: Tensor) -> Tensor:
        logs = [torch.log(self.sharpness(image) + 1e-6) for image in (first, second)]
        return self.gain * (logs[0] - logs[1])

    def halves(self, stacked: Tensor) -> tuple[Tensor, Tensor]:
        return stacked[:, : self.channels], stacked[:, self.channels :]


class BridgeMFFLike(Animal):
    """f(a, b) -> sigmoid; sides must divide by 32."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if a.shape[-1] % 32 or a.shape[-2] % 32:
            raise RuntimeError("sizes of tensors must match")
        return torch.sigmoid(self.score(a, b))


class MSFINLike(Animal):
    """f(cat6) -> four sigmoids, from fine to coarse."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        score = self.score(*self.halves(x))
        return tuple(
            torch.sigmoid(score if size == 1 else avg_pool2d(score, size, ceil_mode=True)) for size in (1, 2, 4, 8)
        )


class DRPLLike(Animal):
    """f(cat6) -> two-channel sigmoid, a map of either image."""

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(*self.halves(x))
        return torch.sigmoid(torch.cat([score, -0.8 * score], 1))


class GACNLike(Animal):
    """f(a, b), gray -> (nearly hard map, smoothed map): two maps."""

    channels = 1

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        hard = torch.sigmoid(1000 * self.score(a, b))
        return hard, avg_pool2d(pad(hard, (4, 4, 4, 4), "replicate"), 9, stride=1)


class MFIFGANLike(Animal):
    """f(a, b) -> sigmoid, of an image padded to a multiple of 4: larger than what came in."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        below, right = -a.shape[-2] % 4, -a.shape[-1] % 4
        return torch.sigmoid(self.score(*(pad(image, (0, right, 0, below), "replicate") for image in (a, b))))


class MFFTLike(Animal):
    """f(a, b) -> (fused image, map)."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        map_ = torch.sigmoid(self.score(a, b))
        return a * map_ + b * (1 - map_), map_


class MMFNetLike(Animal):
    """f(cat6) -> four channels: a linear map in about [0, 1], and the fused image."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.halves(x)
        score = self.score(a, b)
        map_ = 0.5 + 0.5 * score / (1 + score.abs())
        return torch.cat([map_, a * map_ + b * (1 - map_)], 1)


class LiuCNNLike(Animal):
    """f(a, b), gray -> two-channel logits, the first image's in channel 1."""

    channels = 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        score = self.score(a, b)
        return torch.cat([-score, score], 1)


class SMFuseLike(Animal):
    """f(a, b) -> tanh/2 + 0.5, high where the second image is in focus."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.tanh(-self.score(a, b)) / 2 + 0.5


class FRPLike(Animal):
    """f(x, y) of one channel -> twelve outputs, the first of them the map."""

    channels = 1

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        features = [torch.sin(number * (x + y) * self.gain) for number in range(1, 12)]
        return torch.sigmoid(self.score(x, y)), *features


class SESFLike(Animal):
    """f('fuse', a, b), gray, inside no_grad -> numpy."""

    channels = 1

    def forward(self, phase: str, img1: Tensor, img2: Tensor) -> Any:
        if phase == "fuse":
            with torch.no_grad():
                return (self.score(img1, img2) > 0).numpy()
        raise ValueError(phase)


class BlindLike(Animal):
    """A sigmoid, computed under no_grad."""

    @torch.no_grad()
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(self.score(a, b))


class ECNNLike(Animal):
    """Decides a patch at a time and returns votes."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        score = max_pool2d(self.score(a, b), 32)
        return torch.cat([score, -score], 1).argmax(1).flatten(1).float()


class ArgmaxLike(Animal):
    """A map of the right size, decided by argmax."""

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(*self.halves(x))
        return torch.cat([-score, score], 1).argmax(1, keepdim=True).float()


class ThresholdLike(Animal):
    """A map of the right size, cut at one half."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (torch.sigmoid(self.score(a, b)) > 0.5).float()


class ZMFFLike(Animal):
    """Optimises a map for each pair, starting from nothing."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        map_ = torch.zeros_like(a[:, :1], requires_grad=True)
        optimizer = torch.optim.SGD([map_], lr=1.0)
        (torch.sigmoid(map_) - torch.sigmoid(self.score(a, b)).detach()).square().sum().backward()
        optimizer.step()
        return torch.sigmoid(map_) * self.gain


class IFCNNLike(Animal):
    """f(a, b) -> the fused image, no map."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        map_ = torch.sigmoid(self.score(a, b))
        return a * map_ + b * (1 - map_)


class GrayFusionLike(Animal):
    """f(a, b), gray -> the fused gray image: one channel, and yet no map."""

    channels = 1

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        map_ = torch.sigmoid(self.score(a, b))
        return a * map_ + b * (1 - map_)


class DictionaryLike(Animal):
    """f(a, b) -> {"fused": image, "mask": logits}."""

    def forward(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        score = self.score(a, b)
        map_ = torch.sigmoid(score)
        return {"fused": a * map_ + b * (1 - map_), "mask": score}


class SwappedLike(Animal):
    """f(a, b) -> logits, high where the second image is in focus."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return -self.score(a, b)


class TanhLike(Animal):
    """f(a, b) -> tanh."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.tanh(self.score(a, b))


class SoftmaxLike(Animal):
    """f(cat6) -> softmax over two channels."""

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(*self.halves(x))
        return torch.softmax(torch.cat([score, -score], 1), 1)


class LogSoftmaxLike(Animal):
    """f(cat6) -> log-softmax over two channels."""

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(*self.halves(x))
        return torch.log_softmax(torch.cat([score, -score], 1), 1)


class PhaseLike(Animal):
    """f('fuse', a, b) -> logits."""

    def forward(self, phase: str, a: Tensor, b: Tensor) -> Tensor:
        if phase == "train":
            return self.sharpness(a)[..., ::2, ::2]
        if phase == "fuse":
            return self.score(a, b)
        raise ValueError(f"unknown phase {phase}")


class KeywordLike(Animal):
    """f(*, near, far) -> logits."""

    def forward(self, *, near: Tensor, far: Tensor) -> Tensor:
        return self.score(near, far)


class ChannelsLastLike(Animal):
    """f(a, b) of (B, H, W, 3) -> (B, H, W, 1) sigmoid."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if a.shape[-1] != 3:
            raise ValueError("expected channels last")
        score = self.score(a.permute(0, 3, 1, 2), b.permute(0, 3, 1, 2))
        return torch.sigmoid(score).permute(0, 2, 3, 1)


class NoChannelAxisLike(Animal):
    """f(a, b) -> (B, H, W) sigmoid."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(self.score(a, b))[:, 0]


class LinearProbabilityLike(Animal):
    """f(cat6) -> a linear map that was trained to be near 0 and 1."""

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(*self.halves(x))
        return 0.5 + 0.5 * score / (0.05 + score.abs())


class FixedSizeLike(Animal):
    """Takes 256×256 and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 1, 256, 256))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.sigmoid(self.score(a, b) + self.position)


class TwoWaysLike(Animal):
    """f(a, b), or f(cat6): it takes both."""

    def forward(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        return torch.sigmoid(self.score(a, b) if b is not None else self.score(*self.halves(a)))


class UntrainedUNet(nn.Module):
    """Fresh layers with BatchNorm and dropout: nothing to see an orientation by."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.MaxPool2d(4),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=4),
            nn.Conv2d(8, 1, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
