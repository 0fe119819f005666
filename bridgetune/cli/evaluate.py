"""`bridgetune evaluate`: how good a method's results are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.failures import tell_failures
from bridgetune.cli.options import (
    GENERATOR,
    NETWORK,
    Blend,
    Force,
    Json,
    Mirrored,
    Option,
    Ray,
    RayCpus,
    RayGpus,
    RayWorkers,
    Recipe,
    Scales,
    Smooth,
    Symmetric,
    Trust,
    Undecided,
    Weights,
    WeightsKey,
    check_network,
    check_pictures,
    cluster,
    given_options,
    smoothing,
)
from bridgetune.cli.progress import bar
from bridgetune.cli.tables import print_table
from bridgetune.config.bounds import Processes, limits
from bridgetune.destinations import check_apart, check_file
from bridgetune.errors import RequestError
from bridgetune.files import write_whole
from bridgetune.paths import are_same, is_there, shown
from bridgetune.stores import as_address, is_stored, located

if TYPE_CHECKING:
    from bridgetune.evaluation.results import Evaluation


def evaluate(
    sources: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="A folder with A/ and B/; mask/ there adds a generator's map errors, clear/ PSNR and SSIM.",
        ),
    ],
    fused: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Saved results of any method, matched by stem, or else by natural order."),
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(
            metavar=GENERATOR,
            rich_help_panel=NETWORK,
            help="Or what makes them: a plugin's generator or evaluator, a saved generator's folder, or what builds"
            " your own.",
        ),
    ] = None,
    weights: Weights = None,
    weights_key: WeightsKey = "",
    option: Option = None,
    trust_code: Trust = False,
    symmetric: Symmetric = None,
    mirrored: Mirrored = None,
    scales: Scales = None,
    recipe: Recipe = "paper",
    undecided: Undecided = "settle",
    smooth: Smooth = None,
    blend: Blend = "none",
    convention: Annotated[
        Literal["toolbox", "paper"],
        typer.Option(help="Of Q_S and Q_W: the MATLAB toolbox's, as published numbers are, or Eq. 22-23."),
    ] = "toolbox",
    method: Annotated[str, typer.Option(help="Its name in tables. Default: the generator's, or the folder's.")] = "",
    dataset: Annotated[str, typer.Option(help="The sources' name in tables. Default: their folder's.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Save the evaluation, for `compare`.")
    ] = None,
    csv_out: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Save the table: a line an image, and the mean.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep a generator's fused images and maps: DIR/fused/STEM.png and DIR/maps/STEM.png.",
        ),
    ] = None,
    force: Force = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes that measure. Default: one a core.", **limits(Processes))
    ] = None,
    as_json: Json = False,
    ray: Ray = None,
    ray_workers: RayWorkers = None,
    ray_cpus: RayCpus = None,
    ray_gpus: RayGpus = None,
) -> None:
    """Measure a method's fused images: fusion metrics, and map metrics where there is a ground truth."""
    if (fused is None) == (generator is None):
        raise RequestError("evaluate: expected --fused DIR, saved results, or --generator, what makes them")
    steps, options = smoothing(smooth), given_options(option)
    if force and out is csv_out is keep is None:
        raise RequestError("--force: given without --out, --csv or --keep, whose files it is for; leave it out")
    crew = cluster(ray, ray_workers, ray_cpus, ray_gpus)
    if crew is not None:
        if workers is not None:
            raise RequestError("--workers: processes of this machine, given with --ray; expected --ray-workers")
        sources, fused, keep = located(sources), fused and located(fused), keep and located(keep)
    _check_files(sources, fused, out, csv_out, force)
    check_pictures(*(folder for folder in (sources, fused) if crew is None or not (folder and is_stored(folder))))
    check_network(generator, weights)
    from bridgetune.evaluation.evaluating import evaluate as measure
    from bridgetune.evaluation.rendering import comma_separated
    from bridgetune.evaluation.tables import image_table
    from bridgetune.evaluation.wording import remarks

    handed: dict[str, Any] = {}
    if crew is not None:
        from bridgetune.cluster.crew import Crew

        handed = {"hands": Crew(crew), "journal": _journal(out, keep), "device": crew.device}
    with bar("stem") as shown, _named_at_the_end(out, keep):
        task = shown.add_task("evaluating", total=None, stem="")
        result = measure(
            sources,
            fused=fused,
            generator=generator,
            weights=weights,
            weights_key=weights_key,
            trust=trust_code,
            symmetric=symmetric,
            mirrored=mirrored,
            scales=scales,
            recipe=recipe,
            undecided=undecided,
            smooth=steps,
            blend=blend,
            options=options,
            convention=convention,
            method=method,
            dataset=dataset,
            keep=keep,
            force=force and (keep is not None or crew is not None),
            workers=workers,
            progress=lambda done, total, stem: shown.update(task, completed=done, total=total, stem=stem),
            **handed,
        )
    for remark in remarks(result):
        ERRORS.print(remark, markup=False)
    if out is not None:
        result.write(out)
    if csv_out is not None:
        write_whole(csv_out, comma_separated(image_table("scores", "", result, list(result.metrics))))
    if as_json:
        print_json(result.model_dump())
        return
    _show(result)
    if keep is not None:
        RESULTS.print(f"fused images and maps in {as_address(keep)}", markup=False)
    for path in (out, csv_out):
        if path is not None:
            RESULTS.print(f"saved in {path}", markup=False)


def _journal(out: Path | None, keep: Path | None) -> Path | None:
    """Where scores are kept as long as some are missing: beside what they are for."""
    if out is not None:
        return out.with_name(f".{out.name}.bridgetune-scores.jsonl")
    return None if keep is None or is_stored(keep) else keep / ".bridgetune-scores.jsonl"


@contextmanager
def _named_at_the_end(out: Path | None, keep: Path | None) -> Iterator[None]:
    """Images that could not be measured, a line for each."""
    from bridgetune.evaluation.many import UnmeasuredError

    try:
        yield
    except UnmeasuredError as error:
        kept = _journal(out, keep) is not None
        tell_failures(error.failed, error.count, "images could not be measured", kept=kept)


def _check_files(sources: Path, fused: Path | None, out: Path | None, csv_out: Path | None, force: bool) -> None:
    """Refuse, before the work, files that could not be written, or that are measured."""
    written = [path for path in (out, csv_out) if path is not None]
    check_apart(written)
    for path, what in ((out, "the evaluation"), (csv_out, "the table")):
        if path is not None:
            check_file(path, what, force=force)
    folders = [sources / name for name in ("A", "B", "mask", "clear")] + ([fused] if fused is not None else [])
    for path in written:
        if is_there(path) and any(are_same(path.parent, folder) for folder in folders):
            raise RequestError(f"{shown(path)}: lies among what is measured; name another place")


def _show(result: Evaluation) -> None:
    """A table for each group of metrics: a row an image, and the mean."""
    from bridgetune.evaluation.tables import evaluation_tables

    for table in evaluation_tables(result):
        print_table(table)
    for name, definition in result.definitions.items():
        if name not in result.metrics:
            RESULTS.print(f"{name}: {definition}", markup=False)
    RESULTS.print(f"convention {result.convention}; {result.settings['seconds']:g} s", markup=False)
