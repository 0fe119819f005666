"""Whether differences between methods are more than chance: Friedman, Nemenyi, Wilcoxon.

After Demšar (JMLR 7, 2006), with the images of a dataset as its observations. The tests are scipy's and
scikit-posthocs' own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, studentized_range, wilcoxon

from bridgetune.evaluation.comparison import DatasetScores, MethodPair
from bridgetune.evaluation.ranks import image_ranks

FEWEST = 6
"""Paired images below which a two-sided signed-rank test cannot reach p < 0.05: its least p-value is 2/2ⁿ."""


@dataclass(frozen=True)
class Friedman:
    """Whether methods differ at all.

    Attributes:
        images: n, how many observations there are.
        ranks: Method -> average rank, 1 is the best.
        statistic: χ² of k-1 degrees of freedom, ties corrected.
        p: Of the χ² approximation; 1 where all methods tie on all images.
    """

    images: int
    ranks: dict[str, float]
    statistic: float
    p: float

    @property
    def best(self) -> list[str]:
        """The methods of the best average rank; several where it prints alike."""
        least = min(self.ranks.values())
        return [method for method, rank in self.ranks.items() if f"{rank:.2f}" == f"{least:.2f}"]


@dataclass(frozen=True)
class Nemenyi:
    """Which methods differ, all pairs of them compared, the family-wise error held.

    Attributes:
        p: Method -> method -> p-value.
        critical_difference: Average ranks farther apart than this differ at level `alpha`.
        alpha: The level.
    """

    p: dict[str, dict[str, float]]
    critical_difference: float
    alpha: float

    def alike(self, method: str) -> list[str]:
        """The other methods that `method` is not told apart from."""
        return [other for other, p in self.p[method].items() if other != method and p >= self.alpha]


@dataclass(frozen=True)
class PairedTest:
    """A metric before and after, image by image: Wilcoxon's signed-rank test, two-sided.

    Attributes:
        metric: Its name.
        images: n, the images where both have a value.
        dropped: Common images left out because one has none.
        equal: Images without a difference, which the test leaves out too.
        better, worse: Images on which `after` is better or worse.
        before, after: Mean scores over the n images.
        enhancement: Of the means, in per cent, positive for better; None from a mean of 0.
        median: Of the differences after - before, in the metric's unit.
        effect: Matched-pairs rank-biserial correlation, from -1 (worse on all images) to 1 (better on all);
            None where no image differs.
        p: Exact for up to 50 differences without ties, else as scipy approximates; 1 where no image differs.
        p_holm: The same, corrected by Holm over the metrics of this pair and dataset.
    """

    metric: str
    images: int
    dropped: int
    equal: int
    better: int
    worse: int
    before: float
    after: float
    enhancement: float | None
    median: float
    effect: float | None
    p: float
    p_holm: float


def friedman(scores: DatasetScores, metric: str) -> Friedman | None:
    """Friedman's test in a metric or `ALL_METRICS`; None for fewer than three methods or two images."""
    ranked = image_ranks(scores, metric)
    images, methods = ranked.shape
    if methods < 3 or images < 2:
        return None
    average = dict(zip(scores.methods, ranked.mean(axis=0).tolist(), strict=True))
    if (ranked == ranked[:, :1]).all():
        return Friedman(images, average, 0.0, 1.0)
    found = friedmanchisquare(*ranked.T)
    return Friedman(images, average, float(found.statistic), float(found.pvalue))


def nemenyi(scores: DatasetScores, metric: str, alpha: float) -> Nemenyi:
    """Nemenyi's post-hoc test in a metric or `ALL_METRICS`, for at least three methods.

    The critical difference is q·sqrt(k(k+1)/6n), q the studentised range's quantile over √2 (Demšar, Eq. 5).
    """
    from scikit_posthocs import posthoc_nemenyi_friedman

    ranked = image_ranks(scores, metric)
    images, methods = ranked.shape
    found = posthoc_nemenyi_friedman(ranked).to_numpy()
    quantile = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return Nemenyi(
        {
            method: dict(zip(scores.methods, row, strict=True))
            for method, row in zip(scores.methods, found.tolist(), strict=True)
        },
        quantile * math.sqrt(methods * (methods + 1) / (6 * images)),
        alpha,
    )


def paired_tests(scores: DatasetScores, pair: MethodPair) -> list[PairedTest]:
    """Every metric that both methods have on some common image, before against after."""
    both = scores.only([pair.before, pair.after])
    tests = []
    for metric in both.metrics:
        before, after = both.of(metric)
        there = np.isfinite(before) & np.isfinite(after)
        if there.any():
            higher = both.metrics[metric].higher_is_better
            tests.append(_paired(metric, before[there], after[there], int((~there).sum()), higher))
    return _holm(tests)


def enhancement(value: float, reference: float, higher_is_better: bool) -> float | None:
    """By how many per cent `value` is better than `reference`; None from a reference of 0."""
    if reference == 0 or not math.isfinite(value) or not math.isfinite(reference):
        return None
    gain = value - reference if higher_is_better else reference - value
    return 100 * gain / abs(reference)


def _paired(
    metric: str, before: NDArray[np.float64], after: NDArray[np.float64], dropped: int, higher_is_better: bool
) -> PairedTest:
    gains = after - before if higher_is_better else before - after
    differing = int((gains != 0).sum())
    effect, p = None, 1.0
    if differing:
        # without the zeros scipy computes small samples exactly
        p = float(wilcoxon(gains[gains != 0]).pvalue)
        # the statistic of the one-sided test is the positive ranks' sum
        positive = float(wilcoxon(gains[gains != 0], alternative="greater").statistic)
        total = differing * (differing + 1) / 2
        effect = 2 * positive / total - 1
    means = float(before.mean()), float(after.mean())
    return PairedTest(
        metric,
        len(gains),
        dropped,
        len(gains) - differing,
        int((gains > 0).sum()),
        int((gains < 0).sum()),
        *means,
        enhancement(means[1], means[0], higher_is_better),
        float(np.median(after - before)),
        effect,
        p,
        p,
    )


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected by Holm's step-down procedure."""
    from statsmodels.stats.multitest import multipletests

    return [float(value) for value in multipletests(p, method="holm")[1]] if p else []


def _holm(tests: list[PairedTest]) -> list[PairedTest]:
    corrected = holm([test.p for test in tests])
    return [replace(test, p_holm=p) for test, p in zip(tests, corrected, strict=True)]
