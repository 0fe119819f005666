"""Files that are to be refused: pictures with faults in their bytes, and files of other kinds."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    """A file as Pillow writes it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    """A file as tifffile writes it."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of PNG, its checksum right."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, raw: bytes, bits: int = 8, before: bytes = b"") -> bytes:
    """A gray PNG that declares a size and holds what it is given, chunks `before` its pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def jpeg_declaring(width: int, height: int) -> bytes:
    """A JPEG of 16x16 pixels that declares others."""
    data = bytearray(encoded(np.zeros((16, 16, 3), np.uint8), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def directory(tags: dict[int, tuple[int, int, int]], following: int = 0, data: bytes = b"") -> bytes:
    """A TIFF of one directory at 8: kind, number and value of each tag; where the next one is; bytes behind."""
    entries = b"".join(struct.pack("<HHII", tag, *tags[tag]) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + data


def plain_tags(width: int = 4, height: int = 4, place: int = 200) -> dict[int, tuple[int, int, int]]:
    """Tags of an uncompressed gray picture of 8 bits whose pixels lie at a place."""
    return {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        273: (4, 1, place),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, width * height),
    }
