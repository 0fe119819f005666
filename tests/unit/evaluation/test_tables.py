"""Tables as data and as text."""

from __future__ import annotations

import csv
import io

import pytest

from bridgetune import RequestError
from bridgetune.evaluation import MetricInfo
from bridgetune.evaluation.aligning import align_pairs
from bridgetune.evaluation.comparison import MethodPair
from bridgetune.evaluation.findings import described, find
from bridgetune.evaluation.rendering import comma_separated, latex, markdown
from bridgetune.evaluation.tables import Cell, Table, before_after_table, overall_rows, score_table
from tests.support.evaluations import by_path, evaluation

METRICS = {
    "qabf_weighted": MetricInfo(higher_is_better=True, title="Q^{AB/F}"),
    "q_s": MetricInfo(higher_is_better=True, title="Q_S"),
    "q_w": MetricInfo(higher_is_better=True, title="Q_W"),
    "map_error": MetricInfo(higher_is_better=False, title="map error"),
    "psnr": MetricInfo(higher_is_better=True, title="PSNR", unit="dB"),
}


def rows(**methods: tuple[float | None, ...]) -> dict[str, list[Cell]]:
    return {name: [Cell(value) for value in values] for name, values in methods.items()}


def three() -> Table:
    # Q^AB/F, Q_S and Q_W are Table 1's of the paper
    scores = rows(
        DRPL=(0.7574, 0.9449, 0.9397, 0.020, 35.0),
        GACN=(0.7581, 0.9461, 0.9405, 0.030, None),
        Proposed=(0.7586, 0.9452, 0.9406, 0.010, 36.0),
    )
    return score_table("scores", "On Lytro.", METRICS, scores, "Proposed")


def places(table: Table, section: int = 0) -> list[list[int]]:
    return [[cell.place for cell in row.cells] for row in table.sections[section]]


def test_the_best_and_the_second_are_marked_whichever_way_is_up():
    assert places(three()) == [[0, 0, 0, 2, 2], [2, 1, 2, 0, 0], [1, 2, 1, 1, 1]]


def test_what_prints_alike_is_marked_alike_and_behind_two_best_there_is_no_second():
    metrics = {"q_s": METRICS["q_s"]}
    table = score_table("t", "c", metrics, rows(a=(0.93171,), b=(0.93169,), c=(0.92,), d=(0.91,)), "a")
    assert places(table) == [[1], [1], [0], [0]]


def test_the_enhancement_is_over_the_best_of_the_others():
    gains = [cell.value for cell in three().sections[1][0].cells]
    # Table 1 of the paper: +0.07 %, -0.10 %, +0.01 %; the error falls from 0.02 to 0.01
    assert gains == pytest.approx([0.07, -0.10, 0.01, 50, 100 / 35], abs=5e-3)
    assert three().sections[1][0].kind == "enhancement"


def test_without_the_proposed_method_there_is_no_enhancement():
    assert len(score_table("t", "c", METRICS, rows(a=(1, 1, 1, 1, 1), b=(2, 2, 2, 2, 2)), "c").sections) == 1


def test_before_and_after_are_the_papers_tables():
    # Table 4 of the paper
    scores = rows(
        MSFIN=(0.7537, 0.9451, 0.9389, 0, 0),
        MSFIN2=(0.7571, 0.9454, 0.9404, 0, 0),
        DRPL=(0.7484, 0.9442, 0.9347, 0, 0),
        DRPL2=(0.7546, 0.9454, 0.9373, 0, 0),
    )
    pairs = [MethodPair("MSFIN", "MSFIN2", "MSFIN"), MethodPair("DRPL", "DRPL2", "DRPL")]
    table = before_after_table("t", "c", METRICS, scores, pairs)
    assert table.heads == ("Network", "BridgeTune")
    assert [row.labels for row in table.sections[1]] == [("DRPL", "✗"), ("", "✓"), ("Enhancement (%)", "")]
    gains = [[cell.value for cell in section[2].cells[:3]] for section in table.sections]
    assert gains[0] == pytest.approx([0.45, 0.03, 0.16], abs=5e-3)
    assert gains[1] == pytest.approx([0.83, 0.13, 0.28], abs=5e-3)
    assert places(table)[0][:3] == [0, 0, 0]
    assert places(table)[1][:3] == [1, 1, 1]

    unnamed = before_after_table("t", "c", METRICS, scores, [MethodPair("MSFIN", "DRPL")])
    assert [row.labels for row in unnamed.sections[0]] == [("MSFIN",), ("DRPL",), ("Enhancement (%)",)]


