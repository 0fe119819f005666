"""MFIF-GAN (Wang et al., Signal Processing: Image Communication 96, 2021), the generator."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from bridgetune_peers.layers import ChannelAttention, check_whole
from bridgetune_peers.reading import read_renamed, renamed


class MFIFGAN(nn.Module):
    """(B, 3, H, W) twice -> logits (B, 1, H, W), 13,700,928 parameters as its authors' program has it.

    One encoder sees every channel of both images by itself; its features at a quarter of the size are averaged over an
    image's channels, and those of both images decoded together.

    Args:
        width: Channels of the first layer; 2 and 4 times as many follow.
        blocks: Residual blocks with channel attention, of the encoder.

    Raises:
        RequestError: `width` or `blocks` is no positive whole number.
    """

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        check_whole(width=width, blocks=blocks)
        self.encoder = _encoder(width, blocks)
        self.decoder = _decoder(8 * width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Decide between RGB images (B, 3, H, W) in [-1, 1]; sides are multiples of 4.

        Returns:
            Logits of the authors' map: positive where the first image is in focus.
        """
        features = torch.cat([_of_all_channels(self.encoder, image) for image in (first, second)], 1)
        logits: Tensor = self.decoder(features)
        return logits


class MFIFGANJudge(nn.Module):
    """A twin for one image: the generator less half of its decoder's first layer; 12,652,352 parameters.

    The authors' own discriminator judges maps, beside both images.

    Args:
        width, blocks: As for `MFIFGAN`.

    Raises:
        RequestError: `width` or `blocks` is no positive whole number.
    """

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        check_whole(width=width, blocks=blocks)
        self.encoder = _encoder(width, blocks)
        self.decoder = _decoder(4 * width, 4 * width)

    def forward(self, image: Tensor) -> Tensor:
        """Judge an image (B, 3, H, W) in [-1, 1] -> logits (B, 1, H, W), positive where it looks real."""
        logits: Tensor = self.decoder(_of_all_channels(self.encoder, image))
        return logits


class _ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, channel attention, + x, ReLU; (B, width, H, W) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _convolution(width, width, 3), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _convolution(width, width, 3), nn.BatchNorm2d(width)
        self.se = ChannelAttention(width, reduction=16)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn1(self.conv1(x)).relu()
        return torch.relu(x + self.se(self.bn2(self.conv2(inner))))


def _of_all_channels(encoder: nn.Module, image: Tensor) -> Tensor:
    """The mean of what the encoder makes of each channel, (B, C, H, W) -> (B, 4 width, H / 4, W / 4)."""
    features: Tensor = encoder(image.flatten(0, 1).unsqueeze(1))
    return features.reshape(*image.shape[:2], *features.shape[1:]).mean(1)


def _encoder(width: int, blocks: int) -> nn.Sequential:
    layers = [_convolution(1, width, 7), nn.BatchNorm2d(width), nn.ReLU()]
    for channels, out in pairwise((width, 2 * width, 4 * width)):
        layers += [_convolution(channels, out, 3, stride=2), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers, *(_ResidualBlock(4 * width) for _ in range(blocks)))


def _decoder(channels: int, out: int | None = None) -> nn.Sequential:
    """Twice upwards, from `channels` to `out` of them and half of that; half of `channels` by default."""
    out = out or channels // 2
    layers: list[nn.Module] = []
    for width, narrower in pairwise((channels, out, out // 2)):
        up = nn.ConvTranspose2d(width, narrower, 4, stride=2, padding=1, bias=False)
        layers += [up, nn.BatchNorm2d(narrower), nn.ReLU()]
    return nn.Sequential(*layers, _convolution(out // 2, 1, 7))


def _convolution(channels: int, out: int, side: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(channels, out, side, stride=stride, padding=side // 2, bias=False)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a generator (`110000-G.ckpt`) as the authors' program saves it.

    Raises:
        RequestError: See `read_renamed`.
    """
    prefixes = {"encoder.": "line1.0.line.", "decoder.": "decode."}
    return read_renamed(path, MFIFGAN, lambda name: renamed(name, prefixes), "a generator of MFIF-GAN")
