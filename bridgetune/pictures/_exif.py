"""Exif as bytes: a directory of tags with directories in it, taken apart and put together, value by value unchanged.

Nothing is decoded but what has to be: where values lie, and the few that a fused image changes.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

Order = Literal["<", ">"]
Entry = tuple[int, bytes]
"""Type and value, in the byte order of the whole."""

MOST_BYTES = 65_000
"""Of all values together: JPEG has no room for more."""

EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
"""Tags that point to directories, in TIFF's first one and, the last, in Exif's."""

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SOFTWARE = 274, 282, 283, 296, 305
MAKER_NOTE, PIXEL_WIDTH, PIXEL_HEIGHT = 37500, 40962, 40963
DESCRIPTION = 270

_KEPT = {DESCRIPTION, 271, 272, SOFTWARE, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)}
"""What is said of a picture in the first directory; the others say how its pixels are stored."""

_READ = {*_KEPT, ORIENTATION, EXIF, GPS}

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of a value of each type."""

_ITEMS = {**SIZES, 5: 4, 10: 4}
"""Bytes that stand in the file's order."""

_BYTE, _SHORT, _LONG, _RATIONAL = 1, 3, 4, 5


@dataclass(frozen=True)
class Exif:
    """Tags of a picture.

    Attributes:
        order: Of bytes, as in `struct`.
        picture: Of the first directory, what is said of the picture, without directories.
        inner: Of Exif's, GPS' and interoperability's directories, by the tag that points to them.
        orientation: 1 to 8.
    """

    order: Order
    picture: Mapping[int, Entry] = field(default_factory=dict)
    inner: Mapping[int, Mapping[int, Entry]] = field(default_factory=dict)
    orientation: int = 1

    def __bool__(self) -> bool:
        return bool(self.picture or self.inner)


def read_exif(file: BinaryIO, size: int) -> Exif:
    """The tags of a TIFF file or of an Exif block, from its byte order on.

    Thumbnails, strips and tiles are not looked at.

    Args:
        file: At its beginning.
        size: Of the whole, in bytes.

    Raises:
        ValueError: It is damaged.
    """
    reader = _Reader(file, size)
    first = reader.directory(reader.first, _READ)
    inner = {}
    for pointer in (EXIF, GPS):
        if pointer in first:
            inner[pointer] = reader.directory(reader.number(first[pointer]))
    if INTEROPERABILITY in inner.get(EXIF, {}):
        inner[INTEROPERABILITY] = reader.directory(reader.number(inner[EXIF].pop(INTEROPERABILITY)))
    turned = reader.number(first[ORIENTATION]) if ORIENTATION in first else 1
    return Exif(
        reader.order,
        {tag: entry for tag, entry in first.items() if tag in _KEPT},
        {pointer: entries for pointer, entries in inner.items() if entries},
        turned if 1 <= turned <= 8 else 1,
    )


def fitted(exif: Exif, size: tuple[int, int]) -> Exif:
    """With the dimensions of a picture of `size`, (height, width), that stands upright."""
    if EXIF not in exif.inner:
        return exif
    sides = zip((PIXEL_HEIGHT, PIXEL_WIDTH), size, strict=True)
    entries = {**exif.inner[EXIF], **{tag: (_LONG, struct.pack(exif.order + "I", side)) for tag, side in sides}}
    return Exif(exif.order, exif.picture, {**exif.inner, EXIF: entries})


def ordered(exif: Exif, order: Order) -> Exif:
    """In another byte order. A maker's note stays as it is."""
    if exif.order == order:
        return exif
    inner = {pointer: _turned(entries) for pointer, entries in exif.inner.items()}
    return Exif(order, _turned(exif.picture), inner, exif.orientation)


