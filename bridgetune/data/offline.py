"""The offline dataset of the paper: pairs synthesised once, and written as files that `FolderPairs` reads."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.config.bounds import Processes, Seed, within
from bridgetune.data.blur import random_kernel_size
from bridgetune.data.folders import THREADS, Verify
from bridgetune.data.framing import Fit, Framing
from bridgetune.data.pairs import SyntheticPairs, multi_focus_pair
from bridgetune.destinations import check_folder
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import half_made, write_whole
from bridgetune.locking import held_beside
from bridgetune.paths import entries, is_there, shown
from bridgetune.pictures.images import to_pixels, to_tensor, write_image


@dataclass(frozen=True)
class DatasetRecord:
    """What was decided for a dataset; its `dataset.json`.

    Attributes:
        seed, size, fit, kernel_sizes: As given to `make_dataset`.
        count: Number of pairs.
        kernels: The blur's kernel size, by stem.
        skipped: File (with its folder) and reason of whatever was left out.
    """

    seed: int
    size: int | None
    fit: Fit
    kernel_sizes: tuple[int, int]
    count: int
    kernels: dict[str, int]
    skipped: dict[str, str]


def make_dataset(
    images: str | os.PathLike[str],
    masks: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    size: int | None = 256,
    fit: Fit = "resize",
    seed: int = 0,
    kernel_sizes: tuple[int, int] = (3, 21),
    verify: Verify = "decode",
    threads: int = THREADS,
    progress: Callable[[int, int], None] | None = None,
) -> DatasetRecord:
    """Write `out`/A, `out`/B and `out`/mask as 8-bit PNG, and `out`/dataset.json.

    They are made beside `out`, in `.NAME.bridgetune-partial`, which becomes `out` when all are there. What a killed
    process left of one is cleared by the next.

    A pair depends on its files, on the seed and on its stem alone: neither the number of threads nor other
    images change it. Nothing is flipped.

    Args:
        images, masks, kernel_sizes, verify: As in `SyntheticPairs`.
        out: A folder that is new or empty.
        size: Height and width of the pairs; None for each image's own, `fit` is then of no effect.
        fit: See `Framing`.
        seed: From 0 to 2³² - 1.
        threads: How many pairs are worked on at a time.
        progress: Called as ``progress(done, total)`` after every pair, from the calling thread.

    Raises:
        RequestError: As `SyntheticPairs`, or `out` holds something, or a number is out of range; nothing is
            written.
        WorkError: A file became unreadable or could not be written on the way.
    """
    out = Path(out)
    refuse_used(out, "the pairs")
    within("seed", seed, Seed)
    within("threads", threads, Processes)
    scenes = SyntheticPairs(images, masks, size, fit, flips=False, kernel_sizes=kernel_sizes, verify=verify)

    with made_whole(out, "the pairs") as partial:
        kernels = _write_pairs(scenes, partial, seed, kernel_sizes, threads, progress)
        skipped = {f"{path.parent.name}/{path.name}": reason for path, reason in scenes.skipped}
        record = DatasetRecord(seed, size, fit, kernel_sizes, len(scenes), kernels, skipped)
        write_whole(partial / "dataset.json", json.dumps(asdict(record), indent=2) + "\n")
    return record


@contextmanager
def made_whole(out: Path, what: str) -> Iterator[Path]:
    """Yield a folder beside `out`, which becomes `out` if all goes well, and is removed if not.

    Args:
        out: New or empty.
        what: Is made: `the pairs`.

    Raises:
        RequestError: Something is in `out`, or another process makes it.
        WorkError: It cannot be written there.
    """
    with held_beside(out):
        refuse_used(out, what)
        partial = half_made(out)
        try:
            shutil.rmtree(partial, ignore_errors=True)
            yield partial
            with contextlib.suppress(FileNotFoundError):
                out.rmdir()
            partial.rename(out)
        except OSError as error:
            raise WorkError(f"{out}: cannot be written ({error.strerror}); name another place") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def refuse_used(out: Path, what: str) -> None:
    """Raise `RequestError` unless a folder is new or empty and could be written; see `made_whole`."""
    check_folder(out, what)
    if is_there(out) and entries(out):
        raise RequestError(f"{shown(out)}: is there and not empty, expected a new folder; name another or delete it")


def write_pair(
    framing: Framing,
    layers: Sequence[NDArray[Any]],
    folder: Path,
    stem: str,
    seed: int,
    kernel_sizes: tuple[int, int],
) -> int:
    """Write the pair of a scene, as `make_dataset` does, and return its kernel's size.

    Args:
        framing: How the scene comes to its size.
        layers: (H, W, 3) and (H, W) bool: the photograph and its mask.
        folder: Where A, B and mask lie.
        stem: Of the files; with the seed, all that chance depends on.
        seed, kernel_sizes: See `make_dataset`.
    """
    rng = _chance(seed, stem)
    pixels, inside = framing.apply(layers, rng)
    return _write_pair(to_tensor(pixels), to_tensor(inside), folder, stem, rng, kernel_sizes)


def _chance(seed: int, stem: str) -> np.random.Generator:
    return np.random.default_rng([seed, *stem.encode("utf-8", "surrogateescape")])


def _write_pair(
    image: Tensor, mask: Tensor, folder: Path, stem: str, rng: np.random.Generator, kernel_sizes: tuple[int, int]
) -> int:
    kernel_size = random_kernel_size(rng, *kernel_sizes)
    pair = multi_focus_pair(image, mask, kernel_size)
    for name, layer in zip(("A", "B", "mask"), pair, strict=True):
        write_image(folder / name / f"{stem}.png", to_pixels(layer))
    return kernel_size


def _write_pairs(
    scenes: SyntheticPairs,
    folder: Path,
    seed: int,
    kernel_sizes: tuple[int, int],
    threads: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, int]:
    """Every pair into the folder; the kernel's size of each, by stem."""

    def write(index: int) -> int:
        stem = scenes.stems[index]
        rng = _chance(seed, stem)
        try:
            image, mask = scenes.scene(index, rng)
        except RequestError as error:
            raise WorkError(str(error)) from error
        return _write_pair(image, mask, folder, stem, rng, kernel_sizes)

    kernels: dict[str, int] = {}
    pool = ThreadPoolExecutor(threads)
    try:
        for stem, kernel_size in zip(scenes.stems, pool.map(write, range(len(scenes))), strict=True):
            kernels[stem] = kernel_size
            if progress is not None:
                progress(len(kernels), len(scenes))
    finally:
        pool.shutdown(cancel_futures=True)
    return kernels
