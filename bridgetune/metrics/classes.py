"""The fusion metrics as torchmetrics classes, which keep every image's score and gather them over processes."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from bridgetune.metrics.fusion import SourcePair
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention


class FusionScores(Metric):
    """All fusion metrics at once, so that they share what they look at: name -> mean over images.

    Args:
        convention: See `Convention`.
        dtype: What to compute in.
    """

    names: ClassVar[tuple[str, ...]] = FUSION_METRICS
    is_differentiable = False
    higher_is_better = all(METRICS[name].higher_is_better for name in FUSION_METRICS)
    full_state_update = False

    scores: list[Tensor] | Tensor

    def __init__(self, convention: Convention = "toolbox", dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self._convention, self._dtype = convention, dtype
        self.add_state("scores", default=[], dist_reduce_fx="cat")

    def update(self, first: Tensor, second: Tensor, fused: Tensor) -> None:
        """Score a batch; see `SourcePair.score`."""
        found = SourcePair(first, second, self._dtype).score(fused, self.names, self._convention)
        assert isinstance(self.scores, list)
        self.scores.append(torch.stack(list(found.values()), dim=1))

    def compute(self) -> dict[str, Tensor]:
        """The mean over images, each a scalar."""
        return {name: scores.mean() for name, scores in self.per_image().items()}

    def per_image(self) -> dict[str, Tensor]:
        """Every image's score in the order of the updates, (N,)."""
        return dict(zip(self.names, dim_zero_cat(self.scores).unbind(1), strict=True))


class _FusionScore(Metric):
    """One fusion metric: mean over images."""

    name: ClassVar[str]
    is_differentiable = False
    full_state_update = False

    scores: list[Tensor] | Tensor

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.higher_is_better = METRICS[cls.name].higher_is_better

    def __init__(self, convention: Convention = "toolbox", dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self._convention, self._dtype = convention, dtype
        self.add_state("scores", default=[], dist_reduce_fx="cat")

    def update(self, first: Tensor, second: Tensor, fused: Tensor) -> None:
        """Score a batch; see `SourcePair.score`."""
        found = SourcePair(first, second, self._dtype).score(fused, [self.name], self._convention)
        assert isinstance(self.scores, list)
        self.scores.append(found[self.name])

    def compute(self) -> Tensor:
        """The mean over images, a scalar."""
        return self.per_image().mean()

    def per_image(self) -> Tensor:
        """Every image's score in the order of the updates, (N,)."""
        return dim_zero_cat(self.scores)


class QABFWeighted(_FusionScore):
    """See `qabf_weighted`."""

    name = "qabf_weighted"


class QABFMean(_FusionScore):
    """See `qabf_mean`."""

    name = "qabf_mean"


class QMI(_FusionScore):
    """See `q_mi`."""

    name = "q_mi"


class QS(_FusionScore):
    """See `q_s`."""

    name = "q_s"


class QP(_FusionScore):
    """See `q_p`."""

    name = "q_p"


class QW(_FusionScore):
    """See `q_w`."""

    name = "q_w"


class QCB(_FusionScore):
    """See `q_cb`."""

    name = "q_cb"
