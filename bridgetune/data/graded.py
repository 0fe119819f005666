"""Pairs as neighbours of a stack are: two planes of one depth in focus, and hardly anything quite sharp in either."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.data.depths import slope, stretched, surface
from bridgetune.data.planes import focused

DIAMETERS = (4.0, 40.0)
"""Of the disk, in pixels, that blurs the farthest of a scene where its nearest is in focus."""

GAPS = (1.0, 24.0)
"""By how many pixels the disks of the two images differ in diameter, beyond either plane."""


class Planes(NamedTuple):
    """A scene on a hilly slope, and the two planes of it that are in focus.

    Attributes:
        grid: Depth on a coarse grid over the picture, (n, n), from 0, nearest, to 1.
        lift: How much nearer the scene's object is than the ground around it.
        focuses: What is in focus in the first image, and in the second, which is farther.
        diameter: Of the disk, in pixels, that blurs what is a depth of 1 away from what is in focus.
    """

    grid: NDArray[np.float32]
    lift: float
    focuses: tuple[float, float]
    diameter: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        side = int(rng.integers(3, 7))
        hills = np.float32(rng.uniform(0, 1)) * rng.standard_normal((side, side), np.float32)
        grid = slope((side, side), rng.uniform(0, 2 * np.pi)) + hills
        lift = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0
        diameter, gap = (float(np.exp(rng.uniform(*np.log(ends)))) for ends in (DIAMETERS, GAPS))
        middle, apart = rng.uniform(0, 1), min(gap / diameter, 1)
        return cls(stretched(grid), lift, (middle - apart / 2, middle + apart / 2), diameter)

    def depth(self, mask: Tensor) -> Tensor:
        """(H, W), of a scene with an object at a mask, (1, H, W)."""
        ground = surface(self.grid, (mask.shape[1], mask.shape[2]), mask.device)
        return ground - self.lift * mask[0]

    def shown(self, light: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The scene, (3, H, W), with either plane in focus; see `bridgetune.data.planes.focused`."""
        depth = self.depth(mask)
        first, second = (focused(light, depth, focus, self.diameter) for focus in self.focuses)
        return first, second

    def first_is_sharper(self, mask: Tensor) -> Tensor:
        """1 where the scene is nearer to the plane of the first image than to that of the second, (1, H, W)."""
        return (self.depth(mask) < sum(self.focuses) / 2).to(mask)[None]
