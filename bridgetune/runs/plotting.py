"""A run's curves, for its report: 800 pixels wide on a page. Needs matplotlib; make and save them inside `drawing`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, MaxNLocator

from bridgetune.drawing import COLOURS
from bridgetune.runs.history import Numbers, Series

TEXT, DPI = 9.5, 200
"""Size of the text in points, and dots per inch: twice what a page shows, for screens that have them."""

_WIDTH = 8.0
"""In inches: 800 pixels at 100 per inch."""

_MOST_POINTS = 600
"""Of a line; more are within a pixel of each other."""

_SMOOTHED_OVER = 1 / 30
"""Of the run: how far to either side a point of the smoothed line is a mean."""

_SPIKE = 3
"""Times what nearly all values are below: what is smoothed and yet greater is a spike that would hide the rest."""

_MOST_MARKED = 60


@dataclass(frozen=True)
class Panel:
    """What one pair of axes shows.

    Attributes:
        lines: Label -> quantity over the steps.
        title: What is seen.
        axis: Title of the vertical axis, with the unit.
        logarithmic: The vertical axis, if all that is shown is positive.
        reference: A height that means something, and what.
        least: What the axis reaches down to, unless logarithmic; None for what the lines need.
        leading: Label of the line that is drawn in black.
        colours: Place in `COLOURS` of the first line.
    """

    lines: Mapping[str, Series]
    title: str
    axis: str
    logarithmic: bool = False
    reference: tuple[float, str] | None = None
    least: float | None = None
    leading: str = ""
    colours: int = 0


def curves(panels: Sequence[Panel], done: int) -> Figure:
    """Panels one above the other over the same steps: the smoothed lines over faint raw values."""
    layout = ConstrainedLayoutEngine(h_pad=0.08, hspace=0.06)
    figure = Figure(figsize=(_WIDTH, 0.45 + 2.35 * len(panels)), layout=layout)
    axes = list(figure.subplots(len(panels), 1, squeeze=False).flat)
    for shown, panel in zip(axes, panels, strict=True):
        _draw(shown, panel)
        _steps_below(shown, done)
    axes[-1].set_xlabel("step (one update of every network)")
    return figure


def map_errors(everywhere: Series, homogeneous: Series, best: tuple[int, float] | None, done: int) -> Figure:
    """The shares of wrong decisions, as they were measured, and the best of them.

    Args:
        everywhere, homogeneous: In [0, 1].
        best: Step and share of the lowest error everywhere.
        done: The last step.
    """
    figure = Figure(figsize=(_WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    for series, label, colour, marker in (
        (everywhere, "all pixels", COLOURS[0], "o"),
        (homogeneous, "inside homogeneous regions", COLOURS[1], "s"),
    ):
        if len(series.steps) > _MOST_MARKED:
            _line(axes, series, label, colour)
        elif series:
            axes.plot(series.steps, series.values, label=label, color=colour, marker=marker, markersize=4)
    top = max([0.0, *everywhere.values, *homogeneous.values])
    axes.set_ylim(0, 1.08 * top or 1)
    if best is not None:
        step, share = best
        axes.plot(
            [step],
            [share],
            "o",
            label=f"lowest: {share:.2%} at step {step:,}",
            markersize=11,
            markerfacecolor="none",
            markeredgecolor="black",
            clip_on=False,
            zorder=5,
        )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{100 * value:g}%"))
    axes.set_ylabel("wrong decisions, % of pixels")
    _finish(axes, "Map error on held-out pairs (lower is better)")
    _steps_below(axes, done)
    axes.set_xlabel("step (one update of every network)")
    return figure


def _draw(axes: Axes, panel: Panel) -> None:
    positive = all((series.values > 0).all() for series in panel.lines.values())
    if panel.logarithmic and positive:
        axes.set_yscale("log")
    colours = iter(COLOURS[panel.colours :] + COLOURS[: panel.colours])
    seen: list[Numbers] = []
    for label, series in panel.lines.items():
        leading = label == panel.leading
        colour = "black" if leading else next(colours)
        smooth = _line(axes, series, label, colour, leading)
        usual = np.quantile(series.values, [0.005, 0.995])
        beyond = _SPIKE * np.abs(usual).max()
        seen += [smooth.values[np.abs(smooth.values) <= beyond], usual]
    if panel.reference is not None:
        height, meaning = panel.reference
        axes.axhline(height, color="#555555", linewidth=1.0, linestyle=(0, (5, 3)), zorder=2.5)
        axes.annotate(
            meaning,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color="#333333",
            fontsize=TEXT - 1,
        )
        seen.append(np.array([height]))
    _limit(axes, np.concatenate(seen), panel.least)
    axes.set_ylabel(panel.axis)
    _finish(axes, panel.title)


def _line(axes: Axes, series: Series, label: str, colour: str, leading: bool = False) -> Series:
    """Draw the smoothed line over the raw values, and return it."""
    raw, smooth = thinned(series)
    look: dict[str, Any] = {"color": colour, "label": label, "zorder": 4 if leading else 3}
    if len(smooth.steps) == 1:
        axes.plot(smooth.steps, smooth.values, "o", markersize=5, **look)
    else:
        axes.plot(raw.steps, raw.values, color=colour, linewidth=0.6, alpha=0.22, zorder=2)
        axes.plot(smooth.steps, smooth.values, linewidth=2.0 if leading else 1.5, **look)
    return smooth


def _limit(axes: Axes, seen: Numbers, least: float | None) -> None:
    """Show all that is smooth, and the raw values but for rare spikes."""
    low, high = float(seen.min()), float(seen.max())
    if axes.get_yscale() == "log":
        room = max((high / low) ** 0.06, 1.15)
        axes.set_ylim(low / room, high * room)
        _name_decades(axes)
        return
    low = low if least is None else min(least, low)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
    axes.set_ylim(low if low == least else low - room, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    if high - low < 1e-3 or high >= 1e4:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:.3g}"))


def _name_decades(axes: Axes) -> None:
    """Numbers as they are said, 0.01, on an axis of few decades; and between them, where there is hardly one."""
    low, high = axes.get_ylim()
    if low >= 1e-4 and high <= 1e5:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    else:
        axes.yaxis.set_major_formatter(LogFormatterSciNotation())
    decades = math.log10(high / low)
    named = range(1, 10) if decades < 0.7 else (2, 5) if decades < 1.7 else ()
    axes.yaxis.set_minor_formatter(
        FuncFormatter(lambda value, place: f"{value:.3g}" if _leading_digit(value) in named else "")
    )
    axes.tick_params(axis="y", which="minor", labelsize=TEXT - 1)


def _leading_digit(value: float) -> int:
    return round(float(f"{value:e}".split("e")[0]))


def _finish(axes: Axes, title: str) -> None:
    """Title above, then the legend in a row, then the lines: nothing hides anything."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        axes.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncols=len(labels),
            frameon=False,
            handlelength=1.6,
            columnspacing=1.4,
            borderaxespad=0.2,
        )
    axes.set_title(title, loc="left", pad=24 if len(labels) > 1 else 8, fontweight="bold")
    axes.grid(axis="y", color="#E8E8E8", linewidth=0.6)
    axes.set_axisbelow(True)


