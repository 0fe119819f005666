"""What the figures share: sizes for a paper's columns, colours and markers, and saving.

Settings hold inside `paper` alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from bridgetune.drawing import COLOURS, drawing, file_of, text
from bridgetune.evaluation.results import MetricInfo
from bridgetune.evaluation.tables import Column

COLUMN, PAGE = 3.5, 7.16
"""Widths of one column and of both, in inches, as IEEE has them; Elsevier's are within a few millimetres."""

BETTER, WORSE = COLOURS[0], COLOURS[4]

MARKERS, LINES = "osD^vPX*", ("-", "--", ":", "-.")


def paper() -> AbstractContextManager[None]:
    """Draw and save inside; see `drawing`."""
    return drawing(7.5)


def saved(figure: Figure) -> dict[str, bytes]:
    """The figure as files: `png` at 300 dpi, and `pdf`. Equal figures give equal bytes."""
    files = {}
    for kind in ("png", "pdf"):
        files[kind] = file_of(figure, kind, dpi=300)
        figure.set_layout_engine("none")  # it stays as laid out, which takes longer than drawing
    return files


def title(name: str, info: MetricInfo) -> str:
    """A metric's title for matplotlib, with its unit."""
    column = Column.of(name, info)
    shown = f"${column.title}$" if column.math and _parses(f"${column.title}$") else text(column.title)
    return f"{shown} ({text(info.unit)})" if info.unit else shown


def line_style(place: int) -> dict[str, Any]:
    """Colour, marker and line of the n-th method: no two are alike among the first 24."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[place // len(COLOURS) % len(LINES)],
    }


def grid(count: int, columns: int, row_height: float, extra: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, at most `columns` side by side; a single one is a column wide.

    Args:
        count: Of panels; the places behind the last are left empty.
        columns: Of the grid.
        row_height: Of a row of panels, in inches.
        extra: Height for what stands below the panels, in inches.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    width = COLUMN if columns == 1 else PAGE
    figure = Figure(figsize=(width, rows * row_height + extra), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in panels[count:]:
        unused.set_axis_off()
    return figure, panels[:count]


def _parses(label: str) -> bool:
    try:
        MathTextParser("agg").parse(label)
    except ValueError:
        return False
    return True
