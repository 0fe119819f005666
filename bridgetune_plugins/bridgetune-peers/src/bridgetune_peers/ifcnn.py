"""IFCNN-MAX (Zhang et al., Information Fusion 54, 2020): an end-to-end network, which answers with the fused image."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from bridgetune_peers.layers import check_whole
from bridgetune_peers.reading import read_renamed


class IFCNN(nn.Module):
    """(B, 3, H, W) twice -> the fused image (B, 3, H, W), 83,587 parameters.

    The features of both images are fused by their maximum, place by place. The authors' first layer is that of an
    ImageNet ResNet-101, and was not trained on; here it is trained as the others are.

    Args:
        width: Channels of the features.

    Raises:
        RequestError: `width` is no positive whole number.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        check_whole(width=width)
        self.conv1 = nn.Conv2d(3, width, 7, bias=False)
        self.conv2, self.conv3 = _Layer(width), _Layer(width)
        self.conv4 = nn.Conv2d(width, 3, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse RGB images (B, 3, H, W), standardised with ImageNet's statistics, into one in the same values."""
        one, other = (self.conv2(self.conv1(_repeated(image, 3))) for image in (first, second))
        fused: Tensor = self.conv4(self.conv3(torch.maximum(one, other)))
        return fused


class IFCNNJudge(nn.Module):
    """A twin for one image: the same layers, which end in one channel; 83,457 parameters.

    Args:
        width: As for `IFCNN`.

    Raises:
        RequestError: `width` is no positive whole number.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        check_whole(width=width)
        self.conv1 = nn.Conv2d(3, width, 7, bias=False)
        self.conv2, self.conv3 = _Layer(width), _Layer(width)
        self.conv4 = nn.Conv2d(width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Judge an image (B, 3, H, W), standardised -> logits (B, 1, H, W), positive where it looks real."""
        logits: Tensor = self.conv4(self.conv3(self.conv2(self.conv1(_repeated(image, 3)))))
        return logits


class _Layer(nn.Module):
    """3×3 convolution without bias, batch norm, ReLU; edges are repeated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.bn(self.conv(_repeated(x, 1))).relu()
        return activated


def _repeated(image: Tensor, margin: int) -> Tensor:
    return pad(image, (margin,) * 4, mode="replicate")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read `IFCNN-MAX.pth` as its authors released it: it has these names, and no counters of batch norm.

    Raises:
        RequestError: See `read_renamed`.
    """
    return read_renamed(path, IFCNN, str, "the released IFCNN-MAX")
