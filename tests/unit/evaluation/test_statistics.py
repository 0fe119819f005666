"""Ranks and tests, against published and hand-computed numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridgetune.evaluation import MetricInfo
from bridgetune.evaluation.comparison import DatasetScores, MethodPair
from bridgetune.evaluation.ranks import ALL_METRICS, image_ranks, overall_ranks, ranks_by_means
from bridgetune.evaluation.statistics import enhancement, friedman, holm, nemenyi, paired_tests

# Demšar, JMLR 7, 2006, Table 6: AUC of four classifiers on 14 data sets.
DEMSAR = np.array(
    [
        (0.763, 0.768, 0.771, 0.798),
        (0.599, 0.591, 0.590, 0.569),
        (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657),
        (0.882, 0.888, 0.886, 0.898),
        (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685),
        (0.583, 0.583, 0.563, 0.625),
        (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000),
        (0.940, 0.962, 0.965, 0.962),
        (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.975, 0.9749),  # printed alike, ranked 2 and 3 there
        (0.957, 0.978, 0.946, 0.970),
    ]
)
UP, DOWN = MetricInfo(higher_is_better=True, title="Q"), MetricInfo(higher_is_better=False, title="error")


def scores(values: Any, **metrics: MetricInfo) -> DatasetScores:
    """(methods, images) of one metric, or (methods, images, metrics)."""
    array: NDArray[np.float64] = np.array(values, dtype=float)
    array = array[..., None] if array.ndim == 2 else array
    stems = tuple(f"{number}" for number in range(array.shape[1]))
    return DatasetScores("set", tuple("abcdefgh"[: len(array)]), stems, metrics or {"q": UP}, array)


def test_ranks_and_critical_difference_are_demsars():
    found = scores(DEMSAR.T)
    tested = friedman(found, "q")
    assert tested is not None
    # Table 6; Section 3.2.2: CD = 2.569 sqrt(4·5 / (6·14)) = 1.25
    assert list(tested.ranks.values()) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert nemenyi(found, "q", 0.05).critical_difference == pytest.approx(1.25, abs=5e-3)
    # 9.28 there, without the correction for ties, which can only raise it
    assert 9.28 < tested.statistic < 10.5
    assert tested.images == 14
    assert tested.p < 0.05


def test_two_methods_differ_exactly_where_their_ranks_are_a_critical_difference_apart():
    found = scores(DEMSAR.T)
    posthoc = nemenyi(found, "q", 0.05)
    ranks = friedman(found, "q").ranks  # type: ignore[union-attr]
    for one in found.methods:
        for other in found.methods:
            apart = abs(ranks[one] - ranks[other]) > posthoc.critical_difference
            assert (posthoc.p[one][other] < 0.05) == apart
    assert nemenyi(found, "q", 0.10).critical_difference < posthoc.critical_difference


def test_of_an_error_the_lower_is_ranked_first():
    assert image_ranks(scores([[3, 1], [2, 2], [1, 2]], error=DOWN), "error").tolist() == [[3, 2, 1], [1, 2.5, 2.5]]
    assert image_ranks(scores([[3, 1], [2, 2], [1, 2]], q=UP), "q").tolist() == [[1, 2, 3], [3, 1.5, 1.5]]


def test_for_all_metrics_an_image_counts_once():
    # image 0: ranks 1 2 3 and 1 2 3 and 3 1 2, on average 5/3 5/3 8/3; image 1: all tie but in error
    values = np.array([[[9, 9, 9], [5, 5, 1]], [[8, 8, 1], [5, 5, 2]], [[7, 7, 2], [5, 5, 3]]])
    ranked = image_ranks(scores(values, q=UP, r=UP, error=DOWN), ALL_METRICS)
    assert ranked.tolist() == [[1.5, 1.5, 3], [1, 2, 3]]


def test_ranks_by_means_are_the_papers():
    # Table 1 of the paper, DRPL, GACN and Proposed; Table 7 has 1.17 for Proposed
    names = ("qabf", "q_mi", "q_s", "q_p", "q_w", "q_cb")
    means = [
        (0.7574, 1.1405, 0.9449, 0.8435, 0.9397, 0.8035),
        (0.7581, 1.1334, 0.9461, 0.8443, 0.9405, 0.8024),
        (0.7586, 1.1432, 0.9452, 0.8459, 0.9406, 0.8062),
    ]
    lytro = scores([[row] for row in means], **dict.fromkeys(names, UP))
    assert ranks_by_means(lytro)["c"] == pytest.approx(1.17, abs=5e-3)
    other = scores([[[1.0]], [[2.0]], [[3.0]]])
    assert overall_ranks([lytro, other])["c"] == pytest.approx((7 / 6 + 1) / 2)


def test_enhancement_is_the_papers():
    assert enhancement(0.7586, 0.7581, True) == pytest.approx(0.07, abs=5e-3)  # Table 1, Q^AB/F
    assert enhancement(0.9452, 0.9461, True) == pytest.approx(-0.10, abs=5e-3)  # Table 1, Q_S
    assert enhancement(0.05, 0.07, False) == pytest.approx(28.57, abs=5e-3)  # Table 6, a reduction
    assert enhancement(1.0, 0.0, True) is None


def test_two_methods_or_one_image_have_no_friedman_test():
    assert friedman(scores([[1, 2, 3], [2, 3, 4]]), "q") is None
    assert friedman(scores([[1], [2], [3]]), "q") is None


def test_methods_that_are_all_alike_do_not_differ():
    tested = friedman(scores([[1, 2, 3]] * 3), "q")
    assert tested is not None
    assert tested.p == 1.0
    assert set(tested.ranks.values()) == {2.0}


def test_the_signed_rank_test_is_exact():
    # differences 1, 2, -3, 4 … 8: W- = 3, and 5 of the 2⁸ sign patterns have a sum <= 3
    before = np.zeros(8)
    after = np.array([1, 2, -3, 4, 5, 6, 7, 8.0])
    (test,) = paired_tests(scores([before, after]), MethodPair("a", "b"))
    assert test.p == pytest.approx(2 * 5 / 256)
    assert test.effect == pytest.approx((33 - 3) / 36)
    assert (test.better, test.worse, test.equal, test.images, test.dropped) == (7, 1, 0, 8, 0)
    assert (test.before, test.after, test.median) == (0, 30 / 8, 4.5)
    assert test.enhancement is None


def test_a_lower_error_is_better():
    (test,) = paired_tests(scores([[4, 4, 4, 4, 4, 4], [3, 3, 2, 2, 1, 1]], error=DOWN), MethodPair("a", "b"))
    assert test.effect == 1
    assert test.better == 6
    assert test.enhancement == pytest.approx(50)
    assert test.median == -2


def test_what_is_missing_and_what_is_equal_is_counted():
    values = [[1, 1, 1, 1, np.nan, 1, 1, 1, 1], [2, 3, 4, 5, 9, 1, 6, 7, np.nan]]
    (test,) = paired_tests(scores(values), MethodPair("a", "b"))
    assert (test.images, test.dropped, test.equal, test.better) == (7, 2, 1, 6)
    assert test.p == pytest.approx(2 / 2**6)


def test_nothing_changed_is_no_difference():
    (test,) = paired_tests(scores([[1, 2, 3], [1, 2, 3]]), MethodPair("a", "b"))
    assert (test.p, test.p_holm, test.effect, test.equal) == (1.0, 1.0, None, 3)


def test_p_values_are_corrected_over_the_metrics():
    # Holm: 3·0.01, then max with 2·0.03 and 1·0.04
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    rng = np.random.default_rng(0)
    first = rng.random((12, 2))
    second = first + np.array([0.1, 0.0]) + rng.normal(0, 0.01, (12, 2))
    both = scores([first, second], q=UP, r=UP)
    tests = paired_tests(both, MethodPair("a", "b"))
    assert [test.p_holm for test in tests] == pytest.approx(holm([test.p for test in tests]))
    assert tests[0].p_holm == pytest.approx(2 * tests[0].p)
