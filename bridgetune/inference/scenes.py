"""Whether pictures are of one scene, by what is so large that defocus hardly changes it, and whether of any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 128
"""Pixels of the longer side of a picture that is reduced to be compared, at the most."""

ALIKE, COARSE = 0.5, 1 / 32
"""The least correlation of pictures of one scene, taken as they are, of what is larger than a share of the longer
side."""

EVEN, WITHIN = 1 / 128, 1 / 10
"""Standard deviation and range of each channel's values, as shares of full scale, up to which a picture is even: a
sensor's noise is less, and whatever a lens could be focused on more."""

GRAY, COLOURED = 1 / 128, 1 / 16
"""Shares of full scale by which the channels of a reduced picture differ: at the most, anywhere, where it is gray; and
more than so, somewhere, where it is in colour."""


def small(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """A picture reduced to `SMALL` pixels a side at the most.

    Args:
        pixels: (H, W, 3) uint8 or uint16.

    Returns:
        (h, w, 3) in [0, 1].
    """
    import cv2

    height, width = pixels.shape[:2]
    share = min(SMALL / max(height, width), 1.0)
    size = max(1, round(width * share)), max(1, round(height * share))
    reduced = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def differ_in_scene(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether pictures have too little in common where they are not aligned: brightness, and where it changes.

    Args:
        one, other: (h, w, 3), see `small`. Pictures of different sizes differ; even ones do not.
    """
    if one.shape != other.shape:
        return True
    first, second = (_coarse(reduced).ravel().astype(np.float64) for reduced in (one, other))
    if min(first.std(), second.std()) < 1e-4:
        return False
    return bool(np.corrcoef(first, second)[0, 1] < ALIKE)


def is_even(pixels: NDArray[Any]) -> bool:
    """Whether nothing can be in focus in a picture, for it is of one colour all over, or all but so.

    Args:
        pixels: (H, W, 3) uint8 or uint16.
    """
    import cv2

    full = np.iinfo(pixels.dtype).max
    if cv2.meanStdDev(pixels)[1].max() > EVEN * full:
        return False
    return all(int(channel.max()) - int(channel.min()) <= WITHIN * full for channel in np.moveaxis(pixels, 2, 0))


def gray_one(one: NDArray[np.float32], other: NDArray[np.float32]) -> int | None:
    """Which of two pictures is gray, in however many channels it is stored, where the other is in colour: 0 or 1.

    Args:
        one, other: (h, w, 3), see `small`.

    Returns:
        None where both are gray, or neither is.
    """
    colour = [float(np.ptp(reduced, axis=2).max()) for reduced in (one, other)]
    return colour.index(min(colour)) if min(colour) <= GRAY and max(colour) > COLOURED else None


def _coarse(reduced: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    gray = reduced.mean(2)
    smooth: NDArray[np.float32] = cv2.GaussianBlur(gray, (0, 0), max(COARSE * max(gray.shape), 0.5))
    return smooth
