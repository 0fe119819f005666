"""A method on a dataset: every image measured, several at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from torch import nn

from bridgetune._version import __version__
from bridgetune.config.bounds import Processes, within
from bridgetune.destinations import REPLACE, begun, check_absent, check_folder
from bridgetune.documents import as_json
from bridgetune.errors import RequestError
from bridgetune.evaluation.dataset import ImageFiles, find_dataset
from bridgetune.evaluation.many import Measuring, measured_by
from bridgetune.evaluation.measuring import KEPT, Method, Scores, kept_files, measure, metrics_of
from bridgetune.evaluation.processes import cores, in_processes, sendable
from bridgetune.evaluation.results import BY_ORDER, IDENTICAL, JPEG, WITHOUT_MAP, Evaluation, MetricInfo, Score
from bridgetune.files import clear_partial
from bridgetune.handing import Hands
from bridgetune.inference import Undecided
from bridgetune.inference.feathering import Blend
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.inference.mapless import refuse_map
from bridgetune.inference.smoothing import Smoothing, check_smoothing
from bridgetune.locking import held
from bridgetune.metrics import HOMOGENEOUS, METRICS, Convention
from bridgetune.opening import Opening
from bridgetune.paths import are_same, as_text, is_folder, is_there, resolved, shown
from bridgetune.paths import check_folder as check_sources
from bridgetune.pictures import is_jpeg
from bridgetune.protocol import Evaluator
from bridgetune.saving import PRODUCT
from bridgetune.stores import as_address, is_stored, times
from bridgetune.wrapping import Adapter

Progress = Callable[[int, int, str], None]


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
    hands: Hands | None = None,
    journal: Path | None = None,
    device: str = "",
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
        force: Replace those that are there, and a journal that other settings began.
        workers: Processes; None for one a core. A script that asks for more than one needs the usual
            ``if __name__ == "__main__":``.
        weights_key: See `bridgetune.create`.
        trust: See `bridgetune.load`.
        progress: Told how many are done, how many there are, and the stem.
        smooth: What is done to a generator's maps, see `bridgetune.inference.Smoothing`.
        blend: What becomes of its seams, see `bridgetune.inference.Blend`; papers measure steps.
        options: For what a plugin brings by the name `generator`.
        hands: Who measures instead of processes of this machine. Files may then lie on an object store; an image that
            cannot be measured stops no other.
        journal: Of `hands`: where scores are kept until there are all, and from where the same request goes on.
        device: Where a generator is that `hands` ask.

    Raises:
        RequestError: Files that are missing, unreadable, of another size, or in the way, which are named; or a wrong
            generator.
        UnmeasuredError: Of `hands`: some images could not be measured, and there is no evaluation.
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
    if not is_stored(sources):
        check_sources(sources, "the sources, with A/ and B/ in it")
    if hands is not None and isinstance(generator, nn.Module | Evaluator):
        raise RequestError("hands: given with a generator that is open, expected how it is opened elsewhere; name it")
    dataset = as_text(dataset) or _label(_folder_name(sources))
    method = as_text(method) or (_label(_folder_name(Path(fused))) if fused is not None else _named(generator))
    found = find_dataset(sources, None if fused is None else Path(fused), headers=hands is None)
    if force and keep is None and journal is None:
        raise RequestError("force: given without keep, whose files it is for; leave it out")
    going_on = hands is not None and journal is not None and is_there(journal)
    if keep is not None:
        _check_kept(Path(keep), generator is not None, found.images, force or going_on)
    opening = _Opening(generator, weights, symmetric, mirrored, scales, trust, weights_key, options or {})
    network = opening.open()
    if recipe != "paper":
        refuse_map(network, f"recipe {recipe}")
    check_smoothing(network, recipe, smooth)
    kept = None if keep is None else Path(keep)
    ways = recipe, convention, undecided, kept, tuple(smooth), blend
    prepared = Method(network, *ways)

    count = min(workers or cores(), len(found.images))
    measured: Iterator[tuple[ImageFiles, Scores]]
    if hands is not None:
        work = Measuring(None if generator is None else opening.elsewhere(device), tuple(sendable()), *ways)
        decided = _decided(sources, fused, opening, ways)
        measured = measured_by(hands, work, found.images, journal, decided, force=force)
    elif isinstance(generator, nn.Module | Evaluator) or count == 1:
        measured = ((files, measure(files, prepared)) for files in found.images)
    else:
        measured = in_processes(found.images, (sendable(), opening, *ways), count)
    scores: dict[str, Scores] = {}
    with ExitStack() as alone:
        if kept is not None and not is_stored(kept):
            since = alone.enter_context(held(kept))
            _check_kept(kept, generator is not None, found.images, force or going_on)
            for folder in KEPT:
                clear_partial(kept / folder, since)
            alone.enter_context(begun())
        for done, (files, its_scores) in enumerate(measured, 1):
            scores[files.stem] = its_scores
            progress(done, len(found.images), files.stem)

    settings: dict[str, Any] = {"sources": as_text(as_address(sources))}
    if fused is not None:
        settings["fused"] = as_text(as_address(Path(fused)))
    else:
        settings |= {"generator": _named(generator), "weights": as_text(weights) if weights else None, "recipe": recipe}
        settings |= {"undecided": undecided, **({"smooth": list(smooth)} if smooth else {})}
        settings |= {"blend": blend} if blend != "none" else {}
        settings |= {"options": as_json(dict(options))} if options else {}
        if isinstance(network, Adapter):
            settings |= network.config.model_dump(mode="json", include={"symmetric", "mirrored", "scales"})
    if found.matched_by_order:
        settings[BY_ORDER] = [as_text(as_address(folder)) for folder in found.matched_by_order]
    if jpegs := sum(files.fused is not None and _is_jpeg(files.fused) for files in found.images):
        settings[JPEG] = jpegs
    if identical := [_label(files.stem) for files in found.images if scores[files.stem].get("psnr") == math.inf]:
        settings[IDENTICAL] = identical
    if kept is not None:
        settings["kept"] = as_text(as_address(kept))
    settings |= {
        "images": len(scores),
        **({} if hands else {"workers": count}),
        "seconds": round(time.perf_counter() - began, 2),
    }
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
    if is_stored(keep):
        there = {path for folder in KEPT for path in times(keep / folder)}
        files_there = [path for files in images for path in kept_files(keep, files.stem) if path in there]
        if files_there and not force:
            raise RequestError(f"{as_address(files_there[0])}: exists already; {REPLACE}")
        return
    sources = {images[0].first.parent, images[0].second.parent}
    for place in (keep, *(keep / folder for folder in KEPT)):
        check_folder(place, "fused images and maps")
        if any(are_same(place, folder) for folder in sources):
            raise RequestError(f"{shown(place)}: holds the sources; name another folder for fused images and maps")
    check_absent((path for files in images for path in kept_files(keep, files.stem)), force)


def _decided(sources: Path, fused: str | Path | None, opening: _Opening, ways: tuple[Any, ...]) -> dict[str, Any]:
    """All that scores depend on, as JSON has it."""
    told: dict[str, Any] = {"bridgetune": __version__, "sources": sources, "fused": fused}
    told |= {field.name: getattr(opening, field.name) for field in fields(opening) if field.name != "trust"}
    told |= dict(zip(("recipe", "convention", "undecided", "keep", "smooth", "blend"), ways, strict=True))
    told["metrics"] = sorted(METRICS)
    return {name: _as_decided(value) for name, value in told.items()}


def _as_decided(value: Any) -> Any:
    if isinstance(value, Path):
        return as_text(as_address(value) if is_stored(value) else value.absolute())
    return as_json(value)


def _is_jpeg(path: Path) -> bool:
    """Whether a file is a JPEG, of one on an object store by its name."""
    return path.suffix.lower() in (".jpg", ".jpeg") if is_stored(path) else is_jpeg(path)


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
            return self.elsewhere().open()
        for name in ("weights", "symmetric", "mirrored", "scales", "options"):
            if getattr(self, name) not in (None, {}):
                raise RequestError(f"{name}: given without the name of a generator that it could be for; leave it out")
        return self.generator

    def elsewhere(self, device: str = "") -> Opening:
        """How what is named is opened, in any process."""
        ways = self.symmetric, self.mirrored, self.scales
        named = str(self.generator)
        return Opening(named, self.weights, *ways, self.trust, self.weights_key, self.options, device)


def _label(name: str) -> str:
    """A folder's or file's name in a line of text; without blanks around it, of which labels have none."""
    return " ".join(as_text(name).split()) or "unnamed"


def _folder_name(path: Path) -> str:
    return path.name if is_stored(path) else resolved(path).name


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
