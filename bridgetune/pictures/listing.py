"""What counts as a picture in a folder, and the order in which people count them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bridgetune.errors import RequestError
from bridgetune.ordering import natural_order
from bridgetune.paths import entries, is_file, is_folder
from bridgetune.stores import is_stored, listed

IMAGE_SUFFIXES = (
    *(".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".webp"),
    *(".gif", ".jp2", ".pbm", ".pgm", ".ppm", ".pnm"),
)
"""What counts as an image in a folder, in either case. Files with other suffixes are not looked at."""

HEIF_SUFFIXES = (".heic", ".heif", ".hif")
"""Likewise in a folder of a stack's frames."""

RAW_SUFFIXES = (
    *(".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".sr2", ".raf", ".orf"),
    *(".rw2", ".pef", ".srw", ".x3f", ".mrw", ".3fr", ".iiq", ".erf", ".mef", ".mos"),
)
"""Those of cameras' raw files."""


def list_images(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> list[Path]:
    """The image files right in a folder, hidden ones left out, in natural order.

    Args:
        folder: Where; on an object store, too.
        suffixes: In lower case; others are not looked at.

    Raises:
        RequestError: No such folder, or not a folder.
    """
    found = listed(folder) if is_stored(folder) else filter(_can_be_read, entries(folder, "a folder of images"))
    return sorted(
        (path for path in found if path.suffix.lower() in suffixes and not path.name.startswith(".")),
        key=lambda path: natural_order(path.name),
    )


def list_folders(folder: Path) -> list[Path]:
    """The folders right in a folder, hidden ones left out, in natural order.

    Args:
        folder: Where; on an object store, too.

    Raises:
        RequestError: No such folder, or not a folder.
    """
    stored = is_stored(folder)
    found = listed(folder, "folder") if stored else filter(_can_be_listed, entries(folder, "a folder of folders"))
    return sorted((path for path in found if not path.name.startswith(".")), key=lambda path: natural_order(path.name))


def _can_be_listed(path: Path) -> bool:
    """Whether it is a folder; a link in a circle, say, is none."""
    try:
        return is_folder(path)
    except RequestError:
        return False


def _can_be_read(path: Path) -> bool:
    """Whether it is a file; a link in a circle, say, is none."""
    try:
        return is_file(path)
    except RequestError:
        return False
