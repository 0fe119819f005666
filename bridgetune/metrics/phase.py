"""Phase congruency and its moments: features of an image that do not change with contrast.

Kovesi, Videre 1, 1999, as the toolbox of Z. Liu et al., TPAMI 34, 2012, runs it. The constants below reproduce the
toolbox's values of Q^P.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bridgetune.metrics.filters import from_half_spectrum
from bridgetune.metrics.strips import is_large, strips

SCALES, ORIENTATIONS = 4, 6
SHORTEST_WAVELENGTH, STEP = 3, 2.1
BANDWIDTH = 0.55
"""Ratio of a log-Gabor filter's standard deviation to its centre frequency."""
ANGULAR_WIDTH = math.pi / ORIENTATIONS / 1.2
LOWPASS, LOWPASS_ORDER = 0.45, 15
NOISE_DEVIATIONS, NOISE_DIVISOR = 2.0, 1.7
SPREAD_CENTRE, SPREAD_SLOPE = 0.5, 10
SMALL = 1e-4

COLUMNS = 64
"""Of a spectrum, as many as are looked at at a time: few enough for the processor's cache."""
ROWS = 1 << 23
"""Pixels of a large image whose responses in all scales are held at a time."""


class PhaseFeatures(NamedTuple):
    """Of one image, each (H, W)."""

    congruency: Tensor
    maximum: Tensor
    """Maximum moment: edges."""
    minimum: Tensor
    """Minimum moment: corners."""


def spectrum(levels: Tensor, precision: torch.dtype) -> Tensor:
    """What `phase_features` looks at.

    Args:
        levels: (H, W).
        precision: Of the filters' responses, float32 or float64. The image's own transform is of the levels' type: in
            float32, its strongest coefficients would leave their rounding in all others.

    Returns:
        The half spectrum, (H, W//2+1) complex.
    """
    found: Tensor = torch.fft.rfft2(levels).to(precision.to_complex())
    return found


def phase_features(spectrum: Tensor, width: int) -> PhaseFeatures:
    """Phase congruency, in [0, 1], and its moments, in the precision of the spectrum.

    Args:
        spectrum: See `spectrum`; not the levels, which would take memory to the end.
        width: Of the image.
    """
    return (_of_large if is_large(len(spectrum), width) else _of_small)(spectrum, width)


def _of_small(spectrum: Tensor, width: int) -> PhaseFeatures:
    """With filters that are made once for a size, and all responses of an orientation at a time."""
    height = len(spectrum)
    radial, tilt, orientations = _bank(height, width, spectrum.real.dtype, spectrum.device)
    even_bands = spectrum * radial
    odd_bands = None if tilt is None else even_bands * tilt
    bands = _Bands(even_bands, odd_bands)
    # Whose transforms by odd filters are real.
    turned = _Bands(even_bands * -1j, None if odd_bands is None else odd_bands * -1j)
    sums = _Sums(height, width, spectrum)
    for orientation, (angular, noise) in enumerate(orientations):
        parts = [part.to(spectrum.dtype) for part in angular]
        even = _responses(bands, parts, (height, width))
        odd = _responses(turned, parts[::-1], (height, width))
        threshold = noise * math.sqrt(_median(_squared(even[0], odd[0])))
        sums.add(orientation, slice(None), *_energy(even, odd, threshold))
    return sums.features()


