"""The blurs that turn a sharp picture into a defocused one: Gaussian, Section 4.1 of the paper, by a disk, by rings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from bridgetune.errors import RequestError

LARGEST_SUMMED = 31
"""Side of the largest kernel that is summed by pixel; larger ones are multiplied in the frequency domain."""

LARGEST_QUICKLY_SUMMED = 15
"""The same on an accelerator where no batch is large: from here on it takes longer to sum."""

THINNEST = 1e-3
"""Below this much of it, what lies behind an object cannot be told from what is seen of it."""

PUPIL = 0.25
"""Radius of an objective's pupil, in cycles a pixel: its picture of a point in focus has a first dark ring at 2.4
pixels."""

WAVELENGTHS = (0.85, 1.0, 1.15)
"""Over their mean, 550 nm, say."""

RINGS_BEYOND = 4
"""Pixels around the disk in which rings are still followed."""


def gaussian_blur(image: Tensor, kernel_size: int) -> Tensor:
    """Blur with a Gaussian kernel of `kernel_size` x `kernel_size`, borders reflected without their edge.

    sigma = 0.3·((kernel_size - 1)/2 - 1) + 0.8, as OpenCV documents it for a given size. (Left without a
    sigma, OpenCV takes fixed tables instead up to size 7 or 9; they differ by at most 0.022 in a weight.)

    Args:
        image: (..., H, W) float32 or float64 of any range; may be smaller than the kernel.
        kernel_size: Odd, at least 1.

    Returns:
        Blurred, in the image's shape and dtype, on the CPU.

    Raises:
        RequestError: An even or non-positive kernel size.
    """
    # NumPy, since torch would wake its threads for every one of these small sums; where cores are shared, as
    # they are while a data set is made, waiting for them takes fifty times as long as the sums.
    pixels = image.numpy(force=True)
    weights = _weights(kernel_size)
    radius = kernel_size // 2
    for axis in (-1, -2):
        length = pixels.shape[axis]
        lines = np.moveaxis(pixels, axis, 0)
        padded = np.pad(lines, [(radius, radius)] + [(0, 0)] * (lines.ndim - 1), mode="reflect")
        blurred = padded[radius : radius + length] * weights[radius]
        both = np.empty_like(blurred)
        for near, far in zip(range(radius), range(kernel_size - 1, radius, -1), strict=True):
            np.add(padded[near : near + length], padded[far : far + length], out=both)
            both *= weights[near]
            blurred += both
        pixels = np.moveaxis(blurred, 0, axis)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def gaussian_blurs(images: Tensor, kernel_sizes: Sequence[int]) -> Tensor:
    """`gaussian_blur` of a batch, each image with its own kernel, on the device of the images.

    Args:
        images: (B, C, H, W) float of any range; may be smaller than the kernels.
        kernel_sizes: B odd numbers, each at least 1.

    Returns:
        (B, C, H, W), equal to `gaussian_blur` of each to a few units in the last place.

    Raises:
        RequestError: An even or non-positive kernel size.
    """
    batch, channels, height, width = images.shape
    reach = max(kernel_sizes) // 2
    kernels = np.zeros((batch, 1, 2 * reach + 1))
    for kernel, size in zip(kernels, kernel_sizes, strict=True):
        kernel[:, reach - size // 2 : reach + size // 2 + 1] = _weights(size)
    weights = torch.from_numpy(kernels.repeat(channels, axis=0)).to(images)
    blurred = images.reshape(1, batch * channels, height, width)
    for axis, length in ((-1, width), (-2, height)):
        blurred = blurred.index_select(axis, torch.from_numpy(_reflected(length, reach)).to(images.device))
        blurred = conv2d(blurred, weights.unsqueeze(-2 if axis == -1 else -1), groups=batch * channels)
    return blurred.reshape(images.shape)


def disk_blurs(images: Tensor, kernel_sizes: Sequence[int]) -> Tensor:
    """Blur each image of a batch by a disk, the figure of an open aperture, on the device of the images.

    A disk of radius kernel_size / 2; pixels on its edge weigh what it covers of them, to first order.

    Args:
        images: (B, C, H, W) float of any range; may be smaller than the kernels.
        kernel_sizes: B odd numbers, each at least 1; the disks' diameters.

    Returns:
        (B, C, H, W).

    Raises:
        RequestError: An even or non-positive kernel size.
    """
    return _by_kernels(images, kernel_sizes, _disk)


def quick_disk_blurs(images: Tensor, kernel_sizes: Sequence[int]) -> Tensor:
    """`disk_blurs` to 1e-6 of the range, in a time that hardly grows with the kernels; on the CPU by OpenCV."""
    if images.device.type != "cpu":
        return _by_kernels(images, kernel_sizes, _disk, LARGEST_QUICKLY_SUMMED)
    import cv2

    blurred = torch.empty_like(images)
    for image, result, size in zip(images, blurred, kernel_sizes, strict=True):
        _check_odd(size)
        kernel = _disk(size)
        kernel /= kernel.sum()
        for channel, its_result in zip(image.numpy(), result.numpy(), strict=True):
            cv2.filter2D(channel, -1, kernel, its_result, borderType=cv2.BORDER_REFLECT_101)
    return blurred


def ring_blurs(images: Tensor, kernel_sizes: Sequence[int]) -> Tensor:
    """Blur each image of a batch as a microscope's objective does, out of focus, on the device of the images.

    What a point becomes behind a round pupil whose wave is curved (Born & Wolf, Principles of Optics, Section 8.8): a
    disk with rings in it, and faint ones around it; three wavelengths' mean.

    Args:
        images: (B, C, H, W) float of any range; may be smaller than the kernels.
        kernel_sizes: B odd numbers, each at least 1; the diameters of the disks that rays alone would make.

    Returns:
        (B, C, H, W).

    Raises:
        RequestError: An even or non-positive kernel size.
    """
    return _by_kernels(images, kernel_sizes, _rings)


def wide_gaussian_blurs(images: Tensor, kernel_sizes: Sequence[int]) -> Tensor:
    """`gaussian_blurs` to 1e-5 of the range, in a time that hardly grows with the kernels."""
    return _by_kernels(images, kernel_sizes, _gaussian)


def _by_kernels(
    images: Tensor,
    kernel_sizes: Sequence[int],
    kernel_of: Callable[[int], NDArray[np.float64]],
    summed: int = LARGEST_SUMMED,
) -> Tensor:
    blurred = torch.empty_like(images)
    for size in set(kernel_sizes):
        _check_odd(size)
        places = [place for place, its_size in enumerate(kernel_sizes) if its_size == size]
        blurred[places] = _by_kernel(images[places], kernel_of(size), summed)
    return blurred


def _by_kernel(images: Tensor, kernel: NDArray[np.float64], summed: int) -> Tensor:
    """The images under a symmetric, square, odd kernel, borders reflected without their edge."""
    channels, reach = images.shape[1], len(kernel) // 2
    sides = images.shape[2:]
    for axis in (-1, -2):
        inside = torch.from_numpy(_reflected(images.shape[axis], reach)).to(images.device)
        images = images.index_select(axis, inside)
    weights = torch.from_numpy(kernel / kernel.sum()).to(images)
    if len(kernel) <= summed:
        return conv2d(images, weights.expand(channels, 1, -1, -1), groups=channels)
    padded = images.shape[-2:]
    product = torch.fft.rfft2(images) * torch.fft.rfft2(weights, s=padded)
    blurred: Tensor = torch.fft.irfft2(product, s=padded)[..., 2 * reach :, 2 * reach :]
    return blurred[..., : sides[0], : sides[1]]


def _disk(kernel_size: int) -> NDArray[np.float64]:
    offsets = np.arange(-(kernel_size // 2), kernel_size // 2 + 1)
    disk: NDArray[np.float64] = (kernel_size / 2 + 0.5 - np.hypot(offsets[:, None], offsets)).clip(0, 1)
    return disk


def _gaussian(kernel_size: int) -> NDArray[np.float64]:
    weights = np.array(_weights(kernel_size))
    return np.outer(weights, weights)


def _rings(kernel_size: int) -> NDArray[np.float64]:
    # A pupil is a disk of frequencies; a curved wave delays each by its own distance from the axis, the rim by the
    # disk's radius.
    radius, reach = kernel_size / 2, kernel_size // 2 + RINGS_BEYOND
    frequencies = np.fft.fftfreq(4 * reach)
    squared = frequencies[:, None] ** 2 + frequencies**2
    kernel = np.zeros(squared.shape)
    for wavelength in WAVELENGTHS:
        rim = PUPIL / wavelength
        wave = np.where(squared <= rim**2, np.exp(1j * np.pi * radius / rim * squared), 0)
        light = np.abs(np.fft.ifft2(wave)) ** 2
        kernel += light / light.sum()
    shifted: NDArray[np.float64] = np.fft.fftshift(kernel)[reach : 3 * reach + 1, reach : 3 * reach + 1]
    return shifted


def random_kernel_size(rng: np.random.Generator, low: int = 3, high: int = 21) -> int:
    """An odd kernel size in [low, high], each equally likely.

    Raises:
        RequestError: Unless low and high are odd and 1 <= low <= high.
    """
    check_kernel_sizes(low, high)
    return low + 2 * int(rng.integers((high - low) // 2 + 1))


def kernel_size_at(place: float, low: int, high: int) -> int:
    """The odd kernel size in [low, high] at a place in [0, 1); to equal parts of it belong equally many sizes."""
    return low + 2 * int(place * ((high - low) // 2 + 1))


def check_kernel_sizes(low: int, high: int) -> None:
    """Raise RequestError unless low and high are odd and 1 <= low <= high."""
    if low % 2 == 0 or high % 2 == 0 or not 1 <= low <= high:
        raise RequestError(f"kernel_sizes: got ({low}, {high}), expected odd numbers, 1 <= low <= high")


def _check_odd(kernel_size: int) -> None:
    if kernel_size % 2 == 0 or kernel_size < 1:
        raise RequestError(f"kernel_size: got {kernel_size}, expected an odd number from 1 up")


def _weights(kernel_size: int) -> list[float]:
    _check_odd(kernel_size)
    radius = kernel_size // 2
    sigma = 0.3 * (radius - 1) + 0.8
    weights = [math.exp(-0.5 * (offset / sigma) ** 2) for offset in range(-radius, radius + 1)]
    return [weight / sum(weights) for weight in weights]


def _reflected(length: int, reach: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Indices -reach … length-1+reach, each brought inside by reflections that do not repeat the edge."""
    period = max(2 * (length - 1), 1)
    position = np.arange(-reach, length + reach) % period
    return np.minimum(position, period - position) if length > 1 else np.zeros_like(position)
