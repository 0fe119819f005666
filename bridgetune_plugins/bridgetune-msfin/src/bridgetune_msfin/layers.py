"""What all parts of MSFIN are built of."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn


def conv_norm_relu(channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU.

    (B, channels, H, W) -> (B, out_channels, ceil(H/s), ceil(W/s)), s being the stride.
    """
    convolution = nn.Conv2d(channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def resized(x: Tensor, like: Tensor) -> Tensor:
    """`x` (B, C, h, w) brought to the sides of `like`, bilinearly with aligned corners; itself where it has them."""
    size = like.shape[2:]
    return x if x.shape[2:] == size else F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def average(x: Tensor, dim: tuple[int, ...]) -> Tensor:
    """The mean along `dim`, which stays with length 1. Its gradient is a view, where `Tensor.mean` fills a map."""
    return x.sum(dim, keepdim=True) / math.prod(x.shape[axis] for axis in dim)


class BasicBlock(nn.Module):
    """The residual block of ResNet-18 (He et al., 2016).

    (B, channels, H, W) -> (B, out_channels, ceil(H/s), ceil(W/s)), s being the stride. The shortcut is the
    identity, or a 1x1 convolution with batch norm where width or size changes.
    """

    def __init__(self, channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.layers = nn.Sequential(
            *conv_norm_relu(channels, out_channels, kernel_size=3, stride=stride),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != out_channels:
            self.shortcut.append(nn.Conv2d(channels, out_channels, kernel_size=1, bias=False))
            self.shortcut.append(nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        # not by a stride of the convolution: with channels last and few of them, oneDNN's gradient of its weights
        # writes past its memory, https://github.com/uxlfoundation/oneDNN/issues/6035
        kept = F.avg_pool2d(x, kernel_size=1, stride=self.stride) if self.stride > 1 else x
        return F.relu_(self.layers(x) + self.shortcut(kept))
