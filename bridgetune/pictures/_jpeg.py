"""JPEG: its segments walked before anything is decoded; the decoder sees no more than what makes pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import imagecodecs

from bridgetune.pictures._door import size_of
from bridgetune.pictures._room import ARITHMETIC, EVEN, JPEG, refuse_without_room
from bridgetune.pictures._samples import Pixels, UnsupportedError

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_PROGRESSIVE = 0xC2
_ARITHMETIC = (0xC9, 0xCA)
_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
_EXIF = b"Exif\0\0"

_MOST_SEGMENTS = 8192
_MOST_SCANS = 100
"""What a progressive file needs is about ten; every one goes through all blocks."""

_BLOCK = 1 << 20
_TAIL = 6
"""Columns of the last block that upsampling leaves alone."""


class Jpeg(NamedTuple):
    """A JPEG's parts.

    Attributes:
        size: (height, width).
        process: The marker of its frame.
        layers: Its channels.
        sampling: Of each, down and across.
        exif: A block, from its byte order on; empty where there is none.
        kept: Place and length of the segments that make pixels, before the first scan.
        scan: Place of the first scan.
    """

    size: tuple[int, int]
    process: int
    layers: int
    sampling: list[tuple[int, int]]
    exif: bytes
    kept: list[tuple[int, int]]
    scan: int


class Segment(NamedTuple):
    """A marker, and where what it says lies."""

    marker: int
    place: int
    length: int


def segments(file: BinaryIO) -> Iterator[Segment]:
    """A JPEG's segments up to its first scan, which is the last one.

    Raises:
        ValueError: It is cut off, or has no scan.
    """
    end, place = size_of(file), 2
    for _ in range(_MOST_SEGMENTS):
        marker, place = _marker(file, place)
        if marker in _ALONE:
            continue
        if marker == _END:
            raise ValueError("it has no pixels")
        length = int.from_bytes(file.read(2), "big")
        if length < 2 or place + length > end:
            raise ValueError("it is cut off")
        yield Segment(marker, place + 2, length - 2)
        if marker == _SCAN:
            return
        place += length
    raise ValueError(f"more than {_MOST_SEGMENTS} segments")


def jpeg_parts(file: BinaryIO) -> Jpeg:
    """Walk a JPEG to its first scan.

    Raises:
        ValueError: It is cut off or damaged, or has no room for its pixels.
        UnsupportedError: It is of another process than baseline or progressive.
    """
    kept: list[tuple[int, int]] = []
    frame, exif, process, scan = b"", b"", 0, 0
    for marker, place, length in segments(file):
        file.seek(place)
        if marker == _SCAN:
            scan = place - 4
            break
        if marker in _FRAMES:
            if frame:
                raise ValueError("it has two frames")
            process, frame = marker, file.read(length)
        elif marker == 0xE1 and not exif and (block := file.read(length)).startswith(_EXIF):
            exif = block.removeprefix(_EXIF)
        if not 0xE1 <= marker <= 0xED and marker not in (0xEF, 0xFE):
            kept.append((place - 4, length + 4))
    return _checked(Jpeg((0, 0), process, 0, [], exif, kept, scan), frame, size_of(file))


def jpeg_pixels(file: BinaryIO, jpeg: Jpeg) -> io.BytesIO:
    """A JPEG of the segments that make pixels, no more.

    Raises:
        ValueError: It has too many scans.
    """
    bare = io.BytesIO()
    bare.write(b"\xff\xd8")
    for place, length in jpeg.kept:
        file.seek(place)
        bare.write(file.read(length))
    file.seek(jpeg.scan)
    scans, last = 0, b""
    while block := file.read(_BLOCK):
        joined = last + block
        stop = joined.find(b"\xff\xd9")
        scans += joined.count(b"\xff\xda", 0, stop if stop >= 0 else len(joined))
        if scans > _MOST_SCANS:
            raise ValueError(f"more than {_MOST_SCANS} scans")
        bare.write(block)
        if stop >= 0:
            break
        last = block[-1:] if block.endswith(b"\xff") else b""
    bare.seek(0)
    return bare


def refuse_filled(jpeg: Jpeg, bare: io.BytesIO, pixels: Pixels) -> None:
    """Refuse a JPEG whose last pixels are missing although it has an end.

    The decoder goes on with one colour and says nothing. Where the last blocks are of one colour, or would not
    tell, the file is read again by a reader that takes whole ones only, up to a size: it takes much memory.
    """
    tail = pixels[-1:, -_TAIL:]
    if jpeg.process != _PROGRESSIVE and (tail != tail[:, -1:]).any():
        return
    sides = {side for each in jpeg.sampling for side in each}
    if pixels.nbytes > EVEN or jpeg.process not in _HUFFMAN or jpeg.layers == 4 or not sides <= {1, 2}:
        return
    try:
        imagecodecs.jpegxl_encode_jpeg(bare.getvalue(), usecontainer=True)
    except imagecodecs.JpegxlError as error:
        raise ValueError("its pixels are cut off or damaged") from error


def _marker(file: BinaryIO, place: int) -> tuple[int, int]:
    """The next marker, and where it ends. Bytes that belong to none are passed over, as decoders do."""
    file.seek(place)
    for _ in range(_BLOCK):
        if not (byte := file.read(1)):
            break
        place += 1
        if byte != b"\xff":
            continue
        while (byte := file.read(1)) == b"\xff":
            place += 1
        place += 1
        if byte and byte != b"\0":
            return byte[0], place
    raise ValueError("it is cut off")


def _checked(jpeg: Jpeg, frame: bytes, end: int) -> Jpeg:
    if len(frame) < 6:
        raise ValueError("it has no frame")
    bits, layers = frame[0], frame[5]
    size = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if jpeg.process not in (*_HUFFMAN, *_ARITHMETIC) or bits != 8:
        raise UnsupportedError(
            f"a JPEG of process {jpeg.process - 0xC0} and {bits} bits, expected a baseline or progressive one of 8;"
            " save it as PNG"
        )
    if layers not in (1, 3, 4) or len(frame) != 6 + 3 * layers:
        raise ValueError(f"{layers} layers")
    sampling = [divmod(each, 16) for each in frame[7::3]]
    if any(side not in (1, 2, 3, 4) for each in sampling for side in each):
        raise ValueError("its layers have no size")
    most = ARITHMETIC if jpeg.process in _ARITHMETIC else JPEG
    refuse_without_room(size, 1, size[0] * size[1], end - jpeg.scan, most)
    return jpeg._replace(size=size, layers=layers, sampling=sampling)
