"""Cameras' raw files, developed by LibRaw where rawpy is installed: the same way for every frame of a stack."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from bridgetune.pictures._door import opened, refuse_long, size_of
from bridgetune.pictures._room import ARITHMETIC, refuse_without_room
from bridgetune.pictures._samples import Pixels, upright_size


def can_develop() -> bool:
    """Whether rawpy is installed."""
    return find_spec("rawpy") is not None


def read_raw(path: Path) -> Pixels:
    """Develop to (H, W, 3) sRGB of 16 bits, upright, by the camera's white balance. Raises whatever rawpy does.

    Brightness is left as it was exposed: measured on each frame, it would differ from frame to frame.
    """
    with raw_image(path) as image:
        developed = image.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True)
        return np.asarray(developed)


def no_raw_alpha(path: Path) -> None:
    """What a camera took is opaque."""


def raw_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture, from the header."""
    with raw_image(path) as image:
        sizes = image.sizes
        return upright_size((sizes.iheight, sizes.iwidth), sizes.flip)


def raw_preview(path: Path) -> bytes:
    """The JPEG picture that a camera puts beside its own, which has its Exif; empty where there is none."""
    import rawpy

    with raw_image(path) as image:
        try:
            preview = image.extract_thumb()
        except rawpy.LibRawError:
            return b""
        return bytes(preview.data) if preview.format == rawpy.ThumbFormat.JPEG else b""


@contextmanager
def raw_image(path: Path) -> Iterator[Any]:
    """The file before its pixels are unpacked, as rawpy has it; its size is checked."""
    import rawpy

    with opened(path) as file:
        held = size_of(file)
        refuse_long("raw", held)
        with rawpy.imread(io.BytesIO(file.read())) as image:
            sizes = image.sizes
            refuse_without_room(
                (sizes.raw_height, sizes.raw_width), 2, sizes.raw_height * sizes.raw_width, held, ARITHMETIC
            )
            yield image
