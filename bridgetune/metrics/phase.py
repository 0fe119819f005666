"""Phase congruency and its moments: features of an image that do not change with contrast.

Kovesi, Videre 1, 1999, as the toolbox of Z. Liu et al., TPAMI 34, 2012, runs it. The constants below reproduce the
toolbox's values of Q^P.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bridgetune.metrics.filters import from_half_spectrum

SCALES, ORIENTATIONS = 4, 6
SHORTEST_WAVELENGTH, STEP = 3, 2.1
BANDWIDTH = 0.55
"""Ratio of a log-Gabor filter's standard deviation to its centre frequency."""
ANGULAR_WIDTH = math.pi / ORIENTATIONS / 1.2
LOWPASS, LOWPASS_ORDER = 0.45, 15
NOISE_DEVIATIONS, NOISE_DIVISOR = 2.0, 1.7
SPREAD_CENTRE, SPREAD_SLOPE = 0.5, 10
SMALL = 1e-4


class PhaseFeatures(NamedTuple):
    """Of one image, each (H, W)."""

    congruency: Tensor
    maximum: Tensor
    """Maximum moment: edges."""
    minimum: Tensor
    """Minimum moment: corners."""


class _Bank(NamedTuple):
    """What depends on the size alone, on the half spectrum of `rfft2`.

    Filter (s, o) is radial[s]·angular[o], in its even and its odd part: the one's response is real, the other's
    imaginary, so two real transforms do the work of a complex one, and what they give needs no taking apart.
    """

    even_radial: Tensor
    """(scales, H, W//2+1)."""
    odd_radial: Tensor | None
    """None where both sides are even: it is 0."""
    even_angular: Tensor
    """(orientations, H, W//2+1)."""
    odd_angular: Tensor
    noise: tuple[float, ...]
    """An orientation's noise threshold divided by the root of its median squared response."""


def phase_features(levels: Tensor, precision: torch.dtype) -> PhaseFeatures:
    """Phase congruency, in [0, 1], and its moments.

    Args:
        levels: (H, W).
        precision: Of the filters' responses, float32 or float64. The image's own spectrum is of the levels' type: in
            float32, its strongest coefficients would leave their rounding in all others.
    """
    shape = levels.shape[0], levels.shape[1]
    bank = _bank(*shape, precision, levels.device)
    spectrum = torch.fft.rfft2(levels).to(precision.to_complex())
    bands = _bands(spectrum, bank)
    turned = _bands(spectrum * -1j, bank)  # whose transform by an odd filter is real
    energies, amplitudes, cosine2, sine2, both = (torch.zeros_like(levels, dtype=precision) for _ in range(5))
    for orientation, noise in enumerate(bank.noise):
        angular = [part[orientation].to(spectrum.dtype) for part in (bank.even_angular, bank.odd_angular)]
        even = _responses(bands, angular, shape)
        odd = _responses(turned, angular[::-1], shape)
        energy, total, greatest = _energy(even, odd, noise)

        spread = (total / greatest.add_(SMALL)).div_(SCALES)
        energy.mul_(spread.sub_(SPREAD_CENTRE).mul_(SPREAD_SLOPE).sigmoid_())
        energies.add_(energy)
        amplitudes.add_(total)
        # 0/0 in a flat image, whose filters do not respond: nothing is congruent there.
        square = energy.div_(total).nan_to_num_(0).square_()
        angle = orientation * math.pi / ORIENTATIONS
        cosine2.add_(square, alpha=math.cos(angle) ** 2)
        sine2.add_(square, alpha=math.sin(angle) ** 2)
        both.add_(square, alpha=math.cos(angle) * math.sin(angle))

    half = ORIENTATIONS / 2
    cosine2.div_(half)
    sine2.div_(half)
    both.div_(ORIENTATIONS)
    apart = both.square_().add_((cosine2 - sine2).square_()).sqrt_().add_(SMALL)
    mean = cosine2 + sine2
    features = energies.div_(amplitudes.add_(SMALL)), (mean + apart).div_(2), (mean - apart).div_(2)
    return PhaseFeatures(*(feature.to(levels.dtype) for feature in features))


class _Bands(NamedTuple):
    """A spectrum times the even and the odd part of the radial filters, (scales, H, W//2+1)."""

    even: Tensor
    odd: Tensor | None


def _bands(spectrum: Tensor, bank: _Bank) -> _Bands:
    return _Bands(spectrum * bank.even_radial, None if bank.odd_radial is None else spectrum * bank.odd_radial)


def _responses(bands: _Bands, angular: Sequence[Tensor], shape: tuple[int, int]) -> list[Tensor]:
    """The responses (H, W) of an orientation's filters, one a scale.

    Args:
        bands: Of the image.
        angular: What the even bands are multiplied by, and the odd ones: so their sum is even throughout, or odd.
        shape: H, W.
    """
    # Plane by plane and in place, here and below: fresh memory and a full cache cost more than the arithmetic.
    product = torch.empty_like(bands.even[0])
    found = []
    for scale, even in enumerate(bands.even):
        torch.mul(even, angular[0], out=product)
        if bands.odd is not None:
            product.addcmul_(bands.odd[scale], angular[1])
        found.append(from_half_spectrum(product, shape))
    return found


