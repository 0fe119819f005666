"""Map metrics: decisions against a ground-truth map, everywhere, in homogeneous regions and outside them.

Fusion metrics cannot see what BridgeTune exists to improve: in a homogeneous region both sources look alike, and
a wrong decision costs the fused image nothing. A synthetic pair has a ground truth, so there it can be measured.
Where there is none, the two decisions for a pair and for the same pair in the other order can be compared, and what a
decision says of itself is in `decisions`.

In all of them a pixel counts as the first image's where the map is at least 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from bridgetune.metrics.registry import BOUNDARY_TOLERANCE
from bridgetune.pictures.color import LUMA


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
        return self.of_gray((image.double() * luma).sum(1))[:, None]

    def of_gray(self, gray: Tensor) -> Tensor:
        """The region in a gray image (B, H, W) in [0, 1] -> (B, H, W) bool."""
        reach = self.window // 2
        gray = pad(gray, (reach, reach, reach, reach), mode="replicate")
        mean, square = (avg_pool2d(power, self.window, stride=1) for power in (gray, gray.square()))
        return (square - mean.square()).clamp_min(0).sqrt() < self.threshold

    def __str__(self) -> str:
        return f"local std < {self.threshold:g} in {self.window}×{self.window} px"


HOMOGENEOUS = HomogeneousRegion()
"""Where nothing tells the focus: what is measured everywhere by the name of homogeneous regions."""


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
        decision, truth: (B, 1, H, W).
        homogeneous: (B, 1, H, W) bool, see `HomogeneousRegion.of`.
    """
    wrong = (decision >= 0.5) != (truth >= 0.5)
    return MapErrors(
        int(wrong.sum()),
        wrong.numel(),
        int((wrong & homogeneous).sum()),
        int(torch.count_nonzero(homogeneous)),
    )


@dataclass(frozen=True)
class Agreement:
    """A decision beside the truth in some region, as counts of pixels, so that images add up.

    Attributes:
        first: Both say the first image.
        second: Both say the second.
        wrong: They differ.
        decided_boundary, decided_matched: Pixels on the decision's boundary, and those near the true one.
        true_boundary, true_matched: Pixels on the true boundary, and those near the decision's.
    """

    first: int = 0
    second: int = 0
    wrong: int = 0
    decided_boundary: int = 0
    decided_matched: int = 0
    true_boundary: int = 0
    true_matched: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def error(self) -> float:
        """Share of wrong pixels in [0, 1]; NaN where the region is empty."""
        return _share(self.wrong, self.first + self.second + self.wrong)

    @property
    def iou(self) -> float:
        """Intersection over union in [0, 1], the mean of both images' pixels; NaN where the region is empty.

        Neither image is the background of the other. One that neither map gives a pixel to is left out.
        """
        found = [_share(agreed, agreed + self.wrong) for agreed in (self.first, self.second) if agreed + self.wrong]
        return sum(found) / len(found) if found else math.nan

    @property
    def boundary_f(self) -> float:
        """F-score of the boundaries in [0, 1]; NaN where neither map has any in the region.

        Csurka et al., BMVC 2013: the harmonic mean of the matched shares of either boundary.
        """
        if not self.decided_boundary or not self.true_boundary:
            return 0.0 if self.decided_boundary or self.true_boundary else math.nan
        precision, recall = self.decided_matched / self.decided_boundary, self.true_matched / self.true_boundary
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@dataclass(frozen=True)
class MapScores:
    """Agreement everywhere, inside homogeneous regions, and outside them."""

    everywhere: Agreement = Agreement()
    homogeneous: Agreement = Agreement()
    textured: Agreement = Agreement()

    def __add__(self, other: MapScores) -> MapScores:
        return MapScores(
            self.everywhere + other.everywhere, self.homogeneous + other.homogeneous, self.textured + other.textured
        )

    def named(self) -> dict[str, float]:
        """Every score by its name in `METRICS`; NaN as in `Agreement`."""
        regions = {"map": self.everywhere, "homogeneous": self.homogeneous, "textured": self.textured}
        return {
            f"{region}_{name}": getattr(agreement, name)
            for name in ("error", "iou", "boundary_f")
            for region, agreement in regions.items()
        }


