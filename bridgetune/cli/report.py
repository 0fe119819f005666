"""`bridgetune report`: what came of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.console import ERRORS, RESULTS, percent, print_json
from bridgetune.cli.options import Force, Json


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, --out of pretrain or finetune.")],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write report.html and report.md, with curves, into a run's folder, from its records; also while it runs."""
    from bridgetune.runs.directory import RunDirectory
    from bridgetune.runs.report import described, write_report

    folder = RunDirectory(run)
    with ERRORS.status("drawing"):
        written = write_report(folder, force=force)
    found = described(folder)
    if as_json:
        print_json({**found, "files": [str(path) for path in written]})
        return
    RESULTS.print(f"{found['stage']}: {found['state']}, {found['steps_done']} of {found['steps']} steps", markup=False)
    if found["best_step"] is not None:
        errors = found["map_error"]
        told = f"held-out map error {percent(errors['first'])} → {percent(errors['last'])}"
        RESULTS.print(f"{told}; lowest {percent(errors['at_best'])} at step {found['best_step']}", markup=False)
    RESULTS.print(f"report: {written[0]}{_without_curves(written)}", markup=False)


def _without_curves(written: list[Path]) -> str:
    return "" if len(written) > 2 else " (no curves: nothing was recorded, or matplotlib is not installed)"
