"""From methods and datasets to tables and pictures. Tables of numbers cost no torch import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridgetune.evaluation.results import Evaluation, MetricInfo

if TYPE_CHECKING:
    from bridgetune.evaluation.evaluating import evaluate as evaluate

__all__ = ["Evaluation", "MetricInfo", "evaluate"]


def __getattr__(name: str) -> Any:
    """Import `evaluate` at its first use: it needs torch."""
    if name != "evaluate":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bridgetune.evaluation.evaluating import evaluate

    return evaluate
