"""`bridgetune fuse`: source pairs to fused pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.console import RESULTS, bar
from bridgetune.cli.options import (
    Borders,
    Force,
    Generator,
    Mirrored,
    Recipe,
    Scales,
    Symmetric,
    Trust,
    Undecided,
    Weights,
    WeightsKey,
)
from bridgetune.errors import RequestError


def fuse(
    first: Annotated[Path | None, typer.Argument(metavar="A", help="The first source image.")] = None,
    second: Annotated[Path | None, typer.Argument(metavar="B", help="The second source image.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The fused image; with --pairs, the folder for them.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Fuse every pair of a folder with A/ and B/.")
    ] = None,
    map_out: Annotated[
        Path | None,
        typer.Option("--map", help="Write the decision map too; with --pairs, the folder for them."),
    ] = None,
    generator: Generator = "bridgemff",
    weights: Weights = None,
    weights_key: WeightsKey = "",
    trust_code: Trust = False,
    symmetric: Symmetric = None,
    mirrored: Mirrored = None,
    scales: Scales = None,
    recipe: Recipe = "paper",
    undecided: Undecided = "settle",
    borders: Borders = "replace",
    force: Force = False,
) -> None:
    """Fuse two images A and B, or every pair of a folder.

    --generator takes an evaluator's name, too, which fuses without a map; see `bridgetune plugins list`.
    """
    one = first is not None and second is not None
    if out is None or (pairs is None) != one or (pairs is not None and first is not None):
        raise RequestError("fuse: expected two images, A B -o OUT, or a folder, --pairs DIR -o OUT")
    if pairs is None:
        assert first is not None
        assert second is not None
        _check_files([first, second], out, map_out, force)
    from bridgetune.inference import check_places, fuse_files, fuse_folder
    from bridgetune.inference.mapless import refuse_map
    from bridgetune.opening import open_method

    if pairs is not None:
        check_places(pairs, out, map_out, force)
    network = open_method(generator, weights, symmetric, mirrored, scales, trust=trust_code, weights_key=weights_key)
    if pairs is None:
        assert first is not None
        assert second is not None
        if map_out is not None:
            refuse_map(network, f"--map {map_out}")
        fuse_files(network, first, second, recipe, undecided, borders, out).save(out, map_out)
        RESULTS.print(f"fused image in {out}", markup=False)
        return
    done = 0
    with bar("stem") as progress:
        task = progress.add_task("fusing", total=None, stem="")
        for stem, done, total in fuse_folder(network, pairs, out, recipe, map_out, undecided, borders, force):
            progress.update(task, completed=done, total=total, stem=stem)
    RESULTS.print(f"{done} fused images in {out}", markup=False)


def _check_files(sources: list[Path], out: Path, map_out: Path | None, force: bool) -> None:
    from bridgetune.destinations import check_apart
    from bridgetune.pictures import check_image_place

    outputs = [out] if map_out is None else [out, map_out]
    check_apart(outputs, sources)
    for place, what in zip(outputs, ("the fused image", "the decision map"), strict=False):
        check_image_place(place, what, force=force)
