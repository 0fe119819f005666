"""What several of these networks are made of, and the checks of their options."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d

from bridgetune.errors import RequestError

WINDOW = 11
"""Side of the square that a spatial frequency is summed over."""

FAINT = 1e-3
"""Spatial frequency that counts for nothing where its logarithm is taken: of a flat image it is 0."""


class ChannelAttention(nn.Module):
    """Squeeze and excitation (Hu et al., CVPR 2018): a weight for each channel, from the means of all."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.fc(x.mean((2, 3))).sigmoid()
        return x * weights[..., None, None]


class SpatialAttention(nn.Module):
    """A weight for each pixel, from all channels of the 7×7 pixels around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Conv2d(channels, 1, 7, padding=3, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.fc(x).sigmoid()
        return x * weights


class Encoder(nn.Module):
    """The encoder of SESF-Fuse and GACN, (B, 1, H, W) -> (B, 64, H, W), 14,416 parameters.

    Four 3×3 convolutions, each on all that the ones before it gave, each with a channel attention behind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(conv_relu_norm(width, 16) for width in (1, 16, 32, 48))
        self.attentions = nn.ModuleList(ChannelAttention(16, reduction=8) for _ in self.layers)

    def forward(self, image: Tensor) -> Tensor:
        found: list[Tensor] = []
        for layer, attention in zip(self.layers, self.attentions, strict=True):
            found.append(attention(layer(torch.cat(found, 1) if found else image)))
        return torch.cat(found, 1)


def conv_relu_norm(channels: int, out_channels: int) -> nn.Sequential:
    """3×3 convolution, ReLU, and then batch norm."""
    return nn.Sequential(nn.Conv2d(channels, out_channels, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(out_channels))


def spatial_frequency(features: Tensor) -> Tensor:
    """Squared differences to the left and to the upper neighbour, summed over 11×11 pixels, channel by channel.

    Neighbours outside count as 0, as the authors of SESF-Fuse and GACN have it.

    Args:
        features: (B, C, H, W).

    Returns:
        (B, C, H, W) >= 0, float32 under autocast, too.
    """
    features = features.float() if features.dtype in (torch.float16, torch.bfloat16) else features
    left = features.diff(dim=3, prepend=torch.zeros_like(features[..., :1]))
    upper = features.diff(dim=2, prepend=torch.zeros_like(features[..., :1, :]))
    return _window_sum(left.square() + upper.square())


def _window_sum(x: Tensor) -> Tensor:
    """Sums over squares of `WINDOW`, (B, C, H, W); what lies outside counts as 0.

    On a CPU by depthwise convolutions, a row and a column: a fifth of the pooling's time. Elsewhere a convolution may
    round what it multiplies to ten bits, and the differences of these sums are what decides.
    """
    reach = WINDOW // 2
    if x.device.type != "cpu":
        return avg_pool2d(x, WINDOW, stride=1, padding=reach) * WINDOW**2
    with torch.autocast("cpu", enabled=False):
        ones = x.new_ones(x.shape[1], 1, WINDOW, 1)
        columns = conv2d(x, ones, padding=(reach, 0), groups=x.shape[1])
        return conv2d(columns, ones.transpose(2, 3), padding=(0, reach), groups=x.shape[1])


def check_positive(**options: object) -> None:
    """Raise `RequestError` for an option that is not a positive number, which is named."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise RequestError(f"{name}: got {value!r}, expected a positive number")


def check_whole(**options: object) -> None:
    """Raise `RequestError` for an option that is not a positive whole number, which is named."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise RequestError(f"{name}: got {value!r}, expected a positive whole number")
