"""Black borders that one of two frames has, as aligning leaves them: nothing of the scene is there to be taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Borders = Literal["replace", "keep"]
"""What becomes of a black border of one frame: `replace`, the other frame is taken there; `keep`, it is a picture
like any other."""

CONTENT = 0.04
"""Share of full scale from which on a place is not dark."""

ALONG, THIN, ALONG_THIN = 0.2, 1, 0.6
"""The least share of a side along which a border runs; and along which one of a pixel does."""

AGAINST = 0.02
"""The most of a side's pixels at which something is seen where the border should be."""

TRIES = 400
"""Lines that are tried: where a third of the depths lie on one, so many hardly miss it."""

RIM = 2
"""Pixels that interpolation darkens beside a border."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Void:
    """Where frames hold nothing of the scene and the other does.

    Attributes:
        first, second: (H, W), true where that frame holds nothing.
    """

    first: Mask
    second: Mask

    @property
    def shares(self) -> tuple[float, float]:
        """Of the pixels of either frame, in [0, 1]."""
        return float(self.first.mean()), float(self.second.mean())


def find_borders(
    first: NDArray[Any],
    second: NDArray[Any],
    alphas: tuple[NDArray[Any] | None, NDArray[Any] | None] = (None, None),
) -> Void | None:
    """Where one of two frames has a black border, or is transparent, and the other has neither.

    A border is exactly 0 from a side of the picture inwards, along a fifth of the side at least and up to an edge
    that is straight: the frame itself is no longer dark behind it, and the other frame is not dark within it. What is
    dark in both, a night sky or a dark field, is none; nor is what is white. Interpolation darkens two pixels beside
    a border, which belong to it. What is wholly transparent is void wherever it lies.

    Args:
        first, second: (H, W, 3) uint8 or uint16, both the same.
        alphas: (H, W) of each, None where all is opaque.

    Returns:
        None where there is no border in either.
    """
    voids = [_border(one, other) for one, other in ((first, second), (second, first))]
    clear = [np.zeros(first.shape[:2], bool) if alpha is None else alpha == 0 for alpha in alphas]
    voids = [void | transparent for void, transparent in zip(voids, clear, strict=True)]
    both = voids[0] & voids[1]
    voids = [void & ~both for void in voids]
    return Void(*voids) if any(void.any() for void in voids) else None


def filled(pixels: NDArray[Any], other: NDArray[Any], void: Mask) -> NDArray[Any]:
    """The frame with the other's pixels where it is void, (H, W, 3)."""
    return np.where(void[..., None], other, pixels) if void.any() else pixels


def _border(frame: NDArray[Any], other: NDArray[Any]) -> Mask:
    """(H, W): what lies between the sides of the picture and straight edges of black."""
    found = np.zeros(frame.shape[:2], bool)
    sides = frame[0], frame[-1], frame[:, 0], frame[:, -1]
    if all(side.any(axis=-1).mean() > 1 - ALONG for side in sides):
        return found
    lit = (frame[..., 0] | frame[..., 1] | frame[..., 2]) > 0
    for turns in range(4):
        one, beside, seen, place = (np.rot90(array, turns) for array in (frame, other, lit, found))
        if seen[0].mean() <= 1 - ALONG:
            depth = _depth(one, beside, np.where(seen.any(0), seen.argmax(0), len(seen)))
            if depth is not None:
                place |= np.arange(len(seen))[:, None] < depth
    return found


def _depth(frame: NDArray[Any], other: NDArray[Any], depth: NDArray[np.intp]) -> NDArray[np.intp] | None:
    """How many pixels of each column are a border that begins at the top, (W,), its rim included.

    Args:
        frame, other: (H, W, 3).
        depth: (W,), the black pixels of each column from the top on.

    Returns:
        None where there is no such border.
    """
    height, width = frame.shape[:2]
    columns = np.flatnonzero((depth > 0) & (depth < height))
    if columns.size < max(2, ALONG * width):
        return None
    edge = _edge(depth, columns)
    columns = columns[np.abs(depth - edge)[columns] <= _beside(edge)[columns]]
    deepest = depth[columns]
    long = ALONG if columns.size and np.median(deepest) > THIN else ALONG_THIN
    if columns.size < long * width or np.mean(depth < edge - _beside(edge)) > AGAINST:
        return None
    dark = CONTENT * np.iinfo(frame.dtype).max
    behind = frame[np.minimum(deepest + RIM, height - 1), columns].max(-1)
    within = other[deepest - 1, columns].max(-1)
    if min(np.percentile(behind, 75), np.percentile(within, 75)) < dark:
        return None
    return np.where(depth > 0, np.minimum(depth, np.ceil(edge.clip(0)).astype(np.intp) + 1) + RIM, 0)


def _edge(depth: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.floating[Any]]:
    """The straight line that most depths lie on and hardly any lies above, at every column: (W,).

    What lies below is dark behind the border, or belongs to the border of another side.

    Args:
        depth: (W,).
        columns: (N,), those that lines are drawn through.
    """
    pairs = columns[np.sort(np.random.default_rng(0).integers(0, columns.size, (2, TRIES)), axis=0)]
    slopes = (depth[pairs[1]] - depth[pairs[0]]) / np.maximum(pairs[1] - pairs[0], 1)
    lines = depth[pairs[0], None] + slopes[:, None] * (np.arange(depth.size) - pairs[0][:, None])
    on_line = (np.abs(depth - lines) <= _beside(lines))[:, columns].sum(1)
    against = (depth < lines - _beside(lines)).sum(1)
    best: NDArray[np.floating[Any]] = lines[(on_line - against / AGAINST).argmax()]
    return best


def _beside(lines: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Pixels beside lines over the columns of a side, (…, W), that depths may be: few where the border is thin."""
    return np.clip(lines / 4, 1, 1 + lines.shape[-1] / 256)
