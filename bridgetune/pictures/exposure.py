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
"""Pixels below which nothing is told of brightness."""

ACROSS = 8
"""Parts of the longer side, of each of which the light is summed up: far more than a blur spreads over."""

HELD = 0.3
"""Share of a part that must count for the part to do."""

GAMMA = 2
"""Of the values in a file, nearly: light is their power."""

SAME = 0.002
"""Share by which brightness may differ and nothing is evened."""


def light(pixels: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """What of values in [0, 1] adds up where a lens, or a smaller picture, mixes them."""
    squares: NDArray[np.floating[Any]] = np.square(pixels)
    return squares


def measured_gains(
    reference: NDArray[np.floating[Any]],
    frame: NDArray[np.floating[Any]],
    transform: Transform,
    where: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """What the frame's channels are to be multiplied by to be as bright as the reference's.

    Out of focus, what is bright spreads over what is dark, so that at most places the ratio of two frames says more of
    their focus than of their exposure. The light of large parts stays what it is: the median of their ratios, each
    counting by its light, without what is cut off in either.

    Args:
        reference, frame: (H, W, 3), their `light`, reduced to some hundred pixels.
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
    counts = inside > 0.999 if where is None else (inside > 0.999) & where
    return np.array([_gain(reference[..., at], moved[..., at], counts) for at in range(3)])


def _gain(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]], counts: NDArray[np.bool_]) -> float:
    """Of one channel's light, (H, W)."""
    counts = counts & (np.maximum(one, other) < BRIGHT**GAMMA)
    if (counts & (np.minimum(one, other) > DARK**GAMMA)).sum() < FEWEST:
        return 1.0
    weight, ours, theirs = (_parts(counts * image) for image in (np.ones_like(one), one, other))
    told = (weight > HELD) & (np.minimum(ours, theirs) > weight * DARK**GAMMA)
    if not told.any():
        return 1.0
    ratios, weights = ours[told] / theirs[told], ours[told] + theirs[told]
    order = np.argsort(ratios)
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(ratios[order][middle] ** (1 / GAMMA))


def _parts(image: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Means of a picture's overlapping parts."""
    import cv2

    part = max(image.shape) / ACROSS
    apart = max(round(part / 2), 1)
    smooth: NDArray[np.float32] = cv2.GaussianBlur(image.astype(np.float32), (0, 0), part / 2)
    return smooth[apart // 2 :: apart, apart // 2 :: apart]


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
