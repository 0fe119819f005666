"""Published figures beside those that are measured here."""

from __future__ import annotations

from pathlib import Path

from bridgetune.evaluation.aligning import align
from bridgetune.evaluation.published import about, beside, differences
from bridgetune.evaluation.roster import Published, Roster, RosterDataset, RosterMethod
from tests.support.evaluations import by_path, evaluation

PUBLISHED = Published(
    title="Table 1",
    dataset="Lytro",
    metrics=["q_mi", "qabf_weighted"],
    told="printed in two set-ups",
    scores={"DRPL": [0.7, 0.3], "MSFIN": [0.72, 0.7], "ZMFF": [0.5, 0.5]},
)


def roster() -> Roster:
    return Roster(
        methods=[
            RosterMethod(name="DRPL", generator="drpl", options={"blocks": 2}, smooth=["guided"], told="trained here"),
            RosterMethod(name="MSFIN", fused="results/MSFIN"),
        ],
        datasets=[RosterDataset(name="Lytro", sources=Path("lytro")), RosterDataset(name="Road", sources=Path("road"))],
        published=[PUBLISHED, PUBLISHED.model_copy(update={"title": "Table 2", "dataset": "Road"})],
    )


def test_both_figures_of_a_method_stand_one_below_the_other():
    comparison = align(by_path(evaluation("DRPL"), evaluation("MSFIN", 0.01)))
    (section,) = beside(roster(), comparison)  # nothing was measured on the other one's dataset
    scores, ranks = section.tables
    (rows,) = scores.sections
    assert [row.labels for row in rows] == [
        *(("DRPL", "published"), ("DRPL", "here"), ("MSFIN", "published"), ("MSFIN", "here"), ("ZMFF", "published"))
    ]
    measured = comparison.datasets[0].means("q_mi")
    assert [row.cells[0].value for row in rows] == [0.7, measured[0], 0.72, measured[1], 0.5]
    assert section.text.startswith("printed in two set-ups\n\n- q\\_mi: within ")
    assert [column.title for column in scores.columns] == ["Q_{MI}", "Q^{AB/F}"]
    (ranked,) = ranks.sections
    assert [(row.labels[0], [cell.value for cell in row.cells]) for row in ranked] == [
        ("MSFIN", [1.0, 1.0, 1.0]),
        ("DRPL", [2.5, 2.0, 2.0]),
        ("ZMFF", [2.5, None, None]),
    ]


def test_figures_that_are_near_and_those_of_another_set_up_are_told_apart():
    here = {"DRPL": {"q_mi": 0.707, "qabf_weighted": 0.6}, "MSFIN": {"q_mi": 0.72, "qabf_weighted": 0.707}}
    mutual, edges = differences(PUBLISHED, here)
    assert mutual == "q_mi: within 1.0 % of what was published for DRPL and MSFIN."
    assert edges == (
        "qabf_weighted: within 1.0 % of what was published for MSFIN; another set-up's for DRPL (0.3, here 0.6)."
    )


def test_how_each_method_was_had_is_said():
    assert about(roster(), align(by_path(evaluation("DRPL"), evaluation("MSFIN")))).text.splitlines() == [
        "- **DRPL**: made by drpl; blocks 2; smoothed: guided; trained here.",
        "- **MSFIN**: saved results in results/MSFIN.",
    ]
    assert "MSFIN" not in about(roster(), align(by_path(evaluation("DRPL")))).text


def test_where_no_method_of_a_table_is_here_that_is_said():
    assert differences(PUBLISHED, {}) == ["None of its methods could be measured here."]
