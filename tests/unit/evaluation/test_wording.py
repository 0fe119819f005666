"""What is said of the tests."""

from __future__ import annotations

from bridgetune.evaluation.aligning import align_pairs
from bridgetune.evaluation.findings import find
from tests.support.evaluations import by_path, evaluation


def test_what_is_said_is_what_was_found():
    levels = {"best": 0.05, "near": 0.0499, "worst": -0.05}
    found = find(align_pairs(by_path(*(evaluation(name, level, images=20) for name, level in levels.items()))))
    (said,) = found.datasets[0].said
    assert said.startswith("Lytro, all metrics: the methods differ (Friedman χ²(2) = ")
    assert "better than worst" in said
    posthoc = found.datasets[0].nemenyi["all metrics"]
    assert ("not told apart from" in said) == bool(posthoc.alike("best"))


def test_few_images_and_few_methods_are_warned_of():
    given = by_path(evaluation("old", images=5), evaluation("new", 0.1, images=5))
    two = find(align_pairs(given, before=["old"], after=["new"])).datasets[0]
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
