"""What the networks' papers do to their maps: `--smooth paper`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.inference.smoothing import box_mean, guided, without_islands, without_small_regions
from bridgetune_peers import LUMA
from bridgetune_peers.gacn import boundary_filtered

Map = NDArray[Any]
Pixels = NDArray[np.uint8 | np.uint16]

REACH = 5
"""Radius of the disk by which SESF-Fuse opens and closes."""

RADIUS, EPSILON = 4, 0.1
"""Of SESF-Fuse's guided filter, whose guide is in 0 to 255."""

SMALLEST = {"sesf": 0.01, "mfif-gan": 0.001}
"""Share of the pixels below which a region is dropped."""


def sesf(logits: Map, first: Pixels, second: Pixels) -> Map:
    """SESF-Fuse: opened, without islands, closed, without holes, and filtered along the edges of each colour.

    Args:
        logits: (H, W), of the network alone.
        first, second: (H, W, 3) of one type.

    Returns:
        (H, W) weights of the first source, which may leave [0, 1]: the three colours' filters are added up.
    """
    decision = without_holes(logits > 0)
    picture = np.where(decision[..., None] == 1, first, second) * (255.0 / np.iinfo(first.dtype).max)
    level = box_mean(decision, RADIUS)
    offset, filtered = level, np.zeros_like(level)
    for colour in np.moveaxis(picture, 2, 0):
        middle = box_mean(colour, RADIUS)
        variance = box_mean(colour * colour, RADIUS) - middle**2
        slope = (box_mean(colour * decision, RADIUS) - middle * level) / (variance + EPSILON)
        filtered += box_mean(slope, RADIUS) * colour
        offset = offset - slope * middle
    weights: Map = filtered + box_mean(offset, RADIUS)
    return weights


def without_holes(decision: Map) -> Map:
    """SESF-Fuse's consistency verification, (H, W) true or 1 -> (H, W) of 0 and 1."""
    import cv2

    place = np.arange(-REACH, REACH + 1)
    disk = (place[:, None] ** 2 + place**2 <= REACH**2).astype(np.uint8)
    opened = cv2.morphologyEx(np.asarray(decision, dtype=np.uint8), cv2.MORPH_OPEN, disk)
    large = without_islands(opened, SMALLEST["sesf"], connectivity=4).astype(np.uint8)
    closed = cv2.morphologyEx(large, cv2.MORPH_CLOSE, disk)
    filled: Map = 1.0 - without_islands(1 - closed, SMALLEST["sesf"], connectivity=4)
    return filled


def gacn(logits: Map, first: Pixels, second: Pixels) -> Map:
    """GACN: see `gacn.boundary_filtered`; arguments and result as of `sesf`."""
    full = np.iinfo(first.dtype).max
    gray = (_tensor(image.astype(np.float64) @ np.array(LUMA) / full) for image in (first, second))
    weights: Map = boundary_filtered(torch.sigmoid(_tensor(logits)), *gray)[0, 0].double().numpy()
    return weights


def mfif_gan(logits: Map, first: Pixels, second: Pixels) -> Map:
    """MFIF-GAN: regions below a thousandth of the picture go over to what is around; as of `sesf`."""
    return without_small_regions(logits > 0, SMALLEST["mfif-gan"])


def cnn(logits: Map, first: Pixels, second: Pixels) -> Map:
    """The CNN of 2017: regions below a hundredth of the picture go, and a guided filter; as of `sesf`."""
    return guided(without_small_regions(logits > 0), first, second)


def _tensor(plane: Map) -> Tensor:
    """(H, W) -> (1, 1, H, W) float32."""
    return torch.from_numpy(np.asarray(plane, dtype=np.float32))[None, None]
