"""Each fusion metric as a function of two sources and a fused image, by the name that it is registered under.

Images are (B, 3, H, W) RGB or (B, 1, H, W) gray: float in [0, 1], uint8 or uint16. All are compared by their 8-bit gray
levels, see `gray_levels`. Scores are (B,) and finite, but for NaN where a metric of a region has no pixels to look at;
what a definition leaves 0/0 is said in the function's docstring, and which way is better in `METRICS`. `SourcePair`
computes several of them, or scores several methods, without doing anything twice.
"""

from __future__ import annotations

import functools
from typing import Protocol

import torch
from torch import Tensor

from bridgetune.metrics.fusion import SourcePair
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention, Metric


class FusionFunction(Protocol):
    """A fusion metric as a function."""

    def __call__(
        self,
        first: Tensor,
        second: Tensor,
        fused: Tensor,
        *,
        convention: Convention = "toolbox",
        dtype: torch.dtype = torch.float64,
        responses: torch.dtype = torch.float32,
    ) -> Tensor:
        """The scores, (B,).

        Args:
            first, second, fused: The sources and the fused image, see above.
            convention: See `Convention`.
            dtype, responses: See `SourcePair`.

        Raises:
            RequestError: Images that are not such, or of different shapes.
        """
        ...


def __getattr__(name: str) -> FusionFunction:
    if name not in FUSION_METRICS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _function(METRICS[name])


def __dir__() -> list[str]:
    return ["FusionFunction", *FUSION_METRICS]


@functools.cache
def _function(metric: Metric) -> FusionFunction:
    def score(
        first: Tensor,
        second: Tensor,
        fused: Tensor,
        *,
        convention: Convention = "toolbox",
        dtype: torch.dtype = torch.float64,
        responses: torch.dtype = torch.float32,
    ) -> Tensor:
        return SourcePair(first, second, dtype, responses).score(fused, [metric.name], convention)[metric.name]

    score.__name__ = score.__qualname__ = metric.name
    score.__doc__ = metric.computed.__doc__
    return score
