"""Figures: that each can be drawn from all that may be compared, and leaves no trace in matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from bridgetune.evaluation import MetricInfo
from bridgetune.evaluation.aligning import align_pairs
from bridgetune.evaluation.figures import bars, before_after, critical_difference, paper, saved, stability
from bridgetune.evaluation.figures.style import PAGE, line_style, title
from bridgetune.evaluation.findings import DatasetFindings, find
from bridgetune.evaluation.ranks import ALL_METRICS
from tests.support.evaluations import METRICS, by_path, evaluation


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []


def findings(*names: str, images: int = 12, metrics: dict[str, MetricInfo] = METRICS) -> DatasetFindings:
    given = (evaluation(name, 0.01 * place, images=images, metrics=metrics) for place, name in enumerate(names))
    return find(align_pairs(by_path(*given))).datasets[0]


def labels(figure: Figure) -> str:
    texts = (text.get_text() for text in figure.findobj(lambda artist: isinstance(artist, matplotlib.text.Text)))
    return " ".join(texts)


def test_every_method_metric_and_image_is_in_the_stability_plot():
    found = findings("a", "b", "c")
    with paper():
        figure = stability(found.scores, "c")
        assert [len(panel.lines) for panel in figure.axes if panel.axison] == [3, 3, 3]
        drawn = figure.axes[1].lines[1].get_ydata()
        assert np.array_equal(drawn, found.scores.of("q_mi")[1])
        assert "$Q_{MI}$" in labels(figure)


def test_many_images_are_sorted_by_the_proposed_methods_score():
    found = findings("a", "b", images=60)
    with paper():
        figure = stability(found.scores, "b")
        drawn = figure.axes[0].lines[1].get_ydata()
        assert np.array_equal(drawn, np.sort(found.scores.of("qabf_weighted")[1]))
        assert "sorted by b" in labels(figure)


def test_bars_start_at_zero_and_have_their_numbers():
    found = findings("a", "b")
    with paper():
        figure = bars(found.scores, found.table)
        panel = figure.axes[0]
        means = found.scores.means("qabf_weighted")
        assert [bar.get_width() for bar in panel.patches] == pytest.approx(means.tolist())
        assert [bar.get_x() for bar in panel.patches] == [0, 0]
        assert f"{means[0]:.4f}" in labels(figure)


def test_differences_are_coloured_by_what_is_better():
    found = findings("x", "x+BridgeTune")
    with paper():
        figure = before_after(found.scores, found.pairs[0].pair, found.pairs[0].tests)
        for panel, metric in zip(figure.axes, METRICS, strict=False):
            heights = [bar.get_height() for bar in panel.patches]
            before, after = found.scores.of(metric)
            assert sorted(heights) == pytest.approx(sorted(after - before))
            higher = METRICS[metric].higher_is_better
            colours = {bar.get_facecolor() for bar in panel.patches if (bar.get_height() > 0) == higher}
            assert len(colours) == 1
        assert f"better on {found.pairs[0].tests[0].better} of 12" in labels(figure)


def test_the_critical_difference_diagram_joins_what_is_not_told_apart():
    found = findings("a", "b", "c", "d", "e", images=20)
    posthoc = found.nemenyi[ALL_METRICS]
    with paper():
        figure = critical_difference(found.friedman[ALL_METRICS], posthoc)
        said = labels(figure)
    assert f"CD = {posthoc.critical_difference:.2f}" in said
    for method, rank in found.friedman[ALL_METRICS].ranks.items():
        assert f"{method}  {rank:.2f}" in said or f"{rank:.2f}  {method}" in said


@pytest.mark.parametrize(
    "names", [("a", "b", "c"), tuple("abcdefghijklmnop"), ("a $x_", "a name that is very long", "{c}")]
)
def test_nothing_is_cut_off(names: tuple[str, ...]):
    found = findings(*names, images=20)
    with paper():
        for figure in (
            critical_difference(found.friedman[ALL_METRICS], found.nemenyi[ALL_METRICS]),
            bars(found.scores, found.table),
            stability(found.scores, names[0]),
        ):
            pixels = np.asarray(Image.open(io.BytesIO(saved(figure)["png"])).convert("L"))
            edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
            assert edges.min() == 255, figure
            assert pixels.shape[1] <= round(PAGE * 300) + 1


def test_equal_figures_are_equal_files():
    found = findings("a", "b", "c")
    with paper():
        files = [saved(stability(found.scores, "a")) for _ in range(2)]
    assert files[0] == files[1]
    assert files[0]["pdf"].startswith(b"%PDF")


def test_the_users_own_settings_do_not_show_and_stay():
    found = findings("a", "b", "c")
    with paper():
        expected = saved(bars(found.scores, found.table))["png"]
    with matplotlib.rc_context({"font.size": 30, "figure.facecolor": "red"}), paper():
        assert saved(bars(found.scores, found.table))["png"] == expected


def test_the_first_methods_look_different():
    looks = [tuple(sorted(line_style(place).items())) for place in range(24)]
    assert len(set(looks)) == 24


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("qabf_weighted", MetricInfo(higher_is_better=True, title="Q^{AB/F}"), "$Q^{AB/F}$"),
        ("qabf_weighted", MetricInfo(higher_is_better=True, title="another's"), "$Q^{AB/F}$"),
        ("psnr", MetricInfo(higher_is_better=True, title="PSNR", unit="dB"), "PSNR (dB)"),
        ("theirs", MetricInfo(higher_is_better=True, title="Q_{MI}"), "Q_{MI}"),
        ("theirs", MetricInfo(higher_is_better=True, title="5$"), r"5\$"),
        ("theirs", MetricInfo(higher_is_better=True, title="$\\frac{1}{$", unit="$"), r"\$\frac{1}{\$ (\$)"),
    ],
)
def test_titles_are_mathematics_where_they_are_registered_so(name: str, given: MetricInfo, shown: str):
    assert title(name, given) == shown
