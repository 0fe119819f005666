"""What a comparison is about: the scores of several methods on the images that they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridgetune.evaluation.results import MetricInfo


@dataclass(frozen=True, eq=False)
class DatasetScores:
    """The scores of several methods on the images that they have in common.

    Attributes:
        dataset: Its label.
        methods: In the order given.
        images: Stems in natural order, common to all methods.
        metrics: Name -> what its numbers are; those that at least one method has a value for.
        values: (methods, images, metrics), NaN where there is no value.
    """

    dataset: str
    methods: tuple[str, ...]
    images: tuple[str, ...]
    metrics: Mapping[str, MetricInfo]
    values: NDArray[np.float64]

    def of(self, metric: str) -> NDArray[np.float64]:
        """(methods, images)."""
        return self.values[:, :, list(self.metrics).index(metric)]

    def having(self, metric: str) -> list[int]:
        """The places of the methods that have the metric on some image."""
        return [int(place) for place in np.flatnonzero(np.isfinite(self.of(metric)).any(axis=1))]

    def counted(self, metric: str) -> NDArray[np.bool_]:
        """(images,): where every method that has the metric has a value, so that all are judged on the same images."""
        return np.asarray(np.isfinite(self.of(metric)[self.having(metric)]).all(axis=0))

    def ranked(self) -> list[str]:
        """The metrics that methods can be ranked by: all methods have them, on some common image."""
        everyone = list(range(len(self.methods)))
        return [name for name in self.metrics if self.having(name) == everyone and self.counted(name).any()]

    def blocks(self, metric: str) -> NDArray[np.float64]:
        """(images, methods) of a ranked metric, without the images on which some method has no value."""
        return self.of(metric)[:, self.counted(metric)].T

    def means(self, metric: str) -> NDArray[np.float64]:
        """(methods,): the mean over the counted images; NaN for a method that does not have the metric."""
        return self.of(metric)[:, self.counted(metric)].mean(axis=1) if self.counted(metric).any() else self._nothing()

    def only(self, methods: Sequence[str]) -> DatasetScores:
        """The same images, and some of the methods."""
        places = [self.methods.index(method) for method in methods]
        return DatasetScores(self.dataset, tuple(methods), self.images, self.metrics, self.values[places])

    def _nothing(self) -> NDArray[np.float64]:
        return np.full(len(self.methods), np.nan)


@dataclass(frozen=True)
class MethodPair:
    """A method before and after.

    Attributes:
        before, after: Labels of methods.
        network: What they share, where `after` is named by the convention of `results.TUNED_SUFFIX`; else empty.
    """

    before: str
    after: str
    network: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is compared.

    Attributes:
        convention: Of the fusion metrics.
        definitions: See `Evaluation.definitions`.
        datasets: In the order given.
        overall: All images of all datasets, of the methods that were evaluated on each; None for one dataset,
            or where fewer than two methods were.
        pairs: Before and after.
        notes: What was left out and why, a sentence each.
    """

    convention: str
    definitions: Mapping[str, str]
    datasets: tuple[DatasetScores, ...]
    overall: DatasetScores | None
    pairs: tuple[MethodPair, ...]
    notes: tuple[str, ...]

    @property
    def methods(self) -> list[str]:
        """Every method, in the order given."""
        return list(dict.fromkeys(method for scores in self.datasets for method in scores.methods))
