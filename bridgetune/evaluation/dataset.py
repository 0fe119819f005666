"""The files of an evaluation: sources, what a method made of them, and the ground truth that may be there.

Nothing is left out quietly: a mean over fewer images than one thinks is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridgetune.data import image_size, list_images
from bridgetune.errors import RequestError
from bridgetune.ordering import natural_order
from bridgetune.paths import is_folder
from bridgetune.stores import is_stored, listed

SOURCES = ("A", "B")
MASK, CLEAR = "mask", "clear"

UNKNOWN = (0, 0)
"""The size of what nobody has looked at."""

_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class ImageFiles:
    """The files of one image.

    Attributes:
        stem: Of the first source.
        size: (height, width) of all of them, or `UNKNOWN`.
        fused: A method's saved result.
        mask: The true decision map, white where the first source is in focus.
        clear: The all-in-focus image.
    """

    stem: str
    size: tuple[int, int]
    first: Path
    second: Path
    fused: Path | None = None
    mask: Path | None = None
    clear: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Those that there are."""
        return [path for path in (self.first, self.second, self.fused, self.mask, self.clear) if path is not None]

    def moved(self, places: Sequence[Path]) -> ImageFiles:
        """The same files at other places, in the order of `paths`."""
        new: Mapping[Path | None, Path] = dict(zip(self.paths, places, strict=True))
        others = new.get(self.fused), new.get(self.mask), new.get(self.clear)
        return ImageFiles(self.stem, self.size, new[self.first], new[self.second], *others)


@dataclass(frozen=True)
class DatasetFiles:
    """All files of an evaluation.

    Attributes:
        images: In natural order of the stems.
        matched_by_order: Folders whose files have other stems than the first source's, and go by natural order.
    """

    images: list[ImageFiles]
    matched_by_order: list[Path]


def find_dataset(sources: Path, fused: Path | None = None, *, headers: bool = True) -> DatasetFiles:
    """Find, match and check the files, by their headers.

    Args:
        sources: Holds `A/` and `B/`, and `mask/` and `clear/` where there is a ground truth.
        fused: A method's saved results; None where a generator is to fuse.
        headers: Whether to read them; without, sizes are unknown, and `check_sizes` is left to do.

    Raises:
        RequestError: A missing folder or file, a file of another size, or counts that differ; files are named.
    """
    folders = {"first": sources / "A", "second": sources / "B"}
    folders |= {name: sources / name for name in (MASK, CLEAR) if _is_folder(sources / name)}
    if fused is not None:
        folders["fused"] = fused
    firsts = _listed(folders["first"])
    columns: dict[str, list[Path]] = {"first": list(firsts.values())}
    by_order = []
    for name, folder in list(folders.items())[1:]:
        columns[name], ordered = _matched(folders["first"], firsts, folder)
        if ordered:
            by_order.append(folder)
    found = []
    for place, stem in enumerate(firsts):
        files = {name: column[place] for name, column in columns.items()}
        image = ImageFiles(stem, UNKNOWN, **files)
        found.append(replace(image, size=check_sizes(image)) if headers else image)
    return DatasetFiles(found, by_order)


def check_sizes(files: ImageFiles) -> tuple[int, int]:
    """The size (height, width) that all files of an image have.

    Raises:
        RequestError: One has another.
    """
    size = image_size(files.first)
    for path in files.paths:
        _check_size(path, files.first, size)
    return size


def _is_folder(path: Path) -> bool:
    return path in listed(path.parent, "folder") if is_stored(path) else is_folder(path)


def _listed(folder: Path) -> dict[str, Path]:
    """Stem -> file, in natural order of the stems."""
    files = sorted(list_images(folder), key=lambda path: natural_order(path.stem))
    if not files:
        raise RequestError(f"{folder}: no images there, expected one for each pair")
    listed: dict[str, Path] = {}
    for path in files:
        if path.stem in listed:
            raise RequestError(f"{folder}: {listed[path.stem].name} and {path.name} have one stem; remove one of them")
        listed[path.stem] = path
    return listed


def _matched(reference: Path, firsts: dict[str, Path], folder: Path) -> tuple[list[Path], bool]:
    """The folder's files in the order of the first sources, and whether natural order had to match them."""
    found = _listed(folder)
    shared = [stem for stem in firsts if stem in found]
    if not shared and len(found) == len(firsts):
        return list(found.values()), True
    missing, surplus = [stem for stem in firsts if stem not in found], [stem for stem in found if stem not in firsts]
    if not shared:
        raise RequestError(
            f"{folder}: {len(found)} images, {reference} has {len(firsts)}, and no stem in common;"
            " expected files of the same stems, or as many in the same order"
        )
    for absent, here, there in ((missing, folder, reference), (surplus, reference, folder)):
        if absent:
            raise RequestError(f"{here}: no file for {_few(absent)}, but {there} has; add what is missing")
    return [found[stem] for stem in firsts], False


def _check_size(path: Path, first: Path, size: tuple[int, int]) -> None:
    found = image_size(path)
    if found != size:
        raise RequestError(
            f"{path}: {found[1]}×{found[0]} pixels, but {first} has {size[1]}×{size[0]}; expected one size"
        )


def _few(stems: Sequence[str]) -> str:
    more = f" and {len(stems) - _NAMED_AT_MOST} more" if len(stems) > _NAMED_AT_MOST else ""
    return ", ".join(stems[:_NAMED_AT_MOST]) + more
