"""Files as cameras and telephones write them, small."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import tifffile
from PIL import Image

MAKER, DATED, ORIENTATION = 271, 306, 274
"""Tags of Exif and TIFF."""

RED = (250, 10, 10)
SCENE = np.zeros((48, 64, 3), np.uint8)
SCENE[:] = (40, 120, 200)
SCENE[:24, :32] = RED
SCENE[24:, 32:] = (230, 230, 20)
"""(48, 64, 3): four fields, red in the corner that is stored first."""


def heif(pixels: np.ndarray, orientation: int = 1, exif: bytes = b"") -> bytes:
    """A HEIC of 8 or, of uint16, 10 bits, to be shown turned. Needs pillow-heif."""
    import pillow_heif

    height, width = pixels.shape[:2]
    mode = "RGB;16" if pixels.dtype == np.uint16 else "RGB"
    image: Any = pillow_heif.from_bytes(mode, (width, height), pixels.tobytes())
    if orientation != 1:
        turned = Image.Exif()
        turned[ORIENTATION] = orientation
        exif = turned.tobytes()
    if exif:
        image.info["exif"] = exif
    file = io.BytesIO()
    image.save(file, quality=-1, chroma=444)
    return file.getvalue()


def dng(orientation: int = 1, brightness: float = 1.0) -> bytes:
    """A raw picture of 96×128 single colours in a pattern, a ramp from dark on the left to bright."""
    ramp = np.broadcast_to(1000 + 200 * np.arange(128), (96, 128))
    samples = np.rint(ramp * brightness).astype(np.uint16)
    identity = [part for value in np.eye(3, dtype=int).ravel() for part in (int(value), 1)]
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        samples,
        photometric=32803,
        metadata=None,
        extratags=[
            (MAKER, "s", 0, "Maker", True),
            (272, "s", 0, "Camera", True),
            (ORIENTATION, "H", 1, orientation, True),
            (33421, "H", 2, (2, 2), True),  # the pattern's size, and its colours
            (33422, "B", 4, bytes([0, 1, 1, 2]), True),
            (50706, "B", 4, bytes([1, 4, 0, 0]), True),  # DNG 1.4, readable by 1.1
            (50707, "B", 4, bytes([1, 1, 0, 0]), True),
            (50708, "s", 0, "Maker Camera", True),
            (50714, "H", 1, 0, True),  # black and white
            (50717, "H", 1, 65535, True),
            (50721, 10, 9, identity, True),  # from XYZ to the camera's colours
            (50728, 5, 3, [1, 1] * 3, True),  # neutral
            (50778, "H", 1, 21, True),  # under D65
        ],
    )
    return file.getvalue()
