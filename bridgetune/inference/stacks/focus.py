"""How sharp a frame is at every pixel: a focus measure of single frames, and how much of it is noise.

The Laplacian of Gaussian at two scales, summed over four windows: the narrow ones follow edges of the depth, the wide
ones decide where the narrow ones hold nothing but noise, in even parts and where a blurred object spills over them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.pictures.color import LUMA

SCALES = ((1.0, 1.0), (2.0, 4.0))
"""Pixels, the deviation of the Gaussian whose Laplacian is taken, and what its magnitude counts."""

NARROW = ((1.5, 1.0, 2.2), (6.0, 0.5, 1.5))
"""Pixels, the deviation of a window; what its mean counts; and how many times the noise is taken from it."""

WIDE = ((1 / 50, 0.5, 1.5), (1 / 10, 0.05, 1.5))
"""The same of wide windows, whose deviations are shares of the longer side."""

STRIP, MARGIN = 512, 40
"""Rows that are worked on at once, and rows beside them that have a say: more than all narrow windows reach."""

COARSE = 4.0
"""Pixels of the deviation at which a wide window is computed, on a reduced picture."""

FLOOR = 0.1
"""Of the noise, what the measure is where a frame shows nothing."""

FAINTEST = 1e-3
"""Gray levels of 255 that count as noise in any case: pictures that are computed have none."""

Map = NDArray[np.float32]


def scores(pixels: NDArray[Any], noise: float) -> Map:
    """The logarithm of the focus measure, (H, W, 3) -> (H, W) float32; only differences between frames count.

    Memory is that of the result and of some rows.

    Args:
        pixels: uint8 or uint16.
        noise: The mean response where a frame shows nothing, in gray levels of 255; the same for all of a stack.
    """
    import cv2

    noise = max(noise, FAINTEST)
    height, width = pixels.shape[:2]
    response = np.empty((height, width), np.float32)
    for rows, strip in responses(pixels):
        response[rows] = strip
    wide = _wide(response, noise)
    ready: list[tuple[slice, Map]] = []
    for start in range(0, height, STRIP):
        rows, around, inner = _around(start, height)
        total = _enlarged(wide, rows, response.shape)
        for deviation, weight, share in NARROW:
            mean = cv2.GaussianBlur(response[around], (0, 0), deviation, borderType=cv2.BORDER_REFLECT)[inner]
            mean -= np.float32(share * noise)
            np.maximum(mean, 0, out=mean)
            mean *= np.float32(weight)
            total += mean
        total += np.float32(noise * FLOOR)
        ready.append((rows, np.log(total, out=total)))
        if len(ready) > 1:  # the response of the strip before is not looked at any more, and makes room
            done, values = ready.pop(0)
            response[done] = values
    for rows, values in ready:
        response[rows] = values
    return response


def least(noise: float) -> float:
    """The score of a frame that shows nothing but noise, see `scores`."""
    return math.log(max(noise, FAINTEST) * FLOOR)


def lead(best: Map, mean: Map, noise: float) -> Map:
    """How far the best of some frames is ahead: its measure less the geometric mean of all, in multiples of the noise.

    Args:
        best: (H, W), of scores the highest; the result takes its place.
        mean: (H, W), of the scores of all frames.
        noise: See `scores`.
    """
    for start in range(0, len(best), STRIP):
        rows = slice(start, start + STRIP)
        best[rows] = (np.exp(best[rows]) - np.exp(mean[rows])) / np.float32(max(noise, FAINTEST))
    return best


def responses(pixels: NDArray[Any]) -> Iterator[tuple[slice, Map]]:
    """The response to focus of some rows after the other: Σ weight·|Laplacian of Gaussian|, in gray levels of 255.

    Args:
        pixels: (H, W, 3) uint8 or uint16.

    Yields:
        Rows, and (rows, W) float32.
    """
    import cv2

    levels = np.float32(255 / np.iinfo(pixels.dtype).max)
    luma = (np.array(LUMA, np.float32) * levels)[None]
    for start in range(0, len(pixels), STRIP):
        rows, around, inner = _around(start, len(pixels))
        gray = cv2.transform(pixels[around].astype(np.float32), luma)
        response = np.zeros(gray.shape, np.float32)
        for deviation, weight in SCALES:
            smooth = cv2.GaussianBlur(gray, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)
            curvature = cv2.Laplacian(smooth, cv2.CV_32F, borderType=cv2.BORDER_REFLECT)
            response += np.float32(weight) * np.abs(curvature)
        yield rows, response[inner]


def _around(start: int, height: int) -> tuple[slice, slice, slice]:
    """Rows from `start` on; those rows with what is beside them; and where they are therein."""
    stop, first = min(start + STRIP, height), max(start - MARGIN, 0)
    return slice(start, stop), slice(first, min(stop + MARGIN, height)), slice(start - first, stop - first)


def _wide(response: Map, noise: float) -> Map:
    """What the wide windows add, on a reduced picture."""
    import cv2

    side = max(response.shape)
    factor = _factor(WIDE[0][0] * side)
    small = _reduced(response, factor)
    total = np.zeros_like(small)
    for share, weight, times in WIDE:
        deviation = share * side / factor
        further = _factor(deviation)
        mean = cv2.GaussianBlur(_reduced(small, further), (0, 0), deviation / further, borderType=cv2.BORDER_REFLECT)
        mean = cv2.resize(mean, small.shape[::-1], interpolation=cv2.INTER_LINEAR)
        total += np.float32(weight) * np.maximum(mean - np.float32(times * noise), 0)
    return total


def _factor(deviation: float) -> int:
    factor = 1
    while deviation / factor > COARSE:
        factor *= 2
    return factor


def _reduced(values: Map, factor: int) -> Map:
    import cv2

    if factor == 1:
        return values
    height, width = (max(1, -(-side // factor)) for side in values.shape)
    small: Map = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)
    return small


def _enlarged(small: Map, rows: slice, size: tuple[int, ...]) -> Map:
    """Some rows of a reduced map at the whole size, (rows, W)."""
    import cv2

    if small.shape == size:
        return small[rows].copy()
    down = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * (len(small) / size[0]) - 0.5
    down = down.clip(0, len(small) - 1)
    above = np.minimum(down.astype(np.intp), max(len(small) - 2, 0))
    first, last = above[0], min(above[-1] + 2, len(small))
    shares = (1 - np.abs(down[:, None] - np.arange(first, last, dtype=np.float32))).clip(min=0)
    across = cv2.resize(small[first:last], (size[1], last - first), interpolation=cv2.INTER_LINEAR)
    return np.asarray(shares @ across, np.float32)