def test_a_cell_over_seeds_has_a_spread():
    cell = Cell.over([0.70, 0.72, 0.74])
    assert (cell.value, cell.spread) == (pytest.approx(0.72), pytest.approx(0.02))
    assert Cell.over([0.7]).spread is None
    assert Cell.over([]).value is None
    table = score_table("t", "c", {"q_s": METRICS["q_s"]}, {"a": [cell], "b": [Cell(0.7)]}, "a")
    assert "**0.7200 ± 0.0200**" in markdown(table)
    assert r"\textbf{0.7200 $\pm$ 0.0200}" in latex(table)
    assert comma_separated(table).splitlines()[:2] == ["Method,q_s,q_s_std", f"a,{cell.value!r},{cell.spread!r}"]


def test_markdown_is_what_it_says():
    assert markdown(three()).splitlines() == [
        "*On Lytro. Enhancement: of Proposed over the best of the others, positive for better.*",
        "",
        "| Method | $Q^{AB/F}$ ↑ | $Q_S$ ↑ | $Q_W$ ↑ | map error ↓ | PSNR (dB) ↑ |",
        "| :-- | --: | --: | --: | --: | --: |",
        "| DRPL | 0.7574 | 0.9449 | 0.9397 | <ins>0.0200</ins> | <ins>35.00</ins> |",
        "| GACN | <ins>0.7581</ins> | **0.9461** | <ins>0.9405</ins> | 0.0300 | – |",
        "| Proposed | **0.7586** | <ins>0.9452</ins> | **0.9406** | **0.0100** | **36.00** |",
        "| Enhancement (%) | +0.07% | −0.10% | +0.01% | +50.00% | +2.86% |",
    ]


def test_latex_is_what_it_says():
    lines = latex(three()).splitlines()
    assert r"\label{tab:scores}" in lines
    assert r"\begin{tabular}{lccccc}" in lines
    heads = r"Method & $Q^{AB/F}$ $\uparrow$ & $Q_S$ $\uparrow$ & $Q_W$ $\uparrow$ & map error $\downarrow$ & PSNR (dB)"
    assert any(line.startswith(heads) for line in lines)
    assert r"GACN & \underline{0.7581} & \textbf{0.9461} & \underline{0.9405} & 0.0300 & -- \\" in lines
    assert r"Enhancement (\%) & +0.07\% & $-$0.10\% & +0.01\% & +50.00\% & +2.86\% \\" in lines
    assert [line for line in lines if "rule" in line] == [r"\toprule", r"\midrule", r"\midrule", r"\bottomrule"]


def test_labels_cannot_break_a_table():
    table = score_table("t", "50% & more", {"q_s": METRICS["q_s"]}, rows(**{"a|b_c$ {x}\\": (0.5,), "d": (0.4,)}), "d")
    assert r"| a\|b\_c\$ {x}\\ | **0.5000** |" in markdown(table)
    assert r"a|b\_c\$ \{x\}\textbackslash{} & \textbf{0.5000} \\" in latex(table)
    assert r"\caption{50\% \& more" in latex(table)


def test_csv_has_full_precision():
    read = list(csv.DictReader(io.StringIO(comma_separated(three()))))
    assert [row["Method"] for row in read] == ["DRPL", "GACN", "Proposed", "Enhancement (%)"]
    assert read[1]["psnr"] == ""
    assert float(read[3]["q_s"]) == three().sections[1][0].cells[1].value