def _energy(even: list[Tensor], odd: list[Tensor], noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """Of one orientation: local energy above the noise, the scales' amplitudes summed, and the greatest of them."""
    total, greatest = torch.zeros_like(even[0]), torch.zeros_like(even[0])
    amplitude = torch.empty_like(total)
    threshold = 0.0
    for scale, (real, imaginary) in enumerate(zip(even, odd, strict=True)):
        torch.mul(real, real, out=amplitude).addcmul_(imaginary, imaginary)
        if scale == 0:
            threshold = noise * math.sqrt(_median(amplitude))
        amplitude.sqrt_()
        total.add_(amplitude)
        torch.maximum(greatest, amplitude, out=greatest)

    even_sum, odd_sum = (responses[0] + responses[1] for responses in (even, odd))
    for scale in range(2, SCALES):
        even_sum.add_(even[scale])
        odd_sum.add_(odd[scale])
    energy = (even_sum * even_sum).addcmul_(odd_sum, odd_sum)
    length = energy.sqrt().add_(SMALL)
    for real, imaginary in zip(even, odd, strict=True):
        energy.sub_(real.mul_(odd_sum).addcmul_(imaginary, even_sum, value=-1).abs_())
    return energy.div_(length).sub_(threshold).clamp_min_(0), total, greatest


def _median(values: Tensor) -> float:
    """Of all values, the mean of the two middle ones where their number is even, which `torch.median` is not."""
    upper = values.numel() // 2
    lower = upper - 1 + values.numel() % 2
    middle = np.partition(values.numpy(force=True), (lower, upper), axis=None)[[lower, upper]]
    return float(middle.mean(dtype=np.float64))


@functools.lru_cache(maxsize=4)
def _bank(height: int, width: int, dtype: torch.dtype, device: torch.device) -> _Bank:
    down, across = _coordinates(height)[:, None], _coordinates(width)
    radius = (down.square() + across.square()).sqrt_()
    radius[0, 0] = 1
    # The toolbox takes this filter's own grid over n for odd sizes too, and moves it by fftshift: a pixel off centre.
    wide = torch.fft.fftshift(_centred(height))[:, None].square() + torch.fft.fftshift(_centred(width)).square()
    lowpass = wide.div_(LOWPASS**2).pow_(LOWPASS_ORDER).add_(1).reciprocal_()
    octaves = radius.log_()
    radial = [
        _bell(octaves + math.log(SHORTEST_WAVELENGTH * STEP**scale), -math.log(BANDWIDTH)).mul_(lowpass)
        for scale in range(SCALES)
    ]
    for band in radial:
        band[0, 0] = 0

    direction = torch.atan2(-down, across)
    angular, noise = [], []
    summed = functools.reduce(torch.add, radial)
    for orientation in range(ORIENTATIONS):
        turn = (direction - orientation * math.pi / ORIENTATIONS).abs_()
        angular.append(_bell(torch.minimum(turn, 2 * math.pi - turn), ANGULAR_WIDTH))
        noise.append(_noise(radial[0] * angular[-1], summed * angular[-1]))

    def stacked(planes: list[Tensor], parity: int) -> Tensor:
        return torch.stack([_half(plane, parity) for plane in planes]).to(device, dtype)

    return _Bank(
        stacked(radial, 1),
        stacked(radial, -1) if height % 2 or width % 2 else None,
        stacked(angular, 1),
        stacked(angular, -1),
        tuple(noise),
    )


def _bell(distance: Tensor, deviation: float) -> Tensor:
    """exp(-d²/2σ²), in place of the distance."""
    return distance.square_().div_(-2 * deviation**2).exp_()


def _half(spectrum: Tensor, parity: int) -> Tensor:
    """The even or the odd part of a spectrum (H, W), on the half of it that `rfft2` has."""
    mirrored = spectrum.flip(0, 1).roll((1, 1), (0, 1))
    return (spectrum + parity * mirrored)[:, : spectrum.shape[1] // 2 + 1].div_(2)


def _noise(smallest: Tensor, summed: Tensor) -> float:
    """Threshold for a median squared response of 1: noise of Rayleigh distribution, its mean and two deviations.

    Args:
        smallest, summed: The filter of the smallest scale, and the sum of all scales' (H, W).
    """
    power = 1 / math.log(2) / float(smallest.square_().sum())
    # By Parseval: the real part of the summed filters' inverse transform is their even part's.
    even = (summed + summed.flip(0, 1).roll((1, 1), (0, 1))).div_(2)
    rayleigh = math.sqrt(power * float(even.square_().sum()))
    return rayleigh * (math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)) / NOISE_DIVISOR


def _coordinates(side: int) -> Tensor:
    """Frequencies in the order of an FFT; an odd side's are divided by one less, as Kovesi has it."""
    frequencies: Tensor = torch.fft.ifftshift(_centred(side) * side / (side - side % 2))
    return frequencies


def _centred(side: int) -> Tensor:
    return (torch.arange(side, dtype=torch.float64) - side // 2) / side
