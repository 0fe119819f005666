"""What the fusion metrics see of an image: gray, in the 256 levels of an 8-bit file."""

from __future__ import annotations

import torch
from torch import Tensor

from bridgetune.errors import RequestError
from bridgetune.metrics.filters import SSIM_WINDOW
from bridgetune.metrics.strips import strips

GRAY = (0.298936021293775, 0.587043074451121, 0.114020904255103)
"""Weights of R, G and B, to the digits that the toolbox's values were computed with."""

HIGHEST = 255

SMALLEST_SIDE = len(SSIM_WINDOW)
"""The window of the structural similarity; below it, no fusion metric is defined."""


def gray_levels(image: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """The gray levels that all fusion metrics are computed on.

    Every channel first goes to 8 bits, as it would be saved, so an image that was read from an 8-bit file has that
    file's levels exactly, whichever of the three forms it comes in. Then R, G and B are weighed and rounded again.

    Args:
        image: (B, 3, H, W) RGB or (B, 1, H, W) gray: float in [0, 1], uint8, or uint16 up to 65535.
        dtype: Of the answer, floating point.

    Returns:
        (B, H, W), whole numbers from 0 to 255.

    Raises:
        RequestError: Another shape or type, sides below 11, or float values outside [0, 1].
    """
    return gray_shades(image, dtype).to(dtype)


def gray_shades(image: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """`gray_levels` as bytes, of a large picture strip by strip.

    Args:
        image: See `gray_levels`.
        dtype: What to compute in.

    Returns:
        (B, H, W) uint8.

    Raises:
        RequestError: As `gray_levels`.
    """
    if image.ndim != 4 or image.shape[0] < 1 or image.shape[1] not in (1, 3) or min(image.shape[2:]) < SMALLEST_SIDE:
        raise RequestError(
            f"image: got shape {tuple(image.shape)}, expected (B, 1 or 3, H, W) with sides of at least"
            f" {SMALLEST_SIDE} pixels; add [None] for a batch of one"
        )
    image = image.detach()
    check_levels(image)
    count, _, height, width = image.shape
    shades = torch.empty(count, height, width, dtype=torch.uint8, device=image.device)
    for strip in strips(height, width):
        channels = _eight_bits(image[:, :, strip.rows], dtype)
        if channels.shape[1] == 1:
            gray = channels[:, 0]
        else:
            red, green, blue = channels.unbind(1)
            gray = _rounded(red * GRAY[0] + green * GRAY[1] + blue * GRAY[2])
        shades[:, strip.rows] = gray
    return shades


def stretching(shades: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """What each level becomes when an image's levels are rescaled to 0...255 and rounded half up.

    So the toolbox begins Q_MI and Q_CB.

    Args:
        shades: (B, H, W) uint8.
        dtype: Of the answer, floating point.

    Returns:
        (B, 256) whole numbers, from 0 to 255 for levels that the image has; 0 for the level of an image of one, where
        the toolbox has 0/0 (and keeps an all-zero image).
    """
    low, high = (extreme[:, None].to(dtype) for extreme in (shades.amin((1, 2)), shades.amax((1, 2))))
    levels = torch.arange(HIGHEST + 1, dtype=dtype, device=shades.device)
    return _rounded((levels.clamp(low, high) - low) / (high - low).clamp_min(1) * HIGHEST)


def eight_bits(image: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Float in [0, 1], uint8 or uint16 -> whole numbers from 0 to 255, of any shape.

    Raises:
        RequestError: Another type, or float values outside [0, 1].
    """
    image = image.detach()
    check_levels(image)
    return _eight_bits(image, dtype)


def check_levels(image: Tensor) -> None:
    """Refuse what `eight_bits` cannot take.

    Raises:
        RequestError: Another type than float, uint8 or uint16, or float values outside [0, 1].
    """
    if image.dtype in (torch.uint8, torch.uint16):
        return
    if not image.is_floating_point():
        raise RequestError(
            f"image: got {str(image.dtype).removeprefix('torch.')}, expected float in [0, 1], uint8 or uint16"
        )
    low, high = (float(extreme) for extreme in image.aminmax())
    if not 0 <= low <= high <= 1:
        raise RequestError(
            f"image: got float values from {low:g} to {high:g}, expected 0 to 1; divide by 255, or clamp"
        )


def rounding(dtype: torch.dtype, scale: float) -> float:
    """What a filter's rounding may leave of 0 on values up to `scale`: 1e-9, more in float32."""
    return max(1e-9, 4 * torch.finfo(dtype).eps * scale)


def _eight_bits(image: Tensor, dtype: torch.dtype) -> Tensor:
    if image.dtype == torch.uint8:
        return image.to(dtype)
    return _rounded(image.to(dtype) / 257 if image.dtype == torch.uint16 else image.to(dtype) * HIGHEST)


def _rounded(values: Tensor) -> Tensor:
    return (values + 0.5).floor_()
