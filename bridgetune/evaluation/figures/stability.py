"""Every image's score, a line for each method: Fig. 10 of the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bridgetune.drawing import text
from bridgetune.evaluation.comparison import DatasetScores
from bridgetune.evaluation.figures import style
from bridgetune.evaluation.rendering import TEX_ARROWS

_MOST_NAMED, _LONGEST_NAME, _MOST_IN_ORDER = 24, 5, 40

_PROPOSED: dict[str, Any] = {"color": "black", "marker": "o", "linestyle": "-", "linewidth": 1.3, "zorder": 2.5}


def stability(scores: DatasetScores, proposed: str | None) -> Figure:
    """A panel for each metric: score over image, the proposed method in black, behind the thinner lines of the others.

    More than forty images are sorted by the score of the proposed method, or else the first: in natural order, as the
    paper has its twenty, so many lines hide each other.
    """
    columns = 1 if len(scores.metrics) == 1 else 2
    legend_rows = -(-len(scores.methods) // (2 if columns == 1 else 4))
    figure, panels = style.grid(len(scores.metrics), columns, 1.55, 0.3 + 0.16 * legend_rows)
    others = [method for method in scores.methods if method != proposed]
    many = len(scores.images) > _MOST_IN_ORDER
    leading = scores.methods.index(proposed) if proposed in scores.methods else 0
    for number, (panel, (name, info)) in enumerate(zip(panels, scores.metrics.items(), strict=True)):
        by_method = scores.of(name)
        if many:
            by_method = by_method[:, np.argsort(by_method[leading], kind="stable")]
        for method, values in zip(scores.methods, by_method, strict=True):
            look = dict(_PROPOSED)
            if method != proposed:
                look = {**style.line_style(others.index(method)), "linewidth": 0.8, "zorder": 3}
            if many:
                look |= {"marker": "", "linewidth": 1.3 if method == proposed else 0.5}
            panel.plot(range(len(values)), values, label=text(method), markersize=2.6, markeredgewidth=0, **look)
        panel.set_title(f"{style.title(name, info)} {TEX_ARROWS[info.higher_is_better]}")
        panel.margins(x=0.02)
        panel.grid(axis="y", color="#E5E5E5", linewidth=0.5)
        panel.set_axisbelow(True)
        last = number >= len(panels) - columns
        if many:
            panel.set_xlabel(f"images, each panel sorted by {text(scores.methods[leading])}" if last else "")
        else:
            _name_images(panel, scores.images, last)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2 if columns == 1 else 4, frameon=False, handlelength=2.6
    )
    return figure


def _name_images(panel: Axes, images: tuple[str, ...], last: bool) -> None:
    if len(images) <= _MOST_NAMED and all(len(stem) <= _LONGEST_NAME for stem in images):
        long = max(map(len, images)) > 2
        panel.set_xticks(range(len(images)), [text(stem) for stem in images], rotation=90 if long else 0)
        named = "image"
    else:
        ticks = [tick for tick in panel.get_xticks() if float(tick).is_integer() and 0 <= tick < len(images)]
        panel.set_xticks(ticks, [f"{int(tick) + 1}" for tick in ticks])
        named = "image, numbered in natural order"
    if last:
        panel.set_xlabel(named)
