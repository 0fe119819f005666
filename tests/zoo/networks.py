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
