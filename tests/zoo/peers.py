"""Three published networks with the structure of their papers, to be wrapped as anybody's: SESF, GACN and IFCNN.

Modules are named as in the weights that their authors released, so that these fit. What fuses is written anew: SESF's
answer is the difference of the spatial frequencies, whose sign is its decision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, pad


class ChannelAttention(nn.Module):
    """Squeeze and excitation: a weight for each channel, from its mean."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 8
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean((2, 3))).sigmoid()[..., None, None]


class SpatialAttention(nn.Module):
    """A weight for each pixel, from all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Conv2d(channels, 1, 7, padding=3, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x).sigmoid()


def spatial_frequency(features: Tensor) -> Tensor:
    """Squared differences to the left and to the upper neighbour, summed over 11×11 pixels, channel by channel."""
    left = features.diff(dim=3, prepend=torch.zeros_like(features[..., :1]))
    upper = features.diff(dim=2, prepend=torch.zeros_like(features[..., :1, :]))
    return avg_pool2d(left.square() + upper.square(), 11, stride=1, padding=5) * 121


class SESF(nn.Module):
    """f(a, b) of gray images -> by how much the spatial frequency of a's features is the higher; 74 803 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = self.block(1, 16)
        self.se_f = ChannelAttention(16)
        for number in (1, 2, 3):
            self.add_module(f"conv_encode_{number}", self.block(16 * number, 16))
            self.add_module(f"se_{number}", ChannelAttention(16))
        for number, (width, out) in enumerate(((64, 64), (64, 32), (32, 16), (16, 1)), 1):
            self.add_module(f"conv_decode_{number}", self.block(width, out))

    @staticmethod
    def block(width: int, out: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(width, out, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(out))

    def encoded(self, image: Tensor) -> Tensor:
        found = [self.se_f(self.features(image))]
        for number in (1, 2, 3):
            layer, attention = getattr(self, f"conv_encode_{number}"), getattr(self, f"se_{number}")
            found.append(attention(layer(torch.cat(found, 1))))
        return torch.cat(found, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        one, other = (spatial_frequency(self.encoded(image)).sum(1, keepdim=True) for image in (a, b))
        return one - other


class GACN(nn.Module):
    """f(a, b) of gray images -> (a nearly hard map, the same, filtered at its boundary); 68 820 parameters."""

    def __init__(self) -> None:
        super().__init__()
        for number, width in enumerate((1, 16, 32, 48)):
            self.add_module(
                f"feature_extraction_conv{number}", self.block(f"feature_extraction_conv{number}", width, 16)
            )
            self.add_module(f"se_{number}", ChannelAttention(16))
        for number, (width, out) in enumerate(((64, 48), (48, 32), (32, 16), (16, 1)), 1):
            self.add_module(f"decision_path_conv{number}", self.block(f"decision_path_conv{number}", width, out))
        for number, width in enumerate((64, 48, 32, 16, 1), 4):
            self.add_module(f"se_{number}", SpatialAttention(width))

    @staticmethod
    def block(name: str, width: int, out: int) -> nn.Sequential:
        layers = nn.Sequential()
        layers.add_module(f"{name}_Conv2d", nn.Conv2d(width, out, 3, padding=1))
        layers.add_module(f"{name}_ReLU", nn.ReLU())
        layers.add_module(f"{name}_BatchNorm", nn.BatchNorm2d(out))
        return layers

    def encoded(self, image: Tensor) -> Tensor:
        found: list[Tensor] = []
        for number in range(4):
            layer, attention = getattr(self, f"feature_extraction_conv{number}"), getattr(self, f"se_{number}")
            found.append(attention(layer(torch.cat(found, 1) if found else image)))
        return spatial_frequency(torch.cat(found, 1))

    def logit(self, a: Tensor, b: Tensor) -> Tensor:
        """What the last sigmoid is taken of, a thousandth."""
        x = self.se_4(torch.sigmoid(1000 * (self.encoded(a) - self.encoded(b))))
        for number in range(1, 5):
            x = getattr(self, f"se_{number + 4}")(getattr(self, f"decision_path_conv{number}")(x))
        return x

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        map_ = torch.sigmoid(1000 * self.logit(a, b))
        return map_, boundary_filtered(map_, a, b)


def boundary_filtered(map_: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """GACN's last step: a guided filter of the map by what it fuses, where the map, blurred, is neither 0 nor 1."""
    place = torch.arange(-4, 5, dtype=map_.dtype)
    bell = torch.exp(-place.square() / (2 * 8.0**2))
    kernel = bell[:, None] * bell
    soft = conv2d(map_, (kernel / kernel.sum())[None, None], padding=4)
    settled = torch.where(soft > 0.8, soft, torch.where(soft < 0.1, 1 - soft, torch.zeros_like(soft)))
    weight = 1 - (2 * (soft * settled + (1 - settled) / 2) - 1).abs()
    guide = map_ * a + (1 - map_) * b

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, 7, stride=1, padding=3, count_include_pad=False)

    of_guide, of_map = mean(guide), mean(map_)
    slope = (mean(guide * map_) - of_guide * of_map) / (mean(guide * guide) - of_guide.square() + 0.1)
    guided = mean(slope) * guide + mean(of_map - slope * of_guide)
    return weight * guided + (1 - weight) * map_


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 64, 3, bias=False)
        self.bn = nn.BatchNorm2d(64)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(pad(x, (1, 1, 1, 1), "replicate"))).relu()


class IFCNN(nn.Module):
    """f(a, b) -> the fused image, by the greater of both images' features; 83 587 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, bias=False)
        self.conv2, self.conv3 = _Block(), _Block()
        self.conv4 = nn.Conv2d(64, 3, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        one, other = (self.conv2(self.conv1(pad(image, (3, 3, 3, 3), "replicate"))) for image in (a, b))
        return self.conv4(self.conv3(torch.maximum(one, other)))
