"""From methods and datasets to tables and pictures."""

from bridgetune.evaluation.panels import panels

__all__ = ["panels"]
