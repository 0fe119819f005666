"""`bridgetune data`: training data on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.console import RESULTS, bar
from bridgetune.config.bounds import Seed, SideOrOwn, limits

app = typer.Typer(help="Training data on disk.", no_args_is_help=True)


@app.callback()
def _data() -> None:
    """Training data on disk."""


@app.command("make")
def make(
    images: Annotated[Path, typer.Option(metavar="DIR", help="All-in-focus photographs.")],
    masks: Annotated[Path, typer.Option(metavar="DIR", help="Their masks, of the same stems.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where A/, B/ and mask/ are written.")],
    size: Annotated[
        int, typer.Option(help="Side of the square images; 0 keeps each one's own size.", **limits(SideOrOwn))
    ] = 256,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs.", **limits(Seed))] = 0,
) -> None:
    """Write the offline dataset of the paper: pairs blurred by a random Gaussian, and their masks."""
    from bridgetune.data import make_dataset

    with bar() as progress:
        task = progress.add_task("pairs", total=None)
        made = make_dataset(
            images,
            masks,
            out,
            size=size or None,
            seed=seed,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    RESULTS.print(f"{made.count} pairs in {out}", markup=False)
