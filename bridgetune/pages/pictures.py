"""Pictures as a page holds them: eight bits, JPEG for what a camera saw, PNG for maps."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QUALITY = 92
"""Of JPEG: at its size on a screen nobody tells it from the picture; it is no file to measure."""


def shown(pixels: NDArray[Any]) -> bytes:
    """A picture as a file.

    Args:
        pixels: (H, W), a map or a gray picture, or (H, W, 3); uint8, uint16, or floating point in [0, 1].
    """
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = (np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG" if pixels.ndim == 2 else "JPEG", quality=QUALITY)
    return written.getvalue()
