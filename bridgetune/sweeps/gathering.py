"""The results of a sweep in the paper's tables: Tables 3 and 4 with spreads over seeds, Table 5, Table 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bridgetune.documents import unknown
from bridgetune.errors import RequestError
from bridgetune.evaluation.aligning import ALL_DATASETS, align
from bridgetune.evaluation.comparison import Comparison, DatasetScores, MethodPair
from bridgetune.evaluation.dataset import find_dataset
from bridgetune.evaluation.findings import Findings, Repeated, Rows, find
from bridgetune.evaluation.measuring import metrics_of
from bridgetune.evaluation.tables import Cell, Column, Row, Table, mean_rows, overall_rows, table
from bridgetune.evaluation.wording import images_counted, listed
from bridgetune.metrics.registry import METRICS
from bridgetune.sweeps.cost import Cost
from bridgetune.sweeps.plan import Run, label, planned, run_label
from bridgetune.sweeps.running import SweepResult, datasets_of
from bridgetune.sweeps.settings import Backbone, Sweep, alpha_name

SHOWN = ("qabf_weighted", "q_mi", "q_s", "q_p", "q_w", "q_cb", "map_error", "homogeneous_error")
"""The paper's six metrics, and what BridgeTune is to improve, where there is a true map; evaluations have them all."""


def check_metrics(names: Sequence[str], sweep: Sweep) -> None:
    """Raise `RequestError` where a metric is not one, or a dataset has none of them, before the work is done."""
    for name in names:
        if name not in METRICS:
            raise RequestError(f"--metric {name}: {unknown('metric', name, list(METRICS))}")
    for dataset in sweep.datasets:
        if dataset.sources is not None:
            there = metrics_of(find_dataset(dataset.sources).images[0], has_map=True)
            if names and not set(names) & set(there):
                raise RequestError(f"--metric: {dataset.name} has none of {listed(names)}; it has {listed(there)}")


def gathered(result: SweepResult, metrics: Sequence[str] = (), alpha: float = 0.05) -> Findings | None:
    """The methods of a sweep compared, each seed's results averaged; None where no run has succeeded.

    Of several α the first is compared; `alpha_tables` has them all.

    Args:
        result: See `run_sweep`.
        metrics: Which to show; default `SHOWN`.
        alpha: Level of the tests.
    """
    sweep = result.sweep
    methods = _methods(sweep, [run for run in result.evaluations if run.alpha in (None, sweep.alphas[0])])
    if not methods:
        return None
    runs = _aligned(result, methods, metrics)
    rows = {scores.dataset: _over_seeds(mean_rows(scores), methods) for scores in runs.datasets}
    overall = None
    if runs.overall is not None:
        overall = _averaged(runs.overall, methods)
        rows[ALL_DATASETS] = _over_seeds(overall_rows(runs.datasets, runs.overall), methods)
    pairs = [
        MethodPair(backbone.name, label(Run(backbone, 0, sweep.alphas[0], True), sweep.alphas), backbone.name)
        for backbone in sweep.backbones
    ]
    comparison = Comparison(
        runs.convention,
        runs.definitions,
        tuple(_averaged(scores, methods) for scores in runs.datasets),
        overall,
        tuple(pair for pair in pairs if {pair.before, pair.after} <= methods.keys()),
        (*runs.notes, *_notes(sweep, methods)),
    )
    return find(comparison, None, alpha, Repeated(rows, _spread(sweep)))


def alpha_tables(result: SweepResult, metrics: Sequence[str] = ()) -> list[Table]:
    """Table 5 of the paper on each dataset, a section for each backbone; none for a single α."""
    sweep = result.sweep
    methods = _methods(sweep, [run for run in result.evaluations if run.alpha is not None])
    if len(sweep.alphas) < 2 or not methods:
        return []
    runs = _aligned(result, methods, metrics)
    made = []
    for scores in runs.datasets:
        rows = _over_seeds(mean_rows(scores), methods)
        sections = [_alpha_section(sweep, backbone, rows) for backbone in sweep.backbones]
        caption = f"Mean scores by α of Eq. 12, on {scores.dataset}, {images_counted(scores.images)}; {_spread(sweep)}."
        columns = [Column.of(name, info) for name, info in scores.metrics.items()]
        kept = [section for section in sections if section]
        name = f"alpha-{datasets_of(sweep)[scores.dataset]}"
        made.append(table(name, caption, ("Network", "α"), columns, kept))
    return made


