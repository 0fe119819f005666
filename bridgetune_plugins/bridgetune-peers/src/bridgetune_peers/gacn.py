"""GACN (Ma et al., Neurocomputing 470, 2022): gradients of features, compared, and a learned decision path."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d

from bridgetune_peers.layers import FAINT, Encoder, SpatialAttention, check_positive, conv_relu_norm, spatial_frequency
from bridgetune_peers.reading import read_renamed, renamed

WIDTHS = (64, 48, 32, 16)
"""Channels into each layer of the decision path."""

COMPARISON = 1000.0
"""What differences of spatial frequencies are multiplied by before a sigmoid makes 0 or 1 of nearly all."""


class GACN(nn.Module):
    """(B, 1, H, W) twice -> logits (B, 1, H, W), 68,820 parameters.

    Args:
        steepness: What the decision path's answer is multiplied by, > 0. The authors' 1000 leaves hardly a pixel
            between 0 and 1, and hardly a gradient; a smaller one decides alike, and can be tuned.

    Raises:
        RequestError: `steepness` is no positive number.
    """

    def __init__(self, steepness: float = 1000.0) -> None:
        super().__init__()
        check_positive(steepness=steepness)
        self.steepness = steepness
        self.encoder = Encoder()
        self.comparison = SpatialAttention(WIDTHS[0])
        self.path = nn.ModuleList(conv_relu_norm(*sides) for sides in zip(WIDTHS, (*WIDTHS[1:], 1), strict=True))
        self.attentions = nn.ModuleList(SpatialAttention(width) for width in (*WIDTHS[1:], 1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare gray images (B, 1, H, W) in [0, 1], any H and W.

        Returns:
            Logits, whose sigmoid is the authors' map: 1 where the first image is in focus.
        """
        one, other = (spatial_frequency(self.encoder(image)) for image in (first, second))
        x: Tensor = self.comparison(torch.sigmoid(COMPARISON * (one - other)))
        for layer, attention in zip(self.path, self.attentions, strict=True):
            x = attention(layer(x))
        return self.steepness * x


class GACNJudge(nn.Module):
    """A twin for one image: the decision path on the logarithm of its spatial frequencies; 68,769 parameters.

    Args:
        steepness: As for `GACN`; changes nothing here.
    """

    def __init__(self, steepness: float = 1000.0) -> None:
        super().__init__()
        check_positive(steepness=steepness)
        self.encoder = Encoder()
        layers = (nn.Sequential(SpatialAttention(width), conv_relu_norm(width, out)) for width, out in pairwise(WIDTHS))
        self.path = nn.Sequential(*layers, SpatialAttention(WIDTHS[-1]))
        self.head = nn.Conv2d(WIDTHS[-1], 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Judge a gray image (B, 1, H, W) in [0, 1] -> logits (B, 1, H, W), positive where it looks real."""
        logits: Tensor = self.head(self.path(torch.log(spatial_frequency(self.encoder(image)) + FAINT)))
        return logits


def boundary_filtered(map_: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The authors' last step: a guided filter of the map by what it fuses, where the map, blurred, is neither 0 nor 1.

    Args:
        map_: (B, 1, H, W) in [0, 1].
        first, second: Gray, (B, 1, H, W) in [0, 1].

    Returns:
        (B, 1, H, W), in [0, 1] but for a hair.
    """
    place = torch.arange(-4, 5, dtype=map_.dtype, device=map_.device)
    bell = torch.exp(-place.square() / (2 * 8.0**2))
    kernel = bell[:, None] * bell
    blurred = conv2d(map_, (kernel / kernel.sum())[None, None], padding=4)
    settled = torch.where(blurred > 0.8, blurred, torch.where(blurred < 0.1, 1 - blurred, torch.zeros_like(blurred)))
    boundary = 1 - (2 * (blurred * settled + (1 - settled) / 2) - 1).abs()
    return boundary * _guided(map_, map_ * first + (1 - map_) * second) + (1 - boundary) * map_


def _guided(map_: Tensor, guide: Tensor) -> Tensor:
    """The guided filter of radius 3 and ε 0.1 (He, Sun & Tang, IEEE TPAMI 35, 2013), (B, 1, H, W)."""

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, 7, stride=1, padding=3, count_include_pad=False)

    of_guide, of_map = mean(guide), mean(map_)
    slope = (mean(guide * map_) - of_guide * of_map) / (mean(guide * guide) - of_guide.square() + 0.1)
    return mean(slope) * guide + mean(of_map - slope * of_guide)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read `GACN.pkl` as its authors released it.

    Raises:
        RequestError: See `read_renamed`.
    """
    return read_renamed(path, GACN, _released_name, "the released GACN")


def _released_name(name: str) -> str:
    kinds = {"0": "Conv2d", "2": "BatchNorm"}
    layers = {
        f"{ours}.{place}.{number}.": f"{theirs}{place + add}.{theirs}{place + add}_{kind}."
        for ours, theirs, add in (("encoder.layers", "feature_extraction_conv", 0), ("path", "decision_path_conv", 1))
        for place in range(4)
        for number, kind in kinds.items()
    }
    attentions = {f"{ours}.{place}.": f"se_{place + add}." for ours, add in _ATTENTIONS for place in range(4)}
    return renamed(name, layers | attentions | {"comparison.": "se_4."})


_ATTENTIONS = (("encoder.attentions", 0), ("attentions", 5))
