"""`bridgetune fuse`: source pairs to fused pictures."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from bridgetune.cli.console import RESULTS
from bridgetune.cli.failures import tell_failures
from bridgetune.cli.options import (
    Align,
    Blend,
    Borders,
    Called,
    Edges,
    Exposure,
    Force,
    Generator,
    Mirrored,
    Option,
    Quality,
    Ray,
    RayCpus,
    RayGpus,
    RayWorkers,
    Recipe,
    Report,
    Scales,
    Smooth,
    Symmetric,
    Trust,
    Undecided,
    Weights,
    WeightsKey,
    adapter_settings,
    check_network,
    check_page,
    check_pairs,
    cluster,
    given_options,
    smoothing,
)
from bridgetune.cli.progress import bar, share_bar
from bridgetune.cluster import Cluster
from bridgetune.errors import RequestError
from bridgetune.files import write_whole
from bridgetune.paths import is_folder, is_there, shown
from bridgetune.stores import as_address, is_stored, located

if TYPE_CHECKING:
    from bridgetune.inference.many import FusingPairs, PairHands


class OfTwo(TyperCommand):
    """A command of two images that says where more of them go."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if "unexpected extra argument" not in str(getattr(error, "message", error)):
                raise
            raise RequestError(
                "fuse: got more than two images, expected A B; three and more of a stack are for `bridgetune stack`"
            ) from None


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
    option: Option = None,
    adapter: Called = None,
    trust_code: Trust = False,
    quality: Quality = "auto",
    symmetric: Symmetric = None,
    mirrored: Mirrored = None,
    scales: Scales = None,
    recipe: Recipe = "paper",
    undecided: Undecided = "settle",
    smooth: Smooth = None,
    blend: Blend = "feather",
    borders: Borders = "replace",
    align: Align = "none",
    exposure: Exposure = False,
    edges: Edges = "crop",
    report_out: Report = None,
    force: Force = False,
    ray: Ray = None,
    ray_workers: RayWorkers = None,
    ray_cpus: RayCpus = None,
    ray_gpus: RayGpus = None,
) -> None:
    """Fuse two images A and B, or every pair of a folder.

    --generator takes an evaluator's name, too, which fuses without a map; see `bridgetune plugins list`.
    """
    _refuse_folder(first, second)
    one = first is not None and second is not None
    right = (pairs is None) == one and (pairs is None or first is None)
    if out is None and right:
        lacking = "-o fused.tif" if one else "-o fused, a folder"
        raise RequestError(f"fuse: not told where to, expected the place of what is fused; add {lacking}")
    if out is None or not right:
        raise RequestError("fuse: expected two images, A B -o OUT, or a folder, --pairs DIR -o OUT")
    steps, options, called = smoothing(smooth), given_options(option), adapter_settings(adapter)
    if edges == "keep" and align == "none":
        raise RequestError(
            "--edges keep: nothing is cut off unless pictures are aligned; leave it out, or add --align auto"
        )
    if pairs is not None and report_out is not None:
        raise RequestError("--report: given with --pairs, expected two images; for pairs there is `bridgetune panels`")
    check_page(report_out, force)
    if pairs is None:
        assert first is not None
        assert second is not None
        _check_files([first, second], out, map_out, force)
    crew = cluster(ray, ray_workers, ray_cpus, ray_gpus)
    if crew is not None:
        if pairs is None:
            raise RequestError("--ray: given with two images, expected --pairs DIR; leave it out")
        pairs, out, map_out = located(pairs), located(out), map_out and located(map_out)
    if crew is None or not (pairs and is_stored(pairs)):
        check_pairs(pairs)
    check_network(generator, weights)
    from bridgetune.filling import RECORD
    from bridgetune.inference import Queries, check_places, fuse_files
    from bridgetune.inference.folders import PairSettings
    from bridgetune.inference.many import FusingPairs, by_itself
    from bridgetune.inference.mapless import refuse_map
    from bridgetune.opening import Opening

    if pairs is not None:
        if crew is None:
            check_places(pairs, out, map_out, force or is_there(out / RECORD))
        for place in (out, map_out):
            _refuse_file_name(place)
    queries = Queries(quality, symmetric, mirrored, scales)
    method = Opening(generator, weights, symmetric, mirrored, scales, trust_code, weights_key, options, adapter=called)
    network = method.open()
    if map_out is not None and crew is None:
        refuse_map(network, f"--map {map_out}")
    if pairs is not None:
        settings = PairSettings(recipe, undecided, borders, queries, align, exposure, edges, steps, blend)
        work = FusingPairs(method if crew is None else replace(method, device=crew.device), settings, out, map_out)
        _fuse_pairs(by_itself(network) if crew is None else _hands_on(crew), work, pairs, force)
        return
    assert first is not None
    assert second is not None
    began = time.perf_counter()
    with share_bar(f"fusing {first.name}") as told:
        fusion = fuse_files(
            *(network, first, second, recipe, undecided, borders, out, queries, told, align, exposure, edges),
            smooth=steps,
            blend=blend,
        )
    fusion.save(out, map_out)
    if report_out is not None:
        from bridgetune.inference.page import pair_page

        write_whole(report_out, pair_page(out.name, fusion, (first, second)))
    places = {"its map": map_out, "page": report_out}
    also = "".join(f", {what} in {place}" for what, place in places.items() if place is not None)
    height, width = fusion.pixels.shape[:2]
    spent = f"({time.perf_counter() - began:.1f} s)"
    RESULTS.print(f"fused image of {width}×{height} pixels in {out}{also} {spent}", markup=False)


