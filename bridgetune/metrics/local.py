"""What the metrics look at in images that depends on a few pixels around: of whole images, or of strips of them."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bridgetune.metrics import gradients, invented, similarity
from bridgetune.metrics.filters import SSIM_WINDOW


class LocalFeatures:
    """Of images or of the same rows of them, computed when first asked for.

    Args:
        shades: The gray levels, (B, H, W) uint8.
        dtype: What to compute in.

    Attributes:
        shades, dtype: The same.
    """

    def __init__(self, shades: Tensor, dtype: torch.dtype) -> None:
        self.shades, self.dtype = shades, dtype

    @cached_property
    def levels(self) -> Tensor:
        """See `gray_levels`, (B, H, W)."""
        return self.shades.to(self.dtype)

    @cached_property
    def gradients(self) -> gradients.Gradients:
        """Sobel's."""
        return gradients.gradients(self.levels)

    @cached_property
    def gradient_energy(self) -> Tensor:
        """|∇I|² by central differences, (B, H, W)."""
        return invented.gradient_energy(self.levels)

    @cached_property
    def ssim_moments(self) -> similarity.Moments:
        """In the window of the structural similarity."""
        return similarity.moments(self.levels, SSIM_WINDOW)

    @cached_property
    def index_moments(self) -> similarity.Moments:
        """In the window of the universal quality index."""
        return similarity.moments(self.levels, similarity.INDEX_WINDOW)


class LocalSources:
    """What depends on both sources, computed when first asked for.

    Attributes:
        first, second: Theirs.
    """

    def __init__(self, first: LocalFeatures, second: LocalFeatures) -> None:
        self.first, self.second = first, second

    @cached_property
    def ssim_share(self) -> Tensor:
        """λ, the first source's share in each window of the structural similarity."""
        return similarity.share_of_first(self.first.ssim_moments, self.second.ssim_moments)

    @cached_property
    def index_share(self) -> Tensor:
        """λ, the first source's share in each window of the universal quality index."""
        return similarity.share_of_first(self.first.index_moments, self.second.index_moments)

    @cached_property
    def possible_energy(self) -> Tensor:
        """M², the most that gradients of the sources have within a pixel, (B, H, W)."""
        return invented.possible_energy(self.first.gradient_energy, self.second.gradient_energy)


class LocalImages:
    """Fused images beside their sources. Nothing is computed twice.

    Attributes:
        sources: What depends on both.
        first, second, fused: What depends on one.
    """

    def __init__(self, sources: LocalSources, fused: LocalFeatures) -> None:
        self.sources, self.fused = sources, fused
        self.first, self.second = sources.first, sources.second

    @cached_property
    def preservation(self) -> gradients.Preservation:
        """The sources' edges that are kept."""
        return gradients.preservation(self.first.gradients, self.second.gradients, self.fused.gradients)

    @cached_property
    def invented_energy(self) -> Tensor:
        """max(|∇F|² - M², 0): what of the fused images' gradients is in neither source, (B, H, W)."""
        return (self.fused.gradient_energy - self.sources.possible_energy).clamp_min_(0)

    @cached_property
    def ssim(self) -> list[Tensor]:
        """The fused images' structural similarity to either source, in each window."""
        of_fused = self.fused.ssim_moments
        return [
            similarity.ssim_map(source.levels, self.fused.levels, source.ssim_moments, of_fused)
            for source in (self.first, self.second)
        ]

    @cached_property
    def index(self) -> list[Tensor]:
        """The universal quality index of the fused images and either source, in each window."""
        of_fused = self.fused.index_moments
        return [
            similarity.index_map(source.levels, self.fused.levels, source.index_moments, of_fused)
            for source in (self.first, self.second)
        ]


class Part(NamedTuple):
    """Images, or a strip of them with its margin."""

    images: LocalImages
    rows: slice
    """Those that count, in the whole images."""
    inner: slice
    """The same in `images`."""
