"""The critical-difference diagram of Demšar (2006), drawn by scikit-posthocs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bridgetune.drawing import QUIET, text
from bridgetune.evaluation.figures import style
from bridgetune.evaluation.statistics import Friedman, Nemenyi

_MOST_IN_A_COLUMN = 8
_LINE, _GAP = 0.17, 0.04
"""Height of a line of labels, and between a label and its line, in inches."""


def critical_difference(friedman: Friedman, posthoc: Nemenyi) -> Figure:
    """Methods on the axis of average ranks; a bar joins those that are not told apart."""
    import pandas as pd
    from scikit_posthocs import critical_difference_diagram

    names = {method: text(method) for method in friedman.ranks}
    ranks = pd.Series({names[method]: rank for method, rank in friedman.ranks.items()})
    figure = Figure(figsize=(style.COLUMN if len(ranks) <= _MOST_IN_A_COLUMN else style.PAGE, 1))
    axes = figure.add_axes((0.3, 0, 0.4, 1))
    drawn = critical_difference_diagram(
        ranks,
        pd.DataFrame(posthoc.p).rename(index=names, columns=names),
        alpha=posthoc.alpha,
        ax=axes,
        label_fmt_left="{label}  {rank:.2f}",
        label_fmt_right="{rank:.2f}  {label}",
        text_h_margin=0.04 * len(ranks),
        elbow_props={"color": QUIET, "linewidth": 0.7},
        marker_props={"color": "black", "s": 9},
        crossbar_props={"linewidth": 2.4, "color": style.BETTER, "solid_capstyle": "round"},
        label_props={"fontsize": 7},
    )
    for label in drawn["labels"]:
        label.set_color("black")
    _lengthen(drawn["crossbars"], 0.03 * (len(ranks) - 1))
    axes.spines["top"].set_visible(True)
    axes.spines["top"].set_bounds(1, len(ranks))
    axes.set_xticks(range(1, len(ranks) + 1))
    axes.tick_params(pad=1.5)
    _frame(figure, len(ranks), drawn["labels"])
    _ruler(axes, posthoc.critical_difference)
    figure.text(
        0.5,
        0.03,
        f"average rank, 1 is the best; n = {friedman.images} images\n"
        f"joined by a bar: not told apart (Nemenyi, α = {posthoc.alpha:g})",
        ha="center",
        va="bottom",
        fontsize=6.5,
        color="#404040",
    )
    return figure


def _frame(figure: Figure, methods: int, labels: Sequence[Text]) -> None:
    """Room for the labels, whose lengths are measured, for the ruler above and the legend below."""
    axes = figure.axes[0]
    lowest = min(label.get_position()[1] for label in labels)
    above, below, legend = 2.6, 0.7, 0.3
    height = (above - lowest + below) * _LINE + legend
    figure.set_size_inches(figure.get_figwidth(), height)
    anchors = [label.get_position()[0] for label in labels]
    axes.set_xlim(min(1, *anchors), max(methods, *anchors))
    axes.set_ylim(lowest - below, above)
    renderer = cast(RendererBase, FigureCanvasAgg(figure).get_renderer())  # type: ignore[no-untyped-call]
    widths = {"left": 0.1, "right": 0.1}
    for label in labels:
        side = "left" if label.get_horizontalalignment() == "right" else "right"
        inches = label.get_window_extent(renderer).width / figure.dpi + _GAP + 0.04
        widths[side] = max(widths[side], inches)
    width = figure.get_figwidth()
    inner = width - widths["left"] - widths["right"]
    axes.set_position((widths["left"] / width, legend / height, inner / width, 1 - legend / height))
    low, high = axes.get_xlim()
    for label in labels:
        away = -1 if label.get_horizontalalignment() == "right" else 1
        label.set_x(label.get_position()[0] + away * _GAP * (high - low) / inner)


def _lengthen(bars: Iterable[Iterable[Line2D]], overhang: float) -> None:
    """Let each bar reach beyond its outermost dots: between equal ranks it would have no length."""
    for bar in bars:
        for line in bar:
            along, height = np.asarray(line.get_xdata()), float(np.asarray(line.get_ydata())[0])
            line.set_data([along.min() - overhang, along.max() + overhang], [height, height])


def _ruler(axes: Axes, length: float) -> None:
    start, height, tick = 1.0, 1.75, 0.18
    axes.plot([start, start + length], [height, height], color="black", linewidth=1, clip_on=False)
    for end in (start, start + length):
        axes.plot([end, end], [height - tick, height + tick], color="black", linewidth=1, clip_on=False)
    axes.annotate(
        f"CD = {length:.2f}",
        (start + length, height),
        xytext=(4, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=7,
    )
