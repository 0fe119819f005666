"""A method on a dataset: every image measured, several at a time."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bridgetune.config.bounds import Processes, within
from bridgetune.destinations import begun, check_absent, check_folder
from bridgetune.documents import as_json
from bridgetune.errors import RequestError, WorkError
from bridgetune.evaluation.dataset import ImageFiles, find_dataset
from bridgetune.evaluation.measuring import KEPT, Method, kept_files, measure, metrics_of
from bridgetune.evaluation.results import BY_ORDER, IDENTICAL, JPEG, WITHOUT_MAP, Evaluation, MetricInfo, Score
from bridgetune.files import clear_partial
from bridgetune.inference import Undecided
from bridgetune.inference.feathering import Blend
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.inference.mapless import refuse_map
from bridgetune.inference.smoothing import Smoothing, check_smoothing
from bridgetune.locking import held
from bridgetune.metrics import HOMOGENEOUS, METRICS, Convention, Metric
from bridgetune.opening import open_method
from bridgetune.paths import are_same, as_text, is_folder, resolved, shown
from bridgetune.paths import check_folder as check_sources
from bridgetune.pictures import is_jpeg
from bridgetune.protocol import Evaluator
from bridgetune.saving import PRODUCT
from bridgetune.targets import clean_path_for_children
from bridgetune.wrapping import Adapter

Scores = dict[str, float]
Progress = Callable[[int, int, str], None]

_method = Method()
"""A worker process's own."""


