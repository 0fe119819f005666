"""BridgeMFF (Xie et al., 2025, section 3.3 and Fig. 5) as a generator and as a discriminator."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from bridgetune.errors import RequestError
from bridgetune_bridgemff.bridge import AttentionBridge
from bridgetune_bridgemff.layers import Convolution, Doubling, Down, Stay, Up
from bridgetune_bridgemff.mamba import MambaBlock, ParallelVisionMamba
from bridgetune_bridgemff.strips import logits_of

WIDTHS = (8, 16, 24, 32, 48, 64)
MULTIPLE = 32

Initialisation = Literal["paper", "mamba"]


class BridgeMFF(nn.Module):
    """The generator, 49,673 parameters.

    Args:
        initialisation: `paper`: as the authors start it, Mamba blocks included. Their steps then start near
            softplus(0) = 0.69, so that a state fades within a few tokens. `mamba`: the Mamba blocks start
            as Mamba does, with small steps and a long memory.
    """

    def __init__(self, initialisation: Initialisation = "paper") -> None:
        super().__init__()
        self.body = _UNet(6, initialisation)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Judge a pair (B, 3, H, W) in [-1, 1] -> logits (B, 1, H, W), positive where the first is in focus.

        H and W are multiples of 32.

        Raises:
            RequestError: A side is not a multiple of 32.
        """
        logits: Tensor = self.body(torch.cat([first, second], dim=1))
        return logits

    def in_strips(
        self, rows: Callable[[int, int], Sequence[Tensor]], height: int, width: int, progress: Callable[[float], None]
    ) -> Tensor:
        """`forward` on a large pair in little memory, see `bridgetune.protocol.InStrips`; natively the same to the bit.

        Some 16 bytes a pixel and pair of the batch are needed beside the logits, where `forward` takes 190.
        """

        def joined(start: int, stop: int) -> Tensor:
            return torch.cat(list(rows(start, stop)), dim=1)

        return logits_of(self.body, joined, height, width, progress)


class BridgeMFFDiscriminator(nn.Module):
    """The generator's twin for one image, 49,457 parameters. It judges each pixel.

    Args:
        initialisation: As for `BridgeMFF`.
    """

    def __init__(self, initialisation: Initialisation = "paper") -> None:
        super().__init__()
        self.body = _UNet(3, initialisation)

    def forward(self, image: Tensor) -> Tensor:
        """Judge an image (B, 3, H, W) in [-1, 1] -> logits (B, 1, H, W), positive where it looks real.

        H and W are multiples of 32.

        Raises:
            RequestError: A side is not a multiple of 32.
        """
        logits: Tensor = self.body(image)
        return logits


class _UNet(nn.Module):
    """What the generator and the discriminator share, (B, in_channels, H, W) -> logits (B, 1, H, W)."""

    def __init__(self, in_channels: int, initialisation: Initialisation) -> None:
        super().__init__()
        c1, c2, c3, c4, c5, c6 = WIDTHS
        self.encoder = nn.ModuleList(
            [
                Down(Convolution(in_channels, c1, 3), c1),
                Down(Convolution(c1, c2, 3), c2),
                Down(Convolution(c2, c3, 3), c3),
                Down(ParallelVisionMamba(c3, c4), c4),
                Down(ParallelVisionMamba(c4, c5), c5),
            ]
        )
        self.bridge = AttentionBridge(WIDTHS[:-1])
        self.bottom = nn.Sequential(OrderedDict(layer=ParallelVisionMamba(c5, c6), activation=nn.GELU()))
        self.decoder = nn.ModuleList(
            [
                Stay(ParallelVisionMamba(c6, c5), c5),
                Up(ParallelVisionMamba(c5, c4), c4),
                Up(ParallelVisionMamba(c4, c3), c3),
                Up(Convolution(c3, c2, 3), c2),
                Up(Convolution(c2, c1, 3), c1),
            ]
        )
        self.head = nn.Sequential(OrderedDict(layer=Convolution(c1, 1, 1), upsample=Doubling()))
        _initialise(self, initialisation)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        if height % MULTIPLE or width % MULTIPLE:
            raise RequestError(f"image: got {height}x{width}, expected multiples of {MULTIPLE}; pad it")
        maps = []
        for stage in self.encoder:
            x = stage(x)
            maps.append(x)
        bridged = self.bridge(maps)
        x = self.bottom(x)
        for stage, bridged_map in zip(self.decoder, reversed(bridged), strict=True):
            x = stage(x, bridged_map)
        logits: Tensor = self.head(x)
        return logits


def _initialise(network: nn.Module, initialisation: Initialisation) -> None:
    """Start every linear and convolution layer as the authors do; `mamba` leaves those in Mamba blocks alone.

    Untouched by both: norms, `A_log`, `D`, and the bias of the Mamba blocks' `conv1d`.
    """
    if initialisation not in ("paper", "mamba"):
        raise RequestError(f"initialisation: got {initialisation!r}, expected 'paper' or 'mamba'")
    left_alone = set()
    if initialisation == "mamba":
        blocks = (module for module in network.modules() if isinstance(module, MambaBlock))
        left_alone = {layer for block in blocks for layer in block.modules()}
    for layer in network.modules():
        if layer in left_alone:
            continue
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
        elif isinstance(layer, nn.Conv1d | nn.Conv2d):
            fan_out = math.prod(layer.kernel_size) * layer.out_channels
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_out))
        if isinstance(layer, nn.Linear | nn.Conv2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
