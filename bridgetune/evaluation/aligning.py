"""Several evaluations brought together: which methods, images and metrics can be compared, and what is left out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridgetune.documents import near
from bridgetune.errors import RequestError
from bridgetune.evaluation.comparison import Comparison, DatasetScores, MethodPair
from bridgetune.evaluation.results import IDENTICAL, JPEG, JPEG_COSTS, TUNED_SUFFIX, Evaluation, MetricInfo
from bridgetune.ordering import natural_order
from bridgetune.paths import entries, is_folder, shown

ALL_DATASETS = "all datasets"
_NAMED_AT_MOST = 6


def read_evaluations(paths: Iterable[Path]) -> dict[Path, Evaluation]:
    """Read evaluations from files, and from the `*.json` right in folders, in natural order.

    Raises:
        RequestError: A missing path, a folder without evaluations, or a file that is none.
    """
    files: list[Path] = []
    for path in paths:
        if not is_folder(path):
            files.append(path)
            continue
        here = (file for file in entries(path) if file.suffix == ".json")
        found = sorted(here, key=lambda file: natural_order(file.name))
        if not found:
            raise RequestError(f"{shown(path)}: no evaluation (*.json) in this folder; bridgetune evaluate writes them")
        files += found
    return {path: Evaluation.read(path) for path in dict.fromkeys(files)}


def align_pairs(
    evaluations: Mapping[Path, Evaluation],
    *,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> Comparison:
    """Align evaluations: by dataset, on the images that all methods of a dataset have in common.

    Args:
        evaluations: By where each came from, which messages name.
        before, after: Methods to be compared in pairs. Where none are given, a pair is made of every `x` and
            `x+BridgeTune`. Which of two other methods was before is asked for in a note.
        metrics: Which to compare, in this order; default all.

    Raises:
        RequestError: Fewer than two methods, or no dataset with two, two evaluations of one method on one dataset,
            conventions or definitions that differ, no image or no metric in common, or an unknown name.
    """
    methods = list(dict.fromkeys(one.method for one in evaluations.values()))
    aligned = align(evaluations, metrics) if evaluations else None
    if aligned is None or len(methods) < 2:
        raise RequestError(f"compare: got evaluations of {' and '.join(methods) or 'nothing'}, expected two methods")
    if all(len(scores.methods) < 2 for scores in aligned.datasets):
        where = ", ".join(f"{scores.methods[0]} on {scores.dataset}" for scores in aligned.datasets)
        raise RequestError(
            f"compare: got {where}, expected two methods on one dataset; evaluate them on the same pairs, or,"
            " where they are the same, call them alike (evaluate --dataset NAME)"
        )
    notes = list(aligned.notes)
    pairs = _pairs(methods, before, after, notes)
    return replace(aligned, pairs=pairs, notes=tuple(notes))


def align(evaluations: Mapping[Path, Evaluation], metrics: Sequence[str] = ()) -> Comparison:
    """As `align_pairs`, of one method or more, and without pairs."""
    evaluations = {path: _narrowed(one, metrics, path) for path, one in evaluations.items()}
    definitions, infos = _agreed(evaluations)
    notes: list[str] = []
    by_dataset: dict[str, dict[str, Evaluation]] = {}
    for path, one in evaluations.items():
        found = by_dataset.setdefault(one.dataset, {})
        if one.method in found:
            first = next(p for p, e in evaluations.items() if (e.method, e.dataset) == (one.method, one.dataset))
            raise RequestError(f"{first} and {path}: both are {one.method} on {one.dataset}; give each its own label")
        found[one.method] = one

    datasets = tuple(_aligned(dataset, found, infos, notes) for dataset, found in by_dataset.items())
    return Comparison(
        next(iter(evaluations.values())).convention,
        definitions,
        datasets,
        _pooled(datasets, notes),
        (),
        tuple(notes),
    )


def _narrowed(one: Evaluation, metrics: Sequence[str], path: Path) -> Evaluation:
    if not metrics:
        return one
    for name in metrics:
        if name not in one.metrics:
            raise RequestError(f"--metric: {path} has no {name!r}; {near(name, one.metrics)}")
    chosen = {name: one.metrics[name] for name in metrics}
    shared = {name: text for name, text in one.definitions.items() if name not in one.metrics or name in chosen}
    images = {stem: {name: scores[name] for name in chosen} for stem, scores in one.images.items()}
    return one.model_copy(update={"metrics": chosen, "definitions": shared, "images": images})


def _agreed(evaluations: Mapping[Path, Evaluation]) -> tuple[dict[str, str], dict[str, MetricInfo]]:
    """The definitions and metrics of all, or a refusal that names the first two that differ."""
    definitions: dict[str, tuple[Path, str]] = {}
    infos: dict[str, tuple[Path, MetricInfo]] = {}
    origin: tuple[Path, str] | None = None
    for path, one in evaluations.items():
        origin = origin or (path, one.convention)
        if one.convention != origin[1]:
            raise RequestError(
                f"{origin[0]} and {path}: conventions {origin[1]!r} and {one.convention!r}; evaluate both by one"
            )
        for name, text in one.definitions.items():
            known = definitions.setdefault(name, (path, text))
            if known[1] != text:
                raise RequestError(
                    f"{known[0]} and {path}: {name} is defined differently ({known[1]!r}, {text!r});"
                    " evaluate both by one version of bridgetune"
                )
        for name, info in one.metrics.items():
            first = infos.setdefault(name, (path, info))
            if (first[1].higher_is_better, first[1].unit) != (info.higher_is_better, info.unit):
                raise RequestError(f"{first[0]} and {path}: {name} differs in unit or direction; evaluate both alike")
    return (
        {name: text for name, (_, text) in definitions.items()},
        {name: info for name, (_, info) in infos.items()},
    )


def _aligned(
    dataset: str, found: Mapping[str, Evaluation], infos: Mapping[str, MetricInfo], notes: list[str]
) -> DatasetScores:
    everywhere = set.intersection(*(set(one.images) for one in found.values()))
    somewhere = set.union(*(set(one.images) for one in found.values()))
    if not everywhere:
        counts = ", ".join(f"{method}: {_few(one.images)}" for method, one in found.items())
        raise RequestError(f"{dataset}: no image is common to all methods ({counts}); evaluate them on the same images")
    if everywhere != somewhere:
        notes.append(
            f"{dataset}: {len(everywhere)} of {len(somewhere)} images are common to all methods and compared;"
            f" left out: {_few(somewhere - everywhere)}."
        )
    images = sorted(everywhere, key=natural_order)
    nothing: dict[str, float | None] = {}
    values = np.array(
        [
            [[_number((one.images.get(stem) or nothing).get(name)) for name in infos] for stem in images]
            for one in found.values()
        ]
    )
    kept = [place for place in range(len(infos)) if np.isfinite(values[:, :, place]).any()]
    names = list(infos)
    scores = DatasetScores(
        dataset, tuple(found), tuple(images), {names[place]: infos[names[place]] for place in kept}, values[:, :, kept]
    )
    _tell_gaps(scores, notes)
    _tell_files(scores, found, notes)
    if not scores.ranked():
        raise RequestError(
            f"{dataset}: no metric has values for all of {', '.join(found)} on a common image; evaluate them alike"
        )
    return scores


def _tell_gaps(scores: DatasetScores, notes: list[str]) -> None:
    for name in scores.metrics:
        without = [method for place, method in enumerate(scores.methods) if place not in scores.having(name)]
        if without:
            notes.append(f"{scores.dataset}: {name} has no value for {', '.join(without)}; shown, but not ranked by.")
        left_out = [
            stem for stem, kept in zip(scores.images, scores.counted(name), strict=True) if not kept and not without
        ]
        if left_out:
            notes.append(
                f"{scores.dataset}: {name} counts {len(scores.images) - len(left_out)} of {len(scores.images)} images;"
                f" some method has no value on {_few(left_out)}."
            )


def _tell_files(scores: DatasetScores, found: Mapping[str, Evaluation], notes: list[str]) -> None:
    for method, one in found.items():
        if jpegs := one.settings.get(JPEG):
            notes.append(
                f"{scores.dataset}: {jpegs} of {len(one.images)} fused images of {method} were stored as JPEG,"
                f" {JPEG_COSTS}."
            )
        identical = set(one.named(IDENTICAL)) & set(scores.images)
        if identical and "psnr" in scores.metrics:
            notes.append(
                f"{scores.dataset}: {len(identical)} of {len(scores.images)} fused images of {method} are identical to"
                f" the all-in-focus image, and without PSNR: {_few(identical)}."
            )


def _pooled(datasets: Sequence[DatasetScores], notes: list[str]) -> DatasetScores | None:
    if len(datasets) < 2:
        return None
    methods = [method for method in datasets[0].methods if all(method in scores.methods for scores in datasets)]
    partial = dict.fromkeys(method for scores in datasets for method in scores.methods if method not in methods)
    if partial:
        notes.append(f"Not evaluated on every dataset, and absent over all of them: {', '.join(partial)}.")
    if len(methods) < 2:
        return None
    metrics = [name for name in datasets[0].metrics if all(name in scores.metrics for scores in datasets)]
    parts = [scores.only(methods) for scores in datasets]
    pooled = DatasetScores(
        ALL_DATASETS,
        tuple(methods),
        tuple(f"{scores.dataset}/{stem}" for scores in datasets for stem in scores.images),
        {name: datasets[0].metrics[name] for name in metrics},
        np.concatenate([np.stack([part.of(name) for name in metrics], axis=-1) for part in parts], axis=1)
        if metrics
        else np.empty((len(methods), 0, 0)),
    )
    return pooled if pooled.metrics and pooled.ranked() else None


def _pairs(
    methods: Sequence[str], before: Sequence[str], after: Sequence[str], notes: list[str]
) -> tuple[MethodPair, ...]:
    if len(before) != len(after):
        raise RequestError(f"--before is given {len(before)} times, --after {len(after)} times; they belong in pairs")
    for option, label in [*(("--before", name) for name in before), *(("--after", name) for name in after)]:
        if label not in methods:
            raise unknown_method(option, label, methods)
    if before:
        for first, second in zip(before, after, strict=True):
            if first == second:
                raise RequestError(f"--before and --after: both are {first!r}; name two methods")
        return tuple(MethodPair(*names) for names in zip(before, after, strict=True))
    untuned = {method.casefold(): method for method in methods}
    pairs = []
    for method in methods:
        head, plus, tail = method.rpartition("+")
        network = untuned.get(head.strip().casefold())
        if plus and f"+{tail.strip()}".casefold() == TUNED_SUFFIX.casefold() and network is not None:
            pairs.append(MethodPair(network, method, network))
    if pairs:
        named = "; ".join(f"{pair.before} is before, {pair.after} after" for pair in pairs)
        notes.append(f"By their names, {named}; --before and --after name others.")
    elif len(methods) == 2:
        first, second = map(shlex.quote, methods)
        notes.append(
            f"Which of {methods[0]} and {methods[1]} is before cannot be known from their names, so they are not tested"
            f" image by image; name them, --before {first} --after {second} or the other way round."
        )
    return tuple(pairs)


def unknown_method(option: str, label: str, methods: Sequence[str]) -> RequestError:
    """The refusal of a method that was not evaluated."""
    return RequestError(f"{option}: no method is called {label!r}; {near(label, methods)}")


def _few(stems: Iterable[str]) -> str:
    named = sorted(stems, key=natural_order)
    return ", ".join(named[:_NAMED_AT_MOST]) + (f" … ({len(named)})" if len(named) > _NAMED_AT_MOST else "")


def _number(value: float | None) -> float:
    return np.nan if value is None else value
