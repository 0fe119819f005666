"""The directories of TIFF and Exif, walked within bounds: where values lie, and whether they are there."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import BinaryIO, Literal, NamedTuple

Order = Literal["<", ">"]

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value of each type."""

_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}

ORIENTATION = 274
SUB_DIRECTORIES = 330

MOST_TAGS = 4096
MOST_DIRECTORIES = 1 << 16
MOST_BYTES = 1 << 26
"""Of a tag's values; the descriptions of microscopes are the longest."""


class Value(NamedTuple):
    """Where a tag's values lie."""

    kind: int
    number: int
    place: int

    @property
    def size(self) -> int:
        """Bytes; 0 of a kind that nobody knows."""
        return SIZES.get(self.kind, 0) * self.number


Directory = Mapping[int, Value]


class Directories:
    """A file's directories.

    Args:
        file: TIFF, BigTIFF or an Exif block, from its byte order on.
        size: Its bytes.

    Attributes:
        order: Of bytes, as in `struct`.
        big: Whether it is BigTIFF.
        first: Where the first directory is.

    Raises:
        ValueError: Its beginning is damaged.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        head = self._at(0, 8)
        if head[:2] not in (b"II", b"MM"):
            raise ValueError("a directory without a byte order")
        self.order: Order = "<" if head.startswith(b"II") else ">"
        self.big = struct.unpack(f"{self.order}H", head[2:4])[0] == 43
        self._offset, self._number = ("Q", "Q") if self.big else ("I", "H")
        self.first = self._integer(8 if self.big else 4, self._offset)

    def chain(self) -> dict[int, Directory]:
        """The directories that follow one another from the first, by where each is.

        Raises:
            ValueError: They return to one another, or lie beyond the end.
        """
        found: dict[int, Directory] = {}
        place = self.first
        while place:
            if place in found:
                raise ValueError("its pages return to one another")
            if len(found) == MOST_DIRECTORIES:
                raise ValueError(f"more than {MOST_DIRECTORIES} pages")
            directory, following = self.at(place)
            if not directory:
                raise ValueError("a directory of 0 tags")
            found[place], place = directory, following
        return found

    def at(self, place: int) -> tuple[Directory, int]:
        """The directory at a place, and where the next one is; 0 for none."""
        count = self._integer(place, self._number)
        if count > MOST_TAGS:
            raise ValueError(f"a directory of {count} tags")
        place += struct.calcsize(f"={self._number}")
        entry = struct.Struct(f"{self.order}HH{self._offset}")
        room = struct.calcsize(f"={self._offset}")
        step = entry.size + room
        table = self._at(place, step * count)
        tags: dict[int, Value] = {}
        for index in range(count):
            tag, kind, number = entry.unpack_from(table, step * index)
            value = Value(kind, number, place + step * index + entry.size)
            if value.size > room:
                value = value._replace(place=self._integer(value.place, self._offset))
            tags.setdefault(tag, value)
        end = place + step * count
        return tags, self._integer(end, self._offset) if end + room <= self._size else 0

    def refuse_cut_off(self, directory: Directory) -> None:
        """Refuse values that lie beyond the end, or are too many to be any."""
        for tag, value in directory.items():
            if value.size > MOST_BYTES:
                raise ValueError(f"tag {tag} has {value.size} bytes")
            if value.place + value.size > self._size:
                raise ValueError(f"the values of tag {tag} lie beyond its end")

    def numbers(self, directory: Directory, tag: int, most: int = 64) -> tuple[int, ...]:
        """A tag's whole numbers, `most` at most; none where it is missing or of another kind."""
        value = directory.get(tag)
        if value is None or value.kind not in _WHOLE:
            return ()
        kind = f"{self.order}{min(value.number, most)}{_WHOLE[value.kind]}"
        found: tuple[int, ...] = struct.unpack(kind, self._at(value.place, struct.calcsize(kind)))
        return found

    def content(self, value: Value) -> bytes:
        """A tag's values, in the order of the file."""
        return self._at(value.place, value.size)

    def _integer(self, place: int, kind: str) -> int:
        return int(struct.unpack(f"{self.order}{kind}", self._at(place, struct.calcsize(f"={kind}")))[0])

    def _at(self, place: int, length: int) -> bytes:
        if place + length > self._size:
            raise ValueError("a directory lies beyond its end")
        self._file.seek(place)
        data = self._file.read(length)
        if len(data) < length:
            raise ValueError("it is cut off")
        return data
