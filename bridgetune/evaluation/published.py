"""What was published beside what is measured here: where they agree, and where the two set-ups must differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bridgetune.evaluation.comparison import Comparison, DatasetScores
from bridgetune.evaluation.findings import file_names
from bridgetune.evaluation.ranks import ranks
from bridgetune.evaluation.roster import Published, Roster
from bridgetune.evaluation.tables import Cell, Column, Row, Table, table
from bridgetune.evaluation.wording import listed
from bridgetune.evaluation.write_up import Section
from bridgetune.markdown import markdown_text

FAR = 0.05
"""Relative difference from which on a published score and one measured here are of two set-ups."""

PUBLISHED, HERE = "published", "here"


def about(roster: Roster, comparison: Comparison) -> Section:
    """How each method that is compared was had."""
    lines = []
    for method in (one for one in roster.methods if one.name in comparison.methods):
        how = f"saved results in {method.fused}" if method.fused else f"made by {method.generator}"
        settings = [f"recipe {method.recipe}"] if method.recipe != "paper" else []
        settings += [f"{name} {value}" for name, value in method.options.items()]
        settings += [f"smoothed: {', '.join(method.smooth)}"] if method.smooth else []
        settings += ["its own decisions where it is undecided"] if method.undecided == "keep" else []
        settings += [method.told] if method.told else []
        lines.append(f"- **{markdown_text(method.name)}**: {markdown_text('; '.join([how, *settings]))}.")
    return Section("The methods", "\n".join(lines))


def beside(roster: Roster, comparison: Comparison) -> list[Section]:
    """A section for each table that was published of a dataset: its scores and those measured here, ranks by both."""
    measured = {scores.dataset: scores for scores in comparison.datasets}
    tables = [one for one in roster.published if one.dataset in measured]
    names = file_names([f"published {one.title} {one.dataset}" for one in tables])
    return [_section(one, measured[one.dataset], name) for one, name in zip(tables, names, strict=True)]


def _section(published: Published, scores: DatasetScores, name: str) -> Section:
    here = _measured(published, scores)
    metrics = [metric for metric in published.metrics if metric in scores.metrics]
    columns = [_column(metric, scores) for metric in published.metrics]
    rows = []
    for method, known in published.scores.items():
        rows.append(Row((method, PUBLISHED), tuple(map(Cell, known))))
        if method in here:
            rows.append(Row((method, HERE), tuple(Cell(here[method].get(metric)) for metric in published.metrics)))
    caption = f"{published.title} and what was measured here, on {published.dataset}."
    tables = [Table(name, caption, ("Method", ""), tuple(columns), (tuple(rows),))]
    if len(here) > 1 and metrics:
        tables.append(_ranked(published, here, metrics, f"{name}-ranks"))
    told = [markdown_text(published.told)] if published.told else []
    said = [markdown_text(line) for line in differences(published, here)]
    points = "\n".join(f"- {line}" for line in said)
    return Section(f"{published.title}, published and here", "\n\n".join([*told, points]), tuple(tables))


def differences(published: Published, here: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A sentence for each metric: for whom both figures agree, and for whom they are of two set-ups.

    Args:
        published: The table.
        here: Method -> metric -> what was measured.
    """
    if not here:
        return ["None of its methods could be measured here."]
    lines = []
    for place, metric in enumerate(published.metrics):
        both = {
            method: (known[place], here[method][metric])
            for method, known in published.scores.items()
            if metric in here.get(method, {})
        }
        far = {method for method, (then, now) in both.items() if abs(now - then) > FAR * abs(then)}
        near = [method for method in both if method not in far]
        parts = []
        if near:
            most = max(abs(both[method][1] / both[method][0] - 1) for method in near)
            parts.append(f"within {max(100 * most, 0.1):.1f} % of what was published for {listed(near)}")
        if far:
            pairs = [
                f"{method} ({both[method][0]:.4g}, here {both[method][1]:.4g})" for method in both if method in far
            ]
            parts.append(f"another set-up's for {listed(pairs)}")
        if parts:
            lines.append(f"{metric}: {'; '.join(parts)}.")
    return lines


def _measured(published: Published, scores: DatasetScores) -> dict[str, dict[str, float]]:
    """Method -> metric -> mean measured here, of methods and metrics that were published."""
    metrics = [metric for metric in published.metrics if metric in scores.metrics]
    return {
        method: {
            metric: float(value)
            for metric in metrics
            if np.isfinite(value := scores.means(metric)[scores.methods.index(method)])
        }
        for method in published.scores
        if method in scores.methods
    }


def _ranked(published: Published, here: Mapping[str, Mapping[str, float]], metrics: Sequence[str], name: str) -> Table:
    """Average ranks by what was published, among all and among those that are here, and by what is measured here."""
    everyone, some = list(published.scores), list(here)
    then = np.array([published.scores[method] for method in everyone])
    those = then[[everyone.index(method) for method in some]]
    now = np.array([[here[method].get(metric, np.nan) for metric in metrics] for method in some])
    averages = {
        "published": dict(zip(everyone, _average(then), strict=True)),
        "published, of those here": dict(zip(some, _average(those), strict=True)),
        "here": dict(zip(some, _average(now), strict=True)),
    }
    columns = [Column(column, column, False, 2) for column in averages]
    rows = [Row((method,), tuple(Cell(ranked.get(method)) for ranked in averages.values())) for method in everyone]
    caption = (
        f"Average ranks over the metrics by the mean scores of {published.title}, and of those here; 1 is the best."
    )
    return table(name, caption, ("Method",), columns, [sorted(rows, key=_by_its_first)])


def _average(scores: np.ndarray) -> list[float]:
    """(methods, metrics), higher being better -> each method's average rank."""
    averages: list[float] = ranks(scores.T, True).mean(axis=0).tolist()
    return averages


def _by_its_first(row: Row) -> float:
    value = row.cells[0].value
    assert value is not None
    return value


def _column(metric: str, scores: DatasetScores) -> Column:
    if metric in scores.metrics:
        return Column.of(metric, scores.metrics[metric])
    return Column(metric, metric, True)
