"""The one way in for image files: regular files alone, never waited for, of the formats that are read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from bridgetune.contents import mistaken
from bridgetune.paths import open_file
from bridgetune.pictures._quiet import quiet
from bridgetune.pictures._samples import UnsupportedError

KINDS = "a PNG, TIFF, JPEG, BMP, WebP, GIF, JPEG 2000 or PNM file"
READABLE = f"expected {KINDS}"

_HEAD = 512

_LARGEST = 2 << 30
"""Bytes of a file that is no TIFF: it is read through as a whole, a check of it included."""


class Format(StrEnum):
    """What is read."""

    PNG = "PNG"
    TIFF = "TIFF"
    JPEG = "JPEG"
    BMP = "BMP"
    WEBP = "WebP"
    GIF = "GIF"
    JPEG_2000 = "JPEG 2000"
    PNM = "PNM"
    HEIF = "HEIF"


_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": Format.PNG,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), Format.TIFF),
    b"\xff\xd8\xff": Format.JPEG,
    b"BM": Format.BMP,
    **dict.fromkeys((b"GIF87a", b"GIF89a"), Format.GIF),
    **dict.fromkeys((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"), Format.JPEG_2000),
    **dict.fromkeys(
        (b"P%d" % kind + space for kind in range(1, 7) for space in (b" ", b"\n", b"\r", b"\t")), Format.PNM
    ),
}

_RAW = "a camera's raw file; develop it to TIFF first, or pip install 'bridgetune[raw]' to have it developed here"
_SAVE = "save it as PNG or TIFF first"
_EXPORT = "export it as TIFF first"

_RAWS = (
    (0, b"FUJIFILMCCD-RAW", "Fujifilm RAF"),
    *((0, magic, "Olympus ORF") for magic in (b"IIRO", b"IIRS", b"MMOR")),
    (0, b"IIU\0", "Panasonic RW2"),
    (0, b"FOVb", "Sigma X3F"),
    (0, b"\0MRM", "Minolta MRW"),
    (6, b"HEAPCCDR", "Canon CRW"),
    (4, b"ftypcrx ", "Canon CR3"),
)

_FOREIGN = (
    *((0, magic, f"a JPEG XL picture, {READABLE}; {_SAVE}") for magic in (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    *((0, magic, f"PostScript, {READABLE}; {_SAVE}") for magic in (b"%!", b"\xc5\xd0\xd3\xc6")),
    (0, b"8BPS", f"a Photoshop document, {READABLE}; {_SAVE}"),
    (0, b"v/1\x01", f"an OpenEXR picture, {READABLE}; {_SAVE}"),
    (128, b"DICM", f"a DICOM file, {READABLE}; {_EXPORT}"),
    (0, b"ZISRAWFILE", f"a CZI file of a microscope, {READABLE}; {_EXPORT}"),
    (0, b"\xda\xce\xbe\x0a", f"an ND2 file of a microscope, {READABLE}; {_EXPORT}"),
)

HEIF_MISSING = f"a HEIC or HEIF picture, {READABLE}; {_SAVE}, or pip install 'bridgetune[heif]' to have it read here"

_AVIF = frozenset((b"avif", b"avis"))
_HEIF = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


class RawError(UnsupportedError):
    """A camera's raw file, of a kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind}, {_RAW}")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, for reading; a pipe, a device or a socket is never opened. What reads it says nothing itself.

    Raises:
        RequestError: It is another kind of file, or cannot be opened.
        UnsupportedError: It is empty, as those of /proc say they are.
    """
    with open_file(path, KINDS) as file, quiet():
        if not size_of(file):
            raise UnsupportedError(f"not an image but an empty file, {READABLE}; fetch it again")
        yield file


def format_of(path: Path) -> Format:
    """What a file holds, by its content, whatever its suffix.

    Raises:
        RawError: A camera's raw file that does not begin as a TIFF does; those that do are told apart by their tags.
        UnsupportedError: Something else, which is named where it is known.
    """
    with opened(path) as file:
        head, size = file.read(_HEAD), size_of(file)
    found = _found(head)
    if found is not Format.TIFF:
        refuse_long(found, size)
    return found


def refuse_long(kind: str, size: int) -> None:
    """Refuse a file that is read through as a whole, and has too many bytes for that."""
    if size > _LARGEST:
        raise UnsupportedError(f"a {kind} file of {size >> 20} MB, expected {_LARGEST >> 20} at most; save it as TIFF")


def _found(head: bytes) -> Format:
    if head.startswith(b"II*\0") and head[8:10] == b"CR":
        raise RawError("Canon CR2")
    for at, magic, name in _RAWS:
        if head.startswith(magic, at):
            raise RawError(name)
    for beginning, found in _BEGINNINGS.items():
        if head.startswith(beginning):
            return found
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp" and not _AVIF & _brands(head) and _HEIF & _brands(head):
        return Format.HEIF
    raise UnsupportedError(_name_of(head))


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def _brands(head: bytes) -> set[bytes]:
    """Of a file that begins as those of HEIF and of videos do."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, size, 4))}


def _name_of(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        if _AVIF & _brands(head):
            return f"an AVIF picture, {READABLE}; {_SAVE}"
        return f"a video, {READABLE}; save the frame that is meant"
    for at, magic, name in _FOREIGN:
        if head.startswith(magic, at):
            return name
    if what := mistaken(head):
        return f"{what}; {READABLE}"
    if b"<svg" in head:
        return f"an SVG drawing, {READABLE}; {_SAVE}"
    return f"not an image, whatever its suffix says; {READABLE}"
