"""Fusion without a decision map: what is stronger at each scale and place, put together again."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgetune.pictures.color import LUMA
from bridgetune_classic.filters import box_mean

LEVELS = 5
"""Details that a pyramid has above its base, where the image is large enough."""


class LaplacianPyramid:
    """Fuses the Laplacian pyramids of two images (Burt & Adelson, IEEE Trans. Communications 31, 1983).

    At each scale and place it takes the details of the image whose luma has the larger absolute coefficient there, in
    most of the 3×3 places around; where neither leads, and in the base, the mean of both.
    """

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse (B, 3, H, W) in [0, 1] of any H and W -> (B, 3, H, W), which may pass the range by a little."""
        luma = first.new_tensor(LUMA).view(1, 3, 1, 1)
        *details, (first_base, second_base) = zip(laplacian_pyramid(first), laplacian_pyramid(second), strict=True)
        chosen = [_stronger(one, other, luma) for one, other in details]
        return collapsed([*chosen, (first_base + second_base) / 2])


def laplacian_pyramid(image: Tensor, levels: int = LEVELS) -> list[Tensor]:
    """Details from fine to coarse, each of half the sides of the one before, and behind them the base.

    Args:
        image: (B, C, H, W), any H and W.
        levels: How many details; fewer where the base would have a side below 2.

    Returns:
        (B, C, ⌈H / 2^k⌉, ⌈W / 2^k⌉), k = 0, 1 …; `collapsed` makes the image of them.
    """
    details: list[Tensor] = []
    while len(details) < levels and min(image.shape[-2:]) > 2:
        smaller = _reduced(image)
        details.append(image - _expanded(smaller, image))
        image = smaller
    return [*details, image]


def collapsed(pyramid: list[Tensor]) -> Tensor:
    """The image whose `laplacian_pyramid` this is, (B, C, H, W)."""
    *details, image = pyramid
    for detail in reversed(details):
        image = detail + _expanded(image, detail)
    return image


def _stronger(first: Tensor, second: Tensor, luma: Tensor) -> Tensor:
    """Details (B, 3, h, w), each from the image that leads in most of its window."""
    strengths = [(detail * luma).sum(1, keepdim=True).abs() for detail in (first, second)]
    majority = box_mean((strengths[0] - strengths[1]).sign(), 1).sign()
    return (first * (1 + majority) + second * (1 - majority)) / 2


def _reduced(image: Tensor) -> Tensor:
    """Half as large, (B, C, H, W) -> (B, C, ⌈H / 2⌉, ⌈W / 2⌉)."""
    return _halved(_halved(image).mT).mT


def _expanded(image: Tensor, like: Tensor) -> Tensor:
    """Twice as large, (B, C, h, w) -> the sides of `like`."""
    return _doubled(_doubled(image, like.shape[-1]).mT, like.shape[-2]).mT


def _halved(image: Tensor) -> Tensor:
    """Every other pixel of the rows, weighed with its neighbours by 1, 4, 6, 4, 1; the ends are repeated."""
    width, padded = image.shape[-1], F.pad(image, (2, 2, 0, 0), mode="replicate")
    taps = [padded[..., place : place + width : 2] for place in range(5)]
    return (taps[0] + 4 * taps[1] + 6 * taps[2] + 4 * taps[3] + taps[4]) / 16


def _doubled(image: Tensor, width: int) -> Tensor:
    """The pixels of the rows and one between each two, by the weights that `_halved` gives such pixels."""
    padded = F.pad(image, (1, 1, 0, 0), mode="replicate")
    even = (padded[..., :-2] + 6 * image + padded[..., 2:]) / 8
    odd = (image + padded[..., 2:]) / 2
    return torch.stack([even, odd], dim=-1).flatten(-2)[..., :width]
