"""A synthetic source pair whose decision map is known, for asking a network what its answer means."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from bridgetune.data.blur import gaussian_blur
from bridgetune.data.pairs import multi_focus_pair

KERNEL = 11
"""Of the Gaussian that takes the focus away."""

BORDER = 12
"""Pixels on either side of the focus boundary where no answer is right or wrong."""


Device = torch.device | str


@cache
def texture(side: int, seed: int = 0, device: Device = "cpu") -> Tensor:
    """(1, 3, side, side) in [0, 1]: coloured noise whose spectrum falls as a photograph's does."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1 / side
    spectrum = np.fft.rfft2(rng.standard_normal((3, side, side))) / frequency
    picture = np.fft.irfft2(spectrum, (side, side))
    low, high = np.quantile(picture, [0.01, 0.99], axis=(1, 2), keepdims=True)
    return torch.from_numpy(((picture - low) / (high - low)).clip(0, 1).astype(np.float32))[None].to(device)


@cache
def half_and_half(side: int, device: Device = "cpu") -> tuple[Tensor, Tensor]:
    """A pair (1, 3, side, side): the first in focus in its left half, the second in its right half."""
    mask = torch.zeros(1, side, side)
    mask[..., : side // 2] = 1
    pair = multi_focus_pair(texture(side)[0], mask, KERNEL)
    return pair.first[None].to(device), pair.second[None].to(device)


def blurred(image: Tensor) -> Tensor:
    """Out of focus all over, (1, 3, H, W)."""
    return gaussian_blur(image, KERNEL)


def sides_of(map_: Tensor) -> tuple[Tensor, Tensor]:
    """A map's (…, side) values in the left and in the right half, the border left out."""
    middle = map_.shape[-1] // 2
    return map_[..., : middle - BORDER], map_[..., middle + BORDER :]
