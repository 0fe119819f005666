"""Map metrics: decisions against a ground-truth map, everywhere and in homogeneous regions.

Fusion metrics cannot see what BridgeTune exists to improve: in a homogeneous region both sources look alike, and
a wrong decision costs the fused image nothing. A synthetic pair has a ground truth, so there it can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from bridgetune.color import LUMA


@dataclass(frozen=True)
class HomogeneousRegion:
    """Where an image has no texture to tell focus by: its local standard deviation is below a threshold.

    Attributes:
        window: Side of the square window, odd, in pixels.
        threshold: On the gray image in [0, 1].
    """

    window: int = 11
    threshold: float = 0.02

    def of(self, image: Tensor) -> Tensor:
        """The region in an all-in-focus image (B, 3, H, W) in [0, 1] -> (B, 1, H, W) bool."""
        luma = image.new_tensor(LUMA).view(1, 3, 1, 1)
        gray = (image.double() * luma).sum(1, keepdim=True)
        reach = self.window // 2
        gray = pad(gray, (reach, reach, reach, reach), mode="replicate")
        mean, square = (avg_pool2d(power, self.window, stride=1) for power in (gray, gray.square()))
        return (square - mean.square()).clamp_min(0).sqrt() < self.threshold

    def __str__(self) -> str:
        return f"local std < {self.threshold:g} in {self.window}×{self.window} px"


@dataclass(frozen=True)
class MapErrors:
    """Counts of pixels, so that images of any size add up.

    Attributes:
        wrong, pixels: Everywhere.
        homogeneous_wrong, homogeneous_pixels: Inside homogeneous regions.
    """

    wrong: int = 0
    pixels: int = 0
    homogeneous_wrong: int = 0
    homogeneous_pixels: int = 0

    def __add__(self, other: MapErrors) -> MapErrors:
        return MapErrors(
            self.wrong + other.wrong,
            self.pixels + other.pixels,
            self.homogeneous_wrong + other.homogeneous_wrong,
            self.homogeneous_pixels + other.homogeneous_pixels,
        )

    @property
    def map_error(self) -> float:
        """Share of wrong pixels in [0, 1]; NaN where there are no pixels."""
        return self.wrong / self.pixels if self.pixels else float("nan")

    @property
    def homogeneous_error(self) -> float:
        """Share of wrong pixels among the homogeneous ones in [0, 1]; NaN where there are none."""
        return self.homogeneous_wrong / self.homogeneous_pixels if self.homogeneous_pixels else float("nan")

    @property
    def homogeneous_share(self) -> float:
        """Share of homogeneous pixels in [0, 1]; NaN where there are no pixels."""
        return self.homogeneous_pixels / self.pixels if self.pixels else float("nan")


def map_errors(decision: Tensor, truth: Tensor, homogeneous: Tensor) -> MapErrors:
    """Count the wrong decisions.

    Args:
        decision, truth: (B, 1, H, W), a pixel counts as the first image's where it is >= 0.5.
        homogeneous: (B, 1, H, W) bool, see `HomogeneousRegion.of`.
    """
    wrong = (decision >= 0.5) != (truth >= 0.5)
    return MapErrors(
        int(wrong.sum()),
        wrong.numel(),
        int((wrong & homogeneous).sum()),
        int(torch.count_nonzero(homogeneous)),
    )
