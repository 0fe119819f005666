"""What a decision tells of itself, without a ground truth: how sure it is, and in how many pieces its map is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from bridgetune.metrics.fusion import ScoredImages

MEGAPIXEL = 1e6
"""Pixels."""


class ScoredDecision:
    """A decision beside the images that it was made of and for: what a decision metric's function takes.

    Attributes:
        images: The sources and the fused image.
        decision: The map, (B, 1, H, W), at least 0.5 where the first source was taken.
        undecided: Share of undecided pixels, see `undecided`.
    """

    def __init__(self, images: ScoredImages, decision: Tensor, undecided: float) -> None:
        self.images, self.decision, self.undecided = images, decision, undecided


def undecided(scored: ScoredDecision) -> float:
    """Share of pixels that the network itself is undecided on, whose |logit| is below 0.5; in [0, 1], lower is better.

    It is the same whatever becomes of them, settled or not: how much of the map the network does not know.
    """
    return scored.undecided


def islands(scored: ScoredDecision) -> Tensor:
    """Connected regions of the map a megapixel, (B,), from 1 region on; lower is better.

    Regions of either source count, their pixels joined by their sides (4-connectivity). A map of one megapixel that
    parts the picture in two has 2; one of salt and pepper has tens of thousands.
    """
    from scipy.ndimage import label

    taken = (scored.decision[:, 0] >= 0.5).cpu().numpy()
    regions = [label(first)[1] + label(~first)[1] for first in taken]
    return torch.tensor([count / (taken[0].size / MEGAPIXEL) for count in regions], dtype=torch.float64)
