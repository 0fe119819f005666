"""Pairs to try the page with: photographs that come along with another package, made sharp in parts."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgetune.app.tiles import as_png, fitted
from bridgetune.app.uploads import Upload
from bridgetune.errors import RequestError

THUMBNAIL = 280
"""Pixels of the longer side, at the most."""

_LETTERS = ("A", "B")


class Example(NamedTuple):
    """A pair.

    Attributes:
        name: What it shows.
        pictures: Both, (H, W, 3) uint8.
    """

    name: str
    pictures: tuple[NDArray[np.uint8], NDArray[np.uint8]]

    def thumbnail(self, side: int) -> bytes:
        """One of both, small, PNG."""
        return as_png(fitted(self.pictures[side], THUMBNAIL))

    def put(self, folder: Path) -> list[Upload]:
        """Both as if they had been sent."""
        uploads = []
        for letter, pixels in zip(_LETTERS, self.pictures, strict=True):
            path = folder / f"sent-{letter}.png"
            path.write_bytes(as_png(pixels))
            uploads.append(Upload(f"{self.name}, {letter}.png", path))
        return uploads


class Examples:
    """Pairs of `bridgetune demo`, made when they are first asked for; none without the package that brings them."""

    def __init__(self) -> None:
        self._made: list[Example] = []
        self._making = threading.Lock()

    def all(self) -> list[Example]:
        """One of each photograph."""
        with self._making:
            if not self._made and importlib.util.find_spec("skimage") is not None:
                self._made = _made()
        return self._made

    def find(self, number: int) -> Example:
        """One of them, counted from 0.

        Raises:
            RequestError: There is none.
        """
        examples = self.all()
        if not 0 <= number < len(examples):
            raise RequestError("this example is not there; reload the page")
        return examples[number]


def _made() -> list[Example]:
    from bridgetune.data import to_pixels
    from bridgetune.demo.photographs import HeldOut

    found: dict[str, Example] = {}
    for name, pair in HeldOut().named.items():
        shows = name.partition(",")[0]
        pixels = [to_pixels(image).astype(np.uint8) for image in (pair.first, pair.second)]
        found.setdefault(shows, Example(shows, (pixels[0], pixels[1])))
    return list(found.values())
