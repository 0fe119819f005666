"""The CNN of Liu et al. (Information Fusion 36, 2017), a classifier of patches, asked of every patch at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d

from bridgetune.errors import RequestError
from bridgetune_peers.layers import check_whole

PATCH, STRIDE = 16, 2
"""Side of a patch, and how far patches lie apart, which the pooling says."""

ENDS = 8
"""Side of a patch's features."""


class CNN(nn.Module):
    """(B, 1, H, W) twice -> the focus map (B, 1, H, W) in [0, 1], 8,758,784 parameters as the authors' program has it.

    Both images pass the same three layers; on the features of each 16×16 patch two layers without an activation
    between them decide which image is in focus there. Here they are convolutions, so that patches two pixels apart
    share what they have in common. A pixel's focus is the mean over the patches that it is in.

    Args:
        width: Channels of the first layer; 2 and 4 times as many follow.

    Raises:
        RequestError: `width` is no positive whole number.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        check_whole(width=width)
        self.branch = _branch(width)
        self.feature = nn.Conv2d(8 * width, 4 * width, ENDS, bias=False)
        self.output = nn.Conv2d(4 * width, 2, 1, bias=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Decide between gray images (B, 1, H, W) in [0, 1]; sides are even and at least 16.

        Returns:
            How surely the first image is in focus.
        """
        features = torch.cat([self.branch(first), self.branch(second)], 1)
        scores = self.output(self.feature(features))
        return _spread(torch.sigmoid((scores[:, 1:] - scores[:, :1]).float()))


class CNNJudge(nn.Module):
    """A twin for one image: one branch, and a score for every patch; 4,564,225 parameters.

    Args:
        width: As for `CNN`.

    Raises:
        RequestError: `width` is no positive whole number.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        check_whole(width=width)
        self.branch = _branch(width)
        self.feature = nn.Conv2d(4 * width, 4 * width, ENDS, bias=False)
        self.output = nn.Conv2d(4 * width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Judge a gray image (B, 1, H, W) in [0, 1]; sides are even and at least 16.

        Returns:
            Logits (B, 1, H / 2 - 7, W / 2 - 7), one a patch, positive where it looks real.
        """
        logits: Tensor = self.output(self.feature(self.branch(image)))
        return logits


def _branch(width: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(2 * width, 4 * width, 3, padding=1), nn.ReLU()),
    )


def _spread(patches: Tensor) -> Tensor:
    """What patches say as what their pixels say: the mean over all patches that a pixel is in, twice as large."""
    whole = patches.new_ones(1, 1, PATCH, PATCH)
    with torch.autocast(patches.device.type, enabled=False):  # sums of many
        return conv_transpose2d(patches, whole, stride=STRIDE) / conv_transpose2d(
            torch.ones_like(patches[:1]), whole, stride=STRIDE
        )


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read `cnnmodel.mat`, the MATLAB file of weights that comes with the authors' program.

    Raises:
        RequestError: SciPy is not there, or the file is another one.
    """
    try:
        from scipy.io import loadmat
    except ImportError:
        raise RequestError(
            f"{path}: reading MATLAB files needs SciPy; pip install 'bridgetune-peers[matlab]'"
        ) from None
    with path.open("rb") as file:
        if file.read(6) != b"MATLAB":  # SciPy takes all else for a file of version 4, and warns of what it finds
            raise RequestError(f"{path}: not a MATLAB file, expected the weights of the CNN of 2017")
    try:
        found = loadmat(path)
    except Exception as error:  # of whatever kind, where it is cut short or damaged
        raise RequestError(f"{path}: a MATLAB file that SciPy cannot read; fetch it again") from error
    layers = {
        "branch.0": ("weights_b1_1", "biases_b1_1"),
        "branch.2": ("weights_b1_2", "biases_b1_2"),
        "branch.5": ("weights_b1_3", "biases_b1_3"),
        "feature": ("weights_feature", None),
        "output": ("weights_output", None),
    }
    tensors = {}
    for layer, (weights, biases) in layers.items():
        for name in filter(None, (weights, biases)):
            if name not in found:
                raise RequestError(f"{path}: {name!r} is missing, expected the weights of the CNN of 2017")
        tensors[f"{layer}.weight"] = _kernel(found[weights])
        if biases is not None:
            tensors[f"{layer}.bias"] = torch.tensor(found[biases], dtype=torch.float32).flatten()
    return tensors


def _kernel(weights: Any) -> Tensor:
    """(in, side², out), or (side², out) for one input, in columns as MATLAB has them -> (out, in, side, side)."""
    kernel = torch.tensor(weights, dtype=torch.float32)
    kernel = kernel[None] if kernel.ndim == 2 else kernel
    side = round(kernel.shape[1] ** 0.5)
    return kernel.reshape(len(kernel), side, side, -1).permute(3, 0, 2, 1).contiguous()
