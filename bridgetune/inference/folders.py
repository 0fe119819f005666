"""Fusing every pair of a folder, into another."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from bridgetune.data import list_images, sources_of
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
        folder: Holds `A/` and `B/`, matched by stem. Pairs that cannot be read are named and left out.
        out: Made where it is missing.
        recipe, undecided, borders, queries, smooth, blend: See `fuse_pictures`.
        maps: Where the decisions are written likewise; None writes none.
        align, exposure, edges: See `fuse_files`. A pair that cannot be aligned is named and left out.
        force: Replace fused images and maps that are there.

    Yields:
        The stem, how many are done, how many there are.

    Raises:
        RequestError: Before anything is written; or no pair can be aligned.
        WorkError: A file has become unreadable, or cannot be written.
    """
    if maps is not None:
        refuse_map(generator, str(maps))
    check_places(folder, out, maps, force)
    sources = sources_of(folder, verify="decode")
    settings = PairSettings(recipe, undecided, borders, queries, align, exposure, edges, smooth, blend)
    with ExitStack() as alone:
        for place in (out, maps):
            if place is not None:
                clear_partial(place, alone.enter_context(held(place)))
        left_out: UnregisteredError | None = None
        done = 0
        for stem, first, second in sources:
            with nullcontext() if done == 0 else begun():
                try:
                    fusion = settings.fused(generator, first, second)
                except UnregisteredError as error:
                    left_out = error
                    logger.warning("%s; the pair is left out", error)
                    continue
                fusion.save(out / f"{stem}.png", maps / f"{stem}.png" if maps is not None else None)
            done += 1
            yield stem, done, len(sources)
        if not done and left_out is not None:
            raise left_out


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
