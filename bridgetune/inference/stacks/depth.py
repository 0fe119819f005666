"""The depth of a stack: where between the frames the score of focus is highest, and a picture of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Viridis (van der Walt and Smith, 2015) at equal steps, which all eyes see rise.
_COLOURS = np.array(
    [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ],
    np.float32,
)


def peak(before: NDArray[Any], best: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float32]:
    """Where the parabola through three scores is highest, in frames from the middle one, in [-0.5, 0.5].

    Args:
        before, best, after: Scores of three frames that follow each other, of one shape; `best` is not below the
            others. Where all three are equal, the middle.
    """
    curvature = before - 2 * best + after
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.where(curvature < 0, (before - after) / (2 * curvature), 0)
    bounded: NDArray[np.float32] = np.clip(np.nan_to_num(offset, posinf=0, neginf=0), -0.5, 0.5).astype(np.float32)
    return bounded


def coloured(depth: NDArray[np.float32], frames: int) -> NDArray[np.uint8]:
    """The depth in colours, (H, W) in [0, frames - 1] -> (H, W, 3): dark violet is the first frame, yellow the last."""
    levels = np.linspace(0, 255, len(_COLOURS))
    table = np.stack([np.interp(np.arange(256), levels, channel) for channel in _COLOURS.T], axis=-1)
    places = np.rint(np.clip(depth / max(frames - 1, 1), 0, 1) * 255).astype(np.uint8)
    shown: NDArray[np.uint8] = np.rint(table).astype(np.uint8)[places]
    return shown
