"""TIFF as microscopes, cameras and programs write it: a page, gray or in colour, decoded by tifffile."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, TiffFile, TiffPage

from bridgetune.pictures._directories import SUB_DIRECTORIES, Directories, Directory
from bridgetune.pictures._door import RawError, opened, size_of
from bridgetune.pictures._planes import REDUCED, SUBFILE, Plane
from bridgetune.pictures._room import ARITHMETIC, DEFLATE, JPEG, LZW, PACK_BITS, refuse_without_room
from bridgetune.pictures._samples import Pixels, UnsupportedError, cmyk_to_rgb, unsigned, upright, upright_size

_ORIENTATION = 274

_DENSEST = {
    COMPRESSION.NONE: 1,
    COMPRESSION.LZW: LZW,
    COMPRESSION.ADOBE_DEFLATE: DEFLATE,
    COMPRESSION.DEFLATE: DEFLATE,
    COMPRESSION.PACKBITS: PACK_BITS,
    COMPRESSION.JPEG: 4 * JPEG,
    COMPRESSION.LZMA: ARITHMETIC,
    COMPRESSION.ZSTD: ARITHMETIC,
    COMPRESSION.WEBP: ARITHMETIC,
}
"""What is decoded, and how many bytes a byte becomes at most."""

_SIDES = (256, 257, 277, 278, 322, 323)
_TABLES = (273, 279, 324, 325)
_COMPRESSION, _KIND = 259, 262
_RAW_TAGS = {50706: "DNG", 33422: "a picture of single colours in a pattern"}
_RAW_KINDS = {32803, 34892}
_RAW_COMPRESSIONS = {32767, 32769, 32770, 34713, 65000, 65535}

_MOST_SEGMENTS = 1 << 18
_MOST_SUB_DIRECTORIES = 64
_JPEG_PADDING = 64
_PADDING = 8
"""Bytes of a strip that round its length."""

_BLOCK = 1 << 20

_MOST_LZMA = 1 << 28
"""Bytes of memory for its dictionary; the highest preset takes a quarter of it."""

_NUMBERS = (
    *("compression", "photometric", "predictor", "planarconfig", "fillorder"),
    *("imagewidth", "imagelength", "rowsperstrip", "samplesperpixel"),
)


def read_tiff(path: Path, plane: Plane | None = None) -> Pixels:
    """Decode to (H, W) or (H, W, 3), upright, alpha dropped. Raises whatever tifffile does besides.

    Args:
        path: The file.
        plane: Which of its pages; None where it must have one.
    """
    with _page(path, plane) as page:
        _refuse_damaged(page)
        return upright(_decode(page), _orientation(page))


def read_tiff_alpha(path: Path, plane: Plane | None = None) -> Pixels | None:
    """(H, W) upright, 0 where the picture is transparent; None where the file has no such channel.

    Raises:
        UnsupportedError: Colours are multiplied by it already.
    """
    with _page(path, plane) as page:
        kinds = [*page.extrasamples]
        if EXTRASAMPLE.ASSOCALPHA in kinds:
            raise UnsupportedError("colours that are multiplied by their transparency")
        if EXTRASAMPLE.UNASSALPHA not in kinds:
            return None
        samples = page.asarray()
        place = kinds.index(EXTRASAMPLE.UNASSALPHA) - len(kinds)
        opacity = samples[place] if page.axes == "SYX" else samples[..., place]
        return upright(unsigned(opacity, page.bitspersample), _orientation(page))


def tiff_size(path: Path, plane: Plane | None = None) -> tuple[int, int]:
    """(height, width) of the upright picture, from the header."""
    with _page(path, plane) as page:
        return upright_size((page.imagelength, page.imagewidth), _orientation(page))


@contextmanager
def _page(path: Path, plane: Plane | None) -> Iterator[TiffPage]:
    with opened(path) as stream, tiff_file(stream, path.name, plane) as file:
        if plane is None:
            pages = [page for each in file.pages if not (page := each.aspage()).is_reduced]
            if len(pages) != 1:
                raise _several(len(pages))
        else:
            pages = [file.pages[plane.number].aspage()]
            if pages[0].offset != plane.place:
                raise ValueError("its pages have changed while they were read")
        _refuse_hollow(pages[0], file.filehandle.size)
        yield pages[0]


def tiff_file(stream: BinaryIO, name: str, plane: Plane | None = None) -> TiffFile:
    """A TIFF whose directories are whole, as tifffile has it, which guesses nothing of what else it may be.

    Args:
        stream: Of the file.
        name: Its name.
        plane: The page that is looked at, of several; None where it must have one.

    Raises:
        RawError: A camera's raw file.
        ValueError: It is damaged.
    """
    _refuse_directories(stream, plane)
    stream.seek(0)
    return TiffFile(stream, name=name, is_ndpi=False, is_lsm=False, is_scanimage=False, _multifile=False)


def refuse_raw(path: Path) -> None:
    """Refuse a TIFF that is a camera's raw file.

    Raises:
        RawError: It is one.
        ValueError: It is damaged.
    """
    with opened(path) as stream:
        directories = Directories(stream, size_of(stream))
        for page in [*directories.chain().values()][:_MOST_SUB_DIRECTORIES]:
            _refuse_raw(directories, page)


def _refuse_directories(stream: BinaryIO, plane: Plane | None) -> None:
    """Refuse a raw file, and directories that tifffile would not come back from, or would mend by a guess.

    Raises:
        UnsupportedError: A camera's raw file, or several pages where one is expected.
        ValueError: It is damaged.
    """
    directories = Directories(stream, size_of(stream))
    if plane is not None:
        for place in {directories.first, plane.place}:  # tifffile opens the first in any case
            _refuse_page(directories, directories.at(place)[0])
        return
    pages = [*directories.chain().values()]
    if not pages:
        raise ValueError("it has no page")
    for page in pages[:_MOST_SUB_DIRECTORIES]:
        _refuse_raw(directories, page)
    whole = sum(not next(iter(directories.numbers(page, SUBFILE, 1)), 0) & REDUCED for page in pages)
    if whole > 1 or len(pages) > _MOST_SUB_DIRECTORIES:
        raise _several(whole)
    for page in pages:
        _refuse_page(directories, page)


def _several(pages: int) -> UnsupportedError:
    return UnsupportedError(
        f"a TIFF of {pages} pages, expected one; fuse them with `bridgetune stack`, or save each page as a file"
    )


def _refuse_page(directories: Directories, page: Directory) -> None:
    directories.refuse_cut_off(page)
    for tag in _SIDES:
        if 0 in directories.numbers(page, tag, 1):
            raise ValueError(f"it declares no pixels: tag {tag} is 0")
    count = max((page[tag].number for tag in _TABLES if tag in page), default=0)
    if count > _MOST_SEGMENTS:
        raise ValueError(f"a picture of {count} strips or tiles")


def _refuse_raw(directories: Directories, page: Directory) -> None:
    below = [page]
    for place in directories.numbers(page, SUB_DIRECTORIES, _MOST_SUB_DIRECTORIES):
        with suppress(ValueError):
            below.append(directories.at(place)[0])
    for each in below:
        for tag, name in _RAW_TAGS.items():
            if tag in each:
                raise RawError(name)
        kinds = {*directories.numbers(each, _KIND, 1)} & _RAW_KINDS
        if kinds or {*directories.numbers(each, _COMPRESSION, 1)} & _RAW_COMPRESSIONS:
            raise RawError("NEF, ARW, PEF or the like")


def _refuse_hollow(page: TiffPage, size: int) -> None:
    """Refuse a page whose strips or tiles are not all there, or too small for what they must become."""
    if odd := [name for name in _NUMBERS if not isinstance(getattr(page, name), int)]:
        raise ValueError(f"{odd[0]} is no number")
    try:
        most = _DENSEST[COMPRESSION(page.compression)]
    except (KeyError, ValueError):
        name = getattr(page.compression, "name", page.compression)
        raise UnsupportedError(
            f"a TIFF compressed by {name}, expected none, LZW, deflate, PackBits, JPEG, Zstandard, LZMA or WebP;"
            " save it so"
        ) from None
    height, width = page.imagelength, page.imagewidth
    if height < 1 or width < 1 or page.dtype is None or page.samplesperpixel < 1:
        raise ValueError(f"it declares {width}x{height} pixels of {page.samplesperpixel} samples")
    places, lengths = page.dataoffsets, page.databytecounts
    if not places or len(places) != len(lengths):
        raise ValueError(f"{len(places)} strips or tiles of {len(lengths)} lengths")
    held = sum(lengths)
    bits = page.bitspersample if isinstance(page.bitspersample, int) else sum(page.bitspersample)
    planes = page.samplesperpixel if page.planarconfig == PLANARCONFIG.SEPARATE else 1
    stored = planes * height * -(-width * bits * page.samplesperpixel // planes // 8)
    if page.photometric == PHOTOMETRIC.YCBCR:  # of a pixel, a sample at least, and nothing else is sure
        stored //= page.samplesperpixel
    missing = max(map(sum, zip(places, lengths, strict=True))) - size
    if missing > 0:
        raise EOFError(f"{missing} bytes are missing at the end")
    refuse_without_room((height, width), page.dtype.itemsize, stored, held, most)
    count = prod(page.chunked)
    if len(places) != count and not (page.is_contiguous and len(places) < count and held >= stored):
        raise ValueError(f"{len(places)} strips or tiles, where {width}x{height} pixels take {count}")
    if count > _MOST_SEGMENTS or min(lengths) < 1 or min(places) < 8:
        raise ValueError("strips or tiles that are empty")
    if page.compression == COMPRESSION.NONE and not page.is_tiled and held > stored + _PADDING * len(places):
        raise ValueError(f"{held} bytes of pixels, where {width}x{height} take {stored}")
    segment = prod(page.chunks) * page.dtype.itemsize
    if segment > most * held + size:
        raise ValueError(f"tiles of {segment} bytes, which {held} cannot hold")


def _refuse_damaged(page: TiffPage) -> None:
    """Refuse compressed strips or tiles that decode to less than their share.

    The decoders of some end early, or go on with gray, and say nothing.
    """
    assert page.dtype is not None
    if page.compression in (COMPRESSION.LZMA, COMPRESSION.JPEG):
        file = page.parent.filehandle
        for place, length in zip(page.dataoffsets, page.databytecounts, strict=True):
            file.seek(place)
            _refuse_cut_segment(page.compression, file.read(length), prod(page.chunks) * page.dtype.itemsize)


def _refuse_cut_segment(compression: int, data: bytes, size: int) -> None:
    if compression == COMPRESSION.JPEG:
        if b"\xff\xd9" not in data[-_JPEG_PADDING:]:
            raise ValueError("a strip or tile of JPEG has no end")
        return
    reader = lzma.LZMADecompressor(memlimit=_MOST_LZMA)
    found = len(reader.decompress(data, max_length=_BLOCK))
    while not reader.eof and found <= size:
        more = len(reader.decompress(b"", max_length=_BLOCK))
        if not more and not reader.eof:
            raise ValueError("a strip or tile of LZMA is cut off")
        found += more


def _orientation(page: TiffPage) -> int:
    tag = page.tags.get(_ORIENTATION)
    return tag.value if tag is not None and isinstance(tag.value, int) else 1


def _decode(page: TiffPage) -> Pixels:
    kind, bits = page.photometric, page.bitspersample
    samples = page.asarray()
    if page.axes == "YX":
        samples = samples[..., None]
    elif page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    elif page.axes != "YXS":
        raise UnsupportedError(f"a TIFF with axes {page.axes}, expected a flat picture")
    channels = samples.shape[-1]

    if kind in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE) and channels <= 2:
        gray = unsigned(samples[..., 0], bits)
        return np.iinfo(gray.dtype).max - gray if kind == PHOTOMETRIC.MINISWHITE else gray
    if kind == PHOTOMETRIC.PALETTE and page.colormap is not None:
        colors = (page.colormap >> 8).astype(np.uint8).T
        return np.take(colors, samples[..., 0], axis=0)
    # The JPEG decoder returns RGB for what is stored as YCbCr.
    colours = kind == PHOTOMETRIC.RGB or (kind == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.JPEG)
    if colours and channels >= 3:
        return unsigned(samples[..., :3], bits)
    if kind == PHOTOMETRIC.SEPARATED and channels >= 4:
        return cmyk_to_rgb(unsigned(samples[..., :4], bits))
    name = getattr(kind, "name", kind)
    raise UnsupportedError(
        f"a TIFF of kind {name} with {channels} channels, expected gray, RGB, palette or CMYK; save it as RGB"
    )
