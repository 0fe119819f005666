"""`bridgetune export`: a generator as a file that runs without bridgetune."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.options import (
    Called,
    Force,
    GeneratorArgument,
    Json,
    Mirrored,
    Option,
    Scales,
    Symmetric,
    Trust,
    Weights,
    WeightsKey,
    adapter_settings,
    check_network,
    given_options,
)
from bridgetune.config.bounds import LARGEST_SIDE, Tolerance, limits
from bridgetune.errors import RequestError

if TYPE_CHECKING:
    from bridgetune.exporting import Size


def export(
    generator: GeneratorArgument,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="FILE.onnx, FILE.xml (OpenVINO) or FILE.pt2 (torch).")
    ],
    format_: Annotated[
        Literal["onnx", "openvino", "torch"],
        typer.Option("--format", help="For ONNX Runtime, for OpenVINO, or a program of torch.export."),
    ],
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW|dynamic",
            help="The images' height and width, or any. Default: any, or 256x256 where that cannot be done.",
        ),
    ] = None,
    weights: Weights = None,
    weights_key: WeightsKey = "",
    option: Option = None,
    adapter: Called = None,
    trust_code: Trust = False,
    symmetric: Symmetric = None,
    mirrored: Mirrored = None,
    scales: Scales = None,
    tolerance: Annotated[
        float, typer.Option(help="How far its map, in [0, 1], may be from the network's own.", **limits(Tolerance))
    ] = 1e-4,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a generator as a file that runs without bridgetune, and check it against the network itself."""
    wanted = _size(size)
    check_network(generator, weights)
    from bridgetune.exporting import FORMATS, check_place
    from bridgetune.exporting import export as write
    from bridgetune.opening import open_generator

    check_place(out, format_, force)
    network = open_generator(
        *(generator, weights or "shipped", symmetric, mirrored, scales),
        options=given_options(option),
        trust=trust_code,
        weights_key=weights_key,
        adapter=adapter_settings(adapter),
    )
    done = write(
        network,
        out,
        format_,
        size=wanted,
        tolerance=tolerance,
        overwrite=force,
        report=lambda said: ERRORS.print(said, style="dim", markup=False),
    )
    shown_size = done.size if isinstance(done.size, str) else f"{done.size[0]}x{done.size[1]}"
    if done.fallback:
        ERRORS.print(f"{done.fallback}; exported for {shown_size} instead", style="yellow", markup=False)
    if as_json:
        print_json(
            {
                "path": str(done.path),
                "format": done.format,
                "size": shown_size,
                "difference": done.difference,
                "fallback": done.fallback or None,
                "facts": done.facts,
            }
        )
        return
    table = Table("what", "found", title=str(done.path))
    for name, fact in done.facts.items():
        table.add_row(name, fact)
    runtime = FORMATS[done.format].runtime
    table.add_row("checked", f"in {runtime}: its map is off by {done.difference:.1e} at most, {tolerance:.0e} allowed")
    RESULTS.print(table, markup=False)


def _size(text: str | None) -> Size | None:
    if text is None:
        return None
    if text == "dynamic":
        return "dynamic"
    sides = re.fullmatch(r"([0-9]{1,5})[x×]([0-9]{1,5})", text)
    if sides is None or not all(1 <= int(side) <= LARGEST_SIDE for side in sides.groups()):
        shown = repr(text[:40])
        raise RequestError(f"--size: got {shown}, expected HxW (256x256, say) up to {LARGEST_SIDE}, or dynamic")
    return int(sides[1]), int(sides[2])
