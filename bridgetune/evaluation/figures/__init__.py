"""Figures of a comparison, for a paper's columns. Make and save them inside `paper`."""

from bridgetune.evaluation.figures.bars import bars
from bridgetune.evaluation.figures.before_after import before_after
from bridgetune.evaluation.figures.critical_difference import critical_difference
from bridgetune.evaluation.figures.stability import stability
from bridgetune.evaluation.figures.style import paper, saved

__all__ = ["bars", "before_after", "critical_difference", "paper", "saved", "stability"]
