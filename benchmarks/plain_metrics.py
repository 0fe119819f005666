"""The fusion metrics as one writes them first, in NumPy and SciPy: full complex FFTs, filters built at each call."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float64]


def qabf(first: Image, second: Image, fused: Image) -> tuple[float, float]:
    """Sum over sum of weights, and mean over pixels."""

    def edges(image: Image) -> list[Image]:
        across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
        down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
        x, y = (ndimage.correlate(image, kernel.astype(float), mode="constant") for kernel in (across, down))
        return [np.sqrt(x**2 + y**2), np.arctan(y / np.where(x == 0, 1e-5, x))]

    strength, angle = edges(fused)
    total, weights = np.zeros_like(fused), np.zeros_like(fused)
    for source in (first, second):
        weight, source_angle = edges(source)
        weight = np.where(weight == 0, 1e-5, weight)
        falling = strength / weight
        strength = np.where(strength == 0, 1e-5, strength)
        ratio = np.where(weight > strength, falling, weight / strength)
        turn = np.abs(np.abs(source_angle - angle) - np.pi / 2) * 2 / np.pi
        kept = 1 / (1 + np.exp(-10 * (ratio - 0.5))) / (1 + np.exp(-20 * (turn - 0.75)))
        total, weights = total + kept * weight, weights + weight
    return float(total.sum() / weights.sum()), float((total / weights).mean())


def stretched(image: Image) -> Image:
    return np.floor((image - image.min()) / (image.max() - image.min()) * 255 + 0.5)


def q_mi(first: Image, second: Image, fused: Image) -> float:
    def entropy(counts: Image) -> float:
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log2(shares)).sum())

    score, fused = 0.0, stretched(fused)
    for source in (first, second):
        joint, _, _ = np.histogram2d(stretched(source).ravel(), fused.ravel(), bins=256, range=[[0, 256], [0, 256]])
        apart = entropy(joint.sum(0)) + entropy(joint.sum(1))
        score += 2 * (apart - entropy(joint)) / apart
    return score


def gaussian(image: Image, sigma: float, reach: int, total: float) -> Image:
    """Separable, zeros beyond the edges; `total` is the taps' sum, 0 leaves them as sampled."""
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    taps = taps / taps.sum() if total else taps / (math.sqrt(2 * math.pi) * sigma)
    for axis in (0, 1):
        image = ndimage.correlate1d(image, taps, axis, mode="constant")
    return image


