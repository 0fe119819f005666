"""Curves as numbers, read off matplotlib's figures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bridgetune.pages.charts import Chart, Line, _plain, charts_of

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter


def figure() -> Figure:
    """Two panels, of which the lower one says what is counted; and a place without axes."""
    made = Figure()
    upper, lower, empty = made.subplots(3, 1)
    empty.set_axis_off()
    upper.plot([1, 2, 4], [3.0, math.nan, 1.0], label="loss", color="#0072B2", linestyle="--")
    upper.plot([1, 2, 3], [9, 8, 7], alpha=0.2, label="behind")
    upper.axhline(2.5)
    upper.set_title("What falls", loc="left")
    upper.set_ylabel("nats")
    upper.set_yscale("log")
    lower.plot(range(2), [0.5, 0.25], "o", label="share")
    lower.set_xticks(range(2), ["a", "b"])
    lower.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{100 * value:g}%"))
    lower.set_xlabel("image")
    return made


def test_lines_have_the_numbers_names_and_looks_that_are_drawn():
    upper, lower = charts_of(figure())
    assert (upper.title, upper.across, upper.up, upper.logarithmic) == ("What falls", "image", "nats", True)
    loss, behind, height = upper.lines
    assert (loss.label, loss.colour, loss.dash) == ("loss", "#0072b2ff", (6, 4))
    assert behind.label == height.label == ""
    assert height.up.tolist() == [2.5, 2.5]
    assert height.across.tolist() == pytest.approx(list(figure().axes[0].get_xlim()))
    assert (lower.names, lower.unit) == (("a", "b"), " %")
    assert lower.lines[0].up.tolist() == [50, 25]
    assert lower.lines[0].points
    assert lower.lines[0].width == 0


def test_lines_of_other_places_are_brought_to_common_ones():
    across = np.array([1.0, 2, 4]), np.array([2.0, 3])
    lines = [Line("x", places, places * 10, "#000") for places in across]
    lines[0].up[1] = math.inf
    told = Chart("t", "x", "y", tuple(lines)).as_dict()
    assert told["numbers"] == [[1, 2, 3, 4], [10, None, None, 40], [None, 20, 30, None]]
    assert json.dumps(told, allow_nan=False)


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        (r"$Q^{AB/F}_{mean}$ $\uparrow$", "Q^AB/F_mean ↑"),
        (r"10$^{-3}$", "10⁻³"),
        (r"\$5 and \$6", "$5 and $6"),
        ("of two\nlines", "of two lines"),
    ],
)
def test_labels_are_plain_text(label: str, plain: str):
    assert _plain(label) == plain