def map_scores(decision: Tensor, truth: Tensor, homogeneous: Tensor) -> MapScores:
    """Compare decisions with the truth, their boundaries included.

    A pixel is on a boundary if the next one to the right or below belongs to the other image. It is matched if a
    pixel of the other map's boundary, in the region or not, is within `BOUNDARY_TOLERANCE`.

    Args:
        decision, truth: (B, 1, H, W).
        homogeneous: (B, 1, H, W) bool, see `HomogeneousRegion.of`.
    """
    decided, true = decision >= 0.5, truth >= 0.5
    decided_boundary, true_boundary = _boundary(decided), _boundary(true)
    layers = (
        decided & true,
        ~decided & ~true,
        decided ^ true,
        decided_boundary,
        decided_boundary & _near(true_boundary),
        true_boundary,
        true_boundary & _near(decided_boundary),
    )
    everywhere, inside = (
        Agreement(*(int(torch.count_nonzero(layer & region)) for layer in layers))
        for region in (torch.ones_like(homogeneous), homogeneous)
    )
    outside = Agreement(*(getattr(everywhere, field.name) - getattr(inside, field.name) for field in fields(inside)))
    return MapScores(everywhere, inside, outside)


def seam(first: Tensor) -> Tensor:
    """Whether a pixel is within `BOUNDARY_TOLERANCE` of the boundary between the two images' pixels.

    Args:
        first: Where the first image is taken, (B, 1, H, W) bool.

    Returns:
        (B, 1, H, W) bool.
    """
    return _near(_boundary(first))


class ScoredMap:
    """A decision beside the truth: what a map metric's function takes. Nothing is computed twice.

    Attributes:
        decision, truth, homogeneous: See `map_scores`; of one image.
    """

    def __init__(self, decision: Tensor, truth: Tensor, homogeneous: Tensor) -> None:
        self.decision, self.truth, self.homogeneous = decision, truth, homogeneous

    @cached_property
    def scores(self) -> MapScores:
        """Their agreement in each region."""
        return map_scores(self.decision, self.truth, self.homogeneous)


def swap_inconsistency(decision: Tensor, swapped: Tensor) -> Tensor:
    """Share of pixels whose decision changes when the sources change places, in [0, 1]; needs no ground truth.

    0 for a generator that is symmetric by its configuration, whose logits only change their sign, and which is not
    asked a second time. A logit of exactly 0 decides for the first source in either order; it does not count there.

    Args:
        decision: The map of (first, second), (B, 1, H, W).
        swapped: The map of (second, first).

    Returns:
        (B,).
    """
    # What is 0.5 both ways, on an enlarged map's edge, has not changed.
    return ((decision >= 0.5) != (swapped <= 0.5)).double().mean((1, 2, 3))


def near_boundary(first: Tensor) -> Tensor:
    """Where the map's boundary is within `BOUNDARY_TOLERANCE` pixels.

    Args:
        first: Whether a pixel is the first image's, (B, 1, H, W) bool.

    Returns:
        (B, 1, H, W) bool.
    """
    return _near(_boundary(first))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _boundary(first: Tensor) -> Tensor:
    found = torch.zeros_like(first)
    found[..., :-1] |= first[..., :-1] ^ first[..., 1:]
    found[..., :-1, :] |= first[..., :-1, :] ^ first[..., 1:, :]
    return found


def _near(boundary: Tensor) -> Tensor:
    """Whether a boundary pixel is within the tolerance, a disk."""
    radius, (height, width) = BOUNDARY_TOLERANCE, boundary.shape[-2:]
    padded = pad(boundary, (radius, radius, radius, radius))
    near = torch.zeros_like(boundary)
    for down, right in product(range(-radius, radius + 1), repeat=2):
        if down**2 + right**2 <= radius**2:
            near |= padded[..., radius + down :, radius + right :][..., :height, :width]
    return near
