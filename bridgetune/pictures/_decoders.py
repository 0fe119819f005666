"""Which functions read a file, by what it holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bridgetune.pictures._door import Format, RawError, format_of
from bridgetune.pictures._heif import heif_size, read_heif, read_heif_alpha
from bridgetune.pictures._pillow import pillow_size, read_pillow, read_pillow_alpha
from bridgetune.pictures._planes import Plane
from bridgetune.pictures._raw import can_develop, no_raw_alpha, raw_size, read_raw
from bridgetune.pictures._samples import Pixels
from bridgetune.pictures._tiff import read_tiff, read_tiff_alpha, refuse_raw, tiff_size


class Decoder(NamedTuple):
    """What reads a file's pixels, its transparency, and its (height, width) from the header."""

    pixels: Callable[[Path], Pixels]
    alpha: Callable[[Path], Pixels | None]
    size: Callable[[Path], tuple[int, int]]


PILLOW = Decoder(read_pillow, read_pillow_alpha, pillow_size)
TIFF = Decoder(read_tiff, read_tiff_alpha, tiff_size)
HEIF = Decoder(read_heif, read_heif_alpha, heif_size)
RAW = Decoder(read_raw, no_raw_alpha, raw_size)


def decoder_of(path: Path, plane: Plane | None = None) -> Decoder:
    """What reads a file.

    Args:
        path: The file.
        plane: Of a TIFF of several pages, the one to read.

    Raises:
        UnsupportedError: Of no kind that is read, or of one whose reader is not installed.
        ValueError: It is damaged.
    """
    if plane is not None:
        return Decoder(
            partial(read_tiff, plane=plane), partial(read_tiff_alpha, plane=plane), partial(tiff_size, plane=plane)
        )
    try:
        kind = format_of(path)
        if kind is Format.TIFF:
            refuse_raw(path)
            return TIFF
    except RawError:
        if not can_develop():
            raise
        return RAW
    return HEIF if kind is Format.HEIF else PILLOW
