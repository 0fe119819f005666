"""The frames of a stack, read one at a time: from a folder, files, patterns of names, or the pages of a TIFF."""

from __future__ import annotations

import glob
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from bridgetune.errors import RequestError
from bridgetune.ordering import natural_order
from bridgetune.paths import check_file, is_folder, is_there, printable, resolved, shown
from bridgetune.pictures._decoders import TIFF, decoder_of
from bridgetune.pictures._planes import Plane, tiff_planes
from bridgetune.pictures._refusing import in_one_line
from bridgetune.pictures._samples import Pixels
from bridgetune.pictures.images import Picture, image_size, read_whole_image
from bridgetune.pictures.listing import HEIF_SUFFIXES, IMAGE_SUFFIXES, RAW_SUFFIXES, list_folders, list_images

FRAME_SUFFIXES = (*IMAGE_SUFFIXES, *HEIF_SUFFIXES, *RAW_SUFFIXES)
"""What counts as a frame in a folder, in either case."""

Arrangement = Literal["name", "given"]
"""`name`: natural order of the names, 2 before 10. `given`: as they come; of a folder's and a pattern's, by name."""

logger = logging.getLogger("bridgetune")

Read = TypeVar("Read")
"""What is read of a file."""


class UnreadableFrameError(RequestError):
    """A frame cannot be read that a stack can do without: nobody has named it, it lies among the others.

    Args:
        name: Of the frame, or its file.
        reason: Why, in words.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


@runtime_checkable
class Frames(Protocol):
    """Pictures of one scene, focused at different depths, each read when it is asked for.

    Attributes:
        names: What each is called where something is said of it: a file's name, or `stack.tif, page 3`.
    """

    @property
    def names(self) -> Sequence[str]: ...

    def __len__(self) -> int: ...

    def size(self, index: int) -> tuple[int, int]:
        """(height, width), of a file from its header alone."""
        ...

    def read(self, index: int) -> Picture:
        """The frame, with transparency and metadata."""
        ...


class FramesOfFrames:
    """Frames that are others', read in another way.

    Args:
        frames: The others.
    """

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    @property
    def names(self) -> Sequence[str]:
        """See `Frames`."""
        return self._frames.names

    def __len__(self) -> int:
        return len(self._frames)

    def size(self, index: int) -> tuple[int, int]:
        """See `Frames`."""
        return self._frames.size(index)


class Place(NamedTuple):
    """Where a frame is.

    Attributes:
        path: Its file.
        plane: Of a TIFF, its page.
    """

    path: Path
    plane: Plane | None = None


@dataclass(frozen=True)
class FileFrames:
    """Frames in files, as `open_frames` finds them.

    Attributes:
        places: Where each is.
        names: See `Frames`; no two are the same.
        listed: Files that are there because a folder holds them or a pattern names them; the others were asked for.
    """

    places: tuple[Place, ...]
    names: tuple[str, ...]
    listed: frozenset[Path] = frozenset()

    def __len__(self) -> int:
        return len(self.places)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that are read, each once."""
        return tuple(dict.fromkeys(place.path for place in self.places))

    def size(self, index: int) -> tuple[int, int]:
        """See `Frames`.

        Raises:
            UnreadableFrameError: As `image_size`, of one that is listed.
            RequestError: The same of one that was asked for.
        """
        return self._tried(image_size, index)

    def read(self, index: int) -> Picture:
        """See `Frames`.

        Raises:
            UnreadableFrameError: As `read_whole_image`, of one that is listed.
            RequestError: The same of one that was asked for.
        """
        return self._tried(read_whole_image, index)

    def _tried(self, reading: Callable[[Path, Plane | None], Read], index: int) -> Read:
        place = self.places[index]
        try:
            return reading(*place)
        except RequestError as error:
            if place.path in self.listed:
                name = shown(place.path)
                raise UnreadableFrameError(name, str(error).removeprefix(f"{name}: ")) from error
            raise


class HeldFrames:
    """Frames in memory.

    Args:
        pictures: Pictures; or pixels, (H, W, 3) or (H, W) of uint8 or uint16.
        names: What they are called; by default `frame 1`, `frame 2`, …

    Raises:
        RequestError: Pixels of another shape or type, or names that are not one for each.
    """

    def __init__(self, pictures: Iterable[Picture | Pixels], names: Sequence[str] | None = None) -> None:
        self._pictures = [_picture(given, number) for number, given in enumerate(pictures, 1)]
        self.names = tuple(names if names is not None else (f"frame {each + 1}" for each in range(len(self))))
        if len(self.names) != len(self):
            raise RequestError(f"names: got {len(self.names)} for {len(self)} frames, expected one for each")

    def __len__(self) -> int:
        return len(self._pictures)

    def size(self, index: int) -> tuple[int, int]:
        """See `Frames`."""
        return self._pictures[index].size

    def read(self, index: int) -> Picture:
        """See `Frames`."""
        return self._pictures[index]


