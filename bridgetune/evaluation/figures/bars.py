"""Mean scores as bars from zero, with their numbers: lengths that can be compared, digits that can be read."""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bridgetune.drawing import text
from bridgetune.evaluation.comparison import DatasetScores
from bridgetune.evaluation.figures import style
from bridgetune.evaluation.rendering import NOTHING, TEX_ARROWS, number
from bridgetune.evaluation.tables import Table

_FILL = {1: style.BETTER, 2: "#8FBFE0", 0: "#D9D9D9"}
_NAMES = {1: "best", 2: "second", 0: "others"}


def bars(scores: DatasetScores, table: Table) -> Figure:
    """A panel for each metric, a bar for each method, best and second as the table marks them.

    Args:
        scores: The dataset.
        table: Its `score_table`.
    """
    rows = table.sections[0]
    figure, panels = style.grid(len(table.columns), 3, 0.42 + 0.155 * len(rows), 0.25)
    for place, (panel, column) in enumerate(zip(panels, table.columns, strict=True)):
        cells = [row.cells[place] for row in rows]
        lengths = [cell.value or 0.0 for cell in cells]
        panel.barh(range(len(rows)), lengths, 0.74, color=[_FILL[cell.place] for cell in cells])
        reach = max(map(abs, lengths)) or 1.0
        low = min(0.0, *lengths)
        for height, (cell, row) in enumerate(zip(cells, rows, strict=True)):
            panel.text(
                max(cell.value or 0.0, 0.0) + 0.02 * reach,
                height,
                number(cell, column, row) if cell.value is not None else NOTHING,
                va="center",
                fontsize=6.5,
                fontweight="bold" if cell.place == 1 else "normal",
            )
        panel.set_xlim(low * 1.05, reach * (1.34 if all(cell.spread is None for cell in cells) else 1.75))
        panel.set_ylim(len(rows) - 0.5, -0.5)
        first = place % 3 == 0
        panel.set_yticks(range(len(rows)), [text(row.labels[0]) if first else "" for row in rows])
        panel.tick_params(axis="y", length=0)
        panel.set_xticks(_ticks(low, reach))
        info = scores.metrics[column.name]
        panel.set_title(f"{style.title(column.name, info)} {TEX_ARROWS[info.higher_is_better]}")
    shown = {cell.place for row in rows for cell in row.cells}
    figure.legend(
        handles=[Patch(color=_FILL[place], label=label) for place, label in _NAMES.items() if place in shown],
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    return figure


def _ticks(low: float, reach: float) -> list[float]:
    """Zero and one or two round numbers on: the numbers stand beside the bars."""
    step = 10 ** math.floor(math.log10(reach))
    step = next(step * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5) if reach / (step * factor) <= 3)
    count = int(reach / step + 1e-9)
    return [step * place for place in range(-count if low < 0 else 0, count + 1)]
