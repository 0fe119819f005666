"""From what decoders return to unsigned samples of 8 or 16 bits that stand upright."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8 | np.uint16]
"""(H, W) gray or (H, W, 3) RGB, 0 to the full scale of the type."""


_ROWS = 64


class UnsupportedError(ValueError):
    """The file is whole, and of a kind that is not read. The message lacks the file's name."""


def unsigned(samples: NDArray[Any], bits: int) -> Pixels:
    """Samples stretched to the full scale of uint8 (up to 8 bits a sample) or uint16 (up to 16, and float).

    Args:
        samples: Any shape; bool, unsigned with values up to 2^bits - 1, or float in [0, 1].
        bits: Bits a sample in the file; not looked at for float.

    Raises:
        UnsupportedError: For other types, and for float outside [0, 1].
    """
    if samples.dtype.kind == "f":
        low, high = samples.min(), samples.max()
        if not 0 <= low <= high <= 1:
            raise UnsupportedError(
                f"float samples from {low:g} to {high:g}, expected 0 to 1; scale them or save 16 bit"
            )
        return np.rint(samples.astype(np.float32) * 65535).astype(np.uint16)
    if samples.dtype.kind not in "bu" or bits > 16:
        raise UnsupportedError(
            f"samples of type {samples.dtype}, expected unsigned of up to 16 bits or float in [0, 1];"
            " convert the file to 16 bit"
        )
    if bits in (8, 16):
        return samples.astype(f"u{bits // 8}", copy=False)
    kind, full = (np.uint8, 255) if bits < 8 else (np.uint16, 65535)
    stretched: Pixels = np.rint(samples.astype(np.float32) * (full / (2**bits - 1))).astype(kind)
    return stretched


def cmyk_to_rgb(cmyk: Pixels) -> Pixels:
    """Naive conversion without a colour profile, (H, W, 4) -> (H, W, 3)."""
    full = np.iinfo(cmyk.dtype).max
    rgb = np.empty((*cmyk.shape[:2], 3), cmyk.dtype)
    for top in range(0, len(cmyk), _ROWS):  # floats of the whole would take five times its memory
        rest = full - cmyk[top : top + _ROWS].astype(np.float32)
        rgb[top : top + _ROWS] = np.rint(rest[..., :3] * rest[..., 3:] / full)
    return rgb


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply the orientation of Exif and TIFF, tag 274; what is not in 1 to 8 leaves the pixels alone."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(height, width) after `upright`."""
    return (size[1], size[0]) if orientation in (5, 6, 7, 8) else size
