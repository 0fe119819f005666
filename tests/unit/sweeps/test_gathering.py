"""The results of a sweep in the paper's tables."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from bridgetune.sweeps.cost import Cost
from bridgetune.sweeps.gathering import alpha_tables, cost_table, gathered
from bridgetune.sweeps.plan import planned
from bridgetune.sweeps.settings import CostSettings
from tests.support.sweeps import swept


def test_tables_have_mean_and_spread_over_seeds_and_tests_the_averaged_images(tmp_path: Path):
    result = swept(tmp_path)
    findings = gathered(result, ["q_mi"])
    assert findings is not None
    assert findings.comparison.methods == ["drpl", "drpl+BridgeTune", "msfin", "msfin+BridgeTune"]
    assert [(pair.before, pair.after) for pair in findings.comparison.pairs] == [
        ("drpl", "drpl+BridgeTune"),
        ("msfin", "msfin+BridgeTune"),
    ]
    runs = planned(result.sweep)
    tuned = [result.evaluations[run] for run in runs if (run.backbone.name, run.alpha) == ("drpl", 1e-3)]
    means = [one["MFFW"].mean["q_mi"] for one in tuned]
    (found,) = [scope for scope in findings.datasets if scope.scores.dataset == "MFFW"]
    assert found.before_after is not None
    cell = found.before_after.sections[0][1].cells[0]
    assert (cell.value, cell.spread) == (pytest.approx(statistics.fmean(means)), pytest.approx(statistics.stdev(means)))
    images = [one["MFFW"].images["03"]["q_mi"] for one in tuned]
    averaged = found.scores.of("q_mi")[1, found.scores.images.index("03")]
    assert averaged == pytest.approx(statistics.fmean(images))
    assert findings.overall is not None
    both = [statistics.fmean(one[name].mean["q_mi"] for name in ("Lytro", "MFFW")) for one in tuned]
    cell = findings.overall.table.sections[0][1].cells[0]
    assert (cell.value, cell.spread) == (pytest.approx(statistics.fmean(both)), pytest.approx(statistics.stdev(both)))
    assert "8 images; mean ± standard deviation over the seeds 3 and 4." in found.before_after.caption


def test_every_alpha_of_every_backbone_is_in_a_table_a_dataset(tmp_path: Path):
    tables = alpha_tables(swept(tmp_path))
    assert [table.name for table in tables] == ["alpha-lytro", "alpha-mffw"]
    assert [[row.labels for row in section] for section in tables[0].sections] == [
        [("drpl", "1e-3"), ("", "1e-5")],
        [("msfin", "1e-3"), ("", "1e-5")],
    ]
    assert [column.name for column in tables[0].columns] == ["qabf_weighted", "q_mi", "map_error"]


def test_what_is_missing_is_said(tmp_path: Path):
    findings = gathered(swept(tmp_path, missing=2))
    assert findings is not None
    assert "msfin+BridgeTune: 1 of 2 seeds are there; the others failed." in findings.comparison.notes
    (section,) = (section for section in findings.datasets[0].table.sections if len(section) > 1)
    assert [row.cells[0].spread is None for row in section] == [False, False, False, True]
    assert gathered(swept(tmp_path, missing=12)) is None
    assert alpha_tables(swept(tmp_path, missing=12)) == []


def test_the_table_of_costs_states_size_and_machine():
    cost = Cost(
        generator="drpl",
        options={},
        settings=CostSettings(size=[32, 48]),
        parameters=1_070_018,
        flops=1_500_000_000,
        seconds=[3.0, 1.0, 2.0],
        memory=3 << 20,
        machine="this machine",
    )
    made = cost_table({"DRPL": cost, "other": cost.model_copy(update={"memory": None})})
    assert made is not None
    assert [[cell.value for cell in row.cells] for row in made.sections[0]] == [
        [1.070018, 1.5, 2.0, 3.0],
        [1.070018, 1.5, 2.0, None],
    ]
    assert "one pair of 48×32 pixels" in made.caption
    assert made.caption.endswith("Measured on this machine.")
    assert cost_table({}) is None
