"""The offline dataset made by many hands, on a cluster, say; photographs and masks may lie on an object store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bridgetune._version import __version__
from bridgetune.config.bounds import Seed, within
from bridgetune.data.blur import check_kernel_sizes
from bridgetune.data.folders import collect, read_scene
from bridgetune.data.framing import Fit, Framing
from bridgetune.data.offline import DatasetRecord, refuse_used, write_pair
from bridgetune.documents import as_json
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import half_made, write_whole
from bridgetune.filling import Journal
from bridgetune.handing import Hands
from bridgetune.locking import held_beside
from bridgetune.stores import as_address, fetched, in_words, is_stored

JOURNAL = ".bridgetune.made.jsonl"
"""In the folder that is being made: what came of each photograph."""

NAMED_AT_MOST = 5


class Made(NamedTuple):
    """What came of a photograph: the kernel of its pair; or the file that cannot be used, and why."""

    kernel: int = 0
    file: str = ""
    reason: str = ""


@dataclass(frozen=True)
class MakingPairs:
    """`Work` on a photograph and its mask: a pair, in `folder`/A, `folder`/B and `folder`/mask; see `make_dataset`."""

    folder: Path
    size: int | None
    fit: Fit
    seed: int
    kernel_sizes: tuple[int, int]

    def opened(self) -> Callable[[tuple[Path, ...]], Made]:
        """See `Work`."""
        framing = Framing(self.size, self.fit, flips=False)

        def make(files: tuple[Path, ...]) -> Made:
            with fetched(*files) as near:
                layers, fault = read_scene(near, images=1)
            if fault is not None:
                return Made(0, f"{fault.path.parent.name}/{fault.path.name}", in_words(fault.reason))
            return Made(write_pair(framing, layers, self.folder, files[0].stem, self.seed, self.kernel_sizes))

        return make


class UnmadeError(WorkError):
    """Some pairs could not be made; the others are kept for the same request.

    Attributes:
        failed: Stem -> why.
        count: How many pairs there are to be.
    """

    def __init__(self, failed: Mapping[str, str], count: int) -> None:
        self.failed, self.count = dict(failed), count
        stem, reason = next(iter(failed.items()))
        super().__init__(f"{len(failed)} of {count} pairs could not be made: {stem}: {reason}")


def make_dataset_by(
    hands: Hands,
    images: Path,
    masks: Path,
    out: Path,
    *,
    size: int | None = 256,
    fit: Fit = "resize",
    seed: int = 0,
    kernel_sizes: tuple[int, int] = (3, 21),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DatasetRecord:
    """What `make_dataset` makes, by many hands.

    What is made lies beside `out` until it is whole, and stays there where the work is stopped: the same request goes
    on with it.

    Args:
        hands: Who does it.
        images, masks: Folders; files that cannot be read are left out, as `make_dataset` leaves them.
        out: New or empty, on a drive that all hands write to.
        size, fit, seed, kernel_sizes, progress: See `make_dataset`.

    Raises:
        RequestError: As `make_dataset`; or other settings have begun it.
        UnmadeError: Some pairs could not be made.
        WorkError: The work cannot be done where it is handed to.
    """
    if is_stored(out):
        raise RequestError(f"{as_address(out)}: on an object store, expected a folder that all machines write to")
    refuse_used(out, "the pairs")
    within("seed", seed, Seed)
    check_kernel_sizes(*kernel_sizes)
    scenes = collect([images], [masks], verify="names")
    partial = half_made(out).absolute()
    work = MakingPairs(partial, size, fit, seed, kernel_sizes)
    with held_beside(out):
        refuse_used(out, "the pairs")
        journal = Journal(partial / JOURNAL, _decided(work, images, masks))
        made = {stem: Made(*known) for stem, known in journal.known.items()}
        missing = [files for files in scenes.groups if files[0].stem not in made]
        failed = dict[str, str]()
        with closing(hands(work, missing)) as handed:
            for done in handed:
                stem = done.item[0].stem
                if done.result is None:
                    failed[stem] = done.failure
                    continue
                made[stem] = done.result
                journal.say(stem, done.result)
                progress(len(made), len(scenes.groups))
        if failed:
            raise UnmadeError(failed, len(scenes.groups))
        skipped = {f"{path.parent.name}/{path.name}": reason for path, reason in scenes.skipped}
        record = _record(work, {files[0].stem: made[files[0].stem] for files in scenes.groups}, skipped)
        if not record.kernels:
            raise RequestError(f"{as_address(images)}, {as_address(masks)}: nothing to use; {named(record.skipped)}")
        journal.end()
        _become(partial, out, record)
    return record


def named(skipped: Mapping[str, str]) -> str:
    """Files that are left out, and why, the first of them, in a line."""
    few = [f"{file} ({reason})" for file, reason in list(skipped.items())[:NAMED_AT_MOST]]
    more = f" and {len(skipped) - NAMED_AT_MOST} more" if len(skipped) > NAMED_AT_MOST else ""
    return f"skipped {', '.join(few)}{more}"


def _decided(work: MakingPairs, images: Path, masks: Path) -> dict[str, Any]:
    places = {"images": images, "masks": masks, "folder": work.folder}
    told = {name: as_address(path) if is_stored(path) else str(path.absolute()) for name, path in places.items()}
    return {
        "bridgetune": __version__,
        **as_json({**{name: value for name, value in asdict(work).items() if name != "folder"}, **told}),
    }


def _record(work: MakingPairs, made: Mapping[str, Made], skipped: Mapping[str, str]) -> DatasetRecord:
    kernels = {stem: one.kernel for stem, one in made.items() if one.kernel}
    unusable = {one.file: one.reason for one in made.values() if not one.kernel}
    return DatasetRecord(
        work.seed, work.size, work.fit, work.kernel_sizes, len(kernels), kernels, {**skipped, **unusable}
    )


def _become(partial: Path, out: Path, record: DatasetRecord) -> None:
    write_whole(partial / "dataset.json", json.dumps(asdict(record), indent=2) + "\n")
    with contextlib.suppress(FileNotFoundError):
        out.rmdir()
    partial.rename(out)