def _hands_on(cluster: Cluster) -> PairHands:
    from bridgetune.cluster.crew import Crew

    return Crew(cluster)


def _fuse_pairs(hands: PairHands, work: FusingPairs, pairs: Path, force: bool) -> None:
    """Fuse the pairs of a folder; those that cannot be are named at the end."""
    from bridgetune.inference.many import fuse_folder_by

    failed, count, total = dict[str, str](), 0, 0
    with bar("stem") as progress:
        task = progress.add_task("fusing", total=None, stem="")
        for done, count, total in fuse_folder_by(hands, work, pairs, force=force):
            progress.update(task, completed=count, total=total, stem=done.item.stem if done else "")
            if done is not None and done.failure:
                failed[done.item.stem] = done.failure
    and_maps = f", their maps in {as_address(work.maps)}" if work.maps is not None else ""
    RESULTS.print(f"{count} fused images in {as_address(work.out)}{and_maps}", markup=False)
    tell_failures(failed, total, "pairs could not be fused")


def _refuse_folder(*sources: Path | None) -> None:
    """Refuse a folder in the place of a picture: a stack, or pairs, were meant."""
    for source in sources:
        if source is not None and is_folder(source):
            raise RequestError(
                f"fuse: {shown(source)} is a folder, expected two images, A B; a stack of frames in it is for"
                f" `bridgetune stack {shown(source)} -o OUT`, pairs in its A/ and B/ for --pairs {shown(source)}"
            )


def _refuse_file_name(place: Path | None) -> None:
    """Refuse a folder for the results of --pairs that is called as a picture is: one file was expected."""
    from bridgetune.data import IMAGE_SUFFIXES

    if place is not None and place.suffix.lower() in IMAGE_SUFFIXES and not is_folder(place):
        raise RequestError(
            f"{shown(place)}: the name of a file, expected a folder for the fused images of --pairs; leave out"
            f" {shown(place.suffix)}"
        )


def _check_files(sources: list[Path], out: Path, map_out: Path | None, force: bool) -> None:
    from bridgetune.destinations import check_apart
    from bridgetune.pictures import check_image_place

    outputs = [out] if map_out is None else [out, map_out]
    check_apart(outputs, sources)
    for place, what in zip(outputs, ("the fused image", "the decision map"), strict=False):
        check_image_place(place, what, force=force)
