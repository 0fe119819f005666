"""`bridgetune demo`: the main job on an embedded default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bridgetune.cli.console import RESULTS, TrainingProgress, print_json
from bridgetune.cli.options import Json


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where everything is written.")] = Path(
        "runs/demo"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace what an earlier demo wrote there.")] = False,
    as_json: Json = False,
) -> None:
    """Train, tune and fuse on photographs that are already here: about two minutes on two cores."""
    from bridgetune.demo import run_demo

    with TrainingProgress("pretrain") as pretraining, TrainingProgress("finetune") as tuning:
        stages = {"pretrain": pretraining, "finetune": tuning}

        def report(stage: str, record: dict[str, Any]) -> None:
            stages[stage](record)

        result = run_demo(out, force=force, report=report)
    if as_json:
        print_json(result.described())
    else:
        _show(result)


def _show(result: object) -> None:
    from bridgetune.demo import DemoResult
    from bridgetune.training.validation import HOMOGENEOUS

    assert isinstance(result, DemoResult)
    table = Table(
        "held-out pair",
        *("map error\nbefore", "map error\nafter BridgeTune"),
        *("homogeneous\nbefore", "homogeneous\nafter BridgeTune"),
        title=f"Share of wrong pixels; homogeneous regions: {HOMOGENEOUS}",
    )
    rows = {**result.errors, "all pixels": result.total()}
    for name, (before, after) in rows.items():
        if name == "all pixels":
            table.add_section()
        table.add_row(
            name,
            *(f"{errors.map_error:.2%}" for errors in (before, after)),
            *(f"{errors.homogeneous_error:.2%}" for errors in (before, after)),
        )
    RESULTS.print(table)
    took = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in result.seconds.items())
    RESULTS.print(f"{took}", markup=False)
    RESULTS.print(f"everything is in {result.out}; the picture is {result.out / 'demo.png'}", markup=False)
    RESULTS.print(
        "try: bridgetune fuse"
        f" --generator {result.out / 'finetune' / 'generator'}"
        f" {result.out / 'pairs' / 'A' / '01.png'} {result.out / 'pairs' / 'B' / '01.png'} -o fused.png",
        markup=False,
    )
