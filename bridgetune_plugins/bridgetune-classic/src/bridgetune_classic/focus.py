"""Focus measures that need no training, compared pixel by pixel and refined along the pictures' edges."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgetune.errors import RequestError
from bridgetune_classic.filters import box_mean, guided_filter

FAINT = 1e-4
"""Focus, in the measures' own units, that counts for nothing: where neither image has more, neither is preferred."""


def modified_laplacian(image: Tensor) -> Tensor:
    """|2I - I(left) - I(right)| + |2I - I(above) - I(below)| (Nayar & Nakagawa, IEEE TPAMI 16, 1994, Eq. 12).

    Args:
        image: (B, C, H, W) in [0, 1], sides >= 2, mirrored at its edges.

    Returns:
        (B, C, H, W) in [0, 4].
    """
    across, down = _mirrored(image, (1, 1, 0, 0)), _mirrored(image, (0, 0, 1, 1))
    return (2 * image - across[..., :-2] - across[..., 2:]).abs() + (
        2 * image - down[..., :-2, :] - down[..., 2:, :]
    ).abs()


def spatial_frequency(image: Tensor) -> Tensor:
    """Squared differences of neighbours in rows and in columns (Li, Kwok & Wang, Information Fusion 2, 2001).

    Of a pixel's two neighbours in a row, and in a column, the mean counts: a mirror image has the mirrored measure.
    The square of the source's, whose root is taken of the mean over a window.

    Args:
        image: (B, C, H, W) in [0, 1], sides >= 2, mirrored at its edges.

    Returns:
        (B, C, H, W) in [0, 2].
    """
    across = _mirrored(image, (1, 1, 0, 0)).diff(dim=-1).square()
    down = _mirrored(image, (0, 0, 1, 1)).diff(dim=-2).square()
    return (across[..., :-1] + across[..., 1:] + down[..., :-1, :] + down[..., 1:, :]) / 2


def _mirrored(image: Tensor, margins: tuple[int, int, int, int]) -> Tensor:
    return F.pad(image, margins, mode="reflect")


CONFIDENCE = 8.0
"""What the logit of the first image's share of the focus is multiplied by, to be as sure as it is right: on pairs made
of photographs and their depths, logistic regression without an intercept has 9 and 10 for the two measures."""

LARGEST_LEAD = 0.9
"""A lead beyond counts as this one: logits stay within ±23.6."""


class FocusComparison(nn.Module):
    """How far the first image leads in the focus that both have around a pixel, refined by a guided filter.

    Without parameters and differentiable. The guide is the mean of both images. To exchange them is to exchange the
    sign, exactly.

    Args:
        window: Side of the square that a focus measure is summed in, odd.
        guided: Side of the guided filter's windows, odd.
        epsilon: See `guided_filter`.

    Raises:
        RequestError: A side is not a positive odd number, or `epsilon` is not positive.
    """

    def __init__(self, window: int = 17, guided: int = 33, epsilon: float = 1e-3) -> None:
        super().__init__()
        for name, side in (("window", window), ("guided", guided)):
            if not isinstance(side, int) or side < 1 or side % 2 == 0:
                raise RequestError(f"{name}: got {side!r}, expected a positive odd whole number")
        if not isinstance(epsilon, int | float) or not epsilon > 0:
            raise RequestError(f"epsilon: got {epsilon!r}, expected a positive number")
        self.window, self.guided, self.epsilon = window, guided, epsilon

    def measure(self, image: Tensor) -> Tensor:
        """How much in focus each pixel of a gray image (B, 1, H, W) in [0, 1] is: (B, 1, H, W), >= 0."""
        raise NotImplementedError

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare gray images (B, 1, H, W) in [0, 1], sides >= 2.

        Returns:
            Logits (B, 1, H, W), positive where the first image is in focus; 0 where both are flat.
        """
        one, other = (box_mean(self.measure(image), self.window // 2) for image in (first, second))
        lead = (one - other) / (one + other + 2 * FAINT)
        lead = guided_filter(lead, (first + second) / 2, self.guided // 2, self.epsilon)
        return 2 * CONFIDENCE * torch.atanh(lead.clamp(-LARGEST_LEAD, LARGEST_LEAD))


class ModifiedLaplacian(FocusComparison):
    """Compares sum-modified Laplacians; see `FocusComparison` and `modified_laplacian`."""

    def measure(self, image: Tensor) -> Tensor:
        return modified_laplacian(image)


class SpatialFrequency(FocusComparison):
    """Compares spatial frequencies; see `FocusComparison` and `spatial_frequency`."""

    def measure(self, image: Tensor) -> Tensor:
        return spatial_frequency(image)
