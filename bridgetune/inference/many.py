"""Fusing every pair of a folder by hands of this process or of others, on a cluster, say, and with object stores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from bridgetune._version import __version__
from bridgetune.data import sources_of
from bridgetune.data.stored import SourceFiles
from bridgetune.destinations import check_apart, check_folder
from bridgetune.documents import as_json
from bridgetune.errors import RequestError
from bridgetune.filling import filling
from bridgetune.handing import Done
from bridgetune.inference.folders import PairSettings, fused_in_turn
from bridgetune.inference.mapless import refuse_map
from bridgetune.opening import Opening
from bridgetune.paths import are_same, as_text, shown
from bridgetune.protocol import Evaluator
from bridgetune.stores import as_address, fetched, is_stored, made

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class FusingPairs:
    """`Work` on pairs: each is fused into `out`/STEM.png, and its decision into `maps`/STEM.png, where that is named.

    Attributes:
        method: What fuses.
        settings: How.
        out, maps: Folders, of the machines that do it or of an object store.
    """

    method: Opening
    settings: PairSettings
    out: Path
    maps: Path | None = None

    def files(self, stem: str) -> list[Path]:
        """What is made of a pair."""
        return [place / f"{stem}.png" for place in (self.out, self.maps) if place is not None]

    def opened(self) -> Callable[[SourceFiles], None]:
        """See `Work`."""
        generator = self.method.open()
        if self.maps is not None:
            refuse_map(generator, as_address(self.maps))

        def fuse(pair: SourceFiles) -> None:
            with fetched(pair.first, pair.second) as sources, made(*self.files(pair.stem)) as places:
                self.settings.fused(generator, *sources).save(*places)

        return fuse

    def decided(self, folder: Path) -> dict[str, Any]:
        """All that the files depend on, as JSON has it."""
        settings = {name: value for name, value in asdict(self.settings).items() if name != "queries"}
        method = {name: value for name, value in asdict(self.method).items() if name != "trust"}
        places = {"out": self.out, "map": self.maps}
        told = {"pairs": folder, **method, **settings, **asdict(self.settings.queries), **places}
        return {"verb": "fuse", "bridgetune": __version__, **{name: _plain(value) for name, value in told.items()}}


PairHands = Callable[[FusingPairs, Sequence[SourceFiles]], Generator[Done[SourceFiles, None], None, None]]
"""`Hands` that fuse pairs."""


def by_itself(generator: nn.Module | Evaluator) -> PairHands:
    """Hands of this process alone, by a network that is open; what ends their work is told of at `fused_in_turn`."""

    def hands(work: FusingPairs, pairs: Sequence[SourceFiles]) -> Generator[Done[SourceFiles, None], None, None]:
        for pair, failure in fused_in_turn(generator, work.settings, pairs, work.files):
            yield Done(pair, failure=failure)

    return hands


def fuse_folder_by(
    hands: PairHands, work: FusingPairs, folder: Path, *, force: bool = False
) -> Iterator[tuple[Done[SourceFiles, None] | None, int, int]]:
    """Fuse every pair of `folder`/A and `folder`/B by hands, one a step of the iterator, in no order.

    The files are those of `fuse_folder`. What is there already of an earlier start with the same settings is not made
    again. A pair that cannot be read or aligned is told of as the others are, and left out.

    Args:
        hands: Who does it: `Hands`, or `by_itself`.
        work: What is done.
        folder: Holds `A/` and `B/`, matched by stem.
        force: Replace files that are there.

    Yields:
        What became of a pair, nothing at first; how many are there, how many there are to be.

    Raises:
        RequestError: Before anything is written: see `check_places`; or other settings have begun these folders.
        WorkError: The work cannot be done where it is handed to, or a file cannot be written.
    """
    pairs = sources_of(folder, verify="names")
    places = [place for place in (work.out, work.maps) if place is not None]
    _check(folder, places)
    files = (file for pair in pairs for file in work.files(pair.stem))
    with filling(places, files, work.decided(folder), force=force) as filled:
        missing = [pair for pair in pairs if not filled.has(*work.files(pair.stem))]
        there, failed = len(pairs) - len(missing), 0
        if there:
            logger.warning("%s: %d of %d pairs are there from an earlier start", shown(work.out), there, len(pairs))
        yield None, there, len(pairs)
        with closing(hands(work, missing)) as handed:
            for done in handed:
                for remark in done.remarks:
                    logger.warning("%s", remark)
                failed += bool(done.failure)
                there += not done.failure
                yield done, there, len(pairs)
        if not failed:
            filled.is_whole()


def _check(folder: Path, places: list[Path]) -> None:
    for place in places:
        if is_stored(place):
            taken = any(place == folder / side for side in "AB")
        else:
            check_folder(place, "the fused images")
            taken = not is_stored(folder) and any(are_same(place, folder / side) for side in "AB")
        if taken:
            raise RequestError(f"{as_address(place)}: holds the sources; name another folder for the fused images")
    check_apart(places)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return as_text(as_address(value) if is_stored(value) else value.absolute())
    return as_json(value)
