"""Folders of images: listed in natural order, matched by stem, checked once; what is unusable is named."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from numpy.typing import NDArray

from bridgetune.errors import RequestError
from bridgetune.ordering import natural_order
from bridgetune.paths import shown
from bridgetune.pictures.images import image_size, read_image, read_mask_pixels
from bridgetune.pictures.listing import IMAGE_SUFFIXES, list_images

THREADS = min(8, os.cpu_count() or 1)
"""How many files are read at a time unless told otherwise."""

Verify = Literal["decode", "header", "names"]
"""How files are checked on construction: `decode` reads each whole, which finds those that were cut off;
`header` reads only sizes, and a damaged file fails when it is drawn; `names` reads none, and one of another size fails
then, too."""

_NAMED_AT_MOST = 5

_Reader = Callable[[Path], NDArray[Any]]

logger = logging.getLogger("bridgetune")


class Skipped(NamedTuple):
    """A file that is left out, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{shown(self.path.parent.name)}/{shown(self.path.name)} ({self.reason})"


class Collection(NamedTuple):
    """The usable files of some folders.

    Attributes:
        groups: One path a folder, all of one stem and size, in natural order of the stems.
        skipped: The files left out.
    """

    groups: list[tuple[Path, ...]]
    skipped: list[Skipped]


def collect(
    images: Sequence[Path],
    masks: Sequence[Path] = (),
    *,
    verify: Verify = "decode",
    keep: Callable[[tuple[Path, ...], list[NDArray[Any]]], object] = lambda group, layers: None,
) -> Collection:
    """List folders, match their files by stem, and keep what can be read and agrees in size.

    Files that share a stem within a folder are ambiguous and left out. One warning of the logger "bridgetune"
    counts and names what is left out.

    Args:
        images: Folders of images.
        masks: Folders of focus masks, see `read_mask`.
        verify: How thoroughly to read, see `Verify`.
        keep: Handed every usable group and its decoded pixels, from several threads, where they are decoded.

    Returns:
        Groups with a path for each of the images' folders, then each of the masks'.

    Raises:
        RequestError: A missing folder, an unknown `verify`, or nothing left.
    """
    if verify not in get_args(Verify):
        raise RequestError(f"verify: got {verify!r}, expected 'decode', 'header' or 'names'")
    folders = [*images, *masks]
    matched, skipped = _match(folders, [list_images(folder) for folder in folders])

    if verify == "names":
        _report(folders, len(matched), skipped)
        return Collection(matched, skipped)

    def fault(group: tuple[Path, ...]) -> Skipped | None:
        if verify == "header":
            return _fault(group, [image_size] * len(group))
        layers, found = read_scene(group, len(images))
        if found is None:
            keep(group, layers)
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        faults = list(pool.map(fault, matched))

    kept = [group for group, fault in zip(matched, faults, strict=True) if fault is None]
    skipped += [fault for fault in faults if fault is not None]
    _report(folders, len(kept), skipped)
    return Collection(kept, skipped)


def read_scene(files: Sequence[Path], images: int) -> tuple[list[NDArray[Any]], Skipped | None]:
    """The decoded pixels of the files of a scene, and what is wrong with one, if anything is.

    Args:
        files: Images, then masks.
        images: How many are images.
    """
    readers: list[_Reader] = [*[_image_pixels] * images, *[read_mask_pixels] * (len(files) - images)]
    layers: list[NDArray[Any]] = []

    def size(reader: _Reader, path: Path) -> tuple[int, int]:
        layers.append(reader(path))
        height, width = layers[-1].shape[:2]
        return height, width

    return layers, _fault(files, [partial(size, reader) for reader in readers])


def _match(folders: Sequence[Path], listings: Sequence[Sequence[Path]]) -> tuple[list[tuple[Path, ...]], list[Skipped]]:
    by_stem: dict[str, list[list[Path]]] = {}
    for place, listing in enumerate(listings):
        for path in listing:
            by_stem.setdefault(path.stem, [[] for _ in folders])[place].append(path)

    matched: list[tuple[Path, ...]] = []
    skipped: list[Skipped] = []
    for stem in sorted(by_stem, key=natural_order):
        found = by_stem[stem]
        missing = [folder.name for folder, paths in zip(folders, found, strict=True) if not paths]
        several = [folder.name for folder, paths in zip(folders, found, strict=True) if len(paths) > 1]
        if not missing and not several:
            matched.append(tuple(paths[0] for paths in found))
            continue
        reason = (
            f"no file of this stem in {' and '.join(missing)}"
            if missing
            else f"several files of this stem in {' and '.join(several)}"
        )
        skipped += [Skipped(path, reason) for paths in found for path in paths]
    return matched, skipped


def _fault(group: Sequence[Path], readers: Sequence[Callable[[Path], tuple[int, int]]]) -> Skipped | None:
    sizes = []
    for path, reader in zip(group, readers, strict=True):
        try:
            sizes.append(reader(path))
        except RequestError as error:
            return Skipped(path, str(error).removeprefix(f"{shown(path)}: "))
    for path, size in zip(group, sizes, strict=True):
        if size != sizes[0]:
            (height, width), (its_height, its_width) = sizes[0], size
            partner = f"{group[0].parent.name}/{group[0].name}"
            return Skipped(path, f"{its_width}x{its_height} pixels, but {partner} has {width}x{height}")
    return None


def _image_pixels(path: Path) -> NDArray[Any]:
    return read_image(path).pixels


def _report(folders: Sequence[Path], kept: int, skipped: Sequence[Skipped]) -> None:
    where = ", ".join(map(shown, folders))
    named = ", ".join(map(str, skipped[:_NAMED_AT_MOST]))
    if len(skipped) > _NAMED_AT_MOST:
        named += f" and {len(skipped) - _NAMED_AT_MOST} more"
    if not kept:
        expected = "readable images" if len(folders) == 1 else "readable images of one stem and size in each"
        found = f"skipped {named}" if skipped else f"none of {' '.join(IMAGE_SUFFIXES)} is there"
        raise RequestError(f"{where}: nothing to use, expected {expected}; {found}")
    if skipped:
        logger.warning("%s: kept %d, skipped %d: %s", where, kept, len(skipped), named)
