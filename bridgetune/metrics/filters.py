"""Filters in the two forms that are fast in float64: sums of shifted images, and real Fourier transforms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad


def gaussian_window(side: int, sigma: float) -> tuple[float, ...]:
    """Taps of a sampled Gaussian of odd length `side` whose sum is 1."""
    taps = torch.arange(-(side // 2), side // 2 + 1, dtype=torch.float64).square().div(-2 * sigma**2).exp()
    return tuple((taps / taps.sum()).tolist())


SSIM_WINDOW = gaussian_window(11, 1.5)
"""Of the structural similarity (Wang et al., TIP 13, 2004), which Q_P's local correlation is taken in, too."""


def filtered(images: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Filter by taps ⊗ taps, where the window fits whole.

    Args:
        images: (..., H, W).
        taps: n symmetric weights.

    Returns:
        (..., H-n+1, W-n+1).
    """
    reach = len(taps) - 1
    rows, columns = images.shape[-2] - reach, images.shape[-1] - reach
    result = images.new_empty(*images.shape[:-2], rows, columns)
    # Image by image, so that what is summed stays in the processor's cache.
    for image, into in zip(images.flatten(0, -3), result.flatten(0, -3), strict=True):
        down = image[:rows] * taps[0]
        for place, tap in enumerate(taps[1:], 1):
            down.add_(image[place : place + rows], alpha=tap)
        torch.mul(down[:, :columns], taps[0], out=into)
        for place, tap in enumerate(taps[1:], 1):
            into.add_(down[:, place : place + columns], alpha=tap)
    return result


def filtered_same(images: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Filter by taps ⊗ taps, odd in number, with zeros beyond the edges: (..., H, W) -> (..., H, W)."""
    reach = len(taps) // 2
    return filtered(pad(images, (reach, reach, reach, reach)), taps)


def covariance(product: Tensor, mean: Tensor, other_mean: Tensor) -> Tensor:
    """E[xy] - E[x]·E[y]."""
    return torch.addcmul(product, mean, other_mean, value=-1)


def from_half_spectrum(spectrum: Tensor, shape: tuple[int, int]) -> Tensor:
    """The real image (..., H, W) of a half spectrum (..., H, W//2+1), the inverse of `torch.fft.rfft2`."""
    if spectrum.device.type != "cpu":
        image: Tensor = torch.fft.irfft2(spectrum, s=shape)
        return image
    # NumPy's transform takes half of MKL's time where a side has a large prime factor, as 428 and 427 do.
    return torch.from_numpy(np.fft.irfft2(spectrum.numpy(), s=shape)).to(spectrum.real.dtype)
