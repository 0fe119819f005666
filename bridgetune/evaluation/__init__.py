"""From methods and datasets to tables and pictures. Tables of numbers cost no torch import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridgetune._lazy import lazy_names
from bridgetune.evaluation.results import Evaluation, MetricInfo

if TYPE_CHECKING:
    from bridgetune.evaluation.evaluating import evaluate as evaluate

__all__ = ["Evaluation", "MetricInfo", "evaluate"]

__getattr__ = lazy_names(__name__, {"bridgetune.evaluation.evaluating": ("evaluate",)})  # which needs torch
