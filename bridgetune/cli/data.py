"""`bridgetune data`: training data on disk, and stacks whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.console import RESULTS
from bridgetune.cli.failures import tell_failures
from bridgetune.cli.options import Ray, RayCpus, RayWorkers, check_pictures, cluster
from bridgetune.cli.progress import counting
from bridgetune.cli.settings import STACKS
from bridgetune.cli.verb import Command, from_options
from bridgetune.cluster import Cluster
from bridgetune.config import StackMaking
from bridgetune.config.bounds import Seed, SideOrOwn, limits
from bridgetune.config.making import FrameCount
from bridgetune.errors import RequestError
from bridgetune.stores import is_stored, located

PAIRS_SIDE = 256
"""Of pairs, unless told otherwise."""

app = typer.Typer(help="Training data on disk.", no_args_is_help=True)


@app.callback()
def _data() -> None:
    """Training data on disk."""


@app.command("make", cls=Command)
@from_options
def make(
    images: Annotated[Path, typer.Option(metavar="DIR", help="All-in-focus photographs; of a stack also a file.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where all is written; new or empty.")],
    making: StackMaking,
    masks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Their masks, of the same stems; stacks have none.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Side of the square images; 0 keeps each one's own. Default: 256 for pairs, 0 for stacks.",
            **limits(SideOrOwn),
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs and stacks.", **limits(Seed))] = 0,
    stack: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Write stacks of N frames, focused from the nearest to the farthest, with their truth.",
            rich_help_panel=STACKS,
            **limits(FrameCount),
        ),
    ] = None,
    depth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Depth of the photographs, black nearest: a picture, or a folder of them with the same stems.",
            rich_help_panel=STACKS,
        ),
    ] = None,
    ray: Ray = None,
    ray_workers: RayWorkers = None,
    ray_cpus: RayCpus = None,
) -> None:
    """Write pairs blurred by a random Gaussian, and their masks, as the paper's; or stacks of known truth (--stack)."""
    crew = cluster(ray, ray_workers, ray_cpus, None)
    if stack is not None:
        if crew is not None:
            raise RequestError("--ray: given with --stack, expected --masks; leave it out")
        if masks is not None:
            raise RequestError("--masks: a stack has none; leave it out, or give --depth")
        _stacks(images, out, stack, making, depth, size, seed)
        return
    if masks is None:
        raise RequestError("--masks: missing, expected the folder of the photographs' masks; or --stack N for stacks")
    if depth is not None or making != StackMaking():
        given = "--depth" if depth is not None else _first_given(making)
        raise RequestError(f"{given}: of effect on stacks alone; add --stack N, or leave it out")
    side = PAIRS_SIDE if size is None else size
    if crew is None:
        _pairs(images, masks, out, side, seed)
    else:
        _pairs_on(crew, located(images), located(masks), located(out), side, seed)


def _pairs(images: Path, masks: Path, out: Path, size: int, seed: int) -> None:
    check_pictures(images, masks)
    from bridgetune.data import make_dataset

    with counting("pairs") as told:
        made = make_dataset(images, masks, out, size=size or None, seed=seed, progress=told)
    RESULTS.print(f"{made.count} pairs in {out}", markup=False)


def _pairs_on(crew: Cluster, images: Path, masks: Path, out: Path, size: int, seed: int) -> None:
    """Make the pairs on a cluster; what could not be read is named at the end."""
    check_pictures(*(folder for folder in (images, masks) if not is_stored(folder)))
    from bridgetune.cluster.crew import Crew
    from bridgetune.data.many import UnmadeError, make_dataset_by

    with counting("pairs") as told:
        try:
            made = make_dataset_by(Crew(crew), images, masks, out, size=size or None, seed=seed, progress=told)
        except UnmadeError as error:
            tell_failures(error.failed, error.count, "pairs could not be made")
            raise
    RESULTS.print(f"{made.count} pairs in {out}", markup=False)
    tell_failures(made.skipped, made.count + len(made.skipped), "files are left out", kept=False)


def _stacks(
    images: Path, out: Path, frames: int, making: StackMaking, depth: Path | None, size: int | None, seed: int
) -> None:
    from bridgetune.data import make_stacks

    with counting("frames") as told:
        made = make_stacks(images, out, frames, making, depth=depth, size=size or None, seed=seed, progress=told)
    count = len(made.transforms)
    RESULTS.print(f"{count} {'stack' if count == 1 else 'stacks'} of {frames} frames in {out}/frames", markup=False)


def _first_given(making: StackMaking) -> str:
    plain = StackMaking()
    name = next(name for name, value in making if value != getattr(plain, name))
    return f"--{name.replace('_', '-')}"
