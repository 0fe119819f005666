"""How bright one frame of a scene is beside another, channel by channel, and frames brought to one exposure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.pictures._samples import Pixels
from bridgetune.pictures.transforms import Transform

DARK, BRIGHT = 0.02, 0.95
"""Shares of full scale between which brightness is told."""

FEWEST = 50
"""Places below which nothing is told of brightness."""

SAME = 0.002
"""Share by which brightness may differ and nothing is evened."""


def measured_gains(
    reference: NDArray[np.floating[Any]],
    frame: NDArray[np.floating[Any]],
    transform: Transform,
    where: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """What the frame's channels are to be multiplied by to be as bright as the reference's.

    The median ratio of what is neither dark nor cut off in either, smoothed by so much that sharpness has no say.

    Args:
        reference, frame: (H, W, 3) in [0, 1], reduced to some hundred pixels.
        transform: Between them.
        where: (H, W), places of the reference that count; None for all.

    Returns:
        (3,); 1 where too little is told.
    """
    import cv2

    height, width = reference.shape[:2]
    inside = np.ones(frame.shape[:2], np.float32)
    moved, inside = (
        cv2.warpPerspective(image, transform.matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for image in (frame.astype(np.float32), inside)
    )
    if where is not None:
        inside = inside * where
    gains = np.ones(3)
    smooth = [cv2.GaussianBlur(image, (0, 0), max(height, width) / 100) for image in (reference, moved, inside)]
    for channel in range(3):
        one, other = smooth[0][..., channel], smooth[1][..., channel]
        told = (smooth[2] > 0.999) & (np.minimum(one, other) > DARK) & (np.maximum(one, other) < BRIGHT)
        if told.sum() >= FEWEST:
            gains[channel] = np.exp(np.median(np.log(one[told] / other[told])))
    return gains


def changes(gains: NDArray[np.floating[Any]]) -> bool:
    """Whether some channel's gain is so far from 1 that it is applied."""
    return bool((np.abs(np.asarray(gains) - 1) >= SAME).any())


def evened(pixels: Pixels, gains: NDArray[np.floating[Any]]) -> Pixels:
    """A frame with each channel multiplied by its gain, rounded, and cut off at full scale.

    Args:
        pixels: (H, W, 3).
        gains: (3,), see `Registration`. Where all differ from 1 by less than 0.2 %, the pixels are returned
            themselves.

    Returns:
        (H, W, 3) of the same type.
    """
    if not changes(gains):
        return pixels
    full = np.iinfo(pixels.dtype).max
    levels = np.arange(full + 1)
    even = np.empty_like(pixels)
    for channel, gain in enumerate(gains):
        table = np.rint(levels * float(gain)).clip(0, full).astype(pixels.dtype)
        np.take(table, pixels[..., channel], out=even[..., channel])
    return even