def test_over_datasets_each_counts_once():
    given = [evaluation(m, d, dataset=n, images=i) for n, i in (("L", 4), ("W", 9)) for m, d in (("a", 0), ("b", 0.1))]
    comparison = align_pairs(by_path(*given))
    assert comparison.overall is not None
    (cell, *_) = overall_rows(comparison.datasets, comparison.overall)["a"]
    expected = (given[0].mean["qabf_weighted"] + given[2].mean["qabf_weighted"]) / 2  # type: ignore[operator]
    assert cell.value == pytest.approx(expected)


def test_the_proposed_method_is_the_one_that_ranks_best_unless_named():
    comparison = align_pairs(by_path(evaluation("a"), evaluation("b", 0.1), evaluation("c", -0.1)))
    assert find(comparison).proposed == "b"
    assert find(comparison, "c").proposed == "c"
    assert [row.labels[0] for row in find(comparison).ranks.sections[0]] == ["b", "a", "c"]
    with pytest.raises(RequestError, match="--proposed: no method is called 'x'"):
        find(comparison, "x")


def test_files_of_datasets_do_not_collide():
    names = ["My Set", "my-set", "overall", "数据"]
    given = [evaluation(method, dataset=name, images=3) for name in names for method in "ab"]
    found = find(align_pairs(by_path(*given)))
    assert [scope.name for scope in found.datasets] == ["my-set", "my-set-2", "overall-2", "dataset"]
    assert found.overall is not None
    assert found.overall.name == "overall"


def test_what_is_said_is_what_was_found():
    levels = {"best": 0.05, "near": 0.0499, "worst": -0.05}
    found = find(align_pairs(by_path(*(evaluation(name, level, images=20) for name, level in levels.items()))))
    (said,) = found.datasets[0].said
    assert said.startswith("Lytro, all metrics: the methods differ (Friedman χ²(2) = ")
    assert "better than worst" in said
    posthoc = found.datasets[0].nemenyi["all metrics"]
    assert ("not told apart from" in said) == bool(posthoc.alike("best"))


def test_few_images_and_few_methods_are_warned_of():
    two = find(align_pairs(by_path(evaluation("old", images=5), evaluation("new", 0.1, images=5)))).datasets[0]
    assert two.nemenyi == {}
    assert "2 methods; the Friedman test and the critical-difference diagram need three methods" in two.said[0]
    assert "no difference shown in qabf_weighted, q_mi and map_error" in two.said[1]
    assert "5 images with a difference" in two.said[2]
    assert "its p cannot fall below 0.062" in two.said[2]
    three_methods = [evaluation(name, level, images=3) for name, level in (("a", 0), ("b", 0.1), ("c", 0.2))]
    assert "3 images are too few" in find(align_pairs(by_path(*three_methods))).datasets[0].said[-1]


def test_methods_that_do_not_differ_get_no_post_hoc_test():
    found = find(align_pairs(by_path(*(evaluation(name, seed=4) for name in ("a", "b", "c"))))).datasets[0]
    assert found.friedman["all metrics"].p > 0.05
    assert found.nemenyi == {}
    assert "not shown to differ" in found.said[0]


def test_the_json_document_has_it_all():
    names = ("x", "x+BridgeTune", "y")
    given = [evaluation(n, i / 50, dataset=d) for d in ("L", "W") for i, n in enumerate(names)]
    document = described(find(align_pairs(by_path(*given))))
    assert document["proposed"] == "y"
    assert document["datasets"].keys() == {"L", "W"}
    on = document["datasets"]["L"]
    assert [row["Method"] for row in on["scores"]] == [*names, "Enhancement (%)"]
    assert on["friedman"].keys() == {"qabf_weighted", "q_mi", "map_error", "all metrics"}
    assert on["nemenyi"]["all metrics"]["p"]["x"]["x"] == 1.0
    assert on["before_after"][0]["after"] == "x+BridgeTune"
    assert on["before_after"][0]["tests"]["q_mi"]["better"] == 8
    assert document["overall"]["methods"] == list(names)
