"""What changed on each image from before to after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bridgetune.drawing import text
from bridgetune.evaluation.comparison import DatasetScores, MethodPair
from bridgetune.evaluation.figures import style
from bridgetune.evaluation.rendering import TEX_ARROWS
from bridgetune.evaluation.statistics import PairedTest
from bridgetune.evaluation.wording import p_value

P_HOLM = r"$p_\mathrm{Holm}$"


def before_after(scores: DatasetScores, pair: MethodPair, tests: Sequence[PairedTest]) -> Figure:
    """A panel for each metric: the difference on every image, sorted from the greatest gain to the greatest loss.

    Args:
        scores: The dataset.
        pair: Two of its methods.
        tests: Their `paired_tests`.
    """
    figure, panels = style.grid(len(tests), 3, 1.5, 0.45)
    both = scores.only([pair.before, pair.after])
    for place, (panel, test) in enumerate(zip(panels, tests, strict=True)):
        info = both.metrics[test.metric]
        before, after = both.of(test.metric)
        change = (after - before)[np.isfinite(after - before)]
        sign = 1 if info.higher_is_better else -1
        change = change[np.argsort(-sign * change, kind="stable")]
        colours = [style.BETTER if sign * value > 0 else style.WORSE for value in change]
        panel.bar(range(len(change)), change, 0.8 if len(change) < 60 else 1.0, color=colours)
        panel.axhline(0, color="black", linewidth=0.6)
        panel.set_title(f"{style.title(test.metric, info)} {TEX_ARROWS[info.higher_is_better]}", pad=14)
        panel.text(
            0.5,
            1.02,
            f"better on {test.better} of {test.images}, {p_value(test.p_holm, P_HOLM)}",
            transform=panel.transAxes,
            ha="center",
            va="bottom",
            fontsize=6.5,
        )
        panel.set_xticks([])
        panel.spines["bottom"].set_visible(False)
        panel.locator_params(axis="y", nbins=5)
        # a common power of ten would stand where the counts are
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:.3g}".replace("-", "−")))
        if place % 3 == 0:
            panel.set_ylabel("after − before")
    names = text(pair.before), text(pair.after)
    figure.legend(
        handles=[
            Patch(color=style.BETTER, label=f"{names[1]} better than {names[0]}"),
            Patch(color=style.WORSE, label="worse"),
        ],
        loc="outside lower center",
        title="a bar for each image, sorted",
        title_fontsize=7,
        ncols=2 if len(tests) > 1 else 1,
        frameon=False,
    )
    return figure
