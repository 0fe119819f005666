"""From methods and datasets to tables and pictures. Tables of numbers cost no torch import."""

from bridgetune.evaluation.results import Evaluation, MetricInfo

__all__ = ["Evaluation", "MetricInfo"]
