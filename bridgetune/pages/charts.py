"""Curves as numbers, for a page to draw: read off matplotlib's figures, so that both show the same."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAINT = 0.25
"""The opacity below which a line is one behind another, and has no entry in the legend."""

_DASHES = {"--": (6, 4), ":": (2, 3), "-.": (6, 3, 2, 3)}

_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        label: In the legend; empty for one that has no entry.
        across: (N,), growing.
        up: (N,); what is not finite is a gap.
        colour: As CSS has it.
        width: In pixels.
        dash: Lengths of dashes and gaps; none for a whole line.
        points: Whether its points are marked.
    """

    label: str
    across: NDArray[np.float64]
    up: NDArray[np.float64]
    colour: str
    width: float = 1.5
    dash: tuple[int, ...] = ()
    points: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over the same quantity.

    Attributes:
        title: Above.
        across, up: Titles of the axes.
        lines: In the order of the legend.
        logarithmic: The vertical axis.
        unit: Behind every value: `%`, or nothing.
        names: What 0, 1, … stand for along the horizontal axis, where it does not count.
    """

    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    logarithmic: bool = False
    unit: str = ""
    names: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As `charts.js` takes it: the lines brought to common places."""
        places = np.unique(np.concatenate([line.across for line in self.lines]))
        return {
            "title": self.title,
            "across": self.across,
            "up": self.up,
            "logarithmic": self.logarithmic,
            "unit": self.unit,
            "names": list(self.names),
            "numbers": [places.tolist(), *(_at(line, places) for line in self.lines)],
            "lines": [
                {
                    "label": line.label,
                    "class": "named" if line.label else "quiet",
                    "stroke": line.colour,
                    "width": line.width,
                    "dash": list(line.dash),
                    "points": {"show": line.points},
                }
                for line in self.lines
            ],
        }


def charts_of(figure: Any) -> tuple[Chart, ...]:
    """What the axes of a figure show, from left to right and from top to bottom, but for those without lines.

    Args:
        figure: `matplotlib.figure.Figure`, of axes with titles and named lines. What is counted along the last ones is
            what is along all.
    """
    shown = [axes for axes in figure.axes if axes.axison and axes.lines]
    across = next((label for axes in reversed(shown) if (label := _plain(axes.get_xlabel()))), "")
    return tuple(_chart(axes, across) for axes in shown)


def _chart(axes: Any, across: str) -> Chart:
    share = axes.yaxis.get_major_formatter()(0.5, 0) == "50%"
    ends = [float(side) for side in axes.get_xlim()]
    lines = [_line(drawn, ends, axes) for drawn in axes.lines]
    title = (axes.get_title(loc="left") or axes.get_title()).strip()
    names = [label.get_text() for label in axes.get_xticklabels()]
    return Chart(
        _plain(title),
        across,
        _plain(axes.get_ylabel()),
        tuple(replace(line, up=100 * line.up) for line in lines) if share else tuple(lines),
        axes.get_yscale() == "log",
        " %" if share else "",
        tuple(map(_plain, names)) if _are_names(names, axes.get_xticks()) else (),
    )


def _line(drawn: Any, ends: Sequence[float], axes: Any) -> Line:
    from matplotlib.colors import to_hex

    across, up = (np.asarray(values, float).ravel() for values in (drawn.get_xdata(), drawn.get_ydata()))
    if drawn.get_transform() != axes.transData:  # a height across the whole axes
        across = np.asarray(ends)[: len(across)]
    label, style = str(drawn.get_label()), str(drawn.get_linestyle())
    opacity = 1.0 if drawn.get_alpha() is None else float(drawn.get_alpha())
    alone = style == "None" or len(across) == 1
    return Line(
        "" if label.startswith("_") or opacity < FAINT else _plain(label),
        across,
        up,
        to_hex(drawn.get_color() if not alone else drawn.get_markeredgecolor()) + f"{round(255 * opacity):02x}",
        0.0 if alone else max(float(drawn.get_linewidth()), 0.75),
        _DASHES.get(style, ()),
        alone or (drawn.get_marker() not in ("", "None", None) and len(across) <= 60),
    )


def _at(line: Line, places: NDArray[np.float64]) -> list[float | None]:
    """Its values at common places, None where it has none."""
    known = dict(zip(line.across.tolist(), line.up.tolist(), strict=True))
    found = (known.get(place) for place in places.tolist())
    return [value if value is not None and math.isfinite(value) else None for value in found]


def _are_names(labels: Sequence[str], ticks: Sequence[float]) -> bool:
    """Whether 0, 1, … are given names by the ticks."""
    return bool(labels) and all(labels) and [float(tick) for tick in ticks] == list(map(float, range(len(labels))))


def _plain(label: str) -> str:
    r"""Without matplotlib's mathematics: `$Q^{AB/F}$` as Q^AB/F, `10$^{-3}$` as 10⁻³, `\$` as $."""

    def letters(found: re.Match[str]) -> str:
        inner = found[1].replace(r"\uparrow", "↑").replace(r"\downarrow", "↓")
        inner = re.sub(r"\^\{?([-+0-9]+)\}?", lambda power: power[1].translate(_RAISED), inner)
        return re.sub(r"\\(?:mathrm|mathit|text)|[\\{}]", "", inner)

    return re.sub(r"(?<!\\)\$([^$]*)(?<!\\)\$", letters, label).replace(r"\$", "$").replace("\n", " ")