def open_frames(places: Iterable[str | os.PathLike[str]], order: Arrangement = "name") -> FileFrames:
    """The frames that are at some places; nothing but their headers is read yet.

    Args:
        places: A folder, whose pictures are the frames; files; patterns such as `photos/*.jpg`, in which case does not
            matter; TIFF files of several pages, each a frame. In an OME-TIFF the depth is the stack, or the time where
            there is no depth. Of a folder's or a pattern's files that differ in the suffix alone, a camera's raw file
            is left out, and a line says so.
        order: See `Arrangement`.

    Raises:
        RequestError: Nothing is there, a file that is named is no picture or its header is damaged, a file is given
            twice, or a TIFF that is named has channels, or depth and time, in pages of their own. What a folder holds
            or a pattern names is refused when it is read, see `FileFrames`.
    """
    listed: set[Path] = set()
    files = [file for place in places for file in _files(Path(place), listed)]
    if order == "name":
        files.sort(key=lambda path: (natural_order(path.name), natural_order(str(path.parent))))
    _refuse_twice(files)
    found = [Place(path, plane) for path in files for plane in _planes(path, path in listed)]
    return FileFrames(tuple(found), tuple(_names(found)), frozenset(listed))


def _files(place: Path, listed: set[Path]) -> list[Path]:
    """The files at a place; those of a folder or a pattern are added to what is listed."""
    if is_there(place) and not is_folder(place):
        return [check_file(place, "a picture")]
    if not is_there(place) and not glob.has_magic(str(place)):
        return [check_file(place, "a folder of pictures, or a picture")]
    found = _listed(place) if is_folder(place) else _matching(place)
    listed.update(found)
    return found


def _listed(folder: Path) -> list[Path]:
    found = _without_twins(list_images(folder, FRAME_SUFFIXES), folder)
    if not found:
        within = any(list_images(each, FRAME_SUFFIXES) for each in list_folders(folder))
        mend = "for a stack in each of its folders there is --each" if within else "check the path"
        raise RequestError(f"{shown(folder)}: holds no pictures, expected the frames of a stack; {mend}")
    return found


def _matching(pattern: Path) -> list[Path]:
    above = pattern.parent
    folders = [above]
    if glob.has_magic(str(above)):
        found = Path(above.anchor).glob(str(above.relative_to(above.anchor)))
        folders = sorted(found, key=lambda path: natural_order(str(path)))
    name = pattern.name.casefold()
    files: list[Path] = []
    for folder in filter(is_folder, folders):
        named = [path for path in list_images(folder, FRAME_SUFFIXES) if fnmatchcase(path.name.casefold(), name)]
        files += _without_twins(named, folder)
    if not files:
        raise RequestError(f"{shown(pattern)}: no picture is called so; check the folder and the suffix")
    return files


def _without_twins(files: list[Path], folder: Path) -> list[Path]:
    """Without the raw files of pictures that the camera, or a program, has developed beside them."""
    developed = {path.stem.casefold() for path in files if path.suffix.lower() not in RAW_SUFFIXES}
    kept = [path for path in files if path.suffix.lower() not in RAW_SUFFIXES or path.stem.casefold() not in developed]
    if len(kept) < len(files):
        logger.warning(
            "%s: %d raw files lie beside pictures of the same names, which are taken instead",
            shown(folder),
            len(files) - len(kept),
        )
    return kept


def _refuse_twice(files: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for path in files:
        other = seen.setdefault(resolved(path), path)
        if other is not path:
            also = "" if other == path else f", also as {shown(other)}"
            raise RequestError(f"{shown(path)}: given twice{also}; leave one out")


def _planes(path: Path, listed: bool) -> Sequence[Plane | None]:
    """The pages of a file that is one of several; one that is listed and cannot be read has one, to be told later."""
    try:
        with in_one_line(path):
            return tiff_planes(path) if decoder_of(path) is TIFF else [None]
    except RequestError:
        if listed:
            return [None]
        raise


def _names(places: Sequence[Place]) -> Iterator[str]:
    pages = Counter(place.path for place in places)
    files = Counter(path.name for path in pages)
    for path, plane in places:
        name = printable(path.name if files[path.name] == 1 else str(path))
        yield name if plane is None or pages[path] == 1 else f"{name}, page {plane.number + 1}"


def _picture(given: Picture | Pixels, number: int) -> Picture:
    if isinstance(given, Picture):
        return given
    pixels = np.asarray(given)
    shape = pixels.shape
    if pixels.dtype not in (np.uint8, np.uint16) or len(shape) < 2 or shape[2:] not in ((), (3,)) or 0 in shape:
        raise RequestError(
            f"frame {number}: got {pixels.dtype} of shape {shape}, expected (H, W, 3) or (H, W) of uint8 or"
            " uint16; convert a tensor with to_pixels"
        )
    if pixels.ndim == 2:
        return Picture(np.repeat(pixels[..., None], 3, axis=2), gray=True)
    return Picture(pixels, gray=False)
