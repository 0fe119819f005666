"""HEIC and HEIF, as telephones and some cameras write them, decoded by pillow-heif where that is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from bridgetune.pictures._door import HEIF_MISSING, opened, size_of
from bridgetune.pictures._room import ARITHMETIC, refuse_without_room
from bridgetune.pictures._samples import Pixels, UnsupportedError, unsigned


def read_heif(path: Path) -> Pixels:
    """Decode to (H, W) or (H, W, 3), upright, alpha dropped. Raises whatever pillow-heif does besides.

    What is turned in the file is turned by the decoder: the orientation of Exif does not count in this format.
    """
    with heif_image(path) as image:
        samples = _samples(image)
        return samples[..., 0] if samples.shape[-1] < 3 else samples[..., :3]


def read_heif_alpha(path: Path) -> Pixels | None:
    """(H, W) upright, 0 where the picture is transparent; None where the file has no such channel.

    Raises:
        UnsupportedError: Colours are multiplied by it already.
    """
    with heif_image(path) as image:
        kind = image.mode.partition(";")[0]
        if kind.endswith("a"):
            raise UnsupportedError("colours that are multiplied by their transparency")
        return _samples(image)[..., -1] if kind in ("LA", "RGBA") else None


def heif_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture, from the header."""
    with heif_image(path) as image:
        width, height = image.size
        return height, width


@contextmanager
def heif_image(path: Path) -> Iterator[Any]:
    """The main picture before it is decoded, as pillow-heif has it; its size is checked.

    Raises:
        UnsupportedError: pillow-heif is not installed.
    """
    if find_spec("pillow_heif") is None:
        raise UnsupportedError(HEIF_MISSING)
    import pillow_heif

    with opened(path) as file:
        # Samples of 10 and 12 bits come as they are, so that white becomes white.
        found = pillow_heif.open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        image = found[found.primary_index]
        width, height = image.size
        itemsize = 1 if image.info["bit_depth"] <= 8 else 2
        refuse_without_room((height, width), itemsize, width * height, size_of(file), ARITHMETIC)
        yield image


def _samples(image: Any) -> Pixels:
    """(H, W, C) on the full scale of 8 or 16 bits."""
    samples = unsigned(np.asarray(image), image.info["bit_depth"])
    return samples[..., None] if samples.ndim == 2 else samples
