"""`bridgetune demo`: the main job on an embedded default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from bridgetune.cli.console import ERRORS, RESULTS, percent, print_json
from bridgetune.cli.options import Force, Json
from bridgetune.cli.progress import TrainingProgress

if TYPE_CHECKING:
    from bridgetune.demo import DemoResult
    from bridgetune.metrics import MapErrors


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where everything is written.")] = Path(
        "runs/demo"
    ),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Tune and fuse on photographs that are already here: about a minute on two idle cores."""
    from bridgetune.demo import run_demo

    ERRORS.print("tunes and measures: about a minute on two idle cores")
    with TrainingProgress() as progress:
        result = run_demo(out, force=force, report=progress.of("finetune"))
    if as_json:
        print_json(result.described())
    else:
        _show(result)


def _show(result: DemoResult) -> None:
    from bridgetune.metrics import HOMOGENEOUS

    table = Table(
        "held-out pair",
        "map error",
        "homogeneous error",
        title="Share of wrong pixels before → after tuning on these photographs",
        caption=f"homogeneous: {HOMOGENEOUS}",
    )
    for name, (before, after) in result.errors.items():
        table.add_row(name, *_moves(before, after))
    table.add_section()
    table.add_row("all pixels", *_moves(*result.total()))
    RESULTS.print(table)
    RESULTS.print(", ".join(f"{what}: {seconds:.0f} s" for what, seconds in result.seconds.items()), markup=False)
    RESULTS.print(f"everything is in {result.out}; the picture is {result.out / 'demo.png'}", markup=False)
    RESULTS.print(
        "try: bridgetune fuse"
        f" --generator {result.out / 'finetune' / 'generator'}"
        f" {result.out / 'pairs' / 'A' / '01.png'} {result.out / 'pairs' / 'B' / '01.png'} -o fused.png",
        markup=False,
    )


def _moves(before: MapErrors, after: MapErrors) -> tuple[str, str]:
    return (
        f"{percent(before.map_error)} → {percent(after.map_error)}",
        f"{percent(before.homogeneous_error)} → {percent(after.homogeneous_error)}",
    )
