"""All that a comparison finds: its tables, its tests and what they say, before any of it is drawn or written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridgetune.config.bounds import Level, within
from bridgetune.evaluation.aligning import ALL_DATASETS, unknown_method
from bridgetune.evaluation.comparison import Comparison, DatasetScores, MethodPair
from bridgetune.evaluation.ranks import ALL_METRICS
from bridgetune.evaluation.statistics import Friedman, Nemenyi, PairedTest, friedman, holm, nemenyi, paired_tests
from bridgetune.evaluation.tables import (
    Cell,
    Table,
    before_after_table,
    best_ranked,
    image_rank_table,
    mean_rows,
    overall_rows,
    rank_table,
    score_table,
)
from bridgetune.evaluation.wording import changed, differ, images_counted, listed

Rows = Mapping[str, Sequence[Cell]]
"""Method -> a cell for each metric."""


@dataclass(frozen=True)
class Repeated:
    """Mean scores of methods that were trained several times, where a comparison has each method once.

    Attributes:
        rows: Dataset, or `ALL_DATASETS` -> its rows, with spreads.
        said: For the captions: what the means and spreads are over.
    """

    rows: Mapping[str, Rows]
    said: str


@dataclass(frozen=True)
class PairFindings:
    """A method before and after on one dataset."""

    pair: MethodPair
    tests: list[PairedTest]
    said: list[str]


@dataclass(frozen=True)
class DatasetFindings:
    """What was found on one dataset, or over all of them.

    Attributes:
        name: For files.
        scores: What it was found from.
        table: Mean scores.
        image_ranks: The table of ranks by image; None for a single method.
        friedman: Metric -> test, `ALL_METRICS` last; without those that cannot be made.
        friedman_holm: Metric -> p-value corrected by Holm over the metrics; `ALL_METRICS` stands alone.
        nemenyi: Metric -> post-hoc test, where Friedman's rejects.
        pairs: Before and after.
        before_after: Their table; None where there are no pairs.
        said: The tests in words.
    """

    name: str
    scores: DatasetScores
    table: Table
    image_ranks: Table | None
    friedman: dict[str, Friedman]
    friedman_holm: dict[str, float]
    nemenyi: dict[str, Nemenyi]
    pairs: list[PairFindings]
    before_after: Table | None
    said: list[str]

    @property
    def pooled(self) -> bool:
        """Whether it is of all datasets together."""
        return self.scores.dataset == ALL_DATASETS


@dataclass(frozen=True)
class Findings:
    """Everything.

    Attributes:
        comparison: What was compared.
        proposed: The method whose enhancement over the others is given; None where several rank best.
        alpha: Level of all tests.
        ranks: Ranks by means, on each dataset and over them.
        datasets: One by one.
        overall: Over all of them; None for a single dataset.
    """

    comparison: Comparison
    proposed: str | None
    alpha: float
    ranks: Table
    datasets: list[DatasetFindings]
    overall: DatasetFindings | None

    @property
    def scopes(self) -> list[DatasetFindings]:
        """The datasets, and all of them together behind."""
        return [*self.datasets, *([self.overall] if self.overall else [])]


def find(
    comparison: Comparison, proposed: str | None = None, alpha: float = 0.05, repeated: Repeated | None = None
) -> Findings:
    """Build all tables and make all tests.

    Args:
        comparison: See `align_pairs`.
        proposed: The method to give the enhancement of; default the one of the best average rank, which a note says.
            Where several have it, a note asks.
        alpha: Level of the tests, from 0.0001 to 0.5.
        repeated: The rows of the tables of mean scores; default the means of what is compared, which have no spread.

    Raises:
        RequestError: No method is called `proposed`, or no test has that level.
    """
    within("alpha", alpha, Level)
    if proposed is not None and proposed not in comparison.methods:
        raise unknown_method("--proposed", proposed, comparison.methods)
    if proposed is None:
        proposed, note = _leading(best_ranked(comparison), nameable=repeated is None)
        comparison = dataclasses.replace(comparison, notes=(*comparison.notes, note))
    names = file_names([scores.dataset for scores in comparison.datasets])
    said = f"; {repeated.said}" if repeated else ""
    datasets = [
        _on(
            scores,
            repeated.rows[scores.dataset] if repeated else mean_rows(scores),
            f"on {scores.dataset}, {images_counted(scores.images)}{said}",
            name,
            comparison.pairs,
            proposed,
            alpha,
        )
        for scores, name in zip(comparison.datasets, names, strict=True)
    ]
    overall = None
    if comparison.overall is not None:
        rows = repeated.rows[ALL_DATASETS] if repeated else overall_rows(comparison.datasets, comparison.overall)
        where = f"over {listed([scores.dataset for scores in comparison.datasets])}, each dataset counted once{said}"
        overall = _on(comparison.overall, rows, where, "overall", comparison.pairs, proposed, alpha)
    return Findings(comparison, proposed, alpha, rank_table(comparison.datasets, "ranks"), datasets, overall)


def described(findings: Findings) -> dict[str, Any]:
    """Everything as one JSON document."""
    comparison = findings.comparison
    return {
        "convention": comparison.convention,
        "definitions": dict(comparison.definitions),
        "metrics": {name: info.model_dump() for scores in comparison.datasets for name, info in scores.metrics.items()},
        "notes": list(comparison.notes),
        "alpha": findings.alpha,
        "proposed": findings.proposed,
        "ranks_by_means": described_table(findings.ranks),
        "datasets": {found.scores.dataset: _described_scope(found) for found in findings.datasets},
        "overall": _described_scope(findings.overall) if findings.overall else None,
    }


def _leading(best: Sequence[str], *, nameable: bool) -> tuple[str | None, str]:
    """The method whose enhancement is given where nobody named one, and what to say of it.

    Args:
        best: The methods of the best average rank.
        nameable: Whether the command has `--proposed`.
    """
    if len(best) == 1:
        other = "; --proposed names another" if nameable else ""
        return best[0], f"Enhancement over the best of the others is that of {best[0]}, which ranks best{other}."
    ask = "; name one of them by --proposed" if nameable else ""
    return None, f"{listed(best)} tie for the best rank, so no enhancement over the others is shown{ask}."


def _on(
    scores: DatasetScores,
    rows: Rows,
    where: str,
    name: str,
    pairs: Sequence[MethodPair],
    proposed: str | None,
    alpha: float,
) -> DatasetFindings:
    there = [pair for pair in pairs if {pair.before, pair.after} <= set(scores.methods)]
    several = len(scores.methods) > 1
    metrics = [*scores.ranked(), ALL_METRICS]
    tested = {metric: test for metric in metrics if (test := friedman(scores, metric)) is not None}
    single = [metric for metric in tested if metric != ALL_METRICS]
    corrected = dict(zip(single, holm([tested[metric].p for metric in single]), strict=True))
    if ALL_METRICS in tested:
        corrected[ALL_METRICS] = tested[ALL_METRICS].p
    posthoc = {metric: nemenyi(scores, metric, alpha) for metric in tested if corrected[metric] < alpha}
    paired = []
    for pair in there:
        if not (tests := paired_tests(scores, pair)):
            continue
        paired.append(PairFindings(pair, tests, changed(scores, pair, tests, alpha)))
    said = differ(scores, tested.get(ALL_METRICS), posthoc.get(ALL_METRICS), alpha)
    return DatasetFindings(
        name,
        scores,
        score_table(f"scores-{name}", f"Mean scores {where}.", scores.metrics, rows, proposed),
        image_rank_table(scores, f"image-ranks-{name}") if several else None,
        tested,
        corrected,
        posthoc,
        paired,
        before_after_table(
            f"before-after-{name}", f"Mean scores before and after, {where}.", scores.metrics, rows, there
        )
        if there
        else None,
        [*said, *(sentence for found in paired for sentence in found.said)],
    )


def _described_scope(found: DatasetFindings) -> dict[str, Any]:
    scores = found.scores
    return {
        "methods": list(scores.methods),
        "images": list(scores.images),
        "counted": {name: int(scores.counted(name).sum()) for name in scores.metrics},
        "scores": described_table(found.table),
        "ranks_by_image": described_table(found.image_ranks) if found.image_ranks else None,
        "friedman": {
            metric: {**dataclasses.asdict(test), "p_holm": found.friedman_holm[metric]}
            for metric, test in found.friedman.items()
        },
        "nemenyi": {metric: dataclasses.asdict(test) for metric, test in found.nemenyi.items()},
        "before_after": [
            {
                "before": pair.pair.before,
                "after": pair.pair.after,
                "tests": {test.metric: _without(dataclasses.asdict(test), "metric") for test in pair.tests},
            }
            for pair in found.pairs
        ],
        "in_words": found.said,
    }


def described_table(table: Table) -> list[dict[str, Any]]:
    """A table's rows for a JSON document; a spread stands behind its value, as in CSV."""
    names = [column.name for column in table.columns]
    return [
        {
            **dict(zip(table.heads, row.labels, strict=True)),
            "kind": row.kind,
            **{name: cell.value for name, cell in zip(names, row.cells, strict=True)},
            **{
                f"{name}_std": cell.spread
                for name, cell in zip(names, row.cells, strict=True)
                if cell.spread is not None
            },
        }
        for section in table.sections
        for row in section
    ]


def _without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


def file_names(labels: Sequence[str]) -> list[str]:
    """A name for the files of each dataset, all different, and none `overall`."""
    names: list[str] = []
    for label in labels:
        slug = re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-") or "dataset"
        taken, number = {*names, "overall"}, 2
        name = slug
        while name in taken:
            name, number = f"{slug}-{number}", number + 1
        names.append(name)
    return names
