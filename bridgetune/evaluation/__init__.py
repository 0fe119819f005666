"""From methods and datasets to tables and pictures."""

from bridgetune.evaluation.evaluating import evaluate
from bridgetune.evaluation.panels import panels
from bridgetune.evaluation.results import Evaluation

__all__ = ["Evaluation", "evaluate", "panels"]