class _Sums:
    """What the orientations come to, (H, W) each."""

    def __init__(self, height: int, width: int, like: Tensor) -> None:
        planes = (torch.zeros(height, width, dtype=like.real.dtype, device=like.device) for _ in range(5))
        self._energies, self._amplitudes, self._cosine2, self._sine2, self._both = planes

    def add(self, orientation: int, rows: slice, energy: Tensor, total: Tensor, greatest: Tensor) -> None:
        """Count an orientation in some rows, by what `_energy` has of them, which is overwritten."""
        spread = (total / greatest.add_(SMALL)).div_(SCALES)
        energy.mul_(spread.sub_(SPREAD_CENTRE).mul_(SPREAD_SLOPE).sigmoid_())
        self._energies[rows].add_(energy)
        self._amplitudes[rows].add_(total)
        # 0/0 in a flat image, whose filters do not respond: nothing is congruent there.
        square = energy.div_(total).nan_to_num_(0).square_()
        angle = orientation * math.pi / ORIENTATIONS
        self._cosine2[rows].add_(square, alpha=math.cos(angle) ** 2)
        self._sine2[rows].add_(square, alpha=math.sin(angle) ** 2)
        self._both[rows].add_(square, alpha=math.cos(angle) * math.sin(angle))

    def features(self) -> PhaseFeatures:
        """Of all orientations, in place of the sums."""
        half = ORIENTATIONS / 2
        cosine2, sine2 = self._cosine2.div_(half), self._sine2.div_(half)
        both = self._both.div_(ORIENTATIONS)
        apart = both.square_().add_((cosine2 - sine2).square_()).sqrt_().add_(SMALL)
        mean = cosine2.add_(sine2)
        congruency = self._energies.div_(self._amplitudes.add_(SMALL))
        return PhaseFeatures(congruency, torch.add(mean, apart, out=sine2).div_(2), mean.sub_(apart).div_(2))


class _Bands(NamedTuple):
    """A spectrum times the even and the odd part of the radial filters, (scales, H, W//2+1)."""

    even: Tensor
    odd: Tensor | None


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


def _squared(real: Tensor, imaginary: Tensor) -> Tensor:
    return torch.mul(real, real).addcmul_(imaginary, imaginary)