def evaluate(
    sources: str | Path,
    *,
    fused: str | Path | None = None,
    generator: str | Path | nn.Module | Evaluator | None = None,
    weights: str | Path | None = None,
    symmetric: bool | None = None,
    mirrored: bool | None = None,
    scales: Sequence[float] | None = None,
    recipe: FuseRecipe = "paper",
    undecided: Undecided = "settle",
    convention: Convention = "toolbox",
    method: str = "",
    dataset: str = "",
    keep: str | Path | None = None,
    force: bool = False,
    workers: int | None = None,
    weights_key: str = "",
    trust: bool = False,
    progress: Progress = lambda done, total, stem: None,
    smooth: Sequence[Smoothing] = (),
    blend: Blend = "none",
    options: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Measure saved results, or a generator's.

    Args:
        sources: Holds `A/` and `B/`; with `mask/` a generator's maps are measured, with `clear/` PSNR and SSIM.
        fused: A folder of saved results of these sources, one size with them, matched by stem or by natural order.
        generator: Instead of `fused`: a plugin's name, of an evaluator, too, a saved generator's folder,
            `module:factory`, or a generator or an `Evaluator`, which runs in this process. Evaluators have no map,
            and no scores of it.
        weights: A file, for a generator by name.
        symmetric, mirrored, scales: See `AdapterConfig`. None: as the generator was saved.
        recipe: How a generator fuses, see `FUSE_RECIPES`.
        undecided: What becomes of pixels that it does not know, see `Undecided`.
        convention: See `Convention`.
        method, dataset: Labels; else the generator's name or the folders'.
        keep: A folder for a generator's fused images and maps, each as soon as it is made: fused/STEM.png and
            maps/STEM.png. None keeps none.
        force: Replace those that are there.
        workers: Processes; None for one a core. A script that asks for more than one needs the usual
            ``if __name__ == "__main__":``.
        weights_key: See `bridgetune.create`.
        trust: See `bridgetune.load`.
        progress: Told how many are done, how many there are, and the stem.
        smooth: What is done to a generator's maps, see `bridgetune.inference.Smoothing`.
        blend: What becomes of its seams, see `bridgetune.inference.Blend`; papers measure steps.
        options: For what a plugin brings by the name `generator`.

    Raises:
        RequestError: Files that are missing, unreadable, of another size, or in the way, which are named; or a wrong
            generator.
        WorkError: A process died.
    """
    sources, began = Path(sources), time.perf_counter()
    if (fused is None) == (generator is None):
        raise RequestError("evaluate: expected one of fused, saved results, and generator, what makes them")
    for option, label in (("method", method), ("dataset", dataset)):
        if label != " ".join(label.split()):
            raise RequestError(f"{option}: got {label!r}, expected a label of one line, without blanks around it")
    if workers is not None:
        within("workers", workers, Processes)
    check_sources(sources, "the sources, with A/ and B/ in it")
    dataset = as_text(dataset) or _label(resolved(sources).name)
    method = as_text(method) or (_label(resolved(fused).name) if fused is not None else _named(generator))
    found = find_dataset(sources, None if fused is None else Path(fused))
    if force and keep is None:
        raise RequestError("force: given without keep, whose files it is for; leave it out")
    if keep is not None:
        _check_kept(Path(keep), generator is not None, found.images, force)
    opening = _Opening(generator, weights, symmetric, mirrored, scales, trust, weights_key, options or {})
    network = opening.open()
    if recipe != "paper":
        refuse_map(network, f"recipe {recipe}")
    check_smoothing(network, recipe, smooth)
    kept = None if keep is None else Path(keep)
    ways = recipe, convention, undecided, kept, tuple(smooth), blend
    prepared = Method(network, *ways)

    count = min(workers or _cores(), len(found.images))
    measured: Iterator[tuple[ImageFiles, Scores]]
    if isinstance(generator, nn.Module | Evaluator) or count == 1:
        measured = ((files, measure(files, prepared)) for files in found.images)
    else:
        measured = _in_processes(found.images, (_sendable(), opening, *ways), count)
    scores: dict[str, Scores] = {}
    with ExitStack() as alone:
        if kept is not None:
            since = alone.enter_context(held(kept))
            _check_kept(kept, generator is not None, found.images, force)
            for folder in KEPT:
                clear_partial(kept / folder, since)
            alone.enter_context(begun())
        for done, (files, its_scores) in enumerate(measured, 1):
            scores[files.stem] = its_scores
            progress(done, len(found.images), files.stem)

    settings: dict[str, Any] = {"sources": as_text(sources)}
    if fused is not None:
        settings["fused"] = as_text(fused)
    else:
        settings |= {"generator": _named(generator), "weights": as_text(weights) if weights else None, "recipe": recipe}
        settings |= {"undecided": undecided, **({"smooth": list(smooth)} if smooth else {})}
        settings |= {"blend": blend} if blend != "none" else {}
        settings |= {"options": as_json(dict(options))} if options else {}
        if isinstance(network, Adapter):
            settings |= network.config.model_dump(mode="json", include={"symmetric", "mirrored", "scales"})
    if found.matched_by_order:
        settings[BY_ORDER] = [as_text(folder) for folder in found.matched_by_order]
    if jpegs := sum(files.fused is not None and is_jpeg(files.fused) for files in found.images):
        settings[JPEG] = jpegs
    if identical := [_label(files.stem) for files in found.images if scores[files.stem].get("psnr") == math.inf]:
        settings[IDENTICAL] = identical
    if kept is not None:
        settings["kept"] = as_text(kept)
    settings |= {"images": len(scores), "workers": count, "seconds": round(time.perf_counter() - began, 2)}
    names = metrics_of(found.images[0], prepared.has_map)
    if isinstance(network, Evaluator):
        settings[WITHOUT_MAP] = [name for name in metrics_of(found.images[0], True) if name not in names]
    return Evaluation(
        method=method,
        dataset=dataset,
        convention=convention,
        definitions=_definitions(names, found.images[0], convention),
        metrics={
            name: MetricInfo(
                higher_is_better=METRICS[name].higher_is_better, title=METRICS[name].title, unit=METRICS[name].unit
            )
            for name in names
        },
        images={_label(files.stem): _finite(scores[files.stem]) for files in found.images},
        settings=settings,
    )


def _check_kept(keep: Path, has_generator: bool, images: list[ImageFiles], force: bool) -> None:
    """Refuse what cannot be kept, or would replace a file, before the work."""
    if not has_generator:
        raise RequestError("keep: given without a generator whose results could be kept; leave it out")
    sources = {images[0].first.parent, images[0].second.parent}
    for place in (keep, *(keep / folder for folder in KEPT)):
        check_folder(place, "fused images and maps")
        if any(are_same(place, folder) for folder in sources):
            raise RequestError(f"{shown(place)}: holds the sources; name another folder for fused images and maps")
    check_absent((path for files in images for path in kept_files(keep, files.stem)), force)


def _finite(scores: Scores) -> dict[str, Score]:
    """None where there is no number: in an empty region, or for the PSNR of equal images."""
    return {name: score if math.isfinite(score) else None for name, score in scores.items()}


def _definitions(names: list[str], files: ImageFiles, convention: Convention) -> dict[str, str]:
    """What the numbers are, in words."""
    told = {name: METRICS[name].defined(convention) for name in names}
    if any(METRICS[name].kind == "map" for name in names):
        image = "the all-in-focus image" if files.clear else "the sources put together by the true map"
        told["homogeneous region"] = f"{HOMOGENEOUS} of {image}, gray in [0, 1]"
    return told


@dataclass(frozen=True)
class _Opening:
    """What is asked for, and can be sent to another process; see `evaluate`."""

    generator: str | Path | nn.Module | Evaluator | None
    weights: str | Path | None
    symmetric: bool | None
    mirrored: bool | None
    scales: Sequence[float] | None
    trust: bool = False
    weights_key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> nn.Module | Evaluator | None:
        """The generator in eval mode, or the evaluator; None where saved results are measured."""
        if self.generator is not None and not isinstance(self.generator, nn.Module | Evaluator):
            asked = self.symmetric, self.mirrored, self.scales
            return open_method(
                str(self.generator),
                self.weights,
                *asked,
                trust=self.trust,
                weights_key=self.weights_key,
                options=self.options,
            )
        for name in ("weights", "symmetric", "mirrored", "scales", "options"):
            if getattr(self, name) not in (None, {}):
                raise RequestError(f"{name}: given without the name of a generator that it could be for; leave it out")
        return self.generator


def _label(name: str) -> str:
    """A folder's or file's name in a line of text; without blanks around it, of which labels have none."""
    return " ".join(as_text(name).split()) or "unnamed"


def _named(generator: str | Path | nn.Module | Evaluator | None) -> str:
    """A label: a run's name where its product is meant."""
    if isinstance(generator, Evaluator):
        return generator.name
    if isinstance(generator, nn.Module):
        return type(getattr(generator, "unwrap", lambda: generator)()).__name__
    path = Path(str(generator))
    if not is_folder(path):
        return _label(str(generator))
    path = resolved(path)
    return _label(path.parent.name if path.name == PRODUCT else path.name)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not everywhere
        return os.cpu_count() or 1


def _in_processes(
    images: list[ImageFiles], prepared: tuple[Any, ...], count: int
) -> Iterator[tuple[ImageFiles, Scores]]:
    """Images as they are done."""
    threads = max(1, _cores() // count)
    pool = ProcessPoolExecutor(count, get_context("spawn"), _prepare, (threads, *prepared))
    # By size, so that a process finds the filters of one size made.
    ordered = sorted(images, key=lambda files: files.size, reverse=True)
    try:
        with clean_path_for_children():
            running = {pool.submit(_measured, files): files for files in ordered}
        for future in as_completed(running):
            yield running[future], future.result()
    except BrokenProcessPool:
        raise WorkError("a process died while it measured, out of memory perhaps; try fewer, --workers 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _sendable() -> list[Metric]:
    """The metrics, for processes that have not registered the caller's own."""
    for name, metric in METRICS.items():
        try:
            pickle.dumps(metric)
        except (pickle.PicklingError, AttributeError, TypeError):
            raise RequestError(
                f"metric {name}: its function cannot be sent to other processes; register it as"
                " package.module:function, or measure with workers=1"
            ) from None
    return list(METRICS.values())


def _prepare(
    threads: int,
    metrics: list[Metric],
    opening: _Opening,
    recipe: FuseRecipe,
    convention: Convention,
    undecided: Undecided,
    keep: Path | None,
    smooth: Sequence[Smoothing],
    blend: Blend,
) -> None:
    """What a worker does first."""
    global _method
    # Ctrl-C is the parent's to answer.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    METRICS.update({metric.name: metric for metric in metrics})
    _method = Method(opening.open(), recipe, convention, undecided, keep, smooth, blend)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever, or go on to write."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _measured(files: ImageFiles) -> Scores:
    return measure(files, _method)
