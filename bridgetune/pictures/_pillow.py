"""Every format but TIFF, decoded by Pillow; PNG of 16 bits, which Pillow cuts to 8, and of colours by imagecodecs."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from bridgetune.pictures._directories import ORIENTATION, Directories
from bridgetune.pictures._door import Format, format_of, opened, size_of
from bridgetune.pictures._jpeg import jpeg_parts, jpeg_pixels, refuse_filled
from bridgetune.pictures._png import png_parts, png_pixels
from bridgetune.pictures._room import ARITHMETIC, LZW, RUNS, refuse_without_room
from bridgetune.pictures._samples import Pixels, UnsupportedError, unsigned, upright, upright_size

_EXIF = b"Exif\0\0"
_MOST_WEBP = 1 << 28
_MOST_TILES = 4096

STRIP = 256
"""Rows of a decoded picture that are copied at once."""


def read_pillow(path: Path) -> Pixels:
    """Decode to (H, W) or (H, W, 3), upright, alpha dropped. Raises whatever Pillow does."""
    kind = format_of(path)
    with opened(path) as file:
        if kind is Format.PNG:
            png = png_parts(file, checked=True)
            bare = png_pixels(file, png)
            direct = png.bits == 16 or (png.bits == 8 and png.color)
            pixels = _decode_png(bare, png.bits) if direct else _decode(PngImagePlugin.PngImageFile(bare))
            return upright(pixels, _orientation(png.exif))
        if kind is Format.JPEG:
            jpeg = jpeg_parts(file)
            bare = jpeg_pixels(file, jpeg)
            pixels = _decode(JpegImagePlugin.JpegImageFile(bare))
            refuse_filled(jpeg, bare, pixels)
            return upright(pixels, _orientation(jpeg.exif))
        with other_image(file, kind) as image:
            return upright(_decode(image), _orientation(image.info.get("exif", b"")))


def read_pillow_alpha(path: Path) -> Pixels | None:
    """(H, W) upright, 0 where the picture is transparent; None where the file has no such channel."""
    kind = format_of(path)
    with opened(path) as file:
        if kind is Format.JPEG:
            return None
        if kind is not Format.PNG:
            with other_image(file, kind) as image:
                return _alpha(image, _orientation(image.info.get("exif", b"")))
        png = png_parts(file, checked=False)
        bare = png_pixels(file, png)
        orientation = _orientation(png.exif)
        if png.bits < 16:
            return _alpha(PngImagePlugin.PngImageFile(bare), orientation)
        samples = imagecodecs.png_decode(bare.getvalue())
        return upright(samples[..., -1], orientation) if samples.ndim == 3 and samples.shape[2] in (2, 4) else None


def pillow_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture, from the header."""
    kind = format_of(path)
    with opened(path) as file:
        if kind in (Format.PNG, Format.JPEG):
            parts = png_parts(file, checked=False) if kind is Format.PNG else jpeg_parts(file)
            return upright_size(parts.size, _orientation(parts.exif))
        with other_image(file, kind) as image:
            return upright_size((image.height, image.width), _orientation(image.info.get("exif", b"")))


@contextmanager
def other_image(file: BinaryIO, kind: Format) -> Iterator[ImageFile]:
    """A picture of another format than PNG and JPEG as Pillow has it before it is decoded, its size checked."""
    plugin, check = _OTHERS[kind]
    held = size_of(file)
    # Of the classes, none looks for another program, and none has the limit of Image.open on pixels, which
    # microscopes' pictures exceed.
    if kind is Format.WEBP:
        _refuse_webp(file, held)
    file.seek(0)
    with plugin(file) as image:
        check(image, held)
        yield image


def _alpha(image: ImageFile, orientation: int) -> Pixels | None:
    if image.mode not in ("LA", "La", "PA", "RGBA", "RGBa") and "transparency" not in image.info:
        return None
    return upright(np.asarray(image.convert("RGBA"))[..., 3], orientation)