def exif_bytes(exif: Exif, resolution: tuple[float, float] | None) -> bytes:
    """An Exif block, upright, from its byte order on.

    Args:
        exif: See there.
        resolution: Pixels an inch, along rows and along columns.

    Raises:
        ValueError: It is larger than `MOST_BYTES`.
    """
    order = exif.order
    first = {**exif.picture, ORIENTATION: (_SHORT, struct.pack(order + "H", 1))}
    if resolution is not None:
        for tag, dots in zip((X_RESOLUTION, Y_RESOLUTION), resolution, strict=True):
            first[tag] = (_RATIONAL, struct.pack(order + "II", *rational(dots)))
        first[RESOLUTION_UNIT] = (_SHORT, struct.pack(order + "H", 2))
    head = 8
    pointers = [pointer for pointer in (EXIF, GPS) if pointer in exif.inner]
    place = head + len(directory_bytes({**first, **{pointer: (_LONG, bytes(4)) for pointer in pointers}}, 0, order))
    behind = b""
    for pointer in pointers:
        first[pointer] = (_LONG, struct.pack(order + "I", place + len(behind)))
        behind += inner_bytes(exif, pointer, place + len(behind))
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", head)
    block += directory_bytes(first, head, order) + behind
    if len(block) > MOST_BYTES:
        raise ValueError(f"{len(block)} bytes")
    return block


def inner_bytes(exif: Exif, pointer: int, place: int) -> bytes:
    """Exif's or GPS' directory as it is written at `place`, with interoperability's behind Exif's."""
    entries = dict(exif.inner[pointer])
    nested = exif.inner.get(INTEROPERABILITY) if pointer == EXIF else None
    if nested is None:
        return directory_bytes(entries, place, exif.order)
    entries[INTEROPERABILITY] = (_LONG, bytes(4))
    behind = place + len(directory_bytes(entries, place, exif.order))
    entries[INTEROPERABILITY] = (_LONG, struct.pack(exif.order + "I", behind))
    return directory_bytes(entries, place, exif.order) + directory_bytes(nested, behind, exif.order)


def directory_bytes(entries: Mapping[int, Entry], place: int, order: Order) -> bytes:
    """A directory that is written at `place`, its values behind it; it has no next one."""
    values = place + 2 + 12 * len(entries) + 4
    table, behind = struct.pack(order + "H", len(entries)), b""
    for tag, (kind, value) in sorted(entries.items()):
        table += struct.pack(order + "HHI", tag, kind, len(value) // SIZES[kind])
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", values + len(behind))
            behind += value + bytes(len(value) % 2)
    return table + bytes(4) + behind


def rational(value: float) -> tuple[int, int]:
    """Numerator and denominator of 32 bits."""
    denominator = 10_000 if value < 400_000 else 1
    return min(round(value * denominator), 2**32 - 1), denominator


def block(data: bytes) -> Exif:
    """`read_exif` of a block with or without the name that JPEG puts before it."""
    data = data.removeprefix(b"Exif\0\0")
    return read_exif(io.BytesIO(data), len(data))


def _turned(entries: Mapping[int, Entry]) -> dict[int, Entry]:
    return {tag: (kind, _swapped(value, _ITEMS[kind])) for tag, (kind, value) in entries.items()}


def _swapped(value: bytes, width: int) -> bytes:
    return b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))


class _Reader:
    """Reads directories, and in all no more than `MOST_BYTES`, however often they point to the same.

    Values for which there is no more room are left out.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size, self._left = file, size, MOST_BYTES
        head = self._at(0, 8)
        if head[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no byte order")
        self.order: Order = "<" if head.startswith(b"II") else ">"
        (self.first,) = struct.unpack(self.order + "I", head[4:])

    def directory(self, place: int, wanted: Container[int] = range(2**16)) -> dict[int, Entry]:
        (count,) = struct.unpack(self.order + "H", self._at(place, 2))
        table = self._at(place + 2, 12 * count)
        entries: dict[int, Entry] = {}
        for tag, kind, number, inline in struct.iter_unpack(self.order + "HHI4s", table):
            length = SIZES.get(kind, 0) * number
            if not 0 < length <= self._left or tag not in wanted:
                continue
            value = inline[:length] if length <= 4 else self._at(struct.unpack(self.order + "I", inline)[0], length)
            entries[tag] = (kind, value)
        return entries

    def number(self, entry: Entry) -> int:
        kind, value = entry
        if kind not in (_BYTE, _SHORT, _LONG):
            raise ValueError(f"a whole number of type {kind}")
        return int.from_bytes(value[: SIZES[kind]], "little" if self.order == "<" else "big")

    def _at(self, place: int, length: int) -> bytes:
        self._left -= length
        if self._left < 0 or place + length > self._size:
            raise ValueError("more than there is room for")
        self._file.seek(place)
        data = self._file.read(length)
        if len(data) < length:
            raise ValueError("cut off")
        return data