def similarity(first: Image, second: Image, fused: Image) -> tuple[float, float]:
    """Q_S and Q_W."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def smooth(image: Image) -> Image:
        return gaussian(image, 1.5, 5, 1)[5:-5, 5:-5]

    def ssim(x: Image, y: Image) -> Image:
        mx, my = smooth(x), smooth(y)
        vx, vy, shared = smooth(x * x) - mx**2, smooth(y * y) - my**2, smooth(x * y) - mx * my
        return (2 * mx * my + c1) * (2 * shared + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))

    variances = [smooth(source * source) - smooth(source) ** 2 for source in (first, second)]
    kept = [np.where(variance < 1e-9, 0, variance) for variance in variances]
    total = kept[0] + kept[1]
    share = np.divide(kept[0], total, out=np.full_like(total, 0.5), where=total > 0)
    mixed = share * ssim(first, fused) + (1 - share) * ssim(second, fused)
    weight = np.maximum(*variances)
    return float(mixed.mean()), float((mixed * weight).sum() / weight.sum())


def frequencies(side: int) -> Image:
    return (np.arange(side) - side // 2) / (side - side % 2)


def phase_congruency(image: Image) -> tuple[Image, Image, Image]:
    """Phase congruency, maximum and minimum moment."""
    height, width = image.shape
    x, y = np.meshgrid(frequencies(width), frequencies(height))
    radius, angle = np.fft.ifftshift(np.hypot(x, y)), np.fft.ifftshift(np.arctan2(-y, x))
    radius[0, 0] = 1
    across, down = np.meshgrid((np.arange(width) - width // 2) / width, (np.arange(height) - height // 2) / height)
    lowpass = np.fft.fftshift(1 / (1 + (np.hypot(across, down) / 0.45) ** 30))
    spectrum = np.fft.fft2(image)
    energies, amplitudes, moments = np.zeros_like(image), np.zeros_like(image), np.zeros((3, height, width))
    for orientation in range(6):
        turn = orientation * np.pi / 6
        apart = np.abs(np.arctan2(np.sin(angle - turn), np.cos(angle - turn)))
        filters = []
        for scale in range(4):
            radial = np.exp(-(np.log(radius * 3 * 2.1**scale) ** 2) / (2 * np.log(0.55) ** 2)) * lowpass
            radial[0, 0] = 0
            filters.append(radial * np.exp(-(apart**2) / (2 * (np.pi / 6 / 1.2) ** 2)))
        responses = np.array([np.fft.ifft2(spectrum * each) for each in filters])
        amplitude = np.abs(responses)
        inverse = [np.fft.ifft2(each).real * np.sqrt(image.size) for each in filters]
        power = np.median(amplitude[0] ** 2) / np.log(2) / (filters[0] ** 2).sum()
        squares = sum((one**2).sum() for one in inverse)
        products = sum((inverse[s] * inverse[t]).sum() for s in range(4) for t in range(s + 1, 4))
        tau = np.sqrt((2 * power * squares + 4 * power * products) / 2)
        threshold = (tau * np.sqrt(np.pi / 2) + 2 * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7

        even, odd = responses.real, responses.imag
        even_sum, odd_sum = even.sum(0), odd.sum(0)
        length = np.sqrt(even_sum**2 + odd_sum**2) + 1e-4
        mean_even, mean_odd = even_sum / length, odd_sum / length
        energy = (even * mean_even + odd * mean_odd - np.abs(even * mean_odd - odd * mean_even)).sum(0)
        energy = np.maximum(energy - threshold, 0)
        spread = amplitude.sum(0) / (amplitude.max(0) + 1e-4) / 4
        energy = energy / (1 + np.exp(10 * (0.5 - spread)))
        energies, amplitudes = energies + energy, amplitudes + amplitude.sum(0)
        congruent = energy / amplitude.sum(0)
        cosine, sine = congruent * np.cos(turn), congruent * np.sin(turn)
        moments += np.array([cosine**2, sine**2, cosine * sine])
    cosine2, sine2, both = moments[0] / 3, moments[1] / 3, moments[2] / 6
    apart = np.sqrt(both**2 + (cosine2 - sine2) ** 2) + 1e-4
    return energies / (amplitudes + 1e-4), (cosine2 + sine2 + apart) / 2, (cosine2 + sine2 - apart) / 2


def q_p(first: Image, second: Image, fused: Image) -> float:
    of_first, of_second, of_fused = (phase_congruency(image) for image in (first, second, fused))
    greater = of_first[0] > of_second[0]
    sources = [of_first, of_second, [np.where(greater, a, b) for a, b in zip(of_first, of_second, strict=True)]]

    def smooth(image: Image) -> Image:
        return gaussian(image, 1.5, 5, 1)

    score = 1.0
    for feature in range(3):
        y, best = of_fused[feature], []
        for source in sources:
            mask = source[0] > 0.1
            x = source[feature] * mask
            shared = smooth(x * y) - smooth(x) * smooth(y)
            deviations = np.sqrt(np.abs((smooth(x * x) - smooth(x) ** 2) * (smooth(y * y) - smooth(y) ** 2)))
            best.append(mask * (shared + 1e-4) / (deviations + 1e-4))
        score *= float(np.max(best, axis=0).sum() / (sources[2][0] > 0.1).sum())
    return score


def q_cb(first: Image, second: Image, fused: Image) -> float:
    def masked(image: Image) -> Image:
        height, width = image.shape
        x, y = np.meshgrid(
            (np.arange(width) - width // 2) * 2 / width * width / 30,
            (np.arange(height) - height // 2) * 2 / height * height / 30,
        )
        square = x**2 + y**2
        sensitivity = np.exp(-square / 15.3870**2) - 0.7622 * np.exp(-square / 1.3456**2)
        seen = np.fft.ifft2(np.fft.fft2(stretched(image)) * np.fft.ifftshift(sensitivity)).real
        near, around = gaussian(seen, 2, 15, 0), gaussian(seen, 4, 15, 0)
        empty = np.abs(around) < 1e-9
        found = np.where(empty, 0, np.abs(near / np.where(empty, 1, around) - 1))
        return found**3 / (found**2 + 1e-4)

    def kept(x: Image, y: Image) -> Image:
        greater = np.maximum(x, y)
        return np.divide(np.minimum(x, y), greater, out=np.ones_like(x), where=greater > 0)

    a, b, f = masked(first), masked(second), masked(fused)
    total = a**2 + b**2
    share = np.divide(a**2, total, out=np.full_like(a, 0.5), where=total > 0)
    return float((share * kept(a, f) + (1 - share) * kept(b, f)).mean())


REFERENCES: dict[tuple[str, ...], Callable[[Image, Image, Image], float | tuple[float, ...]]] = {
    ("qabf_weighted", "qabf_mean"): qabf,
    ("q_mi",): q_mi,
    ("q_s", "q_w"): similarity,
    ("q_p",): q_p,
    ("q_cb",): q_cb,
}
