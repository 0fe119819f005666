"""All that a comparison finds."""

from __future__ import annotations

import pytest

from bridgetune import RequestError
from bridgetune.evaluation.aligning import align_pairs
from bridgetune.evaluation.findings import described, find
from tests.support.evaluations import by_path, evaluation


def test_the_proposed_method_is_the_one_that_ranks_best_unless_named():
    comparison = align_pairs(by_path(evaluation("a"), evaluation("b", 0.1), evaluation("c", -0.1)))
    assert find(comparison).proposed == "b"
    assert find(comparison, "c").proposed == "c"
    assert [row.labels[0] for row in find(comparison).ranks.sections[0]] == ["b", "a", "c"]
    with pytest.raises(RequestError, match="--proposed: no method is called 'x'"):
        find(comparison, "x")


def test_which_method_enhancement_means_is_said_unless_it_was_named():
    comparison = align_pairs(by_path(evaluation("a"), evaluation("b", 0.1), evaluation("c", -0.1)))
    said = "Enhancement over the best of the others is that of b, which ranks best; --proposed names another."
    assert find(comparison).comparison.notes[-1] == said
    assert "Enhancement: of b over the best of the others" in find(comparison).datasets[0].table.caption
    assert not any("Enhancement" in note for note in find(comparison, "c").comparison.notes)


def test_which_method_enhancement_means_is_asked_where_several_rank_best():
    one = evaluation("a")
    comparison = align_pairs(by_path(one, one.model_copy(update={"method": "b"}), evaluation("c", -0.1)))
    found = find(comparison)
    assert found.proposed is None
    assert len(found.datasets[0].table.sections) == 1
    assert found.comparison.notes[-1] == (
        "a and b tie for the best rank, so no enhancement over the others is shown; name one of them by --proposed."
    )
    assert described(found)["proposed"] is None
    assert len(find(comparison, "b").datasets[0].table.sections) == 2


def test_files_of_datasets_do_not_collide():
    names = ["My Set", "my-set", "overall", "数据"]
    given = [evaluation(method, dataset=name, images=3) for name in names for method in "ab"]
    found = find(align_pairs(by_path(*given)))
    assert [scope.name for scope in found.datasets] == ["my-set", "my-set-2", "overall-2", "dataset"]
    assert found.overall is not None
    assert found.overall.name == "overall"


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
