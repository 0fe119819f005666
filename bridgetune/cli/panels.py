"""`bridgetune panels`: decision maps and heat maps side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bridgetune.cli.console import RESULTS
from bridgetune.cli.options import (
    GENERATOR,
    Force,
    Recipe,
    Report,
    Trust,
    Undecided,
    check_network,
    check_page,
    check_pictures,
)
from bridgetune.cli.progress import bar
from bridgetune.config.bounds import ColumnWidth, limits
from bridgetune.errors import RequestError
from bridgetune.files import write_whole
from bridgetune.remarks import held_back

if TYPE_CHECKING:
    from torch import Tensor

    from bridgetune.wrapping import Adapter


def panels(
    sources: Annotated[
        Path, typer.Option(metavar="DIR", help="Source pairs: a folder with A/ and B/, and mask/ for the true maps.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The picture: PNG, TIFF or JPEG.")],
    generator: Annotated[
        list[str],
        typer.Option(
            metavar=GENERATOR,
            help="Whose maps to show; give it several times, before and after for example.",
        ),
    ],
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Weights of each --generator, in their order; shipped for its own."),
    ] = None,
    trust_code: Trust = False,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="What to call each --generator, in their order."),
    ] = None,
    images: Annotated[
        str | None, typer.Option(metavar="STEM,STEM", help="Which pairs, in this order. Default: all.")
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="Add Grad-CAM heat maps of these layers of every generator."),
    ] = None,
    towards: Annotated[
        Literal["A", "B"], typer.Option(help="Whether heat maps explain what was decided for A, or for B.")
    ] = "A",
    recipe: Recipe = "paper",
    undecided: Undecided = "settle",
    width: Annotated[int, typer.Option(help="Of a column, in pixels.", **limits(ColumnWidth))] = 300,
    report_out: Report = None,
    force: Force = False,
) -> None:
    """Draw sources, decision maps and the fused image side by side, a row for each pair."""
    labels = _one_each("--label", label, generator) or _distinct(generator)
    if len(set(labels)) < len(labels):
        raise RequestError("--label: two generators are called the same; give each its own --label")
    given = _one_each("--weights", weights, generator) or ["shipped"] * len(generator)

    check_page(report_out, force)
    check_pictures(sources / "A", sources / "B")
    for one, own in zip(generator, given, strict=True):
        check_network(one, None if own == "shipped" else Path(own))
    from bridgetune.data import check_image_place, write_image
    from bridgetune.destinations import check_apart
    from bridgetune.evaluation.panels import decision_rows, draw_panels, panel_pairs
    from bridgetune.evaluation.panels.page import panels_page
    from bridgetune.opening import open_generator

    check_image_place(out, "the picture", force=force)
    pairs = panel_pairs(sources, _listed(images))
    check_apart([out, *([report_out] if report_out else [])], [path for pair in pairs for path in pair.paths])
    opened: dict[str, Adapter] = {
        name: open_generator(one, own, trust=trust_code)
        for name, one, own in zip(labels, generator, given, strict=True)
    }
    rows: dict[str, dict[str, Tensor]] = {}
    with held_back() as remarks, bar("stem") as progress:
        task = progress.add_task("deciding", total=len(pairs), stem="")
        for name, row in decision_rows(pairs, opened, recipe, _listed(layers), towards, undecided):
            rows[name] = row
            progress.update(task, advance=1, stem=name)
    write_image(out, draw_panels(rows, width))
    remarks.say()
    if report_out is not None:
        write_whole(report_out, panels_page(sources.resolve().name, rows))
    and_page = "" if report_out is None else f" and on the page {report_out}"
    RESULTS.print(f"{len(rows)} pair{'s' * (len(rows) != 1)} in {out}{and_page}", markup=False)


def _one_each(option: str, values: list[str] | None, generators: list[str]) -> list[str]:
    if values and len(values) != len(generators):
        raise RequestError(
            f"{option}: given {len(values)} times for {len(generators)} generators; give one for each, in their order"
        )
    return values or []


def _distinct(generators: list[str]) -> list[str]:
    """The last part of each path that tells it from the others; a run is called by its own name."""
    if len(set(generators)) < len(generators):
        raise RequestError("--generator: the same one twice; tell them apart by --label")
    parts = [Path(one).parts for one in generators]
    parts = [own[:-1] if own[-1] == "generator" and len(own) > 1 else own for own in parts]
    for length in range(1, max(map(len, parts))):
        short = ["/".join(own[-length:]) for own in parts]
        if len(set(short)) == len(short):
            return short
    return generators


def _listed(given: str | None) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()] if given else []
