"""The fusion metrics as torchmetrics classes, which keep every image's score and gather them over processes.

There is one for each that is registered: QABFWeighted, QABFMean, QMI, QS, QP, QW, QCB, Invention,
InventionHomogeneous, and all at once, `FusionScores`.
"""

from __future__ import annotations

import functools
from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from bridgetune.metrics import registry
from bridgetune.metrics.fusion import SourcePair
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention


class FusionScores(Metric):
    """All fusion metrics at once, so that they share what they look at: name -> mean over images.

    Args:
        convention: See `Convention`.
        dtype: What to compute in.

    Attributes:
        names: Of the metrics, those that were registered when it was made.
    """

    is_differentiable = False
    full_state_update = False

    scores: list[Tensor] | Tensor

    def __init__(self, convention: Convention = "toolbox", dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self._convention, self._dtype = convention, dtype
        self.names = tuple(FUSION_METRICS)
        self.add_state("scores", default=[], dist_reduce_fx="cat")

    @property
    def higher_is_better(self) -> bool | None:  # type: ignore[override]
        """None where the metrics differ in it."""
        directions = {METRICS[name].higher_is_better for name in self.names}
        return directions.pop() if len(directions) == 1 else None

    def update(self, first: Tensor, second: Tensor, fused: Tensor) -> None:
        """Score a batch; see `SourcePair.score`."""
        found = SourcePair(first, second, self._dtype).score(fused, self.names, self._convention)
        assert isinstance(self.scores, list)
        self.scores.append(torch.stack(list(found.values()), dim=1))

    def compute(self) -> dict[str, Tensor]:
        """The mean over the images that have a value, each a scalar."""
        return {name: scores.nanmean() for name, scores in self.per_image().items()}

    def per_image(self) -> dict[str, Tensor]:
        """Every image's score in the order of the updates, (N,)."""
        return dict(zip(self.names, dim_zero_cat(self.scores).unbind(1), strict=True))


class FusionScore(Metric):
    """One fusion metric: mean over images.

    Args:
        convention: See `Convention`.
        dtype: What to compute in.

    Attributes:
        name: Of the metric.
    """

    name: ClassVar[str]
    is_differentiable = False
    full_state_update = False

    scores: list[Tensor] | Tensor

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
        """The mean over the images that have a value, a scalar."""
        return self.per_image().nanmean()

    def per_image(self) -> Tensor:
        """Every image's score in the order of the updates, (N,)."""
        return dim_zero_cat(self.scores)


def __getattr__(name: str) -> type[FusionScore]:
    for metric in map(METRICS.__getitem__, FUSION_METRICS):
        if metric.class_name == name:
            return _class(metric)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["FusionScore", "FusionScores", *(METRICS[name].class_name for name in FUSION_METRICS)]


@functools.cache
def _class(metric: registry.Metric) -> type[FusionScore]:
    return type(
        metric.class_name,
        (FusionScore,),
        {
            "name": metric.name,
            "higher_is_better": metric.higher_is_better,
            "__doc__": f"See `{metric.name}`.",
            "__module__": __name__,
        },
    )
