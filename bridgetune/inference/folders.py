"""Fusing every pair of a folder, into another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from bridgetune.data import SourceFiles, list_images, sources_of
from bridgetune.data.folders import read_scene
from bridgetune.destinations import begun, check_absent, check_apart, check_folder
from bridgetune.errors import RequestError
from bridgetune.files import clear_partial
from bridgetune.inference.aligning import Edges, UnregisteredError
from bridgetune.inference.borders import Borders
from bridgetune.inference.deciding import Undecided
from bridgetune.inference.feathering import Blend
from bridgetune.inference.fusing import FuseRecipe, Fusion, fuse_files
from bridgetune.inference.mapless import refuse_map
from bridgetune.inference.quality import SAVED, Queries
from bridgetune.inference.smoothing import Smoothing
from bridgetune.locking import held
from bridgetune.paths import are_same, shown
from bridgetune.pictures import Alignment
from bridgetune.protocol import Evaluator

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class PairSettings:
    """How pairs are fused; see `fuse_files`."""

    recipe: FuseRecipe = "paper"
    undecided: Undecided = "settle"
    borders: Borders = "replace"
    queries: Queries = SAVED
    align: Alignment = "none"
    exposure: bool = False
    edges: Edges = "crop"
    smooth: Sequence[Smoothing] = ()
    blend: Blend = "feather"

    def fused(self, generator: nn.Module | Evaluator, first: Path, second: Path) -> Fusion:
        """A pair in two files, fused."""
        return fuse_files(
            *(generator, first, second, self.recipe, self.undecided, self.borders),
            queries=self.queries,
            align=self.align,
            exposure=self.exposure,
            edges=self.edges,
            smooth=self.smooth,
            blend=self.blend,
        )


def fuse_folder(
    generator: nn.Module | Evaluator,
    folder: Path,
    out: Path,
    recipe: FuseRecipe = "paper",
    maps: Path | None = None,
    undecided: Undecided = "settle",
    borders: Borders = "replace",
    force: bool = False,
    queries: Queries = SAVED,
    align: Alignment = "none",
    exposure: bool = False,
    edges: Edges = "crop",
    smooth: Sequence[Smoothing] = (),
    blend: Blend = "feather",
) -> Iterator[tuple[str, int, int]]:
    """Fuse every pair of `folder`/A and `folder`/B into `out`/STEM.png, one a step of the iterator.

    Args:
        folder: Holds `A/` and `B/`, matched by stem. A pair that cannot be read or aligned, or that has two sizes and
            is not aligned, is named and left out.
        out: Made where it is missing.
        recipe, undecided, borders, queries, smooth, blend: See `fuse_pictures`.
        maps: Where the decisions are written likewise; None writes none.
        align, exposure, edges: See `fuse_files`.
        force: Replace fused images and maps that are there.

    Yields:
        The stem, how many are done, how many there are.

    Raises:
        RequestError: Before anything is written; or no pair can be fused.
        WorkError: A file cannot be written.
    """
    if maps is not None:
        refuse_map(generator, str(maps))
    check_places(folder, out, maps, force)
    sources = sources_of(folder, verify="names")
    settings = PairSettings(recipe, undecided, borders, queries, align, exposure, edges, smooth, blend)
    with ExitStack() as alone:
        for place in (out, maps):
            if place is not None:
                clear_partial(place, alone.enter_context(held(place)))
        done, reason = 0, ""
        for pair, failure in fused_in_turn(
            *(generator, settings, sources),
            lambda stem: [place / f"{stem}.png" for place in (out, maps) if place is not None],
        ):
            if failure:
                reason = failure
                logger.warning("%s; the pair is left out", failure)
                continue
            done += 1
            yield pair.stem, done, len(sources)
        if not done:
            raise RequestError(f"{shown(folder)}: no pair can be fused: {reason}")


def fused_in_turn(
    generator: nn.Module | Evaluator,
    settings: PairSettings,
    pairs: Sequence[SourceFiles],
    files: Callable[[str], Sequence[Path]],
) -> Iterator[tuple[SourceFiles, str]]:
    """Fuse pairs and write what comes of them, one a step of the iterator.

    Args:
        generator, settings: What fuses, and how.
        pairs: In their order.
        files: Stem -> where the fused image and the map, if any, are written; what is there is replaced.

    Yields:
        The pair, and why it could not be fused, in a line: empty where it was.

    Raises:
        RequestError: Nothing has been fused yet, and a pair with nothing amiss is refused: no other would fare better.
        WorkError: A file cannot be written.
    """
    done = False
    for pair in pairs:
        try:
            fusion = settings.fused(generator, pair.first, pair.second)
        except RequestError as error:
            if not (done or isinstance(error, UnregisteredError) or _is_amiss(pair, settings)):
                raise
            yield pair, str(error)
            continue
        with begun() if done else nullcontext():
            fusion.save(*files(pair.stem))
        done = True
        yield pair, ""


def _is_amiss(pair: SourceFiles, settings: PairSettings) -> bool:
    """Whether a pair cannot be read, or has two sizes and is not aligned."""
    first, second = (pair.first,), (pair.second,)
    scenes = [first + second] if settings.align == "none" else [first, second]
    return any(read_scene(files, images=len(files))[1] is not None for files in scenes)


def check_places(folder: Path, out: Path, maps: Path | None = None, force: bool = False) -> None:
    """Refuse folders that `fuse_folder` could not write to, or in which it would replace files; see there.

    Raises:
        RequestError: One line for the first.
    """
    stems = [path.stem for path in list_images(folder / "A")]
    places = [out] if maps is None else [out, maps]
    for place in places:
        check_folder(place, "the fused images")
        if any(are_same(place, folder / side) for side in "AB"):
            raise RequestError(f"{shown(place)}: holds the sources; name another folder for the fused images")
    check_apart(places)
    check_absent([place / f"{stem}.png" for place in places for stem in stems], force)