def _steps_below(axes: Axes, done: int) -> None:
    axes.set_xlim(-0.01 * done if done > 1 else -0.5, 1.01 * done if done > 1 else 1.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:,.0f}"))


def thinned(series: Series) -> tuple[Series, Series]:
    """The raw values and the smoothed ones, at most some hundred points each, however long the run was.

    Steps are gathered in buckets. Of the raw values, the least and the greatest of a bucket stay, so that no spike
    is lost; the smoothed line is the mean over neighbouring buckets, nearer ones counting more.
    """
    count = len(series.steps)
    if count == 0:
        return series, series
    buckets = min(count, _MOST_POINTS)
    starts = np.arange(buckets) * count // buckets
    sizes = np.diff(np.append(starts, count))
    steps = np.add.reduceat(series.steps, starts) / sizes
    low, high = np.minimum.reduceat(series.values, starts), np.maximum.reduceat(series.values, starts)
    raw = series
    if buckets < count:
        raw = Series(np.repeat(steps, 2), np.stack([low, high], 1).ravel())
    reach = max(round(buckets * _SMOOTHED_OVER), 1 if buckets >= 10 else 0)
    window = np.hanning(2 * reach + 3)[1:-1]
    sums = np.convolve(np.add.reduceat(series.values, starts), window)[reach : reach + buckets]
    return raw, Series(steps, sums / np.convolve(sizes, window)[reach : reach + buckets])
