"""DRPL (Li et al., IEEE Transactions on Image Processing 29, 2020, 4816-4831), generator and discriminator."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgetune.devices import laid_out
from bridgetune.errors import RequestError


class DRPL(nn.Module):
    """The generator, 1,070,018 parameters at its own width and depth. Each pixel sees 67x67 of the images.

    Convolutions start Xavier-normal as in the source, with biases at 0.

    Args:
        width: Channels between the first and the last layer.
        blocks: Residual blocks; each widens what a pixel sees by 4.

    Raises:
        RequestError: `width` or `blocks` is not a positive whole number.
    """

    def __init__(self, width: int = 64, blocks: int = 12) -> None:
        super().__init__()
        self.body = _body(6, 2, width, blocks)
        self.width = width

    def forward(self, pair: Tensor) -> Tensor:
        """Judge a pair (B, 6, H, W), its images concatenated, in [0, 1]; H and W are arbitrary.

        Returns:
            Probabilities (B, 2, H, W) that the first image is in focus and that the second is. The decision map
            is (o1 + 1 - o2) / 2.
        """
        return torch.sigmoid(self.body(laid_out(pair, self.width)))


class DRPLDiscriminator(nn.Module):
    """The generator's twin for one image, 1,053,889 parameters. It judges each pixel.

    One image has no second one to be told from, so its head has one channel.

    Args:
        width, blocks: As for `DRPL`.

    Raises:
        RequestError: `width` or `blocks` is not a positive whole number.
    """

    def __init__(self, width: int = 64, blocks: int = 12) -> None:
        super().__init__()
        self.body = _body(3, 1, width, blocks)
        self.width = width

    def forward(self, image: Tensor) -> Tensor:
        """Judge an image (B, 3, H, W) in [0, 1] -> logits (B, 1, H, W), positive where it looks real."""
        logits: Tensor = self.body(laid_out(image, self.width))
        return logits


def _body(in_channels: int, out_channels: int, width: int, blocks: int) -> nn.Sequential:
    """What the generator and the discriminator share, (B, in_channels, H, W) -> logits (B, out_channels, H, W)."""
    for name, value in (("width", width), ("blocks", blocks)):
        if not isinstance(value, int) or value < 1:
            raise RequestError(f"{name}: got {value!r}, expected a positive whole number")
    body = nn.Sequential(
        OrderedDict(
            stem=nn.Sequential(_layer(in_channels, width, 9), _layer(width, width, 3), _layer(width, width, 3)),
            blocks=nn.Sequential(*(_ResidualBlock(width) for _ in range(blocks))),
            tail=nn.Sequential(_layer(width, width, 3), _layer(width, width, 3)),
            head=_convolution(width, out_channels, 3),
        )
    )
    for layer in body.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return body


class _ResidualBlock(nn.Module):
    """(B, width, H, W) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(width, width, 3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            _convolution(width, width, 3),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


def _layer(channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    convolution = _convolution(channels, out_channels, kernel_size)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(), nn.SiLU())


def _convolution(channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out_channels, kernel_size, padding=kernel_size // 2)
