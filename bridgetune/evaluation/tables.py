"""Tables as data: what stands in each cell, and which are best. How they look is `rendering`'s business.

A cell may have a spread, for a mean over seeds: `Cell.over`.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bridgetune.evaluation.comparison import Comparison, DatasetScores, MethodPair
from bridgetune.evaluation.ranks import ALL_METRICS, image_ranks, overall_ranks, ranks_by_means
from bridgetune.evaluation.results import Evaluation, MetricInfo
from bridgetune.evaluation.statistics import enhancement
from bridgetune.evaluation.wording import images_counted
from bridgetune.metrics.registry import METRICS, Kind

BEFORE, AFTER = "✗", "✓"
ENHANCEMENT = "Enhancement (%)"
_DIGITS = {"dB": 2, "1/MP": 1}

ARROWS = {True: "↑", False: "↓"}


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        name: For programs.
        title: For people.
        higher_is_better: Which way is up.
        digits: Behind the point.
        unit: Empty for a pure number.
        math: Whether the title is LaTeX mathematics, else it is plain text.
    """

    name: str
    title: str
    higher_is_better: bool
    digits: int = 4
    unit: str = ""
    math: bool = False

    @classmethod
    def of(cls, name: str, info: MetricInfo) -> Column:
        """Of a metric: four digits as in the paper, fewer for units whose numbers are large.

        The title of a metric that is registered is the registered one, which may be mathematics. That of any other
        came from a file and is plain text.
        """
        known = METRICS.get(name)
        title, math = (known.title, known.is_math) if known else (info.title, False)
        return cls(name, title, info.higher_is_better, _DIGITS.get(info.unit, 4), info.unit, math)

    @property
    def plain_title(self) -> str:
        """Title and unit where no mathematics can be set: `Q^{AB/F}` as Q^AB/F."""
        title = re.sub(r"[{}\\]", "", self.title) if self.math else self.title
        return f"{title} ({self.unit})" if self.unit else title


@dataclass(frozen=True)
class Cell:
    """A number, or None where there is none.

    Attributes:
        value: In full precision.
        spread: Standard deviation over runs; None for a single run.
        place: 1 for the best of its column and section, 2 for the second of three or more, as printed; 0 for others.
    """

    value: float | None
    spread: float | None = None
    place: Literal[0, 1, 2] = 0

    @classmethod
    def over(cls, values: Sequence[float]) -> Cell:
        """Mean and standard deviation (n-1) over runs, seeds for example; no spread from a single one."""
        if not values:
            return cls(None)
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class Row:
    """A row: its labels, one for each of the table's heads, and its cells, one for each column.

    Attributes:
        kind: `enhancement` holds per cent; such a row is not ranked.
    """

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    kind: Literal["scores", "enhancement"] = "scores"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Of its files, without suffix.
        caption: In plain text.
        heads: Titles of the label columns.
        columns: Of the numbers.
        sections: Groups of rows, set apart by a rule.
    """

    name: str
    caption: str
    heads: tuple[str, ...]
    columns: tuple[Column, ...]
    sections: tuple[tuple[Row, ...], ...]


def table(
    name: str, caption: str, heads: Sequence[str], columns: Sequence[Column], sections: Sequence[Sequence[Row]]
) -> Table:
    """A table whose best and second best cells of each section are marked, where it has two rows or more."""
    return Table(name, caption, tuple(heads), tuple(columns), tuple(_placed(section, columns) for section in sections))


def enhancement_row(label: Sequence[str], row: Row, references: Sequence[Row], columns: Sequence[Column]) -> Row:
    """By how many per cent a row is better than the best of the references, column by column; worse is negative."""
    cells = []
    for place, column in enumerate(columns):
        others = [value for other in references if (value := other.cells[place].value) is not None]
        own = row.cells[place].value
        best = max if column.higher_is_better else min
        known = own is not None and others
        cells.append(Cell(enhancement(own or 0.0, best(others), column.higher_is_better) if known else None))
    return Row(tuple(label), tuple(cells), "enhancement")


def mean_rows(scores: DatasetScores) -> dict[str, tuple[Cell, ...]]:
    """Method -> its mean score in each metric."""
    by_metric = [scores.means(name).tolist() for name in scores.metrics]
    rows = zip(*by_metric, strict=True)
    return {method: tuple(map(_cell, row)) for method, row in zip(scores.methods, rows, strict=True)}


def overall_rows(datasets: Sequence[DatasetScores], overall: DatasetScores) -> dict[str, tuple[Cell, ...]]:
    """Method -> the mean of the datasets' means: every dataset counts once, however many images it has."""
    rows = {}
    for method in overall.methods:
        means = (np.mean([one.means(name)[one.methods.index(method)] for one in datasets]) for name in overall.metrics)
        rows[method] = tuple(_cell(float(mean)) for mean in means)
    return rows


