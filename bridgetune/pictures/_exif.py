"""Exif as bytes: a directory of tags with directories in it, taken apart and put together, value by value unchanged.

Nothing is decoded but what has to be: where values lie, and the few that a fused image changes.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from bridgetune.pictures import _directories
from bridgetune.pictures._directories import ORIENTATION, Directories, Order

Entry = tuple[int, bytes]
"""Type and value, in the byte order of the whole."""

MOST_BYTES = 65_000
"""Of all values together: JPEG has no room for more."""

EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
"""Tags that point to directories, in TIFF's first one and, the last, in Exif's."""

X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SOFTWARE = 282, 283, 296, 305
MAKER_NOTE, PIXEL_WIDTH, PIXEL_HEIGHT = 37500, 40962, 40963
DESCRIPTION = 270

_KEPT = {DESCRIPTION, 271, 272, SOFTWARE, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)}
"""What is said of a picture in the first directory; the others say how its pixels are stored."""

_READ = {*_KEPT, ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, EXIF, GPS}

SIZES = {kind: size for kind, size in _directories.SIZES.items() if kind <= 12}
"""Bytes of a value of each type that Exif has."""

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
        resolution: Pixels an inch, along rows and along columns; None where that is not said.
    """

    order: Order
    picture: Mapping[int, Entry] = field(default_factory=dict)
    inner: Mapping[int, Mapping[int, Entry]] = field(default_factory=dict)
    orientation: int = 1
    resolution: tuple[float, float] | None = None

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
        _resolution(reader, first),
    )


def _resolution(reader: _Reader, first: Mapping[int, Entry]) -> tuple[float, float] | None:
    if X_RESOLUTION not in first or Y_RESOLUTION not in first:
        return None
    try:
        unit = reader.number(first[RESOLUTION_UNIT]) if RESOLUTION_UNIT in first else 2
        across, down = (reader.ratio(first[tag]) for tag in (X_RESOLUTION, Y_RESOLUTION))
    except ValueError:  # numbers of another type are no reason to leave out the rest
        return None
    return per_inch(across, down, unit)


def per_inch(across: float, down: float, unit: int) -> tuple[float, float] | None:
    """Pixels a unit of TIFF's, 2 for an inch and 3 for a centimetre, as pixels an inch; None where nothing is said."""
    scale = {2: 1.0, 3: 2.54}.get(unit)
    if scale is None or across == down == 0:
        return None
    return across * scale, down * scale


def fitted(exif: Exif, size: tuple[int, int]) -> Exif:
    """With the dimensions of a picture of `size`, (height, width), that stands upright."""
    if EXIF not in exif.inner:
        return exif
    sides = zip((PIXEL_HEIGHT, PIXEL_WIDTH), size, strict=True)
    entries = {**exif.inner[EXIF], **{tag: (_LONG, struct.pack(exif.order + "I", side)) for tag, side in sides}}
    return replace(exif, inner={**exif.inner, EXIF: entries})


def ordered(exif: Exif, order: Order) -> Exif:
    """In another byte order. A maker's note stays as it is."""
    if exif.order == order:
        return exif
    inner = {pointer: _turned(entries) for pointer, entries in exif.inner.items()}
    return replace(exif, order=order, picture=_turned(exif.picture), inner=inner)


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
    """Reads directories, and in all no more than `MOST_BYTES` of values, however often they point to the same.

    Values for which there is no more room are left out.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._directories, self._left = Directories(file, size), MOST_BYTES
        self.order, self.first = self._directories.order, self._directories.first
        if self._directories.big:
            raise ValueError("a BigTIFF, which is no Exif")

    def directory(self, place: int, wanted: Container[int] = range(2**16)) -> dict[int, Entry]:
        entries: dict[int, Entry] = {}
        for tag, value in self._directories.at(place)[0].items():
            if tag in wanted and value.kind in SIZES and 0 < value.size <= self._left:
                self._left -= value.size
                entries[tag] = (value.kind, self._directories.content(value))
        return entries

    def number(self, entry: Entry) -> int:
        kind, value = entry
        if kind not in (_BYTE, _SHORT, _LONG):
            raise ValueError(f"a whole number of type {kind}")
        return int.from_bytes(value[: SIZES[kind]], "little" if self.order == "<" else "big")

    def ratio(self, entry: Entry) -> float:
        kind, value = entry
        if kind != _RATIONAL:
            raise ValueError(f"a ratio of type {kind}")
        above, below = struct.unpack_from(self.order + "II", value)
        return above / below if below else math.nan
