"""Every format but TIFF, decoded by Pillow; PNG of 16 bits, which Pillow cuts to 8, by imagecodecs."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin
from PIL.ExifTags import Base as ExifTag
from PIL.ImageFile import ImageFile

from bridgetune.pictures._samples import Pixels, UnsupportedError, unsigned, upright, upright_size

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PNG_DEPTH_AT = 24


def read_pillow(path: Path) -> Pixels:
    """Decode to (H, W) or (H, W, 3), upright, alpha dropped. Raises whatever Pillow does."""
    with _open(path) as image:
        orientation = _orientation(image)
        pixels = _decode_png16(path) if _is_png16(path) else _decode(image)
    return upright(pixels, orientation)


def read_pillow_alpha(path: Path) -> Pixels | None:
    """(H, W) upright, 0 where the picture is transparent; None where the file has no such channel."""
    with _open(path) as image:
        orientation = _orientation(image)
        if image.mode not in ("LA", "La", "PA", "RGBA", "RGBa") and "transparency" not in image.info:
            return None
        if not _is_png16(path):
            return upright(np.asarray(image.convert("RGBA"))[..., 3], orientation)
    samples = imagecodecs.png_decode(path.read_bytes())
    return upright(samples[..., -1], orientation) if samples.ndim == 3 and samples.shape[2] in (2, 4) else None


def pillow_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture, from the header."""
    with _open(path) as image:
        return upright_size((image.height, image.width), _orientation(image))


def holds_jpeg(path: Path) -> bool:
    """Whether the file begins as a JPEG does, whatever its suffix."""
    with path.open("rb") as file:
        return file.read(len(_JPEG)) == _JPEG


def _open(path: Path) -> ImageFile:
    # Microscopes' pictures exceed the limit on pixels in Image.open, which only global state can lift;
    # the classes of the formats that grow so large have none.
    with path.open("rb") as file:
        head = file.read(len(_PNG))
    if head == _PNG:
        return PngImagePlugin.PngImageFile(path)
    if head.startswith(_JPEG):
        return JpegImagePlugin.JpegImageFile(path)
    return Image.open(path)


def _orientation(image: ImageFile) -> int:
    # getexif() decodes all of a PNG to look for an Exif chunk behind the pixels, where hardly any is.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ExifTag.Orientation, 1))


def _is_png16(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_PNG_DEPTH_AT + 1)
    return head.startswith(_PNG) and head[_PNG_DEPTH_AT] == 16


def _decode_png16(path: Path) -> Pixels:
    samples = unsigned(imagecodecs.png_decode(path.read_bytes()), bits=16)
    if samples.ndim == 3:
        return samples[..., :3] if samples.shape[2] >= 3 else samples[..., 0]
    return samples


def _decode(image: ImageFile) -> Pixels:
    if image.mode in ("1", "L", "LA", "La"):
        return np.asarray(image.convert("L"))
    if image.mode == "F":
        return unsigned(np.asarray(image), bits=32)
    if image.mode.startswith("I"):  # 16 bit, in 16 or in 32: PGM, JPEG 2000
        samples = np.asarray(image)
        if not 0 <= samples.min() <= samples.max() <= 65535:
            raise UnsupportedError(
                f"samples from {samples.min()} to {samples.max()}, expected up to 16 bits; rescale it"
            )
        return samples.astype(np.uint16)
    if image.mode in ("P", "PA"):  # straight to RGB, Pillow warns of transparency
        return np.asarray(image.convert("RGBA"))[..., :3]
    return np.asarray(image.convert("RGB"))