def _orientation(exif: bytes) -> int:
    block = exif.removeprefix(_EXIF)
    try:
        tags = Directories(io.BytesIO(block), len(block))
        return next(iter(tags.numbers(tags.at(tags.first)[0], ORIENTATION)), 1)
    except ValueError:  # what says nothing of pixels does not keep them from being read
        return 1


def _decode_png(bare: io.BytesIO, bits: int) -> Pixels:
    """Faster than by Pillow, whose samples are copied twice."""
    samples = unsigned(imagecodecs.png_decode(bare.getvalue()), bits=bits)
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
    return _in_strips(image if image.mode == "RGB" else image.convert("RGB"))


def _in_strips(image: Image.Image) -> Pixels:
    """The samples of a decoded RGB picture, some rows after the other: Pillow copies what is asked for twice."""
    image.load()
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        rows = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        pixels[top : top + STRIP] = np.asarray(rows)
    return pixels


def _check_bmp(image: ImageFile, held: int) -> None:
    runs = image.tile[0].codec_name == "bmp_rle"
    stride = -(-image.width * {"1": 1, "L": 8, "P": 8}.get(image.mode, 16) // 32) * 4
    stored = image.width * image.height if runs else stride * image.height
    if image.mode == "P" and not runs:  # of 4 bits, perhaps
        stored //= 2
    refuse_without_room(image.size[::-1], 1, stored, held, RUNS if runs else 1)


def _check_pnm(image: ImageFile, held: int) -> None:
    bits = 1 if image.mode == "1" else 8 * len(image.getbands())
    refuse_without_room(
        image.size[::-1], 1 + image.mode.startswith("I"), image.width * image.height * bits // 8, held, 1
    )


def _check_gif(image: ImageFile, held: int) -> None:
    refuse_without_room(image.size[::-1], 1, image.width * image.height, held, LZW)


def _check_jpeg_2000(image: ImageFile, held: int) -> None:
    refuse_without_room(image.size[::-1], 1 + image.mode.startswith("I"), image.width * image.height, held, ARITHMETIC)
    assert image.fp is not None
    image.fp.seek(0)
    head = image.fp.read(1 << 16)
    image.fp.seek(0)
    at = head.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(head) < at + 40:
        raise ValueError("it has no pixels")
    right, bottom, left, top, width, height, tile_left, tile_top = struct.unpack_from(">8I", head, at + 8)
    if not left < right or not top < bottom or not width or not height:
        raise ValueError("it declares no pixels")
    tiles = -(-(right - tile_left) // width) * -(-(bottom - tile_top) // height)
    if not 0 < tiles <= max(_MOST_TILES, held // 64):
        raise ValueError(f"{tiles} tiles in {held} bytes")


def _check_webp(image: ImageFile, held: int) -> None:
    refuse_without_room(image.size[::-1], 1, image.width * image.height, held, ARITHMETIC)


def _refuse_webp(file: BinaryIO, held: int) -> None:
    """Refuse a canvas before Pillow takes memory for it, and a file that is not as long as it says."""
    head = file.read(30)
    if len(head) < 30 or int.from_bytes(head[4:8], "little") + 8 > held:
        raise ValueError("it is cut off")
    if held > _MOST_WEBP:
        raise ValueError(f"a WebP of {held} bytes")
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    else:
        raise ValueError(f"a WebP of kind {kind!r}")
    refuse_without_room((height, width), 1, width * height, held, ARITHMETIC)


_OTHERS: dict[Format, tuple[type[ImageFile], Callable[[ImageFile, int], None]]] = {
    Format.BMP: (BmpImagePlugin.BmpImageFile, _check_bmp),
    Format.WEBP: (WebPImagePlugin.WebPImageFile, _check_webp),
    Format.GIF: (GifImagePlugin.GifImageFile, _check_gif),
    Format.JPEG_2000: (Jpeg2KImagePlugin.Jpeg2KImageFile, _check_jpeg_2000),
    Format.PNM: (PpmImagePlugin.PpmImageFile, _check_pnm),
}
