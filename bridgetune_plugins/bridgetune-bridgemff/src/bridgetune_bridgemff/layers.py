"""The layers of BridgeMFF. Each answers natively where it can, equal to its torch operations within 1e-5.

It can where its input is float32 on a CPU, nothing compiles or exports it, and the native scan is what `auto` chooses.
The network is put together from these layers and knows nothing of it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgetune_bridgemff import fused
from bridgetune_bridgemff.scan import runs_natively

GROUPS = 4
"""Of every group normalisation."""


def groups_of(channels: int) -> list[slice]:
    """The channels of each group."""
    each = channels // GROUPS
    return [slice(first, first + each) for first in range(0, channels, each)]


def natively(x: Tensor) -> bool:
    """Whether a layer given `x` may answer natively."""
    return not (
        x.device.type != "cpu"
        or x.dtype != torch.float32
        or torch.is_autocast_enabled(x.device.type)
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or not runs_natively(x.device)
    )


class Convolution(nn.Conv2d):
    """A convolution that keeps the size, (B, channels, H, W) -> (B, out_channels, H, W)."""

    def __init__(self, channels: int, out_channels: int, kernel_size: int, dilation: int = 1) -> None:
        super().__init__(channels, out_channels, kernel_size, padding=dilation * (kernel_size // 2), dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        if natively(x):
            answer: Tensor = fused.convolution(x, self.weight, self.bias, self.dilation[0])
            return answer
        return super().forward(x)

    def some(self, x: Tensor, outputs: slice) -> Tensor:
        """Some of the output channels, (B, as many, H, W): natively to the bit what `forward` has there."""
        assert self.bias is not None
        weight, bias = self.weight[outputs], self.bias[outputs]
        if natively(x):
            answer: Tensor = fused.convolution(x, weight, bias, self.dilation[0])
            return answer
        return F.conv2d(x, weight, bias, padding=self.padding, dilation=self.dilation)


class Summary(nn.Module):
    """The mean and the largest of each pixel's channels, (B, C, H, W) -> (B, 2, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        if natively(x):
            answer: Tensor = fused.summary(x)
            return answer
        return torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)


class Down(nn.Module):
    """A layer, normalised, halved by its maxima, and activated: (B, C, H, W) -> (B, channels, H/2, W/2)."""

    def __init__(self, layer: nn.Module, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.pool = nn.MaxPool2d(2)
        self.activation = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        if natively(x):
            answer: Tensor
            answer, _ = fused.down(x, self.norm.weight, self.norm.bias, GROUPS, self.norm.eps)
            return answer
        halved: Tensor = self.activation(self.pool(self.norm(x)))
        return halved

    def ended(self, x: Tensor, channels: slice) -> Tensor:
        """What follows the layer, of one group of its channels: (B, as many, H, W) -> (B, as many, H/2, W/2)."""
        weight, bias = self.norm.weight[channels], self.norm.bias[channels]
        if natively(x):
            answer: Tensor
            answer, _ = fused.down(x, weight, bias, 1, self.norm.eps)
            return answer
        halved: Tensor = self.activation(self.pool(F.group_norm(x, 1, weight, bias, self.norm.eps)))
        return halved


class Stay(nn.Module):
    """A layer, normalised and activated, beside a skip: (B, C, H, W), (B, channels, H, W) -> (B, channels, H, W)."""

    def __init__(self, layer: nn.Module, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.activation = nn.GELU()

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        joined: Tensor = self.activation(self.norm(self.layer(x))) + skip
        return joined


class Doubling(nn.Upsample):
    """Twice as large: (B, C, H, W) -> (B, C, 2H, 2W)."""

    def __init__(self) -> None:
        super().__init__(scale_factor=2, mode="bilinear", align_corners=True)

    def forward(self, x: Tensor) -> Tensor:
        if natively(x):
            answer: Tensor = fused.doubled(x)
            return answer
        return super().forward(x)


class Up(nn.Module):
    """A layer, normalised, doubled and activated, beside a skip: (B, C, H, W), (B, channels, 2H, 2W) -> the latter."""

    def __init__(self, layer: nn.Module, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.upsample = Doubling()
        self.activation = nn.GELU()

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.layer(x)
        if natively(x):
            answer: Tensor
            answer, _ = fused.up(x, self.norm.weight, self.norm.bias, skip, GROUPS, self.norm.eps)
            return answer
        joined: Tensor = self.activation(self.upsample(self.norm(x))) + skip
        return joined

    def ended(self, x: Tensor, skip: Tensor, channels: slice) -> Tensor:
        """What follows the layer, of one group of its channels: (B, as many, H, W) and their skip -> the latter."""
        weight, bias = self.norm.weight[channels], self.norm.bias[channels]
        if natively(x):
            answer: Tensor
            answer, _ = fused.up(x, weight, bias, skip, 1, self.norm.eps)
            return answer
        joined: Tensor = self.activation(self.upsample(F.group_norm(x, 1, weight, bias, self.norm.eps))) + skip
        return joined