def _energy(even: list[Tensor], odd: list[Tensor], threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    """Of one orientation: local energy above the noise, the scales' amplitudes summed, and the greatest of them.

    Args:
        even, odd: The scales' responses, which are overwritten.
        threshold: The noise's energy.
    """
    total, greatest = torch.zeros_like(even[0]), torch.zeros_like(even[0])
    amplitude = torch.empty_like(total)
    for real, imaginary in zip(even, odd, strict=True):
        torch.mul(real, real, out=amplitude).addcmul_(imaginary, imaginary).sqrt_()
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
    """Of all values, the mean of the two middle ones where their number is even, which `torch.median` is not.

    It leaves the values in another order.
    """
    upper = values.numel() // 2
    lower = upper - 1 + values.numel() % 2
    ordered = values.flatten().numpy(force=True)
    ordered.partition((lower, upper))
    return float(ordered[[lower, upper]].mean(dtype=np.float64))


class _Filters:
    """The filters for a size, on the half spectrum of `rfft2`.

    Filter (s, o) is radial[s]·angular[o], in its even and its odd part: the one's response is real, the other's
    imaginary, so two real transforms do the work of a complex one, and what they give needs no taking apart. They are
    made in float64, some columns of the spectrum at a time.

    Args:
        height, width: Of the image.
        dtype, device: Of the filters.

    Attributes:
        radial: Their even part, (scales, H, W//2+1).
        tilt: The odd part divided by the even one, (H, W//2+1), the same for all: log-Gabor filters are even, the
            low-pass is not. None where both sides are even: it is 0.
        columns: Of the half spectrum, as many as are looked at together.
    """

    def __init__(self, height: int, width: int, dtype: torch.dtype, device: torch.device) -> None:
        half = width // 2 + 1
        self._height, self._width = height, width
        self.columns = [slice(left, min(left + COLUMNS, half)) for left in range(0, half, COLUMNS)]
        self.radial = torch.empty(SCALES, height, half, dtype=dtype, device=device)
        self.tilt = torch.empty_like(self.radial[0]) if height % 2 or width % 2 else None
        for columns in self.columns:
            here, there = self._places(columns)
            lowpass, mirrored = here.lowpass(), there.lowpass()
            even = (lowpass + mirrored) / 2
            for scale, band in enumerate(here.log_gabor()):
                self.radial[scale, :, columns] = band.mul_(even)
            if self.tilt is not None:
                self.tilt[:, columns] = (lowpass - mirrored) / (lowpass + mirrored)

    def angular(self, orientations: Iterable[int]) -> list[tuple[Tensor, float]]:
        """Of orientations, the angular part, even and odd, (2, H, W//2+1), and its noise.

        That is the noise threshold divided by the root of the median squared response.
        """
        found = [torch.empty_like(self.radial[:2]) for _ in orientations]
        smallest, summed = ([0.0] * len(found) for _ in range(2))
        for columns in self.columns:
            places = self._places(columns)
            tilt = 0.0 if self.tilt is None else self.tilt[:, columns].to("cpu", torch.float64)
            radial = self.radial[:, :, columns].to("cpu", torch.float64)
            sides = [(band * (1 + tilt), band * (1 - tilt)) for band in (radial[0], radial.sum(0))]
            # The half spectrum's mirror image is the other half, but for the columns that are in both.
            place = torch.arange(columns.start, columns.stop)
            twice = ((place > 0) & (2 * place != self._width)).double()
            for number, orientation in enumerate(orientations):
                here, there = (each.angular(orientation) for each in places)
                found[number][0, :, columns] = (here + there) / 2
                found[number][1, :, columns] = (here - there) / 2
                smallest[number] += float((sides[0][0] * here).square_().sum(0).sum())
                smallest[number] += float((sides[0][1] * there).square_().sum(0).mul_(twice).sum())
                even = torch.addcmul(sides[1][0] * here, sides[1][1], there).div_(2)
                summed[number] += float(even.square_().sum(0).mul_(twice + 1).sum())
        return [(planes, _noise(*both)) for planes, *both in zip(found, smallest, summed, strict=True)]

    def _places(self, columns: slice) -> tuple[_Places, _Places]:
        """Some columns, and where the spectrum's mirror image has them."""
        height, width = self._height, self._width
        down, across = torch.arange(height), torch.arange(columns.start, columns.stop)
        return _Places(height, width, down, across), _Places(height, width, -down % height, -across % width)


class _Bank(NamedTuple):
    """All filters for a size, see `_Filters`."""

    radial: Tensor
    tilt: Tensor | None
    orientations: list[tuple[Tensor, float]]


@functools.lru_cache(maxsize=4)
def _bank(height: int, width: int, dtype: torch.dtype, device: torch.device) -> _Bank:
    filters = _Filters(height, width, dtype, device)
    return _Bank(filters.radial, filters.tilt, filters.angular(range(ORIENTATIONS)))


def _of_large(spectrum: Tensor, width: int) -> PhaseFeatures:
    """With an orientation's filters at a time, and responses transformed row by row when they are looked at.

    Down the columns, a transform needs the whole image. Of what it gives, as many rows are held as `ROWS` says, but for
    the smallest scale, which tells the noise; the transform is made again for the next.
    """
    height = len(spectrum)
    filters = _Filters(height, width, spectrum.real.dtype, spectrum.device)
    sums = _Sums(height, width, spectrum)
    count = max(ROWS // width, 1)
    for orientation in range(ORIENTATIONS):
        ((angular, noise),) = filters.angular([orientation])
        smallest = _down(spectrum, filters, angular, 0, slice(0, height))
        threshold = noise * math.sqrt(_median_squared(smallest, width))
        del smallest
        for top in range(0, height, count):
            rows = slice(top, min(top + count, height))
            scales = [_down(spectrum, filters, angular, scale, rows) for scale in range(SCALES)]
            for strip in strips(rows.stop - top, width):
                even, odd = ([_across(scale[parity][strip.rows], width) for scale in scales] for parity in range(2))
                place = slice(top + strip.rows.start, top + strip.rows.stop)
                sums.add(orientation, place, *_energy(even, odd, threshold))
            del scales
        del angular
    del filters
    return sums.features()


def _down(spectrum: Tensor, filters: _Filters, angular: Tensor, scale: int, rows: slice) -> list[Tensor]:
    """Rows of the even and of the odd response, transformed down the columns alone; (h, W//2+1) complex each."""
    found: list[Tensor] = []
    for parity in range(2):
        into = spectrum.new_empty(rows.stop - rows.start, spectrum.shape[1])
        for columns in filters.columns:
            part = angular[parity, :, columns]
            if filters.tilt is not None:
                part = torch.addcmul(part, filters.tilt[:, columns], angular[1 - parity, :, columns])
            product = spectrum[:, columns] * (part * filters.radial[scale, :, columns])
            into[:, columns] = torch.fft.ifft(product.mul_(-1j) if parity else product, dim=0)[rows]
        found.append(into)
    return found


def _median_squared(responses: list[Tensor], width: int) -> float:
    """The median of a scale's squared amplitude, of its responses by `_down`."""
    height = len(responses[0])
    squared = responses[0].real.new_empty(height, width)
    for strip in strips(height, width):
        squared[strip.rows] = _squared(*(_across(part[strip.rows], width) for part in responses))
    return _median(squared)


def _across(rows: Tensor, width: int) -> Tensor:
    """Rows of a half spectrum that has been transformed down the columns -> the image's, (h, W)."""
    found: Tensor = torch.fft.irfft(rows, n=width, dim=1)
    return found


def _bell(distance: Tensor, deviation: float) -> Tensor:
    """exp(-d²/2σ²), in place of the distance."""
    return distance.square_().div_(-2 * deviation**2).exp_()


def _noise(smallest: float, summed: float) -> float:
    """Threshold for a median squared response of 1: noise of Rayleigh distribution, its mean and two deviations.

    Args:
        smallest: Sum of the squared filter of the smallest scale.
        summed: Of the even part of the sum of all scales' filters, squared: by Parseval, it stands for the real part of
            its inverse transform.
    """
    rayleigh = math.sqrt(summed / (math.log(2) * smallest))
    return rayleigh * (math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)) / NOISE_DIVISOR


class _Places:
    """Some frequencies of an image's spectrum, and the filters there, in float64.

    Args:
        height, width: Of the image.
        rows, columns: Places of the spectrum, in the order of an FFT; all of the ones with all of the others.
    """

    def __init__(self, height: int, width: int, rows: Tensor, columns: Tensor) -> None:
        self._size, self._rows, self._columns = (height, width), rows, columns
        self._down, self._across = _coordinates(height)[rows][:, None], _coordinates(width)[columns]

    @functools.cached_property
    def _direction(self) -> Tensor:
        return torch.atan2(-self._down, self._across)

    def lowpass(self) -> Tensor:
        """What all filters have in common."""
        # The toolbox takes its own grid over n for odd sizes too, and moves it by fftshift: a pixel off centre.
        down, across = (torch.fft.fftshift(_centred(side)) for side in self._size)
        wide = down[self._rows][:, None].square() + across[self._columns].square()
        response: Tensor = wide.div_(LOWPASS**2).pow_(LOWPASS_ORDER).add_(1).reciprocal_()
        return response

    def log_gabor(self) -> list[Tensor]:
        """One filter a scale, 0 at the frequency 0."""
        radius = (self._down.square() + self._across.square()).sqrt_()
        zero = radius == 0
        octaves = radius.masked_fill_(zero, 1).log_()
        steps = [octaves + math.log(SHORTEST_WAVELENGTH * STEP**scale) for scale in range(SCALES)]
        return [_bell(step, -math.log(BANDWIDTH)).masked_fill_(zero, 0) for step in steps]

    def angular(self, orientation: int) -> Tensor:
        """Of an orientation."""
        turn = (self._direction - orientation * math.pi / ORIENTATIONS).abs_()
        return _bell(torch.minimum(turn, 2 * math.pi - turn), ANGULAR_WIDTH)


def _coordinates(side: int) -> Tensor:
    """Frequencies in the order of an FFT; an odd side's are divided by one less, as Kovesi has it."""
    frequencies: Tensor = torch.fft.ifftshift(_centred(side) * side / (side - side % 2))
    return frequencies


def _centred(side: int) -> Tensor:
    return (torch.arange(side, dtype=torch.float64) - side // 2) / side
