"""Tables as text."""

from __future__ import annotations

import csv
import io

import pytest

from bridgetune.evaluation.rendering import comma_separated, latex, markdown
from bridgetune.evaluation.tables import Cell, image_table, score_table
from tests.support.evaluations import evaluation
from tests.support.tables import METRICS, rows, three


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


def test_the_csv_of_an_evaluation_has_a_line_an_image_and_the_mean():
    one = evaluation("a", images=2)
    gappy = {"01": {**one.images["01"], "q_mi": None}, "02": one.images["02"]}
    given = one.model_copy(update={"images": gappy})
    expected = ["image,qabf_weighted,q_mi,map_error"]
    for label, scores in [*gappy.items(), ("mean", given.mean)]:
        expected.append(",".join([label, *("" if value is None else repr(value) for value in scores.values())]))
    assert comma_separated(image_table("scores", "", given, list(given.metrics))) == "\n".join([*expected, ""])