def score_table(
    name: str, caption: str, metrics: Mapping[str, MetricInfo], rows: Mapping[str, Sequence[Cell]], proposed: str | None
) -> Table:
    """Tables 1, 2 and 5 of the paper: a row for each method, and what the proposed one gains on the best other.

    Args:
        name, caption: See `Table`; a sentence about the enhancement is added.
        metrics: The columns.
        rows: Method -> a cell for each metric.
        proposed: The method whose enhancement is given; there is none for None, or where it has no row, or no other
            has.
    """
    columns = [Column.of(metric, info) for metric, info in metrics.items()]
    scores = [Row((method,), tuple(cells)) for method, cells in rows.items()]
    own = [row for row in scores if row.labels == (proposed,)]
    others = [row for row in scores if row.labels != (proposed,)]
    sections = [scores]
    if own and others:
        sections.append([enhancement_row((ENHANCEMENT,), own[0], others, columns)])
        caption += f" Enhancement: of {proposed} over the best of the others, positive for better."
    return table(name, caption, ("Method",), columns, sections)


def before_after_table(
    name: str,
    caption: str,
    metrics: Mapping[str, MetricInfo],
    rows: Mapping[str, Sequence[Cell]],
    pairs: Sequence[MethodPair],
) -> Table:
    """Tables 3 and 4 of the paper: a section for each pair, with before, after and enhancement.

    Args:
        name, caption: See `Table`; a sentence about which is before is added.
        metrics: The columns.
        rows: Method -> a cell for each metric.
        pairs: Of the methods.
    """
    columns = [Column.of(metric, info) for metric, info in metrics.items()]
    tuned = all(pair.network for pair in pairs)
    which = f"{BEFORE} is before, {AFTER} after" if tuned else "The first of a pair is before, the second after"
    caption += f" {which}; enhancement: of after over before, positive for better."
    sections = []
    for pair in pairs:
        labels = ((pair.network, BEFORE), ("", AFTER)) if tuned else ((pair.before,), (pair.after,))
        before, after = Row(labels[0], tuple(rows[pair.before])), Row(labels[1], tuple(rows[pair.after]))
        gain = enhancement_row((ENHANCEMENT, "") if tuned else (ENHANCEMENT,), after, [before], columns)
        sections.append((before, after, gain))
    return table(name, caption, ("Network", "BridgeTune") if tuned else ("Method",), columns, sections)


def image_table(name: str, caption: str, result: Evaluation, metrics: Sequence[str]) -> Table:
    """Some metrics of an evaluation: a section with a row for each image, and one with their means.

    Nothing is marked: images do not compete.
    """
    columns = tuple(_narrow(metric, result.metrics[metric]) for metric in metrics)
    images = tuple(_image_row(stem, scores, metrics) for stem, scores in result.images.items())
    return Table(name, caption, ("image",), columns, (images, (_image_row("mean", result.mean, metrics),)))


def evaluation_tables(result: Evaluation) -> list[Table]:
    """An evaluation in tables that are narrow enough to be read, one for each group of kinds that it has."""
    kinds = {name: METRICS[name].kind for name in result.metrics if name in METRICS}
    groups: list[tuple[str, str, tuple[Kind | None, ...]]] = [
        ("fusion", "fusion metrics", ("fusion",)),
        ("map", "map metrics", ("map",)),
        ("others", "further metrics", ("decision", "consistency", "reference", None)),
    ]
    about = f"{result.method} on {result.dataset}, {images_counted(result.images)}"
    found = [
        (name, title, [metric for metric in result.metrics if kinds.get(metric) in of]) for name, title, of in groups
    ]
    return [image_table(name, f"{about}: {title}", result, metrics) for name, title, metrics in found if metrics]


