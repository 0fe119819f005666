"""PNG: every chunk is whole before anything is decoded, and the decoder sees no more than what makes pixels."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from math import ceil
from typing import BinaryIO, NamedTuple

from bridgetune.pictures._door import size_of
from bridgetune.pictures._room import DEFLATE, refuse_without_room

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_BLOCK = 1 << 20

_INTERLACED = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Adam7: of each pass, the first column and row, and the steps across and down."""

_MOST_EXIF = 1 << 20
_MOST_CHUNKS = 10_000
_LEAST_CHUNK = 64
"""Bytes of a chunk on the mean, in a file of more than `_MOST_CHUNKS`."""


class Chunk(NamedTuple):
    """A kind, and where its content lies."""

    kind: bytes
    place: int
    length: int


class Png(NamedTuple):
    """A PNG's parts.

    Attributes:
        size: (height, width).
        bits: Of a sample.
        color: Whether a pixel is stored as red, green and blue.
        exif: A block, from its byte order on; empty where there is none.
        chunks: Those that make pixels.
    """

    size: tuple[int, int]
    bits: int
    color: bool
    exif: bytes
    chunks: Sequence[Chunk]


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """A PNG's chunks.

    Raises:
        ValueError: It is cut off, its header is not the first one, or there are too many.
    """
    end = size_of(file)
    place, count, kind = len(_SIGNATURE), 0, b""
    while kind != b"IEND":
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("it is cut off")
        length, kind = struct.unpack(">I4s", head)
        if place + length + 12 > end:
            raise ValueError("it is cut off")
        count += 1
        if count > max(_MOST_CHUNKS, end // _LEAST_CHUNK):
            raise ValueError(f"more than {count - 1} chunks")
        if (kind == b"IHDR") != (count == 1):
            raise ValueError("its header is not where it must be")
        yield Chunk(kind, place + 8, length)
        place += length + 12


def png_parts(file: BinaryIO, checked: bool) -> Png:
    """Walk a PNG.

    Args:
        file: At any place.
        checked: Whether checksums are computed, too.

    Raises:
        ValueError: It is cut off or damaged, or has no room for its pixels.
    """
    exif = b""
    making: list[Chunk] = []
    for chunk in chunks(file):
        file.seek(chunk.place)
        if checked:
            _refuse_damaged(file, chunk.kind, chunk.length)
        if chunk.kind in _PIXELS:
            making.append(chunk)
        elif chunk.kind == b"eXIf" and chunk.length <= _MOST_EXIF:
            file.seek(chunk.place)
            exif = file.read(chunk.length)
        elif not chunk.kind[0] & 0x20:
            raise ValueError(f"a chunk of kind {chunk.kind!r}")
    size, bits, color, stored = _header(file, making)
    if checked:
        _refuse_damaged_pixels(file, making, stored)
    return Png(size, bits, color in (2, 6), exif, making)


def png_pixels(file: BinaryIO, png: Png) -> io.BytesIO:
    """A PNG of the chunks that make pixels, no more."""
    bare = io.BytesIO()
    bare.write(_SIGNATURE)
    for _, place, length in png.chunks:
        file.seek(place - 8)
        bare.write(file.read(length + 12))
    bare.seek(0)
    return bare


def _header(file: BinaryIO, chunks: Sequence[Chunk]) -> tuple[tuple[int, int], int, int, int]:
    """(height, width), bits of a sample, colour type, and bytes of all pixels."""
    _, place, length = chunks[0]
    if length != 13:
        raise ValueError(f"a header of {length} bytes")
    file.seek(place)
    width, height, bits, color, *methods, interlaced = struct.unpack(">IIBBBBB", file.read(13))
    if bits not in _DEPTHS.get(color, ()) or methods != [0, 0] or interlaced > 1:
        raise ValueError(f"{bits} bits of colour type {color}, methods {methods} and {interlaced}")
    held = sum(length for kind, _, length in chunks if kind == b"IDAT")
    passes = _INTERLACED if interlaced else ((0, 0, 1, 1),)
    stored = 0
    for left, top, across, down in passes:
        rows, columns = ceil((height - top) / down), ceil((width - left) / across)
        if rows > 0 and columns > 0:
            stored += rows * (ceil(columns * bits * _CHANNELS[color] / 8) + 1)
    refuse_without_room((height, width), 1 + (bits == 16), stored, held, DEFLATE)
    if held > 2 * stored + _BLOCK:
        raise ValueError(f"{held} bytes of pixels, where {width}x{height} take {stored} uncompressed")
    return (height, width), bits, color, stored


def _refuse_damaged(file: BinaryIO, kind: bytes, length: int) -> None:
    found = zlib.crc32(kind)
    while length:
        block = file.read(min(length, _BLOCK))
        found = zlib.crc32(block, found)
        length -= len(block)
    if found != int.from_bytes(file.read(4), "big"):
        raise ValueError(f"the checksum of chunk {kind.decode('latin-1')!r} is wrong")


def _refuse_damaged_pixels(file: BinaryIO, chunks: Sequence[Chunk], stored: int) -> None:
    """Decoders stop at the last pixel and leave the checksum behind it alone."""
    inflater = zlib.decompressobj()
    found = 0
    for kind, place, length in chunks:
        if kind != b"IDAT":
            continue
        file.seek(place)
        packed = file.read(length)
        while packed and not inflater.eof:
            found += len(inflater.decompress(packed, _BLOCK))
            packed = inflater.unconsumed_tail
            if found > stored + _BLOCK:
                raise ValueError(f"it holds more than the {stored} bytes of its pixels")
    if not inflater.eof or found < stored:
        raise ValueError("its pixels are cut off")
