"""What the figures share: sizes for a paper's columns, colours that all eyes tell apart, and saving.

Figures are made without pyplot, so that no backend is chosen and no figure stays open; settings hold inside
`paper` alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from bridgetune.evaluation.results import MetricInfo

COLUMN, PAGE = 3.5, 7.16
"""Widths of one column and of both, in inches, as IEEE has them; Elsevier's are within a few millimetres."""

BETTER, WORSE, QUIET = "#0072B2", "#E69F00", "#8C8C8C"

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of Okabe and Ito (2008), without black, which is for the proposed method, and yellow, which is pale on paper."""

MARKERS, LINES = "osD^vPX*", ("-", "--", ":", "-.")

ARROWS = {True: r"$\uparrow$", False: r"$\downarrow$"}

_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.formatter.useoffset": False,
    "figure.constrained_layout.use": False,
    "pdf.fonttype": 42,  # publishers refuse Type 3
    "svg.hashsalt": "bridgetune",
}


@contextmanager
def paper() -> Iterator[None]:
    """Draw and save inside: the settings are matplotlib's defaults with ours on top, and put back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        cast(Any, matplotlib.rcParams).update(_SETTINGS)
        yield


def saved(figure: Figure) -> dict[str, bytes]:
    """The figure as files: `png` at 300 dpi, and `pdf`. Equal figures give equal bytes."""
    files = {}
    for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        written = io.BytesIO()
        figure.savefig(written, format=kind, dpi=300, metadata=metadata)
        figure.set_layout_engine("none")  # it stays as laid out, which takes longer than drawing
        files[kind] = written.getvalue()
    return files


def title(info: MetricInfo) -> str:
    """A metric's title for matplotlib, with its unit."""
    shown = f"${info.title}$" if info.is_math and _parses(f"${info.title}$") else text(info.title)
    return f"{shown} ({text(info.unit)})" if info.unit else shown


def text(label: str) -> str:
    """A label in which nothing is mathematics."""
    return label.replace("$", r"\$")


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
