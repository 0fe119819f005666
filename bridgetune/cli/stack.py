"""`bridgetune stack`: any number of frames to one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.batch import fuse_each
from bridgetune.cli.console import RESULTS, print_json
from bridgetune.cli.options import Force, Json, Ray, RayCpus, RayGpus, RayWorkers, Report, cluster
from bridgetune.cli.stacking import Job, Method, StackProgress, remark, summary
from bridgetune.cli.verb import from_options
from bridgetune.config import StackConfig
from bridgetune.config.bounds import Quiet, limits
from bridgetune.errors import RequestError
from bridgetune.paths import check_folder, shown
from bridgetune.pictures import FRAME_SUFFIXES
from bridgetune.stores import is_stored, located


@from_options
def stack(
    frames: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FRAMES", help="A folder, files, a pattern of names, or a TIFF of several pages."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The fused image; with --each, the folder for them.")
    ] = None,
    depth_out: Annotated[
        Path | None,
        typer.Option(
            "--depth",
            metavar="FILE.tif",
            help="Write the depth too, counted in frames, and beside it in colours, FILE.png; with --each, the folder"
            " for them.",
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Before the picture itself a small one, OUT.preview.jpg.")
    ] = False,
    report_out: Report = None,
    each: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Fuse a stack in each folder of a folder, to OUT/NAME.tif.")
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="With --each: go on as folders come, each as soon as it has been quiet for so long; until Ctrl-C.",
            **limits(Quiet),
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
    *,
    config: StackConfig,
    method: Method,
    ray: Ray = None,
    ray_workers: RayWorkers = None,
    ray_cpus: RayCpus = None,
    ray_gpus: RayGpus = None,
) -> None:
    """Fuse a stack: frames of one scene, focused at different depths, into one picture that is sharp everywhere."""
    if out is None and bool(frames) != (each is not None):
        place = "-o fused.tif" if frames else "-o fused, a folder"
        raise RequestError(f"stack: not told where to, expected the place of what is fused; add {place}")
    if out is None or bool(frames) == (each is not None):
        raise RequestError("stack: expected frames, FRAMES... -o OUT, or a folder of their folders, --each DIR -o OUT")
    if watch is not None and (each is None or as_json):
        what = "--json" if as_json else "FRAMES"
        raise RequestError(f"--watch: given with {what}, expected --each DIR without --json; leave one out")
    crew = cluster(ray, ray_workers, ray_cpus, ray_gpus)
    if crew is not None and (each is None or watch is not None):
        what = "--watch" if each is not None else "FRAMES"
        raise RequestError(f"--ray: given with {what}, expected --each DIR without --watch; leave one out")
    if each is not None:
        if out.suffix.lower() in FRAME_SUFFIXES and not out.is_dir():
            raise RequestError(f"-o {shown(out)}: given with --each, expected a folder for the pictures; name one")
        for option in ("--preview" * preview, "--report" * (report_out is not None)):
            if option:
                raise RequestError(f"{option}: given with --each, expected a single stack; leave one out")
        if crew is not None:
            from bridgetune.cli.batch_on_cluster import FusingStacks, fuse_each_on

            each, out, depth_out = located(each), located(out), depth_out and located(depth_out)
            if not is_stored(each):
                check_folder(each, "a folder of folders")
            if method.generator is not None:
                method.opened(depth_out)
            work = FusingStacks(method, config, out, depth_out, crew.device)
            fuse_each_on(crew, work, each, force=force, as_json=as_json)
            return
        fuse_each(method, config, each, out, depth_out, watch=watch, force=force, as_json=as_json)
        return
    job = Job.of(frames or [], out, depth_out, preview, report_out)
    job.check(force)
    network = method.opened(depth_out)
    with StackProgress() as progress:
        told = job.carry_out(network, method.asking(config), progress)
    remark(told)
    if as_json:
        print_json(told)
    else:
        RESULTS.print(summary(told), markup=False)
