"""Tables as data and as text."""

from __future__ import annotations

import pytest

from bridgetune.evaluation import Evaluation, MetricInfo
from bridgetune.evaluation.aligning import align_pairs
from bridgetune.evaluation.comparison import MethodPair
from bridgetune.evaluation.tables import Table, before_after_table, evaluation_tables, overall_rows, score_table
from bridgetune.metrics.registry import KINDS
from bridgetune.metrics.registry import METRICS as REGISTERED
from tests.support.evaluations import by_path, evaluation
from tests.support.tables import METRICS, rows, three


def places(table: Table, section: int = 0) -> list[list[int]]:
    return [[cell.place for cell in row.cells] for row in table.sections[section]]


def test_the_best_and_the_second_are_marked_whichever_way_is_up():
    assert places(three()) == [[0, 0, 0, 2, 2], [2, 1, 2, 0, 0], [1, 2, 1, 1, 1]]


def test_what_prints_alike_is_marked_alike_and_behind_two_best_there_is_no_second():
    metrics = {"q_s": METRICS["q_s"]}
    table = score_table("t", "c", metrics, rows(a=(0.93171,), b=(0.93169,), c=(0.92,), d=(0.91,)), "a")
    assert places(table) == [[1], [1], [0], [0]]


def test_one_that_is_alone_in_having_a_value_is_the_best_of_nothing():
    metrics = {"q_s": METRICS["q_s"], "q_w": METRICS["q_w"]}
    table = score_table("t", "c", metrics, rows(a=(0.9, None), b=(0.8, 0.7), c=(0.7, None)), None)
    assert places(table) == [[1, 0], [2, 0], [0, 0]]


def test_the_enhancement_is_over_the_best_of_the_others():
    gains = [cell.value for cell in three().sections[1][0].cells]
    # Table 1 of the paper: +0.07 %, -0.10 %, +0.01 %; the error falls from 0.02 to 0.01
    assert gains == pytest.approx([0.07, -0.10, 0.01, 50, 100 / 35], abs=5e-3)
    assert three().sections[1][0].kind == "enhancement"


def test_without_the_proposed_method_there_is_no_enhancement():
    assert len(score_table("t", "c", METRICS, rows(a=(1, 1, 1, 1, 1), b=(2, 2, 2, 2, 2)), "c").sections) == 1


def test_a_unit_of_large_numbers_has_fewer_digits():
    found = {column.name: column.digits for table in evaluation_tables(everything()) for column in table.columns}
    assert (found["islands"], found["psnr"], found["invention"]) == (1, 2, 4)


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
    assert table.caption == "c ✗ is before, ✓ after; enhancement: of after over before, positive for better."
    assert unnamed.caption.startswith("c The first of a pair is before, the second after; enhancement:")


def test_over_datasets_each_counts_once():
    given = [evaluation(m, d, dataset=n, images=i) for n, i in (("L", 4), ("W", 9)) for m, d in (("a", 0), ("b", 0.1))]
    comparison = align_pairs(by_path(*given))
    assert comparison.overall is not None
    (cell, *_) = overall_rows(comparison.datasets, comparison.overall)["a"]
    expected = (given[0].mean["qabf_weighted"] + given[2].mean["qabf_weighted"]) / 2  # type: ignore[operator]
    assert cell.value == pytest.approx(expected)


def everything() -> Evaluation:
    """An evaluation that has all metrics, and one that is registered nowhere."""
    infos = {
        name: MetricInfo(higher_is_better=metric.higher_is_better, title=metric.title, unit=metric.unit)
        for kind in KINDS
        for name, metric in REGISTERED.items()
        if metric.kind == kind
    }
    infos["elsewhere"] = MetricInfo(higher_is_better=True, title="elsewhere")
    return evaluation("net", metrics=infos, images=3)


def test_an_evaluation_has_a_table_for_each_group_of_kinds():
    result = everything()
    tables = evaluation_tables(result)
    kinds = [{REGISTERED[c.name].kind for c in table.columns if c.name in REGISTERED} for table in tables]
    assert kinds == [{"fusion"}, {"map"}, {"decision", "consistency", "reference"}]
    assert [column.name for table in tables for column in table.columns] == list(result.metrics)
    assert [table.caption for table in tables] == [
        f"net on Lytro, 3 images: {of}" for of in ("fusion metrics", "map metrics", "further metrics")
    ]
    fused_only = evaluation("net", metrics={"q_mi": METRICS["q_s"]})
    assert [table.name for table in evaluation_tables(fused_only)] == ["fusion"]


def test_a_table_of_images_has_a_row_for_each_and_the_mean_apart_and_nothing_is_marked():
    result = everything()
    for table in evaluation_tables(result):
        images, mean = table.sections
        assert [row.labels for row in images] == [("01",), ("02",), ("03",)]
        assert [row.labels for row in mean] == [("mean",)]
        for row, scores in zip((*images, *mean), (*result.images.values(), result.mean), strict=True):
            assert [cell.value for cell in row.cells] == [scores[column.name] for column in table.columns]
            assert all(cell.place == 0 for cell in row.cells)
