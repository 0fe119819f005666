"""Average ranks: 1 is the best method, ties share the mean of their ranks, and a lower average is better.

Two kinds are in use, and both are given:

* **by means**, as in Table 7 of the paper: on a dataset the methods are ranked by their mean score in each metric,
  and the ranks averaged over the metrics; over several datasets, averaged over the datasets. Every dataset counts
  once. A description, on which no test rests: there are no more observations than metrics. (The paper gives ties the
  better rank, which is why it has 1.67 for Proposed on MFI-WHU where the mean of the ranks gives 1.92.)
* **by image**, as the Friedman test has it (Demšar, JMLR 7, 2006, with images in the place of data sets): in a
  metric the methods are ranked on each image, and the ranks averaged over the images. For all metrics together,
  the methods' ranks on an image are averaged over the metrics and ranked once more, so that an image, on which
  the metrics are anything but independent, counts as one observation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bridgetune.evaluation.comparison import DatasetScores

ALL_METRICS = "all metrics"


def ranks(scores: NDArray[np.float64], higher_is_better: bool) -> NDArray[np.float64]:
    """Rank along the last axis, 1 for the best, ties averaged."""
    ranked: NDArray[np.float64] = rankdata(-scores if higher_is_better else scores, axis=-1)
    return ranked


def ranks_by_means(scores: DatasetScores) -> dict[str, float]:
    """Method -> rank of its mean score, averaged over the metrics that all methods have."""
    ranked = [ranks(scores.means(name), scores.metrics[name].higher_is_better) for name in scores.ranked()]
    return dict(zip(scores.methods, np.mean(ranked, axis=0).tolist(), strict=True))


def overall_ranks(datasets: Sequence[DatasetScores]) -> dict[str, float]:
    """Method -> mean over the datasets of `ranks_by_means`; of the methods evaluated on each dataset.

    As in the paper, a method's rank on a dataset is among all methods there.
    """
    by_dataset = [ranks_by_means(scores) for scores in datasets]
    return {
        method: float(np.mean([found[method] for found in by_dataset]))
        for method in by_dataset[0]
        if all(method in found for found in by_dataset)
    }


def image_ranks(scores: DatasetScores, metric: str) -> NDArray[np.float64]:
    """(images, methods): the methods ranked on every image, in a metric or in `ALL_METRICS`.

    For all metrics, on the images where every method has every ranked metric.
    """
    if metric != ALL_METRICS:
        return ranks(scores.blocks(metric), scores.metrics[metric].higher_is_better)
    names = scores.ranked()
    complete = np.all([scores.counted(name) for name in names], axis=0)
    summed = np.sum(
        [ranks(scores.of(name)[:, complete].T, scores.metrics[name].higher_is_better) for name in names], axis=0
    )
    return ranks(summed, higher_is_better=False)
