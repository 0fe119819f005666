"""Invention: structure of the fused image that neither source has, such as rings, holes, blotches and seams.

A map that changes its mind within a thing puts the sources' difference there as an edge, which Q^{AB/F} and its like
hardly see: they ask what of the sources is kept. Here an edge counts that cannot have come from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from bridgetune.metrics.levels import HIGHEST
from bridgetune.metrics.maps import HOMOGENEOUS, near_boundary
from bridgetune.metrics.strips import totals

if TYPE_CHECKING:
    from bridgetune.metrics.decisions import ScoredDecision
    from bridgetune.metrics.fusion import ScoredImages
    from bridgetune.metrics.local import Part

MARGIN = 2
"""Rows that count beyond a pixel's: a difference's, within a pixel around."""


def invention(images: ScoredImages) -> Tensor:
    """Share of the energy of the fused image's gradients that is in neither source; in [0, 1], lower is better.

    sum(max(|∇F|² - M², 0)) / sum(|∇F|²), where M is the maximum of |∇A| and |∇B| in the 3×3 pixels around: an edge may
    have moved by a pixel. Gradients are central differences of gray levels, one-sided on the outermost pixels.

    0 where F is A or B throughout, or of one level. The sources may change places.
    """
    return _share(images.parts(MARGIN, MARGIN), _everywhere)


def invention_homogeneous(images: ScoredImages) -> Tensor:
    """`invention` over the pixels where both sources are homogeneous, see `HOMOGENEOUS`; NaN where there are none."""
    margin = max(MARGIN, HOMOGENEOUS.window // 2)
    return _share(images.parts(margin, margin), _homogeneous)


def invention_seam(scored: ScoredDecision) -> Tensor:
    """`invention` over the pixels near the map's boundary, see `near_boundary`; NaN where the map has none."""
    near = near_boundary(scored.decision >= 0.5)[:, 0]
    return _share(scored.images.parts(MARGIN, MARGIN), lambda part: near[:, part.rows])


def gradient_energy(levels: Tensor) -> Tensor:
    """|∇I|² of images (B, H, W), see `invention`."""
    down, across = torch.gradient(levels, dim=(1, 2))
    return down.square_().add_(across.square_())


def possible_energy(first: Tensor, second: Tensor) -> Tensor:
    """M², the most that two sources' gradients have within a pixel: their energies (B, H, W) -> (B, H, W)."""
    return max_pool2d(torch.maximum(first, second), 3, stride=1, padding=1)


def _everywhere(part: Part) -> Tensor:
    return torch.ones_like(part.images.fused.shades[:, part.inner], dtype=torch.bool)


def _homogeneous(part: Part) -> Tensor:
    sources = part.images.first, part.images.second
    first, second = (HOMOGENEOUS.of_gray(source.levels / HIGHEST)[:, part.inner] for source in sources)
    return first & second


def _share(parts: Iterable[Part], region: Callable[[Part], Tensor]) -> Tensor:
    """Of the energy in a region, (B,); 0 of none, and NaN of a region without pixels.

    Args:
        parts: Of the images.
        region: Of the rows of a part that count, (B, h, W) bool.
    """

    def sums(part: Part) -> list[Tensor]:
        inside, images = region(part), part.images
        energies = images.invented_energy[:, part.inner], images.fused.gradient_energy[:, part.inner]
        return [*((energy * inside).sum((1, 2)) for energy in energies), inside.sum((1, 2))]

    invented, there, pixels = totals(map(sums, parts))
    share = torch.where(there > 0, invented / there, 0)
    return torch.where(pixels > 0, share, torch.nan)
