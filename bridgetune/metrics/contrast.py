"""Q_CB: how well contrast that the eye sees is kept.

Chen and Blum, Image and Vision Computing 27, 2009; Eq. 24. Constants as in the toolbox of Z. Liu et al.,
TPAMI 34, 2012.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bridgetune.metrics.filters import filtered_same, from_half_spectrum
from bridgetune.metrics.levels import HIGHEST, rounding
from bridgetune.metrics.strips import is_large, strips

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import ScoredImages

CENTRE, SURROUND, DEPTH = 15.3870, 1.3456, 0.7622
"""Of the contrast-sensitivity filter, a difference of Gaussians in cycles a degree."""

DISTANCE = 30
"""An image's side divided by this is its size in degrees of vision."""

TAPS = 15
"""Reach of the two Gaussians whose ratio is the contrast."""


def q_cb(images: ScoredImages) -> Tensor:
    """Q_CB: visible contrast kept, in [0, 1]. Eq. 24.

    1 where F = A = B. Contrast on a background of 0 is 0, and no contrast keeps no contrast (1), so images of one level
    score 1. Symmetric in the sources, which count alike where neither has contrast.
    """
    count, height, width = images.fused.shades.shape
    if not is_large(height, width):
        return kept_contrast(images.first.contrast, images.second.contrast, images.fused.contrast).mean((1, 2))
    return torch.stack([_large(images, number) / (height * width) for number in range(count)])


def _large(images: ScoredImages, number: int) -> Tensor:
    """What the pixels of one of large images come to, summed."""
    three = images.first, images.second, images.fused
    width = images.fused.shades.shape[2]
    seen = [as_seen(torch.fft.rfft2(image.stretched_one(number)[None]), width) for image in three]
    total = seen[0].new_zeros(())
    height, width = seen[0].shape[1:]
    for strip in strips(height, width, TAPS, TAPS):
        contrasts = [masked_contrast(image[:, strip.seen])[:, strip.inner] for image in seen]
        total += kept_contrast(contrasts[0], contrasts[1], contrasts[2]).sum()
    return total


def as_seen(spectrum: Tensor, width: int) -> Tensor:
    """Images after the filter of the eye's sensitivity.

    Args:
        spectrum: `rfft2` of their stretched levels, (B, H, W//2+1), which is overwritten; not the levels, which would
            take memory to the end.
        width: Of the images.

    Returns:
        (B, H, W).
    """
    height, real = spectrum.shape[1], spectrum.real
    if is_large(height, width):
        for strip in strips(height, width):
            spectrum[:, strip.rows] *= _response(height, width, strip.rows).to(real)
    else:
        spectrum *= _sensitivity(height, width, real.dtype, real.device)
    return from_half_spectrum(spectrum, (height, width))


def masked_contrast(seen: Tensor) -> Tensor:
    """C' = C³/(C² + 1e-4) of filtered images, where C = |(G₂∗I)/(G₄∗I) - 1|, and 0 on a background of 0.

    Args:
        seen: See `as_seen`, (B, H, W).

    Returns:
        (B, H, W), at least 0.
    """
    near, around = filtered_same(seen, _gaussian(2)), filtered_same(seen, _gaussian(4))
    empty = rounding(seen.dtype, HIGHEST)
    contrast = near.div_(around).sub_(1).abs_().masked_fill_(around.abs() < empty, 0)
    square = contrast.square()
    return contrast.mul_(square).div_(square + 1e-4)


def kept_contrast(first: Tensor, second: Tensor, fused: Tensor) -> Tensor:
    """λ_A·Q_AF + λ_B·Q_BF of each pixel, (B, H, W).

    Q_XF = min/max of the two contrasts, 1 where both are 0; λ_X = C'²_X/(C'²_A + C'²_B), ½ where both are 0.

    Args:
        first, second, fused: `masked_contrast` of each, (B, H, W).
    """
    squares = first.square(), second.square()
    total = squares[0] + squares[1]
    share = torch.where(total > 0, squares[0].div_(total), 0.5)
    return torch.lerp(_kept(second, fused), _kept(first, fused), share)


def _kept(source: Tensor, fused: Tensor) -> Tensor:
    greater = torch.maximum(source, fused)
    return torch.where(greater > 0, torch.minimum(source, fused).div_(greater), 1)


@functools.cache
def _gaussian(sigma: float) -> tuple[float, ...]:
    return tuple(
        math.exp(-(place**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma) for place in range(-TAPS, TAPS + 1)
    )


@functools.lru_cache(maxsize=4)
def _sensitivity(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return _response(height, width, slice(None)).to(device, dtype)


def _response(height: int, width: int, rows: slice) -> Tensor:
    """Rows of the filter on the half spectrum of `rfft2`, (h, W//2+1): it is even, so a real transform will do."""
    down = torch.fft.fftfreq(height, dtype=torch.float64)[rows] * (2 * height / DISTANCE)
    across = torch.fft.rfftfreq(width, dtype=torch.float64) * (2 * width / DISTANCE)
    square = down[:, None].square() + across.square()
    response: Tensor = (-square / CENTRE**2).exp() - DEPTH * (-square / SURROUND**2).exp()
    return response