def cost_table(costs: Mapping[str, Cost]) -> Table | None:
    """Table 6 of the paper: a row for each backbone; None where none could be measured."""
    if not costs:
        return None
    columns = [
        Column("parameters", "Parameters", False, 3, "M"),
        Column("flops", "FLOPs", False, 3, "G"),
        Column("seconds", "Time", False, 3, "s"),
        Column("memory", "Peak memory", False, 1, "MiB"),
    ]
    rows = [
        Row(
            (name,),
            (
                Cell(cost.parameters / 1e6),
                Cell(cost.flops / 1e9),
                Cell(cost.time),
                Cell(None if cost.memory is None else cost.memory / 2**20),
            ),
        )
        for name, cost in costs.items()
    ]
    settings = next(iter(costs.values())).settings
    height, width = settings.size
    machines = listed(list(dict.fromkeys(cost.machine for cost in costs.values())))
    caption = (
        f"Cost of one pair of {width}×{height} pixels, before and after BridgeTune alike. FLOPs: of the network, a"
        " multiply-add as two; convolutions, matrix products and selective scans are counted, what works element by"
        f" element is not. Time: of decision and fusing, median of {settings.repeats}. Peak memory: what the first"
        f" pair takes beside process, weights and sources. Measured on {machines}."
    )
    return table("cost", caption, ("Network",), columns, [rows])


Methods = Mapping[str, Sequence[str]]
"""Label -> the labels of its runs, one a seed."""


def _methods(sweep: Sweep, runs: Sequence[Run]) -> dict[str, list[str]]:
    """The methods of some runs, in the sweep's order: those of a backbone stand together."""
    ordered = sorted(runs, key=lambda run: sweep.backbones.index(run.backbone))
    methods: dict[str, list[str]] = {}
    for run in ordered:
        methods.setdefault(label(run, sweep.alphas), []).append(run_label(run, sweep.alphas))
    return methods


def _aligned(result: SweepResult, methods: Methods, metrics: Sequence[str]) -> Comparison:
    """The runs of some methods, each as a method of its own."""
    names = [name for runs in methods.values() for name in runs]
    by_label = {run_label(run, result.sweep.alphas): found for run, found in result.evaluations.items()}
    found = {}
    for dataset in result.sweep.datasets:
        for name in names:
            one = by_label[name][dataset.name]
            there = [metric for metric in metrics or SHOWN if metric in one.metrics]
            found[Path(dataset.name, name)] = one.model_copy(
                update={
                    "metrics": {metric: one.metrics[metric] for metric in there},
                    "images": {stem: {metric: row[metric] for metric in there} for stem, row in one.images.items()},
                    "definitions": {
                        key: text for key, text in one.definitions.items() if key in there or key not in one.metrics
                    },
                }
            )
    return align(found)


def _averaged(scores: DatasetScores, methods: Methods) -> DatasetScores:
    """The methods instead of their runs: every image's scores averaged over the seeds."""
    averages = [
        np.mean([scores.values[scores.methods.index(name)] for name in runs], axis=0) for runs in methods.values()
    ]
    return DatasetScores(scores.dataset, tuple(methods), scores.images, scores.metrics, np.stack(averages))


def _over_seeds(rows: Rows, methods: Methods) -> dict[str, tuple[Cell, ...]]:
    """The methods' rows: mean and spread over the seeds."""
    return {
        method: tuple(
            Cell.over([cell.value for cell in column if cell.value is not None])
            for column in zip(*(rows[name] for name in runs), strict=True)
        )
        for method, runs in methods.items()
    }


def _alpha_section(sweep: Sweep, backbone: Backbone, rows: Rows) -> list[Row]:
    section: list[Row] = []
    for alpha in sweep.alphas:
        cells = rows.get(label(Run(backbone, sweep.seeds[0], alpha, True), sweep.alphas))
        if cells is not None:
            section.append(Row(("" if section else backbone.name, alpha_name(alpha)), tuple(cells)))
    return section


def _spread(sweep: Sweep) -> str:
    seeds = listed([str(seed) for seed in sweep.seeds])
    return f"mean ± standard deviation over the seeds {seeds}" if len(sweep.seeds) > 1 else f"seed {seeds}"


def _notes(sweep: Sweep, methods: Methods) -> list[str]:
    """What a reader of the tables must know of the seeds."""
    notes = []
    if len(sweep.seeds) > 1:
        notes.append(
            "Scores are averaged over the seeds before images are ranked and tested; how far training itself differs"
            " from seed to seed is in the ± alone."
        )
    runs = [run for run in planned(sweep) if run.measured and run.alpha in (None, sweep.alphas[0])]
    for method, expected in _methods(sweep, runs).items():
        there = len(methods.get(method, ()))
        if there < len(expected):
            notes.append(f"{method}: {there} of {len(expected)} seeds are there; the others failed.")
    return notes
