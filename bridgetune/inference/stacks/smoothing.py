"""The field of chosen frames, smoothed before pixels are taken: without small islands, or along the picture's edges."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

ISLAND = 5e-4
"""Share of the picture's pixels below which what is of one frame and connected is an island."""

RADIUS, EVEN = 1 / 100, 0.02
"""The guided filter's windows reach a share of the longer side; and the deviation, of full scale, below which a window
counts as even."""

Field = NDArray[np.uint8 | np.uint16]
Pixels = NDArray[np.uint8 | np.uint16]


def smoothed(index: Field, picture: Pixels, how: Literal["regions", "guided"], frames: int) -> Field:
    """The field smoothed, (H, W).

    Args:
        index: (H, W), the frame of each pixel.
        picture: (H, W, 3), of those pixels: whose edges a guided field follows.
        how: `regions`, islands become what is nearest to them; `guided`, the frame
            whose own pixels weigh most by the guided filter (He, Sun and Tang, IEEE TPAMI 35, 2013).
        frames: How many there are.
    """
    return _without_islands(index, frames) if how == "regions" else _guided(index, picture, frames)


def _without_islands(index: Field, frames: int) -> Field:
    import cv2

    least = ISLAND * index.size
    island = np.zeros(index.shape, np.uint8)
    for place in range(frames):
        count, labels, facts, _ = cv2.connectedComponentsWithStats((index == place).view(np.uint8), connectivity=4)
        small = np.flatnonzero(facts[:, cv2.CC_STAT_AREA] < least)
        small = small[small > 0]  # the first is all that is not of the frame
        if small.size:
            table = np.zeros(count, np.uint8)
            table[small] = 1
            island |= table[labels]
    if island.all() or not island.any():
        return index
    _, nearest = cv2.distanceTransformWithLabels(island, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    known = np.zeros(nearest.max() + 1, index.dtype)
    known[nearest[island == 0]] = index[island == 0]
    filled: Field = known[nearest]
    return filled


def _guided(index: Field, picture: Pixels, frames: int) -> Field:
    import cv2

    full = np.iinfo(picture.dtype).max
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(full)
    side = 2 * max(1, round(RADIUS * max(index.shape))) + 1

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
        return found

    middle = mean(guide)
    variance = mean(guide * guide) - middle**2 + np.float32(EVEN**2)
    most, nearest = np.full(index.shape, -np.inf, np.float32), index.copy()
    for place in range(frames):
        own = (index == place).astype(np.float32)
        level = mean(own)
        slope = (mean(guide * own) - middle * level) / variance
        weight = mean(slope) * guide + mean(level - slope * middle)
        more = weight > most
        most[more], nearest[more] = weight[more], place
    return nearest
