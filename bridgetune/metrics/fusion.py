"""The fusion metrics: how much of two sources a fused image holds, Eq. 19-24, and how much that is in neither.

What each score is and where it is symmetric: see its function, beside its mathematics, a module for each family.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import torch
from torch import Tensor

from bridgetune.errors import RequestError, WorkError
from bridgetune.metrics import contrast, correlation, gradients, invented, phase, similarity
from bridgetune.metrics.filters import SSIM_WINDOW
from bridgetune.metrics.levels import gray_levels, stretched
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention


class Features:
    """What the metrics look at in one image, computed when it is first asked for.

    Attributes:
        levels: See `gray_levels`, (B, H, W).
    """

    def __init__(self, levels: Tensor, responses: torch.dtype) -> None:
        self.levels, self._responses = levels, responses

    @cached_property
    def stretched(self) -> Tensor:
        """The levels rescaled to 0...255, (B, H, W)."""
        return stretched(self.levels)

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

    @cached_property
    def phase(self) -> list[phase.PhaseFeatures]:
        """Phase congruency and its moments, one an image."""
        return [phase.phase_features(levels, self._responses) for levels in self.levels]

    @cached_property
    def contrast(self) -> Tensor:
        """What the eye sees of it, (B, H, W); see `masked_contrast`."""
        return contrast.masked_contrast(self.stretched)


class SourcePair:
    """Two sources, ready to score what methods made of them.

    What depends on the sources alone is computed once, at the first score that needs it.

    Args:
        first, second: (B, 1 or 3, H, W), see `gray_levels`.
        dtype: What to compute in. float32 is good to 1e-5, mostly.
        responses: What the filters of `q_p` respond in, which are most of the work. float32 takes half the time of
            float64 and agrees with it to 1e-7 or, where a pixel is just at the limit of being a feature, to 1e-5.

    Attributes:
        first, second: Their `Features`.

    Raises:
        RequestError: Images that are not such, or of two shapes.
    """

    def __init__(
        self,
        first: Tensor,
        second: Tensor,
        dtype: torch.dtype = torch.float64,
        responses: torch.dtype = torch.float32,
    ) -> None:
        self._dtype, self._responses = dtype, responses
        self.first, self.second = (Features(gray_levels(image, dtype), responses) for image in (first, second))
        self._check(self.second.levels, "second source")

    def score(
        self, fused: Tensor, metrics: Iterable[str] = FUSION_METRICS, convention: Convention = "toolbox"
    ) -> dict[str, Tensor]:
        """The scores of fused images of these sources.

        Args:
            fused: (B, 1 or 3, H, W), see `gray_levels`.
            metrics: Some of `FUSION_METRICS`.
            convention: See `Convention`.

        Returns:
            Name -> (B,), in the order of `metrics`; NaN where one is not defined.

        Raises:
            RequestError: An image of another shape than the sources', or an unknown name.
            WorkError: A metric's function returned something else.
        """
        names = list(metrics)
        unknown = [name for name in names if name not in FUSION_METRICS]
        if unknown:
            raise RequestError(f"metrics: got {', '.join(unknown)}, expected some of {', '.join(FUSION_METRICS)}")
        scored = self.scored(fused, convention)
        return {name: _an_image(name, METRICS[name].computed(scored), len(scored.fused.levels)) for name in names}

    def scored(self, fused: Tensor, convention: Convention = "toolbox") -> ScoredImages:
        """Fused images of these sources as a metric's function takes them; see `score`."""
        if convention not in ("toolbox", "paper"):
            raise RequestError(f"convention: got {convention!r}, expected 'toolbox' or 'paper'")
        levels = gray_levels(fused, self._dtype)
        self._check(levels, "fused image")
        return ScoredImages(self, Features(levels, self._responses), convention)

    def _check(self, levels: Tensor, what: str) -> None:
        if levels.shape != self.first.levels.shape:
            raise RequestError(
                f"{what}: got {_described(levels)}, the first source has {_described(self.first.levels)};"
                " expected one size"
            )

    @cached_property
    def ssim_share(self) -> Tensor:
        """λ, the first source's share in each window of the structural similarity."""
        return similarity.share_of_first(self.first.ssim_moments, self.second.ssim_moments)

    @cached_property
    def index_share(self) -> Tensor:
        """λ, the first source's share in each window of the universal quality index."""
        return similarity.share_of_first(self.first.index_moments, self.second.index_moments)

    @cached_property
    def ssim_saliency(self) -> Tensor:
        """c, the weight of each window of the structural similarity."""
        return similarity.saliency(self.first.ssim_moments, self.second.ssim_moments)

    @cached_property
    def index_saliency(self) -> Tensor:
        """c, the weight of each window of the universal quality index."""
        return similarity.saliency(self.first.index_moments, self.second.index_moments)

    @cached_property
    def possible_energy(self) -> Tensor:
        """M², the most that gradients of the sources have within a pixel, (B, H, W)."""
        return invented.possible_energy(self.first.gradient_energy, self.second.gradient_energy)

    @cached_property
    def phase_features(self) -> list[tuple[correlation.SourceFeatures, ...]]:
        """What phase congruency finds in both, one an image."""
        return [correlation.source_features(*both) for both in zip(self.first.phase, self.second.phase, strict=True)]


class ScoredImages:
    """Fused images beside their sources: what a fusion metric's function takes. Nothing is computed twice.

    Attributes:
        sources: The `SourcePair`, with what depends on both sources.
        first, second, fused: The `Features` of each: `levels`, (B, H, W) whole numbers from 0 to 255, and what else
            there is to see.
        convention: See `Convention`.
    """

    def __init__(self, sources: SourcePair, fused: Features, convention: Convention) -> None:
        self.sources, self.fused, self.convention = sources, fused, convention
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


def _an_image(name: str, score: Tensor, count: int) -> Tensor:
    if score.shape != (count,):
        raise WorkError(f"metric {name}: its function returned shape {tuple(score.shape)}, expected ({count},)")
    return score


def _described(levels: Tensor) -> str:
    count, height, width = levels.shape
    return f"{count} of {width}×{height}"
