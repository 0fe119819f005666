"""Depth of a scene: made at random, or read from a picture of it."""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from bridgetune.config.making import DepthShape
from bridgetune.errors import RequestError
from bridgetune.paths import shown
from bridgetune.pictures.images import read_image

TERRACES = (3, 8)
"""How many there are, at least and at most."""

COARSEST = (4, 8)
"""Points of the grid that hills are drawn at, along either side."""


def surface(grid: NDArray[np.float32], shape: tuple[int, int], device: torch.device | None = None) -> Tensor:
    """A smooth surface over (H, W) through a coarse grid of heights, (n, m)."""
    heights = torch.from_numpy(grid)[None, None].to(device)
    smooth: Tensor = interpolate(heights, size=shape, mode="bicubic", align_corners=True)[0, 0]
    return smooth


def slope(shape: tuple[int, int], direction: float) -> NDArray[np.float32]:
    """Heights over (H, W) of a plane that rises in a direction, in radians, between -√2 and √2."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    risen: NDArray[np.float32] = np.float32(np.sin(direction)) * rows[:, None] + np.float32(np.cos(direction)) * columns
    return risen


def made_depth(kind: DepthShape, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Depth over (H, W), from 0, nearest, to 1; both are somewhere."""
    direction = rng.uniform(0, 2 * np.pi)
    side, terraces = (int(rng.integers(least, most + 1)) for least, most in (COARSEST, TERRACES))
    hills = rng.standard_normal((side, side), np.float32)
    if kind == "ramp":
        return stretched(slope(shape, direction))
    if kind == "hills":
        return stretched(surface(hills, shape).numpy())
    risen = stretched(surface(slope((side, side), direction) + np.float32(0.5) * hills, shape).numpy())
    return stretched(np.floor(risen * terraces).clip(max=terraces - 1))


def read_depth(path: str | os.PathLike[str], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Depth from a picture, black nearest and white farthest, stretched to [0, 1].

    Args:
        path: Of the picture; of a colour one the mean of the channels counts.
        shape: (H, W) that it must have.

    Raises:
        RequestError: As `read_image`; or another size.
    """
    picture = read_image(path)
    if picture.size != shape:
        (height, width), (its_height, its_width) = shape, picture.size
        raise RequestError(
            f"{shown(path)}: {its_width}x{its_height} pixels, but its photograph has {width}x{height}; resize it"
        )
    return stretched(picture.pixels.mean(axis=2, dtype=np.float32))


def stretched(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """From 0 to 1; 0 where it is the same everywhere."""
    nearest, farthest = float(depth.min()), float(depth.max())
    if farthest == nearest:
        return np.zeros(depth.shape, np.float32)
    result: NDArray[np.float32] = ((depth - nearest) / (farthest - nearest)).astype(np.float32)
    return result
