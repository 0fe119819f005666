"""MSFIN (Liu et al., IEEE Transactions on Instrumentation and Measurement 70, 2021), generator and discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from bridgetune.devices import laid_out
from bridgetune.errors import RequestError
from bridgetune_msfin.interaction import Interaction
from bridgetune_msfin.layers import BasicBlock, conv_norm_relu
from bridgetune_msfin.merging import Merge

WIDTHS = (32, 64, 128, 256)


class MSFIN(nn.Module):
    """The generator, 4,588,921 parameters at its own widths.

    The source does not say how it starts, so it starts as ResNet does: convolutions Kaiming-normal (fan out),
    batch norms at 1 and 0, the heads at PyTorch's default.

    Args:
        widths: Channels at 1, 1/2, 1/4 and 1/8 of the image's size.

    Raises:
        RequestError: `widths` is not four positive whole numbers.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.body = _Pyramid(6, widths)
        self.heads = nn.ModuleList(_head(width) for width in widths)

    def forward(self, pair: Tensor) -> tuple[Tensor, ...]:
        """Judge a pair (B, 6, H, W), its images concatenated and standardised with ImageNet's mean and std.

        H and W are arbitrary; in training the coarsest map must have more than one pixel or B more than 1.

        Returns:
            Four maps of logits (B, 1, ceil(H/s), ceil(W/s)) for s = 1, 2, 4, 8, positive where the first image
            is in focus. The first is the decision map; the others are for a loss on every scale.
        """
        return tuple(head(x) for head, x in zip(self.heads, self.body(pair), strict=True))


class MSFINDiscriminator(nn.Module):
    """The generator's twin for one image, 4,584,022 parameters. It judges each pixel, at the finest scale alone.

    Args:
        widths: As for `MSFIN`.

    Raises:
        RequestError: `widths` is not four positive whole numbers.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.body = _Pyramid(3, widths)
        self.head = _head(widths[0])

    def forward(self, image: Tensor) -> Tensor:
        """Judge an image (B, 3, H, W), standardised with ImageNet's mean and std.

        Returns:
            Logits (B, 1, H, W), positive where it looks real.
        """
        logits: Tensor = self.head(self.body(image)[0])
        return logits


class _Pyramid(nn.Module):
    """What the generator and the discriminator share.

    (B, in_channels, H, W) -> four maps (B, widths[i], ceil(H / 2^i), ceil(W / 2^i)), finest first.
    """

    def __init__(self, in_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        _check(widths)
        self.width = widths[0]
        stem = nn.Sequential(conv_norm_relu(in_channels, widths[0], kernel_size=3), BasicBlock(widths[0], widths[0]))
        self.encoder = nn.ModuleList([stem, *(_down(fine, coarse) for fine, coarse in pairwise(widths))])
        self.interactions = nn.ModuleList(Interaction(widths, scale) for scale in range(len(widths)))
        self.merges = nn.ModuleList(Merge(fine, coarse) for fine, coarse in pairwise(widths))
        _initialise(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = laid_out(x, self.width)
        encoded = []
        for stage in self.encoder:
            x = stage(x)
            encoded.append(x)
        maps = [interaction(encoded) for interaction in self.interactions]
        for scale in reversed(range(len(self.merges))):
            maps[scale] = self.merges[scale](maps[scale], maps[scale + 1])
        return maps


def _down(channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(channels, out_channels, stride=2), BasicBlock(out_channels, out_channels))


def _head(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, 1, kernel_size=3, padding=1)


def _initialise(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _check(widths: Sequence[int]) -> None:
    whole = isinstance(widths, Sequence) and all(isinstance(width, int) and width > 0 for width in widths)
    if not whole or len(widths) != len(WIDTHS):
        raise RequestError(f"widths: got {widths!r}, expected four positive whole numbers such as {WIDTHS}")
