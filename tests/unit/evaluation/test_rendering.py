"""Tables as text."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.evaluation import MetricInfo
from bridgetune.evaluation.rendering import comma_separated, latex, markdown
from bridgetune.evaluation.tables import Cell, Table, image_table, score_table
from bridgetune.markdown import one_line
from bridgetune.metrics import registry
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
        "| Method | $Q^{AB/F}$ ↑ | $Q_{S}$ ↑ | $Q_{W}$ ↑ | map error ↓ | PSNR (dB) ↑ |",
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
    heads = (
        r"Method & $Q^{AB/F}$ $\uparrow$ & $Q_{S}$ $\uparrow$ & $Q_{W}$ $\uparrow$ & map error $\downarrow$ & PSNR (dB)"
    )
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


HOSTILE = [
    r"Q$\input{/etc/passwd}$\write18{touch pwn}",
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)",
    "+1",
    "-1",
    "\t=1",
    "\r=1",
    "<script>alert(1)</script>",
    "[bold]x[/bold]",
    "[2cm] x",
    "*",
    "a & b \\\\ \\hline",
    "a | b",
    "a\n\nb",
    "\x1b[31m",
    "a\u202eb",
    "% all that follows",
    "^^5cinput",
]

_SIGNS = "\\{}$&#%^_~[]*ab 1=+-@|,\"'\n\r\t"
LABELS = (st.text(min_size=1) | st.text(_SIGNS, min_size=1) | st.sampled_from(HOSTILE)).filter(
    lambda one: one != "other"
)


def told(label: str) -> Table:
    """A table in which a label stands wherever one can that came from a file."""
    info = MetricInfo(higher_is_better=True, title="t", unit="u").model_copy(update={"title": label, "unit": label})
    scores = rows(**{label: (-0.5,), "other": (0.25,)})
    return score_table("t", label, {f"own{label}": info}, scores, None)


@given(LABELS)
def test_latex_has_no_command_that_came_from_a_label(label: str):
    text, own = latex(told(label)), latex(told("label"))
    assert re.findall(r"\\[a-zA-Z]+", bare(text)) == re.findall(r"\\[a-zA-Z]+", bare(own))
    assert bare(text).count("{") == bare(text).count("}")
    assert not re.search(r"[$#^~]", bare(text))
    assert bare(text).count("%") == bare(own).count("%")
    assert bare(text).count("&") == bare(own).count("&")
    assert not re.search(r"(\\\\|rule)\s*[\[*]", bare(text)), "which would be an argument"
    assert len(text.splitlines()) == len(own.splitlines())


def bare(text: str) -> str:
    """LaTeX without what stands for plain signs."""
    text = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum)\{\}", "", text)
    text = re.sub(r"\\[&%$#_{}]", "", text)
    return re.sub(r"\$(\\[a-z]+|[<>−-]|\^2)\$", "", text)


@given(LABELS)
def test_csv_has_no_formula_that_came_from_a_label_and_its_numbers_stay_numbers(label: str):
    read = list(csv.reader(io.StringIO(comma_separated(told(label)))))
    assert [len(line) for line in read] == [2, 2, 2]
    assert [line[1] for line in read[1:]] == ["-0.5", "0.25"]
    cell = read[1][0]
    assert cell.removeprefix("'") == one_line(label) or cell == one_line(label)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert not re.search(r"[\t\r\n]", cell)


@given(LABELS)
def test_a_markdown_table_has_the_cells_that_it_has(label: str):
    lines = markdown(told(label)).splitlines()
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines[2:]] == [3, 3, 3, 3]
    assert len(lines) == 6
    assert not re.search(r"(?<!\\)(?:\\\\)*<(?!ins>|/ins>)", "\n".join(lines))


def test_mathematics_is_what_is_registered_alone():
    foreign = MetricInfo(higher_is_better=True, title=r"Q$\input{x}$\write18{y}")
    table = score_table("t", "", {"q_mi": foreign, "theirs": foreign}, rows(a=(1.0, 1.0)), None)
    assert [(column.title, column.math) for column in table.columns] == [
        (registry.METRICS["q_mi"].title, True),
        (foreign.title, False),
    ]
    assert r"\write18" not in latex(table)
    assert r"\textbackslash{}write18\{y\}" in latex(table)
