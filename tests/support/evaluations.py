"""Synthetic evaluations: seeded, and of known order. For tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bridgetune.evaluation.results import Evaluation, MetricInfo

METRICS = {
    "qabf_weighted": MetricInfo(higher_is_better=True, title="Q^{AB/F}"),
    "q_mi": MetricInfo(higher_is_better=True, title="Q_{MI}"),
    "map_error": MetricInfo(higher_is_better=False, title="map error"),
}


def evaluation(
    method: str,
    level: float = 0.0,
    *,
    dataset: str = "Lytro",
    images: int = 8,
    metrics: Mapping[str, MetricInfo] = METRICS,
    seed: int = 0,
) -> Evaluation:
    """Scores around the images' own difficulty, which all methods share; a higher `level` is better in each."""
    difficulty = np.random.default_rng(1).normal(0.7, 0.05, (images, len(metrics)))
    noise = np.random.default_rng([seed, sum(map(ord, method))]).normal(0, 0.0005, (images, len(metrics)))
    signs = np.array([1 if info.higher_is_better else -1 for info in metrics.values()])
    values = difficulty + signs * level + noise
    return Evaluation(
        method=method,
        dataset=dataset,
        definitions={name: f"what {name} is" for name in metrics},
        metrics=dict(metrics),
        images={f"{number + 1:02}": dict(zip(metrics, row, strict=True)) for number, row in enumerate(values.tolist())},
    )


def by_path(*evaluations: Evaluation) -> dict[Path, Evaluation]:
    """As `read_evaluations` returns them."""
    return {Path(f"{one.method}-{one.dataset}.json"): one for one in evaluations}
