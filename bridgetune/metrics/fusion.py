"""The six fusion metrics, Eq. 19-24: how much of two sources a fused image holds, without a ground truth.

What each score is and where it is symmetric: see `functional`. The mathematics: a module for each family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import torch
from torch import Tensor

from bridgetune.errors import RequestError
from bridgetune.metrics import contrast, correlation, gradients, information, phase, similarity
from bridgetune.metrics.levels import gray_levels, stretched
from bridgetune.metrics.registry import FUSION_METRICS, Convention


class _Features:
    """What the metrics look at in one image, computed when it is first asked for."""

    def __init__(self, levels: Tensor, responses: torch.dtype) -> None:
        self.levels, self._responses = levels, responses

    @cached_property
    def stretched(self) -> Tensor:
        return stretched(self.levels)

    @cached_property
    def gradients(self) -> gradients.Gradients:
        return gradients.gradients(self.levels)

    @cached_property
    def ssim_moments(self) -> similarity.Moments:
        return similarity.moments(self.levels, similarity.SSIM_WINDOW)

    @cached_property
    def index_moments(self) -> similarity.Moments:
        return similarity.moments(self.levels, similarity.INDEX_WINDOW)

    @cached_property
    def phase(self) -> list[phase.PhaseFeatures]:
        return [phase.phase_features(levels, self._responses) for levels in self.levels]

    @cached_property
    def contrast(self) -> Tensor:
        return contrast.masked_contrast(self.stretched)


class SourcePair:
    """Two sources, ready to score what methods made of them.

    What depends on the sources alone is computed once, at the first score that needs it.

    Args:
        first, second: (B, 1 or 3, H, W), see `gray_levels`.
        dtype: What to compute in. float32 is good to 1e-5, mostly.
        responses: What the filters of `q_p` respond in, which are most of the work. float32 takes half the time of
            float64 and agrees with it to 1e-7 or, where a pixel is just at the limit of being a feature, to 1e-5.

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
        self._first, self._second = (_Features(gray_levels(image, dtype), responses) for image in (first, second))
        self._check(self._second.levels, "second source")

    def score(
        self, fused: Tensor, metrics: Iterable[str] = FUSION_METRICS, convention: Convention = "toolbox"
    ) -> dict[str, Tensor]:
        """The scores of fused images of these sources.

        Args:
            fused: (B, 1 or 3, H, W), see `gray_levels`.
            metrics: Some of `FUSION_METRICS`.
            convention: See `Convention`.

        Returns:
            Name -> (B,), in the order of `metrics`.

        Raises:
            RequestError: An image of another shape than the sources', or an unknown name.
        """
        if convention not in ("toolbox", "paper"):
            raise RequestError(f"convention: got {convention!r}, expected 'toolbox' or 'paper'")
        names = list(metrics)
        unknown = [name for name in names if name not in _SCORES]
        if unknown:
            raise RequestError(f"metrics: got {', '.join(unknown)}, expected some of {', '.join(_SCORES)}")
        levels = gray_levels(fused, self._dtype)
        self._check(levels, "fused image")
        scored = _Scored(self, _Features(levels, self._responses), convention)
        return {name: _SCORES[name](scored) for name in names}

    def _check(self, levels: Tensor, what: str) -> None:
        if levels.shape != self._first.levels.shape:
            raise RequestError(
                f"{what}: got {_described(levels)}, the first source has {_described(self._first.levels)};"
                " expected one size"
            )

    @cached_property
    def _ssim_share(self) -> Tensor:
        return similarity.share_of_first(self._first.ssim_moments, self._second.ssim_moments)

    @cached_property
    def _index_share(self) -> Tensor:
        return similarity.share_of_first(self._first.index_moments, self._second.index_moments)

    @cached_property
    def _ssim_saliency(self) -> Tensor:
        return similarity.saliency(self._first.ssim_moments, self._second.ssim_moments)

    @cached_property
    def _index_saliency(self) -> Tensor:
        return similarity.saliency(self._first.index_moments, self._second.index_moments)

    @cached_property
    def _phase_features(self) -> list[tuple[correlation.SourceFeatures, ...]]:
        return [correlation.source_features(*both) for both in zip(self._first.phase, self._second.phase, strict=True)]


class _Scored:
    """Fused images beside their sources, and what several metrics of them share."""

    def __init__(self, sources: SourcePair, fused: _Features, convention: Convention) -> None:
        self.sources, self.fused, self.convention = sources, fused, convention
        self.first, self.second = sources._first, sources._second

    @cached_property
    def preservation(self) -> gradients.Preservation:
        return gradients.preservation(self.first.gradients, self.second.gradients, self.fused.gradients)

    @cached_property
    def ssim(self) -> list[Tensor]:
        of_fused = self.fused.ssim_moments
        return [
            similarity.ssim_map(source.levels, self.fused.levels, source.ssim_moments, of_fused)
            for source in (self.first, self.second)
        ]

    @cached_property
    def index(self) -> list[Tensor]:
        of_fused = self.fused.index_moments
        return [
            similarity.index_map(source.levels, self.fused.levels, source.index_moments, of_fused)
            for source in (self.first, self.second)
        ]

    def q_mi(self) -> Tensor:
        fused = self.fused.stretched
        from_first = information.shared_information(self.first.stretched, fused)
        return from_first + information.shared_information(self.second.stretched, fused)

    def q_s(self) -> Tensor:
        if self.convention == "toolbox":
            return similarity.mixed(self.sources._ssim_share, *self.ssim).mean((1, 2))
        return (self.sources._index_saliency * similarity.selected(self.sources._index_share, *self.index)).sum((1, 2))

    def q_w(self) -> Tensor:
        if self.convention == "toolbox":
            weights, similar = self.sources._ssim_saliency, similarity.mixed(self.sources._ssim_share, *self.ssim)
        else:
            weights, similar = self.sources._index_saliency, similarity.mixed(self.sources._index_share, *self.index)
        return (weights * similar).sum((1, 2))

    def q_p(self) -> Tensor:
        found = zip(self.sources._phase_features, self.fused.phase, strict=True)
        return torch.stack(
            [
                correlation.kept_features(sources, correlation.local(torch.stack(list(fused))))
                for sources, fused in found
            ]
        )

    def q_cb(self) -> Tensor:
        return contrast.kept_contrast(self.first.contrast, self.second.contrast, self.fused.contrast)


_SCORES: dict[str, Callable[[_Scored], Tensor]] = {
    "qabf_weighted": lambda scored: gradients.weighted_mean(scored.preservation),
    "qabf_mean": lambda scored: gradients.plain_mean(scored.preservation),
    "q_mi": _Scored.q_mi,
    "q_s": _Scored.q_s,
    "q_p": _Scored.q_p,
    "q_w": _Scored.q_w,
    "q_cb": _Scored.q_cb,
}


def _described(levels: Tensor) -> str:
    count, height, width = levels.shape
    return f"{count} of {width}×{height}"