def rank_table(datasets: Sequence[DatasetScores], name: str) -> Table:
    """Table 7 of the paper: ranks by means on each dataset and over them, the best method first."""
    overall = overall_ranks(datasets)
    columns = [Column(scores.dataset, scores.dataset, False, 2) for scores in datasets]
    found = [ranks_by_means(scores) for scores in datasets]
    if len(datasets) > 1:
        columns.append(Column("overall", "Overall average", False, 2))
        found.append(overall)
    methods = list(dict.fromkeys(method for ranked in found for method in ranked))
    rows = [Row((method,), tuple(Cell(ranked.get(method)) for ranked in found)) for method in methods]
    caption = "Average ranks over the metrics, methods ranked by their mean scores; 1 is the best."
    return table(name, caption, ("Method",), columns, [_best_first(rows)])


def image_rank_table(scores: DatasetScores, name: str) -> Table:
    """Ranks by image in each metric and in all metrics together, the best method first."""
    names = scores.ranked()
    columns = [
        replace(Column.of(metric, scores.metrics[metric]), higher_is_better=False, digits=2, unit="")
        for metric in names
    ]
    columns.append(Column(ALL_METRICS, ALL_METRICS, False, 2))
    ranked = [image_ranks(scores, metric) for metric in [*names, ALL_METRICS]]
    averages = [found.mean(axis=0) if len(found) else np.full(len(scores.methods), np.nan) for found in ranked]
    rows = [
        Row((method,), tuple(_cell(float(average[place])) for average in averages))
        for place, method in enumerate(scores.methods)
    ]
    caption = f"Average ranks over the images of {scores.dataset}, methods ranked on each image; 1 is the best."
    return table(name, caption, ("Method",), columns, [_best_first(rows)])


def best_ranked(comparison: Comparison) -> list[str]:
    """The methods of the best average rank over all datasets; several where it prints alike."""
    ranked = overall_ranks(comparison.datasets) or ranks_by_means(comparison.datasets[0])
    least = min(ranked.values())
    return [method for method, rank in ranked.items() if f"{rank:.2f}" == f"{least:.2f}"]


def _narrow(name: str, info: MetricInfo) -> Column:
    column = Column.of(name, info)
    short = METRICS[name].short if name in METRICS else ""
    return replace(column, title=short, math=False) if short else column


def _image_row(label: str, scores: Mapping[str, float | None], metrics: Sequence[str]) -> Row:
    return Row((label,), tuple(Cell(scores[metric]) for metric in metrics))


def _cell(value: float) -> Cell:
    return Cell(value if math.isfinite(value) else None)


def _best_first(rows: Sequence[Row]) -> list[Row]:
    last = [row.cells[-1].value for row in rows]
    order = sorted(range(len(rows)), key=lambda place: math.inf if (value := last[place]) is None else value)
    return [rows[place] for place in order]


def _placed(section: Sequence[Row], columns: Sequence[Column]) -> tuple[Row, ...]:
    """Mark the best and the second, equal where they print alike: a reader could not tell why only one is.

    Behind several best there is no second, and one that is alone in having a value is the best of nothing.
    """
    scores = [row for row in section if row.kind == "scores"]
    if len(scores) < 2:
        return tuple(section)
    places: list[list[float]] = []
    for place, column in enumerate(columns):
        printed = [round(value, column.digits) for row in scores if (value := row.cells[place].value) is not None]
        order = sorted(set(printed), reverse=column.higher_is_better)
        has_second = len(scores) > 2 and printed.count(order[0]) == 1 if order else False
        places.append(order[: 2 if has_second else 1] if len(printed) > 1 else [])
    return tuple(
        row if row.kind != "scores" else replace(row, cells=tuple(map(_mark, row.cells, places, columns)))
        for row in section
    )


def _mark(cell: Cell, places: Sequence[float], column: Column) -> Cell:
    if cell.value is None or not places or round(cell.value, column.digits) not in places:
        return cell
    return replace(cell, place=1 if round(cell.value, column.digits) == places[0] else 2)
